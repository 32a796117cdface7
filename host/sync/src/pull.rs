//! Brings HubSpot's changes in, page by page in order of modification, from the cursor on.
//!
//! Each page starts where the last one ended instead of at an offset: an object that is modified meanwhile moves to the
//! end and is met there, and HubSpot's wall at 10,000 results is never reached. Pages are fetched ahead of the
//! work on them, a few at most, and those that wait are taken in together; a portal whose limits make each page wait is
//! taken in page by page. See [`next_window`] for ties and [`persistent`] for what the cursor promises.

use std::collections::HashSet;
use std::sync::Arc;

use partneros_domain::{FieldName, HubSpotId, Timestamp};
use partneros_hubspot::{Portal, Priority, Rows, SEARCH_PAGE_MAX, Search, Window};
use partneros_store::Cursor;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use crate::absorb::{Unknown, absorb};
use crate::error::Error;
use crate::mistakes::{Mistake, made};
use crate::pass::Pass;

/// How many pages may wait for the work on those before.
const PAGES_AHEAD: usize = 4;
/// How many rows are decided and committed at once when several pages wait: a commit costs less a row the more rows it
/// has, since it writes each page of the database once.
const BATCH_ROWS_MAX: usize = 5 * SEARCH_PAGE_MAX;
/// From how much text on a batch takes no further page, so that it stays within what a call of the mapper may return.
const BATCH_BYTES_MAX: usize = 2 << 20;

/// Pulls everything that was modified since the cursor.
pub async fn pull(pass: &mut Pass) -> Result<(), Error> {
    let mut pages = Pages::start(pass).await?;
    let mut next = pages.next().await?;
    while let Some(Page { rows, cursor }) = next {
        let pulled = rows.len() as u64;
        let moved = (pages.stored != Some(cursor)).then_some(cursor);
        if made(Mistake::CursorFirst) && moved.is_some() {
            let store = &pass.engine.store;
            let pair = pass.plan.pair.id;
            store.set_cursor(pass.organization, pair, moved).await?;
        }
        absorb(pass, Arc::new(rows), Unknown::Create, moved, pulled).await?;
        next = pages.next().await?;
        if next.is_some() {
            pass.step().await?;
        }
    }
    Ok(())
}

/// The pages in order of modification, fetched ahead of the work on them.
struct Pages {
    arriving: mpsc::Receiver<Page>,
    fetching: AbortOnDropHandle<Result<(), Error>>,
    stored: Option<Cursor>,
}

/// Rows that no page before has brought, and the cursor to store with them.
struct Page {
    rows: Rows,
    cursor: Cursor,
}

impl Pages {
    async fn start(pass: &Pass) -> Result<Self, Error> {
        let stored = pass
            .engine
            .store
            .cursor(pass.organization, pass.plan.pair.id)
            .await?;
        let settle_ms = i64::try_from(pass.engine.settings.settle_ms).unwrap_or(i64::MAX);
        let now = pass.engine.environment.now();
        let (arrived, arriving) = mpsc::channel(PAGES_AHEAD);
        let fetcher = Fetcher {
            portal: Arc::clone(&pass.portal),
            object: pass.plan.pair.hubspot_object.clone(),
            properties: Arc::clone(&pass.plan.properties),
            priority: pass.priority,
            page_rows: pass.engine.settings.page_rows.clamp(1, SEARCH_PAGE_MAX),
            settled: now.plus_millis(settle_ms.saturating_neg()),
            mapping_version: pass.mapping_version(),
            stored,
        };
        Ok(Self {
            arriving,
            fetching: AbortOnDropHandle::new(tokio::spawn(fetcher.run(arrived))),
            stored,
        })
    }

    /// The next page, with those behind it that have arrived too; none after the last.
    async fn next(&mut self) -> Result<Option<Page>, Error> {
        let Some(mut page) = self.arriving.recv().await else {
            // Whatever ended the fetching counts once its pages are through.
            (&mut self.fetching).await??;
            return Ok(None);
        };
        while page.rows.len() + SEARCH_PAGE_MAX <= BATCH_ROWS_MAX
            && text_bytes(&page.rows) <= BATCH_BYTES_MAX
            && let Ok(more) = self.arriving.try_recv()
        {
            append(&mut page.rows, more.rows);
            page.cursor = more.cursor;
        }
        Ok(Some(page))
    }
}

