//! The main job in order: connect, map, first round, edits, second round, restart, third round, comparison.

use std::collections::HashMap;
use std::time::Instant;

use anyhow::Context as _;
use serde_json::json;

use crate::agreement::{self, Agreement};
use crate::api::{Record, text};
use crate::edits;
use crate::expectation::{self, Ending, Expectation, Subject};
use crate::options::Options;
use crate::report::{self, Conflict};
use crate::rounds::{self, Round};
use crate::setup::{self, Pair};
use crate::stage::{Pace, Stage};
use crate::table::count;

/// The story as it went.
#[derive(Debug)]
pub struct Outcome {
    /// Partners and companies.
    pub partners: Pair,
    /// Deals and deals.
    pub deals: Pair,
    /// How each edit ended.
    pub endings: Vec<Ending>,
    /// What the comparison found, for each pair.
    pub agreements: Vec<Agreement>,
    /// Whether the third round left both sides as they were.
    pub quiet: bool,
}

impl Outcome {
    /// Whether everything went as it should.
    pub fn is_good(&self) -> bool {
        self.quiet
            && self.endings.iter().all(|ending| ending.expected)
            && self.agreements.iter().all(|agreement| agreement.wrong == 0)
    }
}

/// Tells the whole story on the standard output.
pub async fn tell(stage: &mut Stage, options: &Options) -> anyhow::Result<Outcome> {
    let begun = Instant::now();
    println!(
        "The portal: {} companies and {} deals, at {}",
        count(options.companies.into()),
        count(options.deals.into()),
        stage.portal.url()
    );
    let pairs = prepare(stage).await?;
    let [partners, deals] = &pairs;
    let known = known_to_both(stage, partners).await?;

    println!("\nFirst round: everything that HubSpot has");
    let expected = [options.companies.into(), options.deals.into()];
    let first = rounds::round(&stage.api, &pairs, Some(&expected)).await?;
    show(&pairs, &first);

    println!("\nPeople edit on both sides, then the second round");
    let mut expectations = vec![known];
    expectations.extend(edits::make(stage, partners, deals).await?);
    let second = rounds::round(&stage.api, &pairs, None).await?;
    show(&pairs, &second);
    let endings = look(stage, &expectations).await?;
    print!("\n{}", expectation::describe(&endings));
    aftermath(stage, &pairs).await?;

    println!("\nThe host is stopped and started again, then the third round");
    stage.restart(Pace::Asked).await?;
    let quiet = third(stage, &pairs).await?;

    println!("\nBoth sides compared, value by value");
    let mut agreements = Vec::with_capacity(pairs.len());
    for pair in &pairs {
        let agreement = agreement::compare(stage, pair).await?;
        print!("{}", report::agreement(pair, &agreement));
        agreements.push(agreement);
    }
    let [partners, deals] = pairs;
    let outcome = Outcome {
        partners,
        deals,
        endings,
        agreements,
        quiet,
    };
    let verdict = if outcome.is_good() {
        "Everything is as it should be"
    } else {
        "NOT everything is as it should be"
    };
    println!("\n{verdict}, after {:.1} s.", begun.elapsed().as_secs_f64());
    Ok(outcome)
}

/// Connects, makes both pairs, reviews the suggestions and activates.
async fn prepare(stage: &Stage) -> anyhow::Result<[Pair; 2]> {
    let api = &stage.api;
    let connection = setup::connect(api).await?;
    let stats = &connection["schemaStats"];
    println!("Connected portal {} over OAuth", connection["portalId"]);
    println!(
        "Discovered {} objects with {} properties
",
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
async fn known_to_both(stage: &Stage, pair: &Pair) -> anyhow::Result<Expectation> {
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

async fn look(stage: &Stage, expectations: &[Expectation]) -> anyhow::Result<Vec<Ending>> {
    let mut endings = Vec::with_capacity(expectations.len());
    for expectation in expectations {
        endings.push(expectation.look(stage).await?);
    }
    Ok(endings)
}

/// Shows how conflicts were settled and what waits to be corrected.
async fn aftermath(stage: &Stage, pairs: &[Pair]) -> anyhow::Result<()> {
    let mut settled: Vec<Conflict> = Vec::new();
    let mut listed = Vec::new();
    for pair in pairs {
        settled.extend(
            stage
                .api
                .list(&format!("/api/pairs/{}/conflicts", pair.id), "conflicts")
                .await?,
        );
        listed.push((pair, agreement::failures(stage, pair).await?));
    }
    print!("\nConflicts, newest first\n{}", report::conflicts(&settled));
    print!(
        "\nParked until someone corrects them; the rest of each record went through\n{}",
        report::parked(&listed)
    );
    Ok(())
}

/// A round after which nothing may be different.
async fn third(stage: &Stage, pairs: &[Pair]) -> anyhow::Result<bool> {
    let (writes, before) = (stage.portal.writes(), records(stage, pairs).await?);
    let round = rounds::round(&stage.api, pairs, None).await?;
    show(pairs, &round);
    let written = stage.portal.writes() - writes;
    let mut changed = 0;
    for (id, record) in records(stage, pairs).await? {
        let old = before.get(&id);
        if old.is_some_and(|old| old.version == record.version) {
            continue;
        }
        changed += 1;
        let differs =
            |(name, value): &(_, _)| old.and_then(|old| old.fields.get(*name)) != Some(*value);
        let fields: Vec<_> = record
            .fields
            .iter()
            .filter(differs)
            .map(|(name, _)| name)
            .collect();
        println!("  record {id} has another {fields:?}");
    }
    println!(
        "  {} writes to HubSpot, {} to records",
        count(written),
        count(changed)
    );
    Ok(written == 0 && changed == 0 && !round.wrote())
}

/// All records, by id.
async fn records(stage: &Stage, pairs: &[Pair]) -> anyhow::Result<HashMap<String, Record>> {
    let mut all = HashMap::new();
    for pair in pairs {
        let records = stage.api.records(pair.object).await?;
        all.extend(
            records
                .into_iter()
                .map(|record| (record.id.clone(), record)),
        );
    }
    Ok(all)
}

fn show(pairs: &[Pair], round: &Round) {
    print!("{}", rounds::describe(pairs, round));
    println!(
        "  {:.2} s, {} records/s",
        round.took.as_secs_f64(),
        count(round.records_per_second())
    );
}
