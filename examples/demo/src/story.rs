//! The main job in order: connect, map, first round, edits, second round, restart, third round, comparison.

use std::collections::HashMap;
use std::time::Instant;

use crate::agreement::{self, Agreement};
use crate::api::Record;
use crate::edits;
use crate::expectation::{self, Ending, Expectation};
use crate::opening;
use crate::options::Options;
use crate::report::{self, Conflict};
use crate::rounds::{self, Round};
use crate::setup::Pair;
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
    let pairs = opening::prepare(stage).await?;
    let [partners, deals] = &pairs;
    let known = opening::known_to_both(stage, partners).await?;

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
