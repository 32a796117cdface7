//! Passes values on, whole numbers as such. Panics on a text that ends in `poison`, and on one in three batches of several
//! rows, by how much text they hold: such a batch goes through in parts.

use guest_components::{Column, DataType, Mapper, Plan, Transformed, texts};

#[derive(Debug)]
pub struct Guest;

/// One in so many batches is too much.
const MOODS: usize = 3;

impl Mapper for Guest {
    fn transform(plan: &Plan, batch: Vec<Column>) -> Result<Transformed, String> {
        let rows = batch.first().map_or(0, guest_components::rows);
        let held: usize = batch.iter().map(text_len).sum();
        assert!(rows < 2 || !held.is_multiple_of(MOODS), "not today");
        let swallow = |text: &str| {
            assert!(!text.ends_with("poison"), "that was poison");
            text.to_owned()
        };
        let mut columns = texts(plan, &batch, swallow);
        for (position, output) in plan.outputs.iter().enumerate() {
            let rule = plan
                .rules
                .iter()
                .find(|rule| rule.output as usize == position);
            let input = rule.and_then(|rule| batch.get(*rule.inputs.first()? as usize));
            if let (DataType::Integer, Some(Column::Text(cells)), Column::Integer(whole)) =
                (output.data_type, input, &mut columns[position])
            {
                *whole = cells
                    .iter()
                    .map(|cell| cell.as_ref()?.parse().ok())
                    .collect();
            }
        }
        Ok(Transformed {
            columns,
            failures: Vec::new(),
        })
    }
}

fn text_len(column: &Column) -> usize {
    match column {
        Column::Text(cells) => cells.iter().flatten().map(String::len).sum(),
        _ => 0,
    }
}

guest_components::export_mapper!(Guest);
