//! Which records belong together. An association is kept from both ends, with HubSpot's type ids.
//!
//! Associating moves no modified date; the calculated counts of the records change instead.

use std::collections::BTreeMap;

use super::object_type::{Kind, TypeIx};

type End = (TypeIx, u64);

/// All associations of a portal.
#[derive(Debug, Clone, Default)]
pub struct Associations {
    edges: BTreeMap<(End, TypeIx), BTreeMap<u64, Vec<u16>>>,
}

/// HubSpot's type ids for an association between two kinds: the plain one, and the one of the primary company.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Labels {
    /// The unlabelled association.
    pub plain: u16,
    /// The association with the one primary company.
    pub primary: Option<u16>,
}

/// The type ids from one kind to another.
// Unverified: the ids for custom objects are made up by each portal; 1 stands for all of them here.
pub const fn labels(from: Kind, to: Kind) -> Labels {
    let (plain, primary) = match (from, to) {
        (Kind::Deals, Kind::Companies) => (341, Some(5)),
        (Kind::Companies, Kind::Deals) => (342, Some(6)),
        (Kind::Deals, Kind::Contacts) => (3, None),
        (Kind::Contacts, Kind::Deals) => (4, None),
        (Kind::Contacts, Kind::Companies) => (279, Some(1)),
        (Kind::Companies, Kind::Contacts) => (280, Some(2)),
        (Kind::Companies, Kind::Companies) => (13, None),
        (Kind::Deals, Kind::Deals) => (451, None),
        _ => (1, None),
    };
    Labels { plain, primary }
}

impl Associations {
    /// The records of type `to` that belong to `from`, with the type ids.
    pub fn of(&self, from: End, to: TypeIx) -> impl Iterator<Item = (u64, &[u16])> {
        self.edges
            .get(&(from, to))
            .into_iter()
            .flat_map(|ends| ends.iter().map(|(id, labels)| (*id, labels.as_slice())))
    }

    /// How many records of type `to` belong to `from`.
    pub fn count(&self, from: End, to: TypeIx) -> usize {
        self.edges.get(&(from, to)).map_or(0, BTreeMap::len)
    }

    /// Whether `to` belongs to `from`.
    pub fn linked(&self, from: End, to: End) -> bool {
        self.edges
            .get(&(from, to.0))
            .is_some_and(|ends| ends.contains_key(&to.1))
    }

    /// Ties two records together, with the type ids as seen from each end. Existing ids stay.
    pub fn link(&mut self, from: End, to: End, forth: &[u16], back: &[u16]) {
        for (from, to, labels) in [(from, to, forth), (to, from, back)] {
            let have = self
                .edges
                .entry((from, to.0))
                .or_default()
                .entry(to.1)
                .or_default();
            for label in labels {
                if !have.contains(label) {
                    have.push(*label);
                }
            }
        }
    }

    /// Parts two records.
    pub fn unlink(&mut self, from: End, to: End) {
        for (from, to) in [(from, to), (to, from)] {
            if let Some(ends) = self.edges.get_mut(&(from, to.0)) {
                ends.remove(&to.1);
                if ends.is_empty() {
                    self.edges.remove(&(from, to.0));
                }
            }
        }
    }

    /// Gives all associations of `old` to `new`.
    pub fn transfer(&mut self, old: End, new: End, types: usize) {
        for to in (0..types).map(TypeIx) {
            let moved: Vec<(u64, Vec<u16>)> = self
                .of(old, to)
                .map(|(id, labels)| (id, labels.to_vec()))
                .collect();
            for (id, forth) in moved {
                let back: Vec<u16> = self
                    .of((to, id), old.0)
                    .filter(|(end, _)| *end == old.1)
                    .flat_map(|(_, labels)| labels.to_vec())
                    .collect();
                self.unlink(old, (to, id));
                if (to, id) != new {
                    self.link(new, (to, id), &forth, &back);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn associations_are_seen_from_both_ends_and_move_with_a_merge() {
        let (deal, company, merged) = ((TypeIx(2), 7), (TypeIx(1), 8), (TypeIx(1), 9));
        let mut associations = Associations::default();
        associations.link(deal, company, &[341, 5], &[342, 6]);
        assert_eq!(
            associations.of(company, TypeIx(2)).next(),
            Some((7, &[342, 6][..]))
        );
        associations.transfer(company, merged, 3);
        assert_eq!(associations.count(company, TypeIx(2)), 0);
        assert_eq!(
            associations.of(deal, TypeIx(1)).next(),
            Some((9, &[341, 5][..]))
        );
        associations.unlink(merged, deal);
        assert_eq!(associations.count(deal, TypeIx(1)), 0);
    }
}
