//! Keeps what the app has subscribed to in line with what pairs sync.
//!
//! Only subscriptions of the very forms that are made here are ended: to deletions, merges and restores of all objects of a
//! type, and to their associations. Whatever else the app subscribes to stays.

use std::collections::BTreeSet;

use partneros_domain::Timestamp;
use partneros_hubspot::{Error as HubSpotError, JournalAction, Subscription};

use super::{JournalReader, Reading};
use crate::engine::describe;
use crate::error::Error;

/// How often what HubSpot lists is compared, although nothing changed here.
const COMPARED_MS: i64 = 3_600_000;

/// What happens to the objects of a type, or between them and others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Topic {
    Objects,
    Associations,
}

/// A portal, an object type and what about it.
type Wanted = BTreeSet<(i64, String, Topic)>;

/// What was subscribed to, and when that was compared with what HubSpot lists.
#[derive(Debug)]
pub(super) struct Subscribed {
    to: Wanted,
    at: Timestamp,
}

impl JournalReader {
    /// Brings subscriptions in line if pairs have changed, or if it is time.
    pub(super) async fn subscribe(&self, reading: &mut Reading) -> Result<(), Error> {
        let parts = self.engine.parts();
        let now = parts.environment.now();
        let journaled = parts.store.journaled_objects().await?;
        let wanted: Wanted = journaled
            .into_iter()
            .filter_map(|of| Some((of.portal_id, type_of(&of.hubspot_object)?.to_owned())))
            .flat_map(|(portal_id, type_id)| {
                Topic::ALL.map(|topic| (portal_id, type_id.clone(), topic))
            })
            .collect();
        let mut subscribed = self.subscribed.lock().await;
        let is_same = subscribed
            .as_ref()
            .is_some_and(|last| last.to == wanted && now.millis_since(last.at) < COMPARED_MS);
        if !is_same {
            self.bring_in_line(&wanted, reading).await?;
            *subscribed = Some(Subscribed {
                to: wanted,
                at: now,
            });
        }
        Ok(())
    }

    async fn bring_in_line(&self, wanted: &Wanted, reading: &mut Reading) -> Result<(), Error> {
        let missing = self.end_leftovers(wanted, reading).await?;
        self.subscribe_to(&missing, reading).await?;
        if missing
            .iter()
            .any(|(.., topic)| *topic == Topic::Associations)
        {
            // Unverified: whether HubSpot keeps both kinds for an object type. Deletions must not be lost over associations.
            let mut lost = self.end_leftovers(wanted, reading).await?;
            lost.retain(|(.., topic)| *topic == Topic::Objects);
            self.subscribe_to(&lost, reading).await?;
        }
        Ok(())
    }

    /// Ends what nobody syncs any more, and says what is wanted and not there.
    async fn end_leftovers(&self, wanted: &Wanted, reading: &mut Reading) -> Result<Wanted, Error> {
        let mut missing = wanted.clone();
        for listed in self.client.subscriptions().await.map_err(Error::Journal)? {
            let Some((id, to)) = own(&listed) else {
                continue;
            };
            if !missing.remove(&to) {
                // Nobody syncs it any more, or it is there twice.
                let ended = self.client.unsubscribe(id).await;
                ended.map_err(Error::Journal)?;
                self.stay(reading).await?;
            }
        }
        Ok(missing)
    }

    async fn subscribe_to(&self, missing: &Wanted, reading: &mut Reading) -> Result<(), Error> {
        for (portal_id, object_type_id, topic) in missing {
            let portal_id = *portal_id;
            let new = subscription(portal_id, object_type_id.clone(), *topic);
            match self.client.subscribe(&new).await {
                Ok(()) | Err(HubSpotError::Conflict(_)) => {}
                Err(error) if is_about_the_app(&error) => return Err(Error::Journal(error)),
                // What one portal refuses must not keep the others from being heard.
                Err(error) => tracing::warn!(
                    portal.id = portal_id,
                    error = %describe(&error),
                    "HubSpot does not take the subscription to a portal's changes"
                ),
            }
            self.stay(reading).await?;
        }
        Ok(())
    }
}

/// Whether an error is none of a single portal's.
fn is_about_the_app(error: &HubSpotError) -> bool {
    match error {
        HubSpotError::Unauthorized(_) | HubSpotError::ReauthRequired(_) => true,
        // A scope of the journal itself; those of objects are a portal's or an object's trouble.
        HubSpotError::MissingScopes { scopes, .. } => {
            scopes.iter().any(|scope| scope.starts_with("developer."))
        }
        error => error.is_transient(),
    }
}

impl Topic {
    const ALL: [Self; 2] = [Self::Objects, Self::Associations];

    /// HubSpot's word for it.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Objects => "OBJECT",
            Self::Associations => "ASSOCIATION",
        }
    }

    const fn actions(self) -> &'static [JournalAction] {
        match self {
            Self::Objects => &JournalAction::OF_OBJECTS,
            Self::Associations => &JournalAction::OF_ASSOCIATIONS,
        }
    }

    /// The types of an association's other end: those that the app may read anyway.
    fn other_ends(self) -> Vec<String> {
        match self {
            Self::Objects => Vec::new(),
            Self::Associations => NAMED.map(|(_, type_id)| type_id.to_owned()).to_vec(),
        }
    }
}

