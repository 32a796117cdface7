//! HubSpot's webhooks journal: what happened to objects, in files that are read one after the other.
//!
//! The journal is an app's: one for all portals that installed it, read with a token of the app itself. An entry is the
//! short-lived address of a file; what is in the file is a hint for whoever looks the object up, and nothing more.
//!
//! Where files lie is said by HubSpot, so an address is only followed where [`address`] allows it, without a token and without
//! redirects.
//!
//! Unverified, since no recording exists: the status for an offset that is unknown or no longer kept, what a merge and an
//! association name, and whether files cover custom objects. All of it is read leniently.

mod address;
mod file;
mod tokens;

use std::sync::Arc;

use secrecy::SecretString;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use url::Url;

pub use file::{JournalAction, JournalEvent, JournalFile, JournalObject};
pub use tokens::JOURNAL_SCOPES;

use self::tokens::AppTokens;
use crate::call::{Call, Caller, Jitter, observe};
use crate::error::{Error, Refusal};
use crate::http::{Http, invalid};
use crate::oauth::OAuth;
use crate::paths::{ApiVersion, Paths};
use crate::portal::Priority;
use crate::retry::RetryConfig;

/// How long a file may be. HubSpot's are up to 5 MB. A longer one is [`JournalFile::Unreadable`].
pub const FILE_BYTES_MAX: usize = 16 << 20;
/// How many events a file may hold. HubSpot's hold up to 10,000. One with more is [`JournalFile::Unreadable`].
pub const FILE_EVENTS_MAX: usize = 20_000;
/// How long the name of an entry may be. HubSpot's are UUIDs. A longer one is [`Error::InvalidResponse`].
const OFFSET_BYTES_MAX: usize = 200;
/// How many subscriptions are listed. More would be of other hosts, or of a mistake; the rest is left alone.
const SUBSCRIPTIONS_MAX: usize = 20_000;

/// How the journal is reached.
#[derive(Debug, Clone)]
pub struct JournalConfig {
    /// Where HubSpot's API is.
    pub api_base: Url,
    /// How failures are retried.
    pub retry: RetryConfig,
    /// Where the jitter of retries starts.
    pub jitter_seed: u64,
    /// Ends all calls with [`Error::Cancelled`].
    pub cancel: CancellationToken,
}

/// Where in the journal an entry is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JournalPlace<'a> {
    /// The oldest that is kept.
    Earliest,
    /// The newest.
    Latest,
    /// The one after this offset.
    After(&'a str),
}

/// An entry: where its file is, for a few minutes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry {
    /// What names the entry, and leads to the next one.
    pub offset: String,
    file: Url,
}

/// What the app hears of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// HubSpot's number for it; none while it is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// `OBJECT`, `ASSOCIATION`, or a kind that this host has no use for.
    pub subscription_type: String,
    /// The portal; none where it is about the app itself.
    #[serde(default)]
    pub portal_id: Option<i64>,
    /// The object type, such as `0-2`.
    #[serde(default)]
    pub object_type_id: Option<String>,
    /// What it is about, such as `DELETE`.
    #[serde(default)]
    pub actions: Vec<String>,
    /// Only of these objects; none means all.
    #[serde(default, deserialize_with = "or_none")]
    pub object_ids: Vec<i64>,
    /// Only of these properties; none of them means all. None for what has no properties.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<Vec<String>>,
    /// Of associations: the types of the other end.
    #[serde(
        default,
        deserialize_with = "or_none",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub associated_object_type_ids: Vec<String>,
    /// When it was ended, if it is listed nevertheless.
    #[serde(default, skip_serializing)]
    pub deleted_at: Option<String>,
}

/// HubSpot lists what a subscription is not limited to as `null`.
fn or_none<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    let listed = Option::<Vec<T>>::deserialize(deserializer)?;
    Ok(listed.unwrap_or_default())
}

/// A client of the journal of one app.
pub struct JournalClient {
    paths: Paths,
    api_base: Url,
    caller: Caller,
}

impl JournalClient {
    /// A client over a shared connection pool. `oauth` is the app.
    pub fn new(http: &Http, config: JournalConfig, oauth: Arc<OAuth>) -> Self {
        Self {
            paths: Paths::new(config.api_base.clone(), ApiVersion::V2026_03),
            api_base: config.api_base,
            caller: Caller {
                http: http.bounded(FILE_BYTES_MAX),
                tokens: Arc::new(AppTokens::new(oauth)),
                // The journal is outside of a portal's limits; its own, 100 calls a second, is out of reach here.
                budget: None,
                retry: config.retry,
                cancel: config.cancel,
                jitter: Jitter::new(config.jitter_seed),
            },
        }
    }

    /// The entry at a place; none where there is nothing (yet).
    ///
    /// Fails with [`Error::NotFound`] or [`Error::Validation`] for an offset that HubSpot does not know, or no longer, and with
    /// [`Error::InvalidResponse`] for a file where no file is taken from, or an overlong offset.
    pub async fn entry(&self, place: JournalPlace<'_>) -> Result<Option<JournalEntry>, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Told {
            url: SecretString,
            current_offset: String,
        }

