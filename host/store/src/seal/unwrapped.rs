//! Data keys that were unwrapped lately.
//!
//! An entry counts only for the very bytes it was unwrapped from, which each use reads from the database. So a data key
//! that was wrapped anew is unwrapped anew, and one that was erased is not used again, whichever process did it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use partneros_domain::OrganizationId;

use super::data_key::DataKey;
use super::wrapper::{WrapContext, WrappedKey};

/// How many data keys are kept in memory; the one that was not used for longest makes room. Unwrapping costs
/// microseconds with a ring and a round trip with a key management service.
const KEPT_MAX: usize = 1_024;

/// The data keys that are kept in memory, wiped when they go.
#[derive(Default)]
pub(crate) struct Unwrapped(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    entries: HashMap<WrapContext, Entry>,
    uses: u64,
}

struct Entry {
    wrapped: WrappedKey,
    key: Arc<DataKey>,
    used: u64,
}

impl fmt::Debug for Unwrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unwrapped(..)")
    }
}

impl Unwrapped {
    pub(crate) fn get(&self, context: WrapContext, wrapped: &WrappedKey) -> Option<Arc<DataKey>> {
        let mut kept = self.lock();
        kept.uses += 1;
        let used = kept.uses;
        let entry = kept.entries.get_mut(&context)?;
        if entry.wrapped != *wrapped {
            kept.entries.remove(&context);
            return None;
        }
        entry.used = used;
        Some(Arc::clone(&entry.key))
    }

    pub(crate) fn put(&self, context: WrapContext, wrapped: WrappedKey, key: &Arc<DataKey>) {
        let mut kept = self.lock();
        kept.uses += 1;
        if kept.entries.len() >= KEPT_MAX && !kept.entries.contains_key(&context) {
            let oldest = kept.entries.iter().min_by_key(|(_, entry)| entry.used);
            if let Some(context) = oldest.map(|(context, _)| *context) {
                kept.entries.remove(&context);
            }
        }
        let entry = Entry {
            wrapped,
            key: Arc::clone(key),
            used: kept.uses,
        };
        kept.entries.insert(context, entry);
    }

    pub(crate) fn forget(&self, organization: OrganizationId) {
        let gone = |context: &WrapContext| context.organization == organization;
        self.lock().entries.retain(|context, _| !gone(context));
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn context(number: u32) -> WrapContext {
        WrapContext {
            organization: OrganizationId(Uuid::from_u128(1)),
            number,
        }
    }

    fn wrapped(byte: u8) -> WrappedKey {
        WrappedKey {
            under: "key".to_owned(),
            bytes: vec![byte],
        }
    }

    #[test]
    fn an_entry_counts_for_the_bytes_it_came_from() {
        let kept = Unwrapped::default();
        let key = Arc::new(DataKey::random(1).unwrap());
        kept.put(context(1), wrapped(1), &key);
        assert!(kept.get(context(1), &wrapped(1)).is_some());
        assert!(kept.get(context(2), &wrapped(1)).is_none());
        assert!(kept.get(context(1), &wrapped(2)).is_none());
        assert_eq!(Arc::strong_count(&key), 1, "the entry is gone");
    }

    #[test]
    fn the_one_that_was_not_used_for_longest_makes_room() {
        let kept = Unwrapped::default();
        let key = Arc::new(DataKey::random(1).unwrap());
        for number in 0..KEPT_MAX as u32 {
            kept.put(context(number), wrapped(1), &key);
        }
        assert!(kept.get(context(0), &wrapped(1)).is_some());
        kept.put(context(u32::MAX), wrapped(1), &key);
        assert_eq!(Arc::strong_count(&key), KEPT_MAX + 1);
        assert!(kept.get(context(0), &wrapped(1)).is_some());
        assert!(kept.get(context(1), &wrapped(1)).is_none());
        kept.forget(context(0).organization);
        assert_eq!(Arc::strong_count(&key), 1);
    }
}