fn subscription(portal_id: i64, object_type_id: String, topic: Topic) -> Subscription {
    let actions = topic.actions().iter();
    Subscription {
        id: None,
        subscription_type: topic.as_str().to_owned(),
        portal_id: Some(portal_id),
        object_type_id: Some(object_type_id),
        actions: actions.map(|action| action.as_str().to_owned()).collect(),
        object_ids: Vec::new(),
        properties: (topic == Topic::Objects).then(Vec::new),
        associated_object_type_ids: topic.other_ends(),
        deleted_at: None,
    }
}

/// The number of a subscription of a form that is made here, and what it is to.
fn own(listed: &Subscription) -> Option<(i64, (i64, String, Topic))> {
    let mut topics = Topic::ALL.into_iter();
    let topic = topics.find(|topic| topic.as_str() == listed.subscription_type)?;
    let (portal_id, type_id) = (listed.portal_id?, listed.object_type_id.clone()?);
    let made = subscription(portal_id, type_id.clone(), topic);
    // HubSpot may list them in an order of its own.
    let in_order = |listed: &[String]| listed.iter().cloned().collect::<BTreeSet<_>>();
    let is_own = in_order(&listed.actions) == in_order(&made.actions)
        && listed.deleted_at.is_none()
        && listed.object_ids.is_empty()
        && listed.properties.as_ref().is_none_or(Vec::is_empty);
    is_own.then_some((listed.id?, (portal_id, type_id, topic)))
}

/// HubSpot's own objects, by the names that pairs have for them.
const NAMED: [(&str, &str); 3] = [("contacts", "0-1"), ("companies", "0-2"), ("deals", "0-3")];

/// The type of a HubSpot object as the journal names it; pairs name custom objects by it.
fn type_of(hubspot_object: &str) -> Option<&str> {
    let named = NAMED.iter().find(|(name, _)| *name == hubspot_object);
    let is_type = |text: &str| {
        let parts = text.split_once('-');
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        parts.is_some_and(|(before, after)| is_number(before) && is_number(after))
    };
    match named {
        Some((_, type_id)) => Some(type_id),
        None => is_type(hubspot_object).then_some(hubspot_object),
    }
}

/// The HubSpot object of a type, as pairs name it.
pub(super) fn object_of(object_type_id: &str) -> &str {
    let named = NAMED.iter().find(|(_, type_id)| *type_id == object_type_id);
    named.map_or(object_type_id, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use partneros_hubspot::Refusal;

    use super::*;

    #[test]
    fn objects_have_types_and_types_have_objects() {
        for (name, type_id) in [("companies", "0-2"), ("deals", "0-3"), ("2-77", "2-77")] {
            assert_eq!(type_of(name), Some(type_id));
            assert_eq!(object_of(type_id), name);
        }
        for other in ["tickets", "2-", "-2", "2-x", ""] {
            assert_eq!(type_of(other), None, "{other}");
        }
    }

    #[test]
    fn what_one_portal_refuses_is_its_own_trouble() {
        let lacks = |scope: &str| HubSpotError::MissingScopes {
            scopes: vec![scope.to_owned()],
            refusal: Refusal::default(),
        };
        let journals = lacks("developer.webhooks_journal.subscriptions.write");
        assert!(is_about_the_app(&journals));
        assert!(is_about_the_app(&HubSpotError::Unauthorized(
            Refusal::default()
        )));
        assert!(is_about_the_app(&HubSpotError::Unavailable(
            Refusal::default()
        )));
        for own in [
            lacks("crm.objects.custom.read"),
            HubSpotError::Validation(Refusal::default()),
            HubSpotError::NotFound(Refusal::default()),
        ] {
            assert!(!is_about_the_app(&own), "{own}");
        }
    }

    #[test]
    fn only_what_is_made_here_is_known_as_such() {
        let made = |topic| Subscription {
            id: Some(4),
            ..subscription(7, "0-2".to_owned(), topic)
        };
        for topic in Topic::ALL {
            let mut turned = made(topic);
            turned.actions.reverse();
            turned.associated_object_type_ids.reverse();
            turned.properties = None;
            for own_form in [&made(topic), &turned] {
                assert_eq!(own(own_form), Some((4, (7, "0-2".to_owned(), topic))));
            }
        }
        let made = made(Topic::Objects);
        let other = |change: fn(&mut Subscription)| {
            let mut other = made.clone();
            change(&mut other);
            own(&other)
        };
        assert_eq!(other(|one| one.actions.push("UPDATE".to_owned())), None);
        assert_eq!(other(|one| one.actions.clear()), None);
        assert_eq!(other(|one| one.object_ids.push(1)), None);
        assert_eq!(
            other(|one| one.properties = Some(vec!["name".to_owned()])),
            None
        );
        assert_eq!(
            other(|one| one.subscription_type = "EVENT".to_owned()),
            None
        );
        assert_eq!(other(|one| one.portal_id = None), None);
        assert_eq!(other(|one| one.deleted_at = Some("x".to_owned())), None);
    }
}
