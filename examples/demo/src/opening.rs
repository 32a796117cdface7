//! How the story begins: the portal is connected, both pairs are mapped and active, and one partner is on both sides.

use std::collections::HashMap;

use anyhow::Context as _;
use serde_json::json;

use crate::api::text;
use crate::expectation::{Expectation, Subject};
use crate::report;
use crate::setup::{self, Pair};
use crate::stage::Stage;

/// Connects, makes both pairs, reviews the suggestions and activates.
pub async fn prepare(stage: &Stage) -> anyhow::Result<[Pair; 2]> {
    let api = &stage.api;
    let connection = setup::connect(api).await?;
    let stats = &connection["schemaStats"];
    println!("Connected portal {} over OAuth", connection["portalId"]);
    println!(
        "Discovered {} objects with {} properties\n",
        stats["objects"], stats["fields"]
    );
    let id = text(&connection, "/id")?;
    let partners = setup::draft(
        api,
        &id,
        "Partners and companies",
        ("partners", "companies"),
        ("domain", "domain"),
    )
    .await?;
    let deals = setup::draft(
        api,
        &id,
        "Deals and deals",
        ("deals", "deals"),
        ("name", "dealname"),
    )
    .await?;
    let pairs = [partners, deals];
    for pair in &pairs {
        let suggested = setup::suggest(api, pair).await?;
        println!("{}", report::suggestions(pair, &suggested));
    }
    let [partners, deals] = &pairs;
    // The two sides' types of partners are different lists: technology or reseller here, vendor or prospect there.
    setup::map(api, partners, "type", json!({ "state": "ignored" })).await?;
    setup::map(
        api,
        partners,
        "phone",
        json!({ "conflictPolicy": "partneros_wins" }),
    )
    .await?;
    setup::map(
        api,
        partners,
        "description",
        json!({ "conflictPolicy": "crm_wins" }),
    )
    .await?;
    for pair in [partners, deals] {
        let live = setup::activate(api, pair).await?;
        println!(
            "{}: confirmed and active, {live} fields sync both ways or one",
            pair.title
        );
    }
    println!(
        "  partners' `type` is ignored; of a phone PartnerOS wins, of a description CRM, of the rest the newest"
    );
    Ok(pairs)
}

/// A partner that PartnerOS has already, and HubSpot too: the first round must link them, not make a second one.
pub async fn known_to_both(stage: &Stage, pair: &Pair) -> anyhow::Result<Expectation> {
    let rows = stage.portal.rows("companies", &["name", "domain"])?;
    let mut shared: HashMap<&str, usize> = HashMap::new();
    for row in &rows {
        *shared
            .entry(row.values[1].as_deref().unwrap_or_default())
            .or_default() += 1;
    }
    let known = rows.iter().find_map(|row| match row.values.as_slice() {
        [Some(name), Some(domain)] if shared.get(domain.as_str()) == Some(&1) => {
            Some((row.id, name, domain))
        }
        _ => None,
    });
    let (object, name, domain) = known.context("no company has a domain of its own")?;
    let fields = json!({ "name": name, "domain": domain });
    let record = stage.api.make("partners", fields).await?;
    Ok(Expectation {
        what: "a partner that both sides had before",
        pair: pair.clone(),
        subjects: vec![Subject {
            record: Some(record),
            object: Some(object),
        }],
        field: "name",
        property: "name",
        partneros: Some(name.clone()),
        hubspot: Some(name.clone()),
    })
}
