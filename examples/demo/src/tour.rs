//! What to try once the story is told: commands that work as they are printed.

use anyhow::Context as _;

use crate::links;
use crate::setup::Pair;
use crate::stage::Stage;

/// The addresses, the token and three things to try.
pub async fn describe(stage: &Stage, partners: &Pair, deals: &Pair) -> anyhow::Result<String> {
    let ids = stage.portal.ids(partners.hubspot_object)?;
    let company = *ids.last().context("the portal has no company")?;
    let record = links::records_of(stage, partners, &[company])
        .await?
        .remove(&company);
    let record = record.context("a company has no record")?;
    let (host, portal, token) = (stage.api.base(), stage.portal.url(), stage.api.token());
    let (partners, deals) = (partners.id, deals.id);
    Ok(format!(
        r#"
The host is at {host}, what its API offers at {host}/api/openapi.json, the simulated HubSpot at {portal}.
Pairs are polled every 5 seconds now. Three things to try:

  TOKEN={token}

1. Edit a company as a person in HubSpot would; a few seconds later the partner has it.
  curl -s -X PATCH {portal}/__sim/objects/companies/{company} -H 'Content-Type: application/json' -d '{{"properties":{{"city":"Lisbon"}}}}'
  curl -s {host}/api/records/partners/{record} -H "Authorization: Bearer $TOKEN"

2. Edit the partner; a few seconds later the company has it.
  curl -s -X PATCH {host}/api/records/partners/{record} -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{{"fields":{{"city":"Porto"}}}}'
  curl -s {portal}/__sim/objects/companies/{company}

3. See which conflicts were settled and how, and which values wait for someone to correct them.
  curl -s {host}/api/pairs/{partners}/conflicts -H "Authorization: Bearer $TOKEN"
  curl -s {host}/api/pairs/{deals}/failures -H "Authorization: Bearer $TOKEN"

Ctrl-C ends both."#
    ))
}
