//! What an admin does before anything moves: connect the portal, make pairs, review suggestions, activate.

use std::time::Duration;

use anyhow::{Context as _, bail};
use partneros_domain::PairId;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::api::{Api, text};

/// How long the host may take to read the portal's schema.
const DISCOVERY_TRIES: u32 = 600;
/// How long to wait before asking again.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// An object pair.
#[derive(Debug, Clone)]
pub struct Pair {
    /// The host's id of it.
    pub id: PairId,
    /// What people call it.
    pub title: &'static str,
    /// The PartnerOS object.
    pub object: &'static str,
    /// The HubSpot object.
    pub hubspot_object: &'static str,
}

/// A mapping as the host suggests it.
#[derive(Debug, Clone, Deserialize)]
pub struct Suggested {
    /// The PartnerOS field.
    pub field: String,
    /// The HubSpot property, if there is one.
    pub property: Option<String>,
    /// `auto_mapped`, `suggested` or `unmapped`.
    pub state: String,
    /// How sure the mapper is.
    pub confidence: Option<f64>,
    /// What the mapper found, best first.
    pub candidates: Vec<Candidate>,
}

/// A property that may hold a field.
#[derive(Debug, Clone, Deserialize)]
pub struct Candidate {
    /// The property.
    pub property: String,
    /// Why.
    pub reasons: Vec<Reason>,
}

/// Why a property may hold a field.
#[derive(Debug, Clone, Deserialize)]
pub struct Reason {
    /// A sentence.
    pub message: String,
}

/// Connects the portal as a person does: from the host to HubSpot's consent page and back.
pub async fn connect(api: &Api) -> anyhow::Result<Json> {
    let begun = api
        .post("/api/integrations/hubspot/connect", &json!({}))
        .await?;
    let connected = api.follow(&text(&begun, "/authorizeUrl")?).await?;
    let id = text(&connected, "/integration/id")?;
    // The connection works at once, its schema is read in the background.
    for _ in 0..DISCOVERY_TRIES {
        let status = api.get(&format!("/api/integrations/{id}/status")).await?;
        if status["status"] != "active" {
            bail!(
                "the connection is {}: {}",
                status["status"],
                status["lastErrorMessage"]
            );
        }
        if !status["lastSyncAt"].is_null() {
            return Ok(status);
        }
        tokio::time::sleep(ASK_AGAIN).await;
    }
    bail!("the host did not read the portal's schema in time")
}

/// Makes a draft of a pair, whose records find each other by these.
pub async fn draft(
    api: &Api,
    connection: &str,
    title: &'static str,
    (object, hubspot_object): (&'static str, &'static str),
    (field, property): (&str, &str),
) -> anyhow::Result<Pair> {
    let body = json!({
        "object": object,
        "hubspotObject": hubspot_object,
        "direction": "bidirectional",
        "matchKey": { "field": field, "property": property },
    });
    let made = api
        .post(&format!("/api/integrations/{connection}/pairs"), &body)
        .await?;
    let id = text(&made, "/pair/id")?.parse()?;
    Ok(Pair {
        id,
        title,
        object,
        hubspot_object,
    })
}

/// Asks for suggestions.
pub async fn suggest(api: &Api, pair: &Pair) -> anyhow::Result<Vec<Suggested>> {
    let mut answer = api
        .post(&format!("/api/pairs/{}/suggestions", pair.id), &json!({}))
        .await?;
    let mappings = answer["mappings"].take();
    serde_json::from_value(mappings).context("failed to read the suggestions")
}

/// Changes the mapping of a field.
pub async fn map(api: &Api, pair: &Pair, field: &str, change: Json) -> anyhow::Result<()> {
    let path = format!("/api/pairs/{}/mappings/{field}", pair.id);
    api.patch(&path, &change).await.map(drop)
}

/// Confirms what is suggested or mapped, and lets values flow.
pub async fn activate(api: &Api, pair: &Pair) -> anyhow::Result<u64> {
    api.post(
        &format!("/api/pairs/{}/mappings/confirm", pair.id),
        &json!({}),
    )
    .await?;
    let active = api
        .post(&format!("/api/pairs/{}/activate", pair.id), &json!({}))
        .await?;
    active["liveFields"]
        .as_u64()
        .context("the host does not say how many fields sync")
}
