//! What search sees of one object type: an order by modification time, and the old values of records whose change has
//! not arrived yet.
//!
//! Without lag the index follows every write at once and holds nothing but the order. With lag a write waits in a
//! queue; until it is due, search matches the values as they were (or not at all, for a new record) but returns the
//! record as it is, which is how HubSpot comes to answer with records newer than the window asked for.

use std::collections::{BTreeMap, HashMap, VecDeque};

use partneros_domain::Timestamp;

use super::ordered::Ordered;
use super::record::Record;

/// The index of one type.
#[derive(Debug, Clone, Default)]
pub struct SearchIndex {
    order: Ordered<(i64, u64)>,
    behind: HashMap<u64, Behind>,
    queue: BTreeMap<i64, VecDeque<(u64, Record)>>,
}

/// A record that search does not see as it is.
#[derive(Debug, Clone)]
struct Behind {
    seen: Option<Record>,
    waiting: usize,
    /// When the last of its writes is due; none arrives before those that were made before it.
    last_due: i64,
}

impl SearchIndex {
    /// Takes a write: at once, or when it is `due`.
    pub fn put(&mut self, before: Option<&Record>, after: &Record, due: Timestamp, lagging: bool) {
        if !lagging && !self.behind.contains_key(&after.id) {
            if let Some(before) = before {
                self.order.remove(key(before));
            }
            self.order.insert(key(after));
            return;
        }
        let behind = self.behind.entry(after.id).or_insert_with(|| Behind {
            seen: before.cloned(),
            waiting: 0,
            last_due: i64::MIN,
        });
        behind.waiting += 1;
        behind.last_due = behind.last_due.max(due.as_millis());
        self.queue
            .entry(behind.last_due)
            .or_default()
            .push_back((after.id, after.clone()));
    }

    /// Forgets a record that was last modified at `modified`.
    pub fn remove(&mut self, id: u64, modified: Timestamp) {
        match self.behind.remove(&id) {
            Some(Behind {
                seen: Some(seen), ..
            }) => self.order.remove(key(&seen)),
            Some(Behind { seen: None, .. }) => false,
            None => self.order.remove((modified.as_millis(), id)),
        };
        self.queue.retain(|_, writes| {
            writes.retain(|(waiting, _)| *waiting != id);
            !writes.is_empty()
        });
    }

    /// Lets the writes in that are due.
    pub fn settle(&mut self, now: Timestamp) {
        while let Some(entry) = self.queue.first_entry()
            && *entry.key() <= now.as_millis()
        {
            for (id, record) in entry.remove() {
                let Some(behind) = self.behind.get_mut(&id) else {
                    continue;
                };
                if let Some(seen) = &behind.seen {
                    self.order.remove(key(seen));
                }
                self.order.insert(key(&record));
                behind.waiting -= 1;
                if behind.waiting == 0 {
                    self.behind.remove(&id);
                } else {
                    behind.seen = Some(record);
                }
            }
        }
    }

    /// The order by modification time, then id.
    pub fn order(&self) -> &Ordered<(i64, u64)> {
        &self.order
    }

    /// The record as search sees it, given how it is now.
    pub fn seen<'a>(&'a self, record: &'a Record) -> Option<&'a Record> {
        match self.behind.get(&record.id) {
            Some(behind) => behind.seen.as_ref(),
            None => record.archived.is_none().then_some(record),
        }
    }
}

fn key(record: &Record) -> (i64, u64) {
    (record.modified.as_millis(), record.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::record::Source;

    fn record(id: u64, modified: i64) -> Record {
        let mut record = Record::new(id, Timestamp(0), Source::Person);
        record.modified = Timestamp(modified);
        record
    }

    fn visible(index: &SearchIndex) -> Vec<(i64, u64)> {
        index.order().range(0, usize::MAX).collect()
    }

    #[test]
    fn a_lagging_write_shows_its_old_self_until_due() {
        let mut index = SearchIndex::default();
        let (first, second, third) = (record(1, 10), record(1, 20), record(1, 30));
        index.put(None, &first, Timestamp(10), false);
        index.put(Some(&first), &second, Timestamp(120), true);
        index.put(Some(&second), &third, Timestamp(130), true);
        assert_eq!(
            index.seen(&third).map(|seen| seen.modified),
            Some(Timestamp(10))
        );
        index.settle(Timestamp(120));
        assert_eq!(visible(&index), [(20, 1)]);
        index.settle(Timestamp(130));
        assert_eq!(visible(&index), [(30, 1)]);
        assert_eq!(
            index.seen(&third).map(|seen| seen.modified),
            Some(Timestamp(30))
        );
    }

    #[test]
    fn writes_arrive_in_the_order_they_were_made() {
        let mut index = SearchIndex::default();
        let (created, changed) = (record(1, 10), record(1, 20));
        index.put(None, &created, Timestamp(500), true);
        index.put(Some(&created), &changed, Timestamp(100), true);
        index.settle(Timestamp(100));
        assert_eq!(visible(&index), []);
        index.settle(Timestamp(500));
        assert_eq!(visible(&index), [(20, 1)]);
    }

    #[test]
    fn a_new_record_is_invisible_until_due_and_gone_when_removed_before() {
        let mut index = SearchIndex::default();
        let fresh = record(7, 5);
        index.put(None, &fresh, Timestamp(50), true);
        assert!(index.seen(&fresh).is_none());
        index.remove(7, fresh.modified);
        index.settle(Timestamp(60));
        assert_eq!(visible(&index), []);
    }
}
