//! Plausible records from the seed: companies, and deals that belong to them.
//!
//! Values look like a partner team's portal: most companies have a domain of their own, some lack fields, a few were
//! cleared. Modified dates spread over two years, nearly all in milliseconds of their own. Names are invented from
//! syllables, addresses end in `.example`.

use partneros_domain::Timestamp;
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use crate::state::record::PropertyIx;
use crate::state::values::day;
use crate::state::{Kind, Record, Sim, Source, TypeIx};

const HEADS: &[&str] = &[
    "Nor", "Vel", "Alta", "Cor", "Bright", "Sol", "Quin", "Har", "Mer", "Tri", "Pol", "Zen",
    "Ever", "Kes", "Lum", "Fjord",
];
const TAILS: &[&str] = &[
    "wick", "dane", "mark", "vex", "line", "ridge", "sys", "field", "tara", "core", "port", "lia",
    "byte", "grove", "stone", "nova",
];
const FORMS: &[&str] = &[
    "Inc.", "GmbH", "Ltd", "LLC", "S.A.", "AB", "Group", "Partners", "Labs", "& Co",
];
const PLACES: &[(&str, &str, &str)] = &[
    ("Boston", "MA", "United States"),
    ("Austin", "TX", "United States"),
    ("Berlin", "BE", "Germany"),
    ("München", "BY", "Germany"),
    ("Göteborg", "", "Sweden"),
    ("São Paulo", "SP", "Brazil"),
    ("Toronto", "ON", "Canada"),
    ("Lyon", "", "France"),
    ("Leeds", "", "United Kingdom"),
    ("大阪", "", "Japan"),
];
const KINDS: &[&str] = &[
    "PARTNER", "PARTNER", "RESELLER", "PROSPECT", "VENDOR", "OTHER",
];
const INDUSTRIES: &[&str] = &[
    "COMPUTER_SOFTWARE",
    "FINANCIAL_SERVICES",
    "RETAIL",
    "TELECOMMUNICATIONS",
    "MANAGEMENT_CONSULTING",
    "LOGISTICS_AND_SUPPLY_CHAIN",
    "HOSPITAL_HEALTH_CARE",
];
const LIFECYCLE: &[&str] = &["lead", "opportunity", "customer", "customer", "other"];
const TECHNOLOGIES: &[&str] = &[
    "amazon_web_services",
    "cloudflare",
    "google_analytics",
    "hubspot",
    "salesforce",
    "stripe",
];
const PRODUCTS: &[&str] = &[
    "Platform rollout",
    "Annual renewal",
    "Expansion",
    "Pilot",
    "Migration",
    "Support plan",
    "Training",
    "Co-sell package",
];
const STEPS: &[&str] = &[
    "Send proposal",
    "Book a demo",
    "Wait for legal",
    "Call the champion",
];

const TWO_YEARS_MS: i64 = 2 * 365 * 86_400_000;
const DAY_MS: i64 = 86_400_000;

/// Plants the records that the portal's configuration asks for.
pub(crate) fn plant(sim: &mut Sim, now: Timestamp) {
    let (companies, deals) = (sim.config.companies, sim.config.deals);
    let company_type = sim.standard(Kind::Companies);
    let mut planted = Vec::with_capacity(companies);
    for nth in 0..companies {
        let values = company(sim, nth, now);
        planted.push(put(sim, company_type, &values, now));
    }
    let deal_type = sim.standard(Kind::Deals);
    for nth in 0..deals {
        let values = deal(sim, nth, now);
        let id = put(sim, deal_type, &values, now);
        // One deal in ten belongs to no company.
        if !sim.rng.random_bool(0.1)
            && let Some(&company) = planted.choose(&mut sim.rng)
        {
            sim.link(now, (deal_type, id), (company_type, company), &[]);
        }
    }
}

fn company(sim: &mut Sim, nth: usize, now: Timestamp) -> Vec<(&'static str, String)> {
    let owner = owner(sim);
    let rng = &mut sim.rng;
    let stem = format!("{}{}", pick(rng, HEADS), pick(rng, TAILS));
    let name = format!("{stem} {}", pick(rng, FORMS));
    let mut values = vec![("name", name)];
    // Three in a hundred companies have no domain, one in a hundred shares one.
    if !rng.random_bool(0.03) {
        let number = if rng.random_bool(0.01) { nth / 2 } else { nth };
        let domain = format!("{}{number}.example", stem.to_lowercase());
        values.push(("website", format!("https://www.{domain}")));
        values.push(("domain", domain));
    }
    let (city, state, country) = *PLACES.choose(rng).unwrap_or(&PLACES[0]);
    let since = now.as_millis() - rng.random_range(0..TWO_YEARS_MS);
    let optional = [
        (0.9, "city", city.to_owned()),
        (0.8, "state", state.to_owned()),
        (0.95, "country", country.to_owned()),
        (0.6, "zip", format!("{:05}", rng.random_range(501..99_950))),
        (
            0.6,
            "address",
            format!("{} {} Street", rng.random_range(1..400), pick(rng, HEADS)),
        ),
        (
            0.7,
            "phone",
            format!(
                "+1 555 {:03} {:04}",
                rng.random_range(100..999),
                rng.random_range(0..9_999)
            ),
        ),
        (0.85, "industry", pick(rng, INDUSTRIES).to_owned()),
        (0.9, "type", pick(rng, KINDS).to_owned()),
        (0.8, "lifecyclestage", pick(rng, LIFECYCLE).to_owned()),
        (
            0.7,
            "numberofemployees",
            rng.random_range(1..20_000).to_string(),
        ),
        (
            0.6,
            "annualrevenue",
            format!("{}.00", rng.random_range(10..90_000) * 1_000),
        ),
        (
            0.5,
            "founded_year",
            rng.random_range(1950..2025).to_string(),
        ),
        (
            0.5,
            "description",
            format!(
                "{stem} helps teams with {}.",
                pick(rng, PRODUCTS).to_lowercase()
            ),
        ),
        (0.3, "is_public", rng.random_bool(0.2).to_string()),
        (0.3, "web_technologies", several(rng, TECHNOLOGIES)),
        (0.2, "closedate", Timestamp(since).to_string()),
        (0.75, "hubspot_owner_id", owner),
    ];
    sift(rng, optional, &mut values);
    values
}

