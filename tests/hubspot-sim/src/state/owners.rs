//! The people that records can belong to. `hubspot_owner_id` takes an owner's id, never the user's.

use partneros_domain::Timestamp;
use serde_json::{Value, json};

use super::call::Call;
use super::sim::Sim;
use crate::errors::ApiError;

/// Owners on a page unless asked otherwise.
const OWNERS_PAGE: usize = 100;
// Unverified: no source gives the most owners on a page.
const OWNERS_PAGE_MAX: usize = 500;

/// A person.
#[derive(Debug, Clone)]
pub struct Owner {
    /// What `hubspot_owner_id` holds.
    pub id: u64,
    /// The user behind it.
    pub user_id: u64,
    /// Address.
    pub email: String,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Whether the user has left.
    pub archived: bool,
}

/// Five people, and one who has left.
pub fn seeded() -> Vec<Owner> {
    let people = [
        ("Amara", "Okafor"),
        ("Jonas", "Lindqvist"),
        ("Priya", "Raman"),
        ("Mateo", "Alvarez"),
        ("Hana", "Kobayashi"),
        ("Left", "Longago"),
    ];
    people
        .into_iter()
        .enumerate()
        .map(|(nth, (first, last))| Owner {
            id: 41_629_779 + 1_137 * nth as u64,
            user_id: 9_586_504 + nth as u64,
            email: format!(
                "{}.{}@partner-sales.example",
                first.to_lowercase(),
                last.to_lowercase()
            ),
            first_name: first.to_owned(),
            last_name: last.to_owned(),
            archived: nth == 5,
        })
        .collect()
}

impl Sim {
    /// A page of owners in order of id.
    pub fn list_owners(
        &self,
        call: &Call,
        email: Option<&str>,
        limit: Option<usize>,
        after: Option<&str>,
        archived: bool,
    ) -> Result<Value, ApiError> {
        call.require_any(&["crm.objects.owners.read".to_owned()])?;
        let limit = limit.unwrap_or(OWNERS_PAGE).clamp(1, OWNERS_PAGE_MAX);
        let after: u64 = after.and_then(|after| after.parse().ok()).unwrap_or(0);
        let mut found = self.owners.iter().filter(|owner| {
            owner.archived == archived
                && owner.id > after
                && email.is_none_or(|email| owner.email.eq_ignore_ascii_case(email))
        });
        let page: Vec<_> = found.by_ref().take(limit).collect();
        let mut json =
            json!({ "results": page.iter().map(|owner| owner_json(owner)).collect::<Vec<_>>() });
        if found.next().is_some()
            && let Some(last) = page.last()
        {
            json["paging"] = json!({ "next": { "after": last.id.to_string() } });
        }
        Ok(json)
    }

    /// One owner.
    pub fn read_owner(&self, call: &Call, id: &str) -> Result<Value, ApiError> {
        call.require_any(&["crm.objects.owners.read".to_owned()])?;
        let found = self.owners.iter().find(|owner| owner.id.to_string() == id);
        found
            .map(owner_json)
            .ok_or_else(|| ApiError::no_such_record(id))
    }
}

fn owner_json(owner: &Owner) -> Value {
    let joined = Timestamp(1_593_528_957_380);
    json!({
        "id": owner.id.to_string(),
        "email": owner.email,
        "type": "PERSON",
        "firstName": owner.first_name,
        "lastName": owner.last_name,
        "userId": (!owner.archived).then_some(owner.user_id),
        "userIdIncludingInactive": owner.user_id,
        "createdAt": joined,
        "updatedAt": joined,
        "archived": owner.archived,
    })
}
