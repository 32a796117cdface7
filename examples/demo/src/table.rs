//! Tables of text: aligned columns, long cells cut.

use std::fmt;

/// The widest a cell may be, in characters.
const CELL_CHARS_MAX: usize = 58;

/// Rows under a heading. Numbers are set right.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with this heading.
    pub fn new<const N: usize>(heading: [&str; N]) -> Self {
        Self {
            rows: vec![heading.map(ToOwned::to_owned).to_vec()],
        }
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.map(|cell| cut(&cell)).to_vec());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.first().map_or(0, Vec::len);
        let cells = |column: usize| self.rows.iter().filter_map(move |row| row.get(column));
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                cells(column)
                    .map(|cell| cell.chars().count())
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        let numeric: Vec<bool> = (0..columns)
            .map(|column| cells(column).skip(1).all(|cell| is_number(cell)))
            .collect();
        for row in &self.rows {
            let cells = row.iter().zip(&widths).zip(&numeric);
            let cells = cells.map(|((cell, width), numeric)| {
                if *numeric {
                    format!("{cell:>width$}")
                } else {
                    format!("{cell:<width$}")
                }
            });
            let line = cells.collect::<Vec<_>>().join("  ");
            writeln!(f, "  {}", line.trim_end())?;
        }
        Ok(())
    }
}

/// A number with its thousands apart: 11,000.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn cut(cell: &str) -> String {
    let one_line = cell.replace('\n', " ");
    if one_line.chars().count() <= CELL_CHARS_MAX {
        return one_line;
    }
    let kept: String = one_line.chars().take(CELL_CHARS_MAX - 1).collect();
    format!("{kept}…")
}

fn is_number(cell: &str) -> bool {
    cell.chars()
        .all(|char| char.is_ascii_digit() || ",.".contains(char))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_numbers_to_the_right() {
        let mut table = Table::new(["what", "records"]);
        table.row(["pulled".to_owned(), count(11_000)]);
        table.row(["failed".to_owned(), count(2)]);
        let expected = "  what    records\n  pulled   11,000\n  failed        2\n";
        assert_eq!(table.to_string(), expected);
    }

    #[test]
    fn long_cells_are_cut() {
        let mut table = Table::new(["what"]);
        table.row(["x".repeat(100)]);
        let line = table
            .to_string()
            .lines()
            .last()
            .unwrap_or_default()
            .trim()
            .to_owned();
        assert_eq!(line.chars().count(), CELL_CHARS_MAX);
        assert!(line.ends_with('…'));
    }
}
