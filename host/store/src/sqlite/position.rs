//! Cursors of paged lists: the last row's key with a letter for the list, such as `r1f4`.
//!
//! Rows keep their keys, so a page continues where the last one ended whatever was added or removed meanwhile.

use super::fault::{Outcome, not_found};
use crate::Page;

/// A list that is read page by page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    Records,
    Runs,
    PairAudits,
    Conflicts,
    Failures,
    Plugins,
    PluginLogs,
    Events,
    Alerts,
    Deliveries,
    /// Records without an object.
    Detached,
    Members,
    Invitations,
    Tokens,
    /// The change feed.
    Changes,
}

impl List {
    const fn letter(self) -> char {
        match self {
            Self::Records => 'r',
            Self::Runs => 'u',
            Self::PairAudits => 's',
            Self::Conflicts => 'c',
            Self::Failures => 'f',
            Self::Plugins => 'p',
            Self::PluginLogs => 'l',
            Self::Events => 'e',
            Self::Alerts => 'a',
            Self::Deliveries => 'd',
            Self::Detached => 't',
            Self::Members => 'm',
            Self::Invitations => 'i',
            Self::Tokens => 'k',
            Self::Changes => 'h',
        }
    }

    /// The key that a cursor of this list holds, or `start` without one.
    pub(super) fn key(self, cursor: Option<&str>, start: i64) -> Outcome<i64> {
        let Some(cursor) = cursor else {
            return Ok(start);
        };
        cursor
            .strip_prefix(self.letter())
            .and_then(hexadecimal)
            .ok_or_else(|| not_found("cursor", cursor).into())
    }

    /// The time and the key that a cursor of this list holds, or the end of time without one.
    pub(super) fn moment(self, cursor: Option<&str>) -> Outcome<(i64, i64)> {
        let Some(cursor) = cursor else {
            return Ok((i64::MAX, i64::MAX));
        };
        let parts = cursor.strip_prefix(self.letter());
        let parts = parts.and_then(|parts| parts.split_once('.'));
        parts
            .and_then(|(at, key)| Some((hexadecimal(at)?, hexadecimal(key)?)))
            .ok_or_else(|| not_found("cursor", cursor).into())
    }

    /// The page of these rows in the order of time, each with its time and key; see [`Self::page`].
    pub(super) fn page_of_moments<T>(
        self,
        mut rows: Vec<((i64, i64), T)>,
        limit: usize,
    ) -> Page<T> {
        let more = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().map(|(moment, _)| *moment).filter(|_| more);
        Page {
            next: last.map(|(at, key)| format!("{}{at:x}.{key:x}", self.letter())),
            items: rows.into_iter().map(|(_, item)| item).collect(),
        }
    }

    /// The cursor that holds a key.
    pub(super) fn position(self, key: i64) -> String {
        format!("{}{key:x}", self.letter())
    }

    /// The page of these rows, of which one more than `limit` was asked for to learn whether the list goes on.
    pub(super) fn page<T>(self, mut rows: Vec<(i64, T)>, limit: usize) -> Page<T> {
        let more = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().map(|(key, _)| *key).filter(|_| more);
        Page {
            next: last.map(|key| self.position(key)),
            items: rows.into_iter().map(|(_, item)| item).collect(),
        }
    }
}

/// A number from 0 on.
fn hexadecimal(digits: &str) -> Option<i64> {
    let is_plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    i64::from_str_radix(digits, 16).ok().filter(|_| is_plain)
}

/// The `LIMIT` that shows whether there is more.
pub(super) fn one_more(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_row_in_its_list_only() {
        let page = List::Runs.page(vec![(31, 'a'), (30, 'b')], 1);
        assert_eq!((page.items, page.next.as_deref()), (vec!['a'], Some("u1f")));
        assert_eq!(List::Runs.key(Some("u1f"), 0).unwrap(), 31);
        for cursor in ["r1f", "u", "u-1", "u+1", "", "uxyz", "uffffffffffffffffff"] {
            assert!(List::Runs.key(Some(cursor), 0).is_err(), "{cursor}");
        }
    }

    #[test]
    fn a_cursor_of_a_moment_holds_both() {
        let rows = vec![((40, 9), 'a'), ((40, 8), 'b')];
        let page = List::Events.page_of_moments(rows, 1);
        assert_eq!(
            (page.items, page.next.as_deref()),
            (vec!['a'], Some("e28.9"))
        );
        assert_eq!(List::Events.moment(Some("e28.9")).unwrap(), (40, 9));
        for cursor in [
            "a28.9", "e28", "e28.", "e.9", "e28.-9", "e+28.9", "e28.9.1", "",
        ] {
            assert!(List::Events.moment(Some(cursor)).is_err(), "{cursor}");
        }
    }

    #[test]
    fn the_last_page_has_no_cursor() {
        assert_eq!(List::Records.page(vec![(1, ())], 1).next, None);
        assert_eq!(List::Records.page(Vec::<(i64, ())>::new(), 0).next, None);
    }
}