/// Fetches page after page from where the cursor stands.
struct Fetcher {
    portal: Arc<dyn Portal>,
    object: String,
    properties: Arc<[FieldName]>,
    priority: Priority,
    page_rows: usize,
    settled: Timestamp,
    mapping_version: i64,
    stored: Option<Cursor>,
}

impl Fetcher {
    async fn run(self, arrived: mpsc::Sender<Page>) -> Result<(), Error> {
        let mut boundary = Boundary::default();
        let mut window = self
            .stored
            .map_or(Window::Since(Timestamp::ZERO), window_of);
        loop {
            let search = Search {
                object: &self.object,
                properties: &self.properties,
                window,
                limit: self.page_rows,
                priority: self.priority,
            };
            let found = self.portal.search(search).await.map_err(Error::Pull)?;
            let next = next_window(window, &found.rows, self.page_rows, self.settled);
            let reached = reached(next, window, &found.rows, self.settled);
            let cursor = persistent(reached, self.settled, self.mapping_version, self.stored);
            let rows = boundary.pass(found.rows);
            let taken = arrived.send(Page { rows, cursor }).await.is_ok();
            match next {
                Some(next) if taken => window = next,
                _ => return Ok(()),
            }
        }
    }
}

fn append(rows: &mut Rows, mut more: Rows) {
    if more.is_empty() {
        return;
    }
    if rows.is_empty() {
        *rows = more;
        return;
    }
    rows.ids.append(&mut more.ids);
    rows.updated_at.append(&mut more.updated_at);
    rows.archived.append(&mut more.archived);
    for (column, more) in rows.columns.iter_mut().zip(&mut more.columns) {
        column.append(more);
    }
    // A property that one page lacks may have been deleted since the page before.
    for (absent, more) in rows.absent.iter_mut().zip(more.absent) {
        *absent |= more;
    }
}

/// How much text the rows hold.
fn text_bytes(rows: &Rows) -> usize {
    let cells = rows.columns.iter().flatten().flatten();
    cells.map(String::len).sum()
}

fn window_of(cursor: Cursor) -> Window {
    match cursor.drained_to {
        Some(after) => Window::Within {
            at: cursor.modified_at,
            after: Some(after),
        },
        None => Window::Since(cursor.modified_at),
    }
}

/// Where the page after this one starts; `None` when this was the last.
///
/// After a full page the next starts at the last modification time seen, so that ties with it are met (again). A page
/// that ends in many ties is followed by a search within that instant, by id; so is a page that is one instant as a
/// whole, which could otherwise never be left. A full page that says nothing certain about how far the order has come,
/// because all that it shows was modified just now, is followed by everything since its start, by id.
pub fn next_window(
    window: Window,
    rows: &Rows,
    page_rows: usize,
    settled: Timestamp,
) -> Option<Window> {
    let full = rows.len() >= page_rows;
    let after = rows.ids.iter().copied().max();
    match window {
        Window::Within { at, .. } if full => Some(Window::Within { at, after }),
        Window::Within { at, .. } => Some(Window::Since(at.plus_millis(1))),
        Window::ById { since, .. } => full.then_some(Window::ById { since, after }),
        Window::Since(_) if !full => None,
        Window::Since(start) => {
            let Some(last) = last_in_order(rows, start, settled) else {
                return Some(Window::ById {
                    since: start,
                    after: None,
                });
            };
            let last = last.max(start);
            let ties = rows.updated_at.iter().filter(|at| **at == last).count();
            if made(Mistake::TiesSkipped) {
                Some(Window::Since(last.plus_millis(1)))
            } else if ties * 2 > rows.len() || last == start {
                // Where nothing certain lies beyond the start, draining it steps over it.
                Some(Window::Within {
                    at: last,
                    after: None,
                })
            } else {
                Some(Window::Since(last))
            }
        }
    }
}

/// How far the order of modification has surely come with these rows; none if they do not tell.
///
/// HubSpot finds objects by what its index holds and shows them as they are by then: an object that was modified in
/// between stands at its old place with a new time. Such times are from just now, so times within the settle time do
/// not count, unless the window starts there: what is missed then is looked at again in the next poll.
fn last_in_order(rows: &Rows, start: Timestamp, settled: Timestamp) -> Option<Timestamp> {
    let times = rows.updated_at.iter().copied();
    if start >= settled || made(Mistake::NewsTrusted) {
        return times.max();
    }
    times.filter(|at| *at < settled).max()
}

