//! People at work between the first and the second round: what the script says, and what it has no words for. Each edit
//! is to a record of its own.

use std::time::Duration;

use serde_json::json;

use crate::cast::{Cast, Member};
use crate::expectation::{Expectation, Subject, shown};
use crate::script::{Act, DEAL_FIELDS, EDITS, Edit, Of, PARTNER_FIELDS};
use crate::setup::Pair;
use crate::stage::Stage;

/// How many records are edited in one go at most.
const MANY: usize = 300;
/// How long people wait between two edits of the same field, so that they are of different milliseconds, by which Newest
/// wins tells them apart.
const LATER: Duration = Duration::from_millis(3);

/// Makes all edits and returns what they should lead to.
pub async fn make(
    stage: &Stage,
    partners: &Pair,
    deals: &Pair,
) -> anyhow::Result<Vec<Expectation>> {
    let mut partners = Cast::new(stage, partners, PARTNER_FIELDS).await?;
    let mut deals = Cast::new(stage, deals, DEAL_FIELDS).await?;
    let mut expected = Vec::new();
    for edit in EDITS {
        let cast = if edit.of == Of::Partner {
            &mut partners
        } else {
            &mut deals
        };
        expected.push(edit.make(stage, cast).await?);
    }
    expected.extend(bad_stage(stage, &mut deals).await?);
    expected.extend(new_ones(stage, &partners, &deals).await?);
    expected.push(many_here(stage, &mut partners).await?);
    expected.push(many_there(stage, &mut deals)?);
    Ok(expected)
}

impl Edit {
    async fn make(&self, stage: &Stage, cast: &mut Cast) -> anyhow::Result<Expectation> {
        let member = cast.pick(self.field)?;
        let record = stage.api.record(cast.pair.object, &member.record).await?;
        let before = record.fields.get(self.field).and_then(shown);
        for (at, act) in self.acts.iter().enumerate() {
            if at > 0 {
                tokio::time::sleep(LATER).await;
            }
            match act {
                Act::Ours(value) => cast.ours(stage, &member, self.field, value).await?,
                Act::Theirs(value) => cast.theirs(stage, &member, self.field, value)?,
            }
        }
        let partneros = self.partneros.over(before);
        let hubspot = self.hubspot.over(member.held.clone());
        expect(
            self.what,
            cast,
            vec![both(member)],
            self.field,
            partneros,
            hubspot,
        )
    }
}

/// A stage that the mapper refuses stays here; what else was changed with it goes through.
async fn bad_stage(stage: &Stage, deals: &mut Cast) -> anyhow::Result<[Expectation; 2]> {
    let member = deals.pick("stage")?;
    let (bad, name) = ("no-such-stage", "Renamed along with a bad stage");
    stage
        .api
        .edit(
            "deals",
            &member.record,
            json!({ "stage": bad, "name": name }),
        )
        .await?;
    let (subject, held) = (both(member.clone()), member.held);
    let (bad, name) = (Some(bad.to_owned()), Some(name.to_owned()));
    let what = "PartnerOS: a stage that HubSpot does not have";
    let refused = expect(what, deals, vec![subject.clone()], "stage", bad, held)?;
    let what = "  and the name of the same deal";
    Ok([
        refused,
        expect(what, deals, vec![subject], "name", name.clone(), name)?,
    ])
}

/// A new one of each kind on each side.
async fn new_ones(
    stage: &Stage,
    partners: &Cast,
    deals: &Cast,
) -> anyhow::Result<Vec<Expectation>> {
    let (portal, api) = (&stage.portal, &stage.api);
    let values = [
        ("name", "Globex"),
        ("domain", "globex.example"),
        ("city", "Lima"),
    ];
    let company = portal.person_creates("companies", &values)?;
    // With a website: HubSpot would make one up from the domain, and the third round would bring it in.
    let website = "https://www.initech.example";
    let fields = json!({ "name": "Initech", "domain": "initech.example", "website": website });
    let partner = api.make("partners", fields).await?;
    let values = [
        ("dealname", "Globex rollout"),
        ("pipeline", "default"),
        ("dealstage", "closedwon"),
    ];
    let theirs = portal.person_creates("deals", &values)?;
    let fields = json!({ "name": "Initech pilot", "amount": 4200, "pipeline": "default", "stage": "closedwon" });
    let ours = api.make("deals", fields).await?;
    let there = |object| Subject {
        record: None,
        object: Some(object),
    };
    let here = |record| Subject {
        record: Some(record),
        object: None,
    };
    let made = [
        ("HubSpot: a new company", partners, there(company), "Globex"),
        (
            "PartnerOS: a new partner",
            partners,
            here(partner),
            "Initech",
        ),
        (
            "HubSpot: a new deal",
            deals,
            there(theirs),
            "Globex rollout",
        ),
        ("PartnerOS: a new deal", deals, here(ours), "Initech pilot"),
    ];
    let expect = |(what, cast, subject, name): (_, _, _, &str)| {
        let name = Some(name.to_owned());
        expect(what, cast, vec![subject], "name", name.clone(), name)
    };
    made.into_iter().map(expect).collect()
}

/// Many partners edited in one request.
async fn many_here(stage: &Stage, cast: &mut Cast) -> anyhow::Result<Expectation> {
    let (mut records, mut subjects) = (Vec::new(), Vec::new());
    for _ in 0..MANY.min(cast.left() / 2) {
        let member = cast.pick("name")?;
        records.push(json!({ "id": member.record, "fields": { "postalCode": "8000" } }));
        subjects.push(both(member));
    }
    stage
        .api
        .post(
            "/api/records/partners/batch",
            &json!({ "records": records }),
        )
        .await?;
    let code = Some("8000".to_owned());
    expect(
        "PartnerOS: the postal code of partners",
        cast,
        subjects,
        "postalCode",
        code.clone(),
        code,
    )
}

/// Many deals edited by people in HubSpot.
fn many_there(stage: &Stage, cast: &mut Cast) -> anyhow::Result<Expectation> {
    let mut subjects = Vec::new();
    for _ in 0..MANY.min(cast.left() / 2) {
        let member = cast.pick("name")?;
        cast.theirs(stage, &member, "nextStep", "Call back")?;
        subjects.push(both(member));
    }
    let step = Some("Call back".to_owned());
    expect(
        "HubSpot: the next step of deals",
        cast,
        subjects,
        "nextStep",
        step.clone(),
        step,
    )
}

fn both(member: Member) -> Subject {
    Subject {
        record: Some(member.record),
        object: Some(member.object),
    }
}

fn expect(
    what: &'static str,
    cast: &Cast,
    subjects: Vec<Subject>,
    field: &'static str,
    partneros: Option<String>,
    hubspot: Option<String>,
) -> anyhow::Result<Expectation> {
    let (pair, property) = (cast.pair.clone(), cast.property(field)?);
    Ok(Expectation {
        what,
        pair,
        subjects,
        field,
        property,
        partneros,
        hubspot,
    })
}
