//! Days as PartnerOS writes them, `2026-03-05`, and as a portal might want them, `05/03/2026`.

use std::fmt;

/// A day of the Gregorian calendar, from year 1 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    year: u32,
    month: u32,
    day: u32,
}

impl Day {
    /// Reads `2026-03-05`.
    pub fn from_iso(text: &str) -> Option<Self> {
        let (year, rest) = text.split_once('-')?;
        let (month, day) = rest.split_once('-')?;
        Self::new(number(year, 4)?, number(month, 2)?, number(day, 2)?)
    }

    /// Reads `05/03/2026`.
    pub fn from_day_first(text: &str) -> Option<Self> {
        let (day, rest) = text.split_once('/')?;
        let (month, year) = rest.split_once('/')?;
        Self::new(number(year, 4)?, number(month, 2)?, number(day, 2)?)
    }

    /// Writes `2026-03-05`.
    pub fn iso(self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }

    fn new(year: u32, month: u32, day: u32) -> Option<Self> {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            2 => 28 + u32::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        (year >= 1 && (1..=days).contains(&day)).then_some(Self { year, month, day })
    }
}

/// Writes `05/03/2026`.
impl fmt::Display for Day {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{:02}/{:02}/{:04}",
            self.day, self.month, self.year
        )
    }
}

fn number(text: &str, digits: usize) -> Option<u32> {
    let plain = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_survive_the_way_there_and_back() {
        let day = Day::from_iso("2024-02-29").expect("a leap day");
        assert_eq!(day.to_string(), "29/02/2024");
        assert_eq!(Day::from_day_first("29/02/2024"), Some(day));
        assert_eq!(day.iso(), "2024-02-29");
    }

    #[test]
    fn days_that_never_were_are_refused() {
        for text in [
            "1900-02-29",
            "2026-13-01",
            "0000-01-01",
            "2026-3-5",
            "+026-03-05",
        ] {
            assert_eq!(Day::from_iso(text), None, "{text}");
        }
    }
}