fn deal(sim: &mut Sim, nth: usize, now: Timestamp) -> Vec<(&'static str, String)> {
    let owner = owner(sim);
    let (pipeline, stage) = stage(sim);
    let rng = &mut sim.rng;
    let client = format!("{}{}", pick(rng, HEADS), pick(rng, TAILS));
    let mut values = vec![
        (
            "dealname",
            format!("{client} {} #{nth}", pick(rng, PRODUCTS)),
        ),
        ("pipeline", pipeline),
        ("dealstage", stage),
    ];
    let close = now.as_millis() + rng.random_range(-TWO_YEARS_MS..TWO_YEARS_MS / 4);
    let currency = ["USD", "USD", "EUR", "GBP", "CAD"]
        .choose(rng)
        .copied()
        .unwrap_or("USD");
    let optional = [
        (
            0.95,
            "amount",
            format!(
                "{}.{:02}",
                rng.random_range(500..250_000),
                rng.random_range(0..100)
            ),
        ),
        (
            0.9,
            "closedate",
            format!(
                "{}T00:00:00.000Z",
                day(Timestamp(close - close.rem_euclid(DAY_MS)))
            ),
        ),
        (
            0.8,
            "dealtype",
            if rng.random_bool(0.7) {
                "newbusiness"
            } else {
                "existingbusiness"
            }
            .to_owned(),
        ),
        (0.7, "deal_currency_code", currency.to_owned()),
        (
            0.4,
            "description",
            format!("{client} wants {}.", pick(rng, PRODUCTS).to_lowercase()),
        ),
        (
            0.5,
            "hs_priority",
            pick(rng, &["low", "medium", "high"]).to_owned(),
        ),
        (0.3, "hs_next_step", pick(rng, STEPS).to_owned()),
        (
            0.2,
            "closed_lost_reason",
            "Went with a competitor".to_owned(),
        ),
        (0.8, "hubspot_owner_id", owner),
    ];
    sift(rng, optional, &mut values);
    values
}

/// A pipeline and one of its stages; the first pipeline is the usual one.
fn stage(sim: &mut Sim) -> (String, String) {
    let nth = usize::from(sim.rng.random_bool(0.3)).min(sim.pipelines.len() - 1);
    let pipeline = &sim.pipelines[nth];
    let stage = pipeline
        .stages
        .choose(&mut sim.rng)
        .map(|stage| stage.id.clone());
    (pipeline.id.clone(), stage.unwrap_or_default())
}

fn put(sim: &mut Sim, ix: TypeIx, values: &[(&'static str, String)], now: Timestamp) -> u64 {
    let id = sim.fresh_id(ix);
    let created = now.as_millis() - sim.rng.random_range(1..TWO_YEARS_MS);
    let modified = sim.rng.random_range(created..now.as_millis());
    let mut record = Record::new(id, Timestamp(created), Source::Import);
    let registry = &sim.object_type(ix).registry;
    let changes: Vec<(PropertyIx, String)> = values
        .iter()
        .filter_map(|(name, value)| Some((registry.find(name)?.0, value.clone())))
        .collect();
    record.apply(&changes, Timestamp(created), Source::Import);
    record.modified = Timestamp(modified);
    let lag = sim.lag(Source::Import);
    sim.types[ix.0].insert(record, now, lag);
    id
}

fn owner(sim: &mut Sim) -> String {
    let present: Vec<u64> = sim
        .owners
        .iter()
        .filter(|owner| !owner.archived)
        .map(|owner| owner.id)
        .collect();
    present
        .choose(&mut sim.rng)
        .map(u64::to_string)
        .unwrap_or_default()
}

/// Keeps each value with its chance; one in a hundred of the others was once set and then cleared.
fn sift<const N: usize>(
    rng: &mut StdRng,
    optional: [(f64, &'static str, String); N],
    values: &mut Vec<(&'static str, String)>,
) {
    for (chance, name, value) in optional {
        if rng.random_bool(chance) {
            if !value.is_empty() {
                values.push((name, value));
            }
        } else if rng.random_bool(0.01) {
            values.push((name, String::new()));
        }
    }
}

fn pick<'a>(rng: &mut StdRng, from: &[&'a str]) -> &'a str {
    from.choose(rng).copied().unwrap_or_default()
}

fn several(rng: &mut StdRng, from: &[&str]) -> String {
    let chosen: Vec<&str> = from
        .iter()
        .copied()
        .filter(|_| rng.random_bool(0.4))
        .collect();
    chosen.join(";")
}
