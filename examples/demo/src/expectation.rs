//! What an edit should lead to, and what it did lead to.

use serde_json::Value as Json;

use crate::links;
use crate::setup::Pair;
use crate::stage::Stage;
use crate::table::{Table, count};

/// Someone's edit, and how both sides should stand after the next round.
#[derive(Debug)]
pub struct Expectation {
    /// What was done.
    pub what: &'static str,
    /// The pair whose records are concerned.
    pub pair: Pair,
    /// Which records; all of them should end the same way.
    pub subjects: Vec<Subject>,
    /// The PartnerOS field that is looked at.
    pub field: &'static str,
    /// The HubSpot property that is looked at.
    pub property: &'static str,
    /// What PartnerOS should hold, as people read it.
    pub partneros: Option<String>,
    /// What HubSpot should hold.
    pub hubspot: Option<String>,
}

/// A record and its HubSpot object. One that was made on one side has the other only after the next round.
#[derive(Debug, Clone, Default)]
pub struct Subject {
    /// The record.
    pub record: Option<String>,
    /// The HubSpot object.
    pub object: Option<u64>,
}

/// How an edit ended.
#[derive(Debug)]
pub struct Ending {
    what: &'static str,
    subjects: usize,
    partneros: Option<String>,
    hubspot: Option<String>,
    /// Whether it is what was expected, for every record.
    pub expected: bool,
}

impl Expectation {
    /// Looks at both sides.
    pub async fn look(&self, stage: &Stage) -> anyhow::Result<Ending> {
        let mut ending = Ending {
            what: self.what,
            subjects: self.subjects.len(),
            partneros: None,
            hubspot: None,
            expected: !self.subjects.is_empty(),
        };
        for subject in &self.subjects {
            let Some((record, object)) = self.resolve(stage, subject).await? else {
                ending.expected = false;
                continue;
            };
            let record = stage.api.record(self.pair.object, &record).await?;
            ending.partneros = record.fields.get(self.field).and_then(shown);
            ending.hubspot = stage
                .portal
                .value(self.pair.hubspot_object, object, self.property)?;
            let expected = ending.partneros == self.partneros && ending.hubspot == self.hubspot;
            ending.expected &= expected;
            if !expected {
                break;
            }
        }
        Ok(ending)
    }

    /// Record and object of a subject; none unless they are linked to one another.
    async fn resolve(
        &self,
        stage: &Stage,
        subject: &Subject,
    ) -> anyhow::Result<Option<(String, u64)>> {
        let object = match (&subject.record, subject.object) {
            (Some(record), _) => links::object_of(stage, &self.pair, record).await?,
            (None, object) => object,
        };
        let Some(object) = object else {
            return Ok(None);
        };
        let record = links::records_of(stage, &self.pair, &[object])
            .await?
            .remove(&object);
        let Some(record) = record else {
            return Ok(None);
        };
        let same = subject.object.is_none_or(|made| made == object)
            && subject.record.as_ref().is_none_or(|made| *made == record);
        Ok(same.then_some((record, object)))
    }
}

/// The endings as a table.
pub fn describe(endings: &[Ending]) -> String {
    let mut table = Table::new(["edit", "PartnerOS then", "HubSpot then", "as expected"]);
    for ending in endings {
        let what = match ending.subjects {
            1 => ending.what.to_owned(),
            subjects => format!("{} ({})", ending.what, count(subjects as u64)),
        };
        let expected = if ending.expected { "yes" } else { "NO" }.to_owned();
        table.row([
            what,
            or_nothing(&ending.partneros),
            or_nothing(&ending.hubspot),
            expected,
        ]);
    }
    table.to_string()
}

/// A value as people read it; null is nothing.
pub fn shown(value: &Json) -> Option<String> {
    match value {
        Json::Null => None,
        Json::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// A cell for a value that may be missing.
pub fn or_nothing(value: &Option<String>) -> String {
    value.clone().unwrap_or_else(|| "-".to_owned())
}