/// How far a page has brought the pull: the instant, and while that is drained, the last id of it that was seen.
type Reached = (Timestamp, Option<HubSpotId>);

/// How far the pull has come with these rows, and where the next page starts.
fn reached(next: Option<Window>, window: Window, rows: &Rows, settled: Timestamp) -> Reached {
    match next {
        Some(Window::Since(at)) => (at, None),
        Some(Window::Within { at, after }) => (at, after),
        // By id, nothing is certain before the end.
        Some(Window::ById { since, .. }) => (since, None),
        None => {
            let at = match window {
                Window::ById { since, .. } => since.max(settled),
                // A page that is not full leaves nothing behind.
                Window::Since(start) | Window::Within { at: start, .. } => {
                    rows.updated_at.iter().copied().fold(start, Timestamp::max)
                }
            };
            (at, None)
        }
    }
}

/// The cursor to store with a page: everything modified before it has been seen for good.
///
/// It never passes the settle time, within which HubSpot's index may still be incomplete, and never goes back.
pub fn persistent(
    (modified_at, drained_to): Reached,
    settled: Timestamp,
    mapping_version: i64,
    stored: Option<Cursor>,
) -> Cursor {
    let is_settled = modified_at <= settled || made(Mistake::NotSettled);
    let bounded = Cursor {
        modified_at: if is_settled { modified_at } else { settled },
        drained_to: drained_to.filter(|_| is_settled),
        mapping_version,
    };
    match stored {
        Some(stored) if stored.modified_at > bounded.modified_at => stored,
        _ => bounded,
    }
}

/// Drops the rows at the edge of a page that the page before has brought already.
#[derive(Debug, Default)]
struct Boundary {
    seen: HashSet<(HubSpotId, Timestamp)>,
}

impl Boundary {
    fn pass(&mut self, mut rows: Rows) -> Rows {
        let keep: Vec<bool> = rows
            .ids
            .iter()
            .zip(&rows.updated_at)
            .map(|(id, at)| !self.seen.contains(&(*id, *at)))
            .collect();
        self.seen = rows
            .ids
            .iter()
            .copied()
            .zip(rows.updated_at.iter().copied())
            .collect();
        if keep.contains(&false) {
            retain(&mut rows.ids, &keep);
            retain(&mut rows.updated_at, &keep);
            retain(&mut rows.archived, &keep);
            for column in &mut rows.columns {
                retain(column, &keep);
            }
        }
        rows
    }
}

