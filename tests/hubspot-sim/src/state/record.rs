//! One record, stored compactly: all its values in one text, cut by cells that are sorted by property.
//!
//! A property without a cell was never set and reads as null; a cell with an empty value was cleared and reads as "".
//! Older values go to the record's history, newest last, bounded per property.

use partneros_domain::Timestamp;

/// Older values kept per property.
// Unverified: the number HubSpot keeps differs by object type.
pub const HISTORY_PER_PROPERTY_MAX: usize = 20;

/// A property's position in its type's registry; stable for the life of the portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PropertyIx(pub u16);

/// Who wrote a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The app under test.
    Integration,
    /// A person in HubSpot's pages.
    Person,
    /// A workflow that people have set up in HubSpot.
    Workflow,
    /// HubSpot itself, filling in what it knows.
    Enrichment,
    /// An import; what seeded records come from.
    Import,
}

/// A record of any type.
#[derive(Debug, Clone)]
pub struct Record {
    /// Unique within its type.
    pub id: u64,
    /// When it came to be.
    pub created: Timestamp,
    /// When anything but a calculated value last changed.
    pub modified: Timestamp,
    /// When it was archived, if it is.
    pub archived: Option<Timestamp>,
    /// Who created it.
    pub source: Source,
    text: Box<str>,
    cells: Box<[Cell]>,
    past: Vec<Past>,
}

#[derive(Debug, Clone, Copy)]
struct Cell {
    property: PropertyIx,
    source: Source,
    end: u32,
    at: Timestamp,
}

#[derive(Debug, Clone)]
struct Past {
    property: PropertyIx,
    source: Source,
    at: Timestamp,
    value: Box<str>,
}

/// A value a property has or had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version<'a> {
    /// The value.
    pub value: &'a str,
    /// When it was written.
    pub at: Timestamp,
    /// By whom.
    pub source: Source,
}

impl Record {
    /// A record without values.
    pub fn new(id: u64, created: Timestamp, source: Source) -> Self {
        Self {
            id,
            created,
            modified: created,
            archived: None,
            source,
            text: "".into(),
            cells: Box::new([]),
            past: Vec::new(),
        }
    }

    /// The stored value; `None` when never set.
    pub fn get(&self, property: PropertyIx) -> Option<&str> {
        self.position(property).ok().map(|at| self.value_at(at))
    }

    /// Writes `changes` (later entries win) and returns how many values differ from before.
    pub fn apply(
        &mut self,
        changes: &[(PropertyIx, String)],
        at: Timestamp,
        source: Source,
    ) -> usize {
        let mut latest: Vec<&(PropertyIx, String)> = Vec::with_capacity(changes.len());
        for change in changes {
            latest.retain(|kept| kept.0 != change.0);
            if self.get(change.0) != Some(change.1.as_str()) {
                latest.push(change);
            }
        }
        if latest.is_empty() {
            return 0;
        }
        latest.sort_by_key(|change| change.0);
        for change in &latest {
            self.remember(change.0);
        }
        self.rebuild(&latest, at, source);
        latest.len()
    }