        let url = match place {
            JournalPlace::Earliest => self.paths.journal(&["earliest"]),
            JournalPlace::Latest => self.paths.journal(&["latest"]),
            JournalPlace::After(offset) => self.paths.journal(&["offset", offset, "next"]),
        };
        let read = |body: &[u8]| match body.trim_ascii() {
            // 204: nothing is new.
            [] => Ok(None),
            body => serde_json::from_slice::<Told>(body).map(Some),
        };
        let call = Call::get(url.clone(), Priority::Poll);
        let Some(told) = self.caller.call(&call, read).await? else {
            return Ok(None);
        };
        let file = address::allowed(&told.url, &self.api_base);
        let file = file.map_err(|problem| invalid(&url, problem.to_owned()))?;
        if told.current_offset.len() > OFFSET_BYTES_MAX {
            let problem = format!("an offset is longer than {OFFSET_BYTES_MAX} bytes");
            return Err(invalid(&url, problem));
        }
        Ok(Some(JournalEntry {
            offset: told.current_offset,
            file,
        }))
    }

    /// The events in an entry's file. A file that was had, but cannot be read, is no error: asking again would not help.
    ///
    /// Fails with [`Error::Unavailable`] where the address no longer works; the entry has another one by then.
    pub async fn file(&self, entry: &JournalEntry) -> Result<JournalFile, Error> {
        let caller = &self.caller;
        let began = Instant::now();
        let mut attempt = 1;
        loop {
            let (file, error) = match self.download(entry).await {
                Ok(file @ JournalFile::Read { .. }) => return Ok(file),
                Ok(unreadable) => (Some(unreadable), invalid(&entry.file, String::new())),
                Err(error @ Error::InvalidResponse { .. }) => {
                    (Some(JournalFile::Unreadable(error.to_string())), error)
                }
                Err(error) => (None, error),
            };
            let is_gone = error.status().is_some_and(|status| status < 500);
            let spread = caller.jitter.spread();
            let wait = caller.retry.wait(&error, attempt, began.elapsed(), spread);
            let Some(wait) = wait.filter(|_| !is_gone) else {
                return file.ok_or(error);
            };
            tokio::select! {
                () = caller.cancel.cancelled() => return Err(Error::Cancelled),
                () = tokio::time::sleep(wait) => attempt += 1,
            }
        }
    }

    /// What the app has subscribed to.
    pub async fn subscriptions(&self) -> Result<Vec<Subscription>, Error> {
        #[derive(Deserialize)]
        struct Listed {
            #[serde(default)]
            results: Vec<Entry>,
        }

        /// What is not understood is nobody's that this host made.
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Entry {
            Known(Subscription),
            Other(IgnoredAny),
        }

        let call = Call::get(self.paths.journal_subscriptions(&[]), Priority::Poll);
        let read = |body: &[u8]| serde_json::from_slice::<Listed>(body);
        let listed = self.caller.call(&call, read).await?.results.into_iter();
        let known = listed.filter_map(|entry| match entry {
            Entry::Known(subscription) => Some(subscription),
            Entry::Other(_) => None,
        });
        Ok(known.take(SUBSCRIPTIONS_MAX).collect())
    }

    /// Subscribes, or changes the subscription to the same.
    pub async fn subscribe(&self, new: &Subscription) -> Result<(), Error> {
        let url = self.paths.journal_subscriptions(&[]);
        let call = Call::post(url, new, Priority::Poll)?;
        Ok(self.caller.call(&call, |_| Ok(())).await?)
    }

    /// Ends a subscription. One that is gone already is no error.
    pub async fn unsubscribe(&self, id: i64) -> Result<(), Error> {
        let url = self.paths.journal_subscriptions(&[&id.to_string()]);
        let call = Call::delete(url, Priority::Poll);
        match self
            .caller
            .call(&call, |_| Ok(()))
            .await
            .map_err(Error::from)
        {
            Err(Error::NotFound(_)) => Ok(()),
            ended => ended,
        }
    }

    /// Gets a file once. The address itself is the right to read it, so no token goes along.
    async fn download(&self, entry: &JournalEntry) -> Result<JournalFile, Error> {
        let http = &self.caller.http;
        let request = http.request(reqwest::Method::GET, entry.file.clone());
        let sent = Instant::now();
        let outcome = tokio::select! {
            biased;
            () = self.caller.cancel.cancelled() => return Err(Error::Cancelled),
            outcome = http.send(request, &entry.file) => outcome,
        };
        observe("GET", &entry.file, &outcome, sent.elapsed());
        let answer = outcome?;
        if (200..300).contains(&answer.status) {
            return Ok(file::read(&answer.body));
        }
        // What storage says has nothing to do with what the app may do.
        Err(Error::Unavailable(Refusal {
            status: answer.status,
            message: "the journal's file could not be had".to_owned(),
            ..Refusal::default()
        }))
    }
}

impl std::fmt::Debug for JournalClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JournalClient")
            .field("api_base", &self.api_base.as_str())
            .finish_non_exhaustive()
    }
}
