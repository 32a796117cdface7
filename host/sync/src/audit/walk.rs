//! Lists all objects of a pair's HubSpot type in order of id, a page ahead of the work on them.

use std::sync::Arc;

use partneros_domain::{FieldName, HubSpotId};
use partneros_hubspot::{List, Portal, Priority, Rows};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use crate::error::Error;
use crate::pass::Pass;

/// How many pages may wait for the work on those before. What they show must not grow old meanwhile.
const PAGES_AHEAD: usize = 2;

/// All objects whose ids lie between two bounds.
#[derive(Debug)]
pub struct Range {
    /// The last id of the range before; none for the first range.
    pub after: Option<HubSpotId>,
    /// The last id of this one; none for the last range, which has no end.
    pub through: Option<HubSpotId>,
    /// The objects.
    pub rows: Rows,
}

/// The ranges of a pair, which together leave no id out.
pub struct Walk {
    arriving: mpsc::Receiver<Range>,
    fetching: AbortOnDropHandle<Result<(), Error>>,
}

impl Walk {
    /// Begins with the first object.
    pub fn start(pass: &Pass) -> Self {
        let (arrived, arriving) = mpsc::channel(PAGES_AHEAD);
        let lister = Lister {
            portal: Arc::clone(&pass.portal),
            object: pass.plan.pair.hubspot_object.clone(),
            properties: Arc::clone(&pass.plan.properties),
            priority: pass.priority,
        };
        Self {
            arriving,
            fetching: AbortOnDropHandle::new(tokio::spawn(lister.run(arrived))),
        }
    }

    /// The next range; none after the last.
    pub async fn next(&mut self) -> Result<Option<Range>, Error> {
        if let Some(range) = self.arriving.recv().await {
            return Ok(Some(range));
        }
        (&mut self.fetching).await??;
        Ok(None)
    }
}

struct Lister {
    portal: Arc<dyn Portal>,
    object: String,
    properties: Arc<[FieldName]>,
    priority: Priority,
}

impl Lister {
    async fn run(self, arrived: mpsc::Sender<Range>) -> Result<(), Error> {
        let mut cursor: Option<String> = None;
        let mut reached = None;
        loop {
            let list = List {
                object: &self.object,
                properties: &self.properties,
                archived: false,
                after: cursor.as_deref(),
                priority: self.priority,
            };
            let (rows, next) = self.portal.list(list).await.map_err(Error::Pull)?;
            if !is_in_order(reached, &rows.ids) {
                return Err(Error::ListOutOfOrder(self.object));
            }
            let end = rows.ids.last().copied().or(reached);
            let range = Range {
                after: reached,
                through: end.filter(|_| next.is_some()),
                rows,
            };
            // A page without objects says nothing about where it ends, unless it is the last.
            let says_nothing = range.rows.is_empty() && next.is_some();
            if !says_nothing && arrived.send(range).await.is_err() {
                return Ok(());
            }
            reached = end;
            match next {
                Some(next) => cursor = Some(next),
                None => return Ok(()),
            }
        }
    }
}

/// Whether each id is above the one before: otherwise a range would not hold all objects between its bounds.
fn is_in_order(reached: Option<HubSpotId>, ids: &[HubSpotId]) -> bool {
    let mut ids = reached.iter().chain(ids);
    let Some(mut before) = ids.next() else {
        return true;
    };
    ids.all(|id| std::mem::replace(&mut before, id) < id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_ascend_from_where_the_page_before_ended() {
        let is_in_order = |reached: Option<i64>, ids: &[i64]| {
            let ids: Vec<_> = ids.iter().copied().map(HubSpotId).collect();
            is_in_order(reached.map(HubSpotId), &ids)
        };
        assert!(is_in_order(None, &[]));
        assert!(is_in_order(Some(3), &[]));
        assert!(is_in_order(None, &[1, 3, 9]));
        assert!(is_in_order(Some(3), &[4, 9]));
        assert!(!is_in_order(Some(3), &[3, 9]));
        assert!(!is_in_order(None, &[1, 9, 3]));
        assert!(!is_in_order(None, &[1, 1]));
    }
}
