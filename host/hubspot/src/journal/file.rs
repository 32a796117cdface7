//! What is in a file of the journal, read leniently: an event that is not understood is counted, and the others count.

use partneros_domain::HubSpotId;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{FILE_BYTES_MAX, FILE_EVENTS_MAX};

/// A file of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JournalFile {
    /// It was read.
    Read {
        /// The events that say something of an object, in the order of the file.
        events: Vec<JournalEvent>,
        /// How many others there were: of other actions, or not understood.
        skipped: usize,
    },
    /// It cannot be read, for the reason given: too long, or no file of events.
    Unreadable(String),
}

/// What happened to an object, as far as HubSpot says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEvent {
    /// The portal.
    pub portal_id: i64,
    /// The object; of a merge, what is left.
    pub object: JournalObject,
    /// What happened.
    pub action: JournalAction,
    /// The other objects that are named: of a merge those that are part of it, of an association its other end.
    pub others: Vec<JournalObject>,
}

/// An object that an event names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalObject {
    /// The object type, such as `0-2`.
    pub object_type_id: String,
    /// The object.
    pub object_id: HubSpotId,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JournalAction {
    /// The object was deleted.
    Delete,
    /// Objects became one.
    Merge,
    /// The object was brought back.
    Restore,
    /// The object was associated with another.
    Associate,
    /// An association of the object ended.
    Dissociate,
}

impl JournalAction {
    /// What happens to an object itself.
    pub const OF_OBJECTS: [Self; 3] = [Self::Delete, Self::Merge, Self::Restore];
    /// What happens between objects.
    pub const OF_ASSOCIATIONS: [Self; 2] = [Self::Associate, Self::Dissociate];