fn retain<T>(list: &mut Vec<T>, keep: &[bool]) {
    let mut at = 0;
    list.retain(|_| {
        at += 1;
        keep[at - 1]
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTLED: Timestamp = Timestamp(1_000_000);

    fn rows(times: impl IntoIterator<Item = i64>) -> Rows {
        let updated_at: Vec<_> = times.into_iter().map(Timestamp).collect();
        Rows {
            ids: (0..updated_at.len() as i64).map(HubSpotId).collect(),
            archived: vec![false; updated_at.len()],
            updated_at,
            columns: Vec::new(),
            absent: Vec::new(),
        }
    }

    fn since(at: i64) -> Window {
        Window::Since(Timestamp(at))
    }

    #[test]
    fn a_full_page_is_followed_from_its_last_time() {
        assert_eq!(
            next_window(since(0), &rows(1..=200), SEARCH_PAGE_MAX, SETTLED),
            Some(since(200))
        );
        assert_eq!(
            next_window(since(0), &rows(1..=199), SEARCH_PAGE_MAX, SETTLED),
            None
        );
    }

    #[test]
    fn ties_are_drained_by_id() {
        let within = |after| Window::Within {
            at: Timestamp(7),
            after,
        };
        assert_eq!(
            next_window(since(0), &rows([7; 200]), SEARCH_PAGE_MAX, SETTLED),
            Some(within(None))
        );
        let mut mostly = vec![1; 60];
        mostly.extend([7; 140]);
        assert_eq!(
            next_window(since(0), &rows(mostly), SEARCH_PAGE_MAX, SETTLED),
            Some(within(None))
        );
        let drained = next_window(within(None), &rows([7; 200]), SEARCH_PAGE_MAX, SETTLED);
        assert_eq!(drained, Some(within(Some(HubSpotId(199)))));
        assert_eq!(
            next_window(
                within(Some(HubSpotId(199))),
                &rows([7; 3]),
                SEARCH_PAGE_MAX,
                SETTLED
            ),
            Some(since(8))
        );
    }

    #[test]
    fn an_object_modified_just_now_does_not_carry_the_window_away() {
        let mut times: Vec<_> = (1..=200).collect();
        times[150] = SETTLED.0 + 5_000;
        times[199] = SETTLED.0 + 9_000;
        assert_eq!(
            next_window(since(0), &rows(times), SEARCH_PAGE_MAX, SETTLED),
            Some(since(199))
        );
    }

    #[test]
    fn a_page_of_nothing_but_news_is_followed_by_everything_since_its_start() {
        let news = rows([SETTLED.0 + 1; 200]);
        let by_id = |after| Window::ById {
            since: Timestamp(5),
            after,
        };
        let next = next_window(since(5), &news, SEARCH_PAGE_MAX, SETTLED);
        assert_eq!(next, Some(by_id(None)));
        // What stands behind the news in the order has not been seen, so the cursor stays where it was.
        let reached = reached(next, since(5), &news, SETTLED);
        let cursor = persistent(reached, SETTLED, 0, None);
        assert_eq!(cursor.modified_at, Timestamp(5));
        let on = next_window(by_id(None), &news, SEARCH_PAGE_MAX, SETTLED);
        assert_eq!(on, Some(by_id(Some(HubSpotId(199)))));
        let end = rows([7, SETTLED.0 + 1]);
        assert_eq!(
            next_window(by_id(None), &end, SEARCH_PAGE_MAX, SETTLED),
            None
        );
        let reached = super::reached(None, by_id(None), &end, SETTLED);
        let cursor = persistent(reached, SETTLED, 0, None);
        assert_eq!(cursor.modified_at, SETTLED);
    }

    #[test]
    fn every_window_leads_on() {
        let mut newer = vec![5; 100];
        newer.extend(vec![SETTLED.0 + 1; 100]);
        let next = next_window(since(5), &rows(newer), SEARCH_PAGE_MAX, SETTLED);
        assert_eq!(
            next,
            Some(Window::Within {
                at: Timestamp(5),
                after: None
            })
        );
        let start = SETTLED.0 + 3;
        let next = next_window(
            since(start),
            &rows([start + 9; 200]),
            SEARCH_PAGE_MAX,
            SETTLED,
        );
        assert!(next.is_some_and(|next| next != since(start)), "{next:?}");
    }

    #[test]
    fn the_cursor_stays_behind_the_settle_time_and_never_goes_back() {
        let recent = rows([SETTLED.0 + 10, SETTLED.0 + 20]);
        let after = |window, rows: &Rows, stored| {
            let reached = reached(None, window, rows, SETTLED);
            persistent(reached, SETTLED, 3, stored)
        };
        let cursor = after(since(0), &recent, None);
        assert_eq!((cursor.modified_at, cursor.mapping_version), (SETTLED, 3));
        let stored = Cursor {
            modified_at: Timestamp(900),
            drained_to: None,
            mapping_version: 3,
        };
        let kept = after(since(900), &rows([]), Some(stored));
        assert_eq!(kept, stored);
        let old = after(since(0), &rows([10, 20]), None);
        assert_eq!(old.modified_at, Timestamp(20));
    }

    #[test]
    fn a_property_that_one_page_lacks_is_absent_from_the_batch() {
        let page = |absent: bool, ids: i64| Rows {
            columns: vec![vec![None; ids as usize]],
            absent: vec![absent],
            ..rows(0..ids)
        };
        let mut batch = page(false, 2);
        append(&mut batch, page(true, 3));
        assert_eq!((batch.len(), batch.columns[0].len()), (5, 5));
        assert_eq!(batch.absent, [true]);
        let mut batch = page(false, 2);
        append(&mut batch, page(true, 0));
        assert_eq!(batch, page(false, 2));
        let mut batch = page(true, 0);
        append(&mut batch, page(false, 1));
        assert_eq!(batch, page(false, 1));
    }

    #[test]
    fn rows_at_the_edge_are_taken_once() {
        let mut boundary = Boundary::default();
        assert_eq!(boundary.pass(rows([1, 2, 3])).len(), 3);
        let again = rows([1, 2, 4]);
        assert_eq!(boundary.pass(again).updated_at, [Timestamp(4)]);
    }
}