    /// The versions of a property, newest first.
    pub fn history(&self, property: PropertyIx) -> Vec<Version<'_>> {
        let current = self.position(property).ok().map(|ix| {
            let cell = self.cells[ix];
            Version {
                value: self.value_at(ix),
                at: cell.at,
                source: cell.source,
            }
        });
        let past = self
            .past
            .iter()
            .rev()
            .filter(|past| past.property == property);
        current
            .into_iter()
            .chain(past.map(|past| Version {
                value: &past.value,
                at: past.at,
                source: past.source,
            }))
            .collect()
    }

    /// The properties that have a value or were cleared, with their values.
    pub fn values(&self) -> impl Iterator<Item = (PropertyIx, &str)> {
        self.cells
            .iter()
            .enumerate()
            .map(|(ix, cell)| (cell.property, self.value_at(ix)))
    }

    fn position(&self, property: PropertyIx) -> Result<usize, usize> {
        self.cells
            .binary_search_by_key(&property, |cell| cell.property)
    }

    fn value_at(&self, ix: usize) -> &str {
        let start = if ix == 0 {
            0
        } else {
            self.cells[ix - 1].end as usize
        };
        &self.text[start..self.cells[ix].end as usize]
    }

    fn remember(&mut self, property: PropertyIx) {
        let Ok(ix) = self.position(property) else {
            return;
        };
        let cell = self.cells[ix];
        let value = self.value_at(ix).into();
        let kept = self
            .past
            .iter()
            .filter(|past| past.property == property)
            .count();
        if kept >= HISTORY_PER_PROPERTY_MAX - 1
            && let Some(oldest) = self.past.iter().position(|past| past.property == property)
        {
            self.past.remove(oldest);
        }
        self.past.push(Past {
            property,
            source: cell.source,
            at: cell.at,
            value,
        });
    }

    fn rebuild(&mut self, changes: &[&(PropertyIx, String)], at: Timestamp, source: Source) {
        let added: usize = changes.iter().map(|change| change.1.len()).sum();
        let mut text = String::with_capacity(self.text.len() + added);
        let mut cells = Vec::with_capacity(self.cells.len() + changes.len());
        let mut changes = changes.iter().peekable();
        let mut put = |property, value: &str, at, source| {
            text.push_str(value);
            cells.push(Cell {
                property,
                source,
                end: text.len() as u32,
                at,
            });
        };
        for (ix, cell) in self.cells.iter().enumerate() {
            while let Some(change) = changes.next_if(|change| change.0 < cell.property) {
                put(change.0, &change.1, at, source);
            }
            match changes.next_if(|change| change.0 == cell.property) {
                Some(change) => put(change.0, &change.1, at, source),
                None => put(cell.property, self.value_at(ix), cell.at, cell.source),
            }
        }
        for change in changes {
            put(change.0, &change.1, at, source);
        }
        self.text = text.into_boxed_str();
        self.cells = cells.into_boxed_slice();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(property: u16, value: &str) -> (PropertyIx, String) {
        (PropertyIx(property), value.to_owned())
    }

    #[test]
    fn never_set_is_none_and_cleared_is_empty() {
        let mut record = Record::new(1, Timestamp(0), Source::Person);
        record.apply(
            &[change(4, "d"), change(2, "b")],
            Timestamp(1),
            Source::Person,
        );
        record.apply(
            &[change(4, ""), change(9, "z")],
            Timestamp(2),
            Source::Integration,
        );
        let values: Vec<_> = record
            .values()
            .map(|(property, value)| (property.0, value))
            .collect();
        assert_eq!(values, [(2, "b"), (4, ""), (9, "z")]);
        assert_eq!(record.get(PropertyIx(3)), None);
    }

    #[test]
    fn history_is_newest_first_and_bounded() {
        let mut record = Record::new(1, Timestamp(0), Source::Person);
        for step in 0..30 {
            let source = if step == 29 {
                Source::Integration
            } else {
                Source::Person
            };
            record.apply(&[change(1, &step.to_string())], Timestamp(step), source);
        }
        let history = record.history(PropertyIx(1));
        assert_eq!(history.len(), HISTORY_PER_PROPERTY_MAX);
        assert_eq!(
            history[0],
            Version {
                value: "29",
                at: Timestamp(29),
                source: Source::Integration
            }
        );
        assert_eq!(history[1].value, "28");
    }

    #[test]
    fn writing_the_same_value_changes_nothing_and_the_last_of_two_wins() {
        let mut record = Record::new(1, Timestamp(0), Source::Person);
        assert_eq!(
            record.apply(
                &[change(1, "a"), change(1, "b")],
                Timestamp(1),
                Source::Person
            ),
            1
        );
        assert_eq!(record.get(PropertyIx(1)), Some("b"));
        assert_eq!(
            record.apply(&[change(1, "b")], Timestamp(2), Source::Person),
            0
        );
        assert_eq!(record.history(PropertyIx(1))[0].at, Timestamp(1));
    }
}