    /// The action in HubSpot's words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "DELETE",
            Self::Merge => "MERGE",
            Self::Restore => "RESTORE",
            Self::Associate => "ASSOCIATION_ADDED",
            Self::Dissociate => "ASSOCIATION_REMOVED",
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Contents {
    journal_events: Vec<Listed>,
}

/// A text or number, as HubSpot writes ids.
#[derive(Deserialize)]
#[serde(untagged)]
enum Id {
    Number(i64),
    Text(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Listed {
    Event(Told),
    Other(IgnoredAny),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    portal_id: Id,
    object_type_id: String,
    object_id: Id,
    action: String,
    merged_object_ids: Option<Vec<Id>>,
    primary_object_id: Option<Id>,
    associated_object_id: Option<Id>,
    associated_object_type_id: Option<Id>,
}

impl Id {
    fn number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// Reads a file.
pub(super) fn read(body: &[u8]) -> JournalFile {
    if body.len() > FILE_BYTES_MAX {
        return JournalFile::Unreadable(format!("longer than {FILE_BYTES_MAX} bytes"));
    }
    let Ok(contents) = serde_json::from_slice::<Contents>(body) else {
        return JournalFile::Unreadable("no file of events".to_owned());
    };
    let listed = contents.journal_events;
    if listed.len() > FILE_EVENTS_MAX {
        return JournalFile::Unreadable(format!("more than {FILE_EVENTS_MAX} events"));
    }
    let count = listed.len();
    let events: Vec<_> = listed.into_iter().filter_map(understood).collect();
    let skipped = count - events.len();
    JournalFile::Read { events, skipped }
}

fn understood(listed: Listed) -> Option<JournalEvent> {
    let Listed::Event(told) = listed else {
        return None;
    };
    let mut actions = JournalAction::OF_OBJECTS
        .into_iter()
        .chain(JournalAction::OF_ASSOCIATIONS);
    let action = actions.find(|known| known.as_str().eq_ignore_ascii_case(&told.action))?;
    let object = |object_type_id: &str, id: &Id| {
        Some(JournalObject {
            object_type_id: object_type_id.to_owned(),
            object_id: HubSpotId(id.number()?),
        })
    };
    let own = object(&told.object_type_id, &told.object_id)?;
    let merged = told.merged_object_ids.unwrap_or_default();
    let merged = merged.iter().chain(&told.primary_object_id);
    let merged = merged.filter_map(|id| object(&told.object_type_id, id));
    let associated = told
        .associated_object_type_id
        .zip(told.associated_object_id);
    let associated = associated.and_then(|(type_id, id)| object(&type_id.text(), &id));
    let others = merged.chain(associated).filter(|other| *other != own);
    Some(JournalEvent {
        portal_id: told.portal_id.number()?,
        action,
        others: others.collect(),
        object: own,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read_json(json: &Value) -> JournalFile {
        read(json.to_string().as_bytes())
    }

    fn event(action: &str) -> Value {
        json!({
            "type": "OBJECT", "portalId": 7, "objectTypeId": "0-2", "objectId": 41, "action": action,
            "occurredAt": "2026-11-26T09:00:00Z"
        })
    }

    #[test]
    fn events_are_read_in_order() {
        let mut merge = event("MERGE");
        merge["mergedObjectIds"] = json!([41, "42", 43]);
        let file = read_json(&json!({
            "offset": "o", "publishedAt": "x", "journalEvents": [event("DELETE"), merge, event("RESTORE")],
        }));
        let JournalFile::Read { events, skipped } = file else {
            panic!("{file:?}");
        };
        let actions: Vec<_> = events.iter().map(|event| event.action).collect();
        assert_eq!(actions, JournalAction::OF_OBJECTS);
        let merged = events[1].others.iter();
        let merged: Vec<_> = merged.map(|other| other.object_id).collect();
        assert_eq!(merged, [HubSpotId(42), HubSpotId(43)]);
        assert_eq!(
            (events[0].portal_id, events[0].object.object_id),
            (7, HubSpotId(41))
        );
        assert_eq!(skipped, 0);
    }

    #[test]
    fn an_association_has_two_ends() {
        let mut added = event("ASSOCIATION_ADDED");
        added["type"] = json!("ASSOCIATION");
        added["associatedObjectTypeId"] = json!("0-1");
        added["associatedObjectId"] = json!(41);
        let file = read_json(&json!({ "journalEvents": [added, event("ASSOCIATION_REMOVED")] }));
        let JournalFile::Read { events, skipped } = file else {
            panic!("{file:?}");
        };
        let contact = JournalObject {
            object_type_id: "0-1".to_owned(),
            object_id: HubSpotId(41),
        };
        assert_eq!(events[0].others, [contact]);
        assert_eq!(events[1].others, [], "the other end is not told");
        assert_eq!(skipped, 0);
    }

    #[test]
    fn what_is_not_understood_is_counted_and_the_others_count() {
        let (mut by_text, mut of_nothing, mut of_letters) =
            (event("delete"), event("DELETE"), event("DELETE"));
        by_text["objectId"] = json!("44");
        by_text["mergedObjectIds"] = Value::Null;
        of_nothing.as_object_mut().unwrap().remove("portalId");
        of_letters["objectId"] = json!("abc");
        let events = json!([
            event("CREATE"),
            event("ASCENDED"),
            of_nothing,
            of_letters,
            7,
            null,
            [],
            {},
            by_text
        ]);
        let file = read_json(&json!({ "journalEvents": events, "more": true }));
        let JournalFile::Read { events, skipped } = file else {
            panic!("{file:?}");
        };
        assert_eq!(skipped, 8);
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].object.object_id, HubSpotId(44));
    }

    #[test]
    fn what_is_no_file_of_events_says_so() {
        for body in [
            "",
            "<html>",
            "{}",
            "[]",
            "{\"journalEvents\": 1}",
            "{\"journalEvents\": [",
        ] {
            let file = read(body.as_bytes());
            assert!(matches!(file, JournalFile::Unreadable(_)), "{body}");
        }
        let many = vec![0; FILE_EVENTS_MAX + 1];
        let file = read_json(&json!({ "journalEvents": many }));
        assert!(matches!(file, JournalFile::Unreadable(_)));
    }
}
