//! The linked records of a pair, for people to pick from: each is picked once, so that no edit meets another.

use std::collections::HashMap;

use anyhow::{Context as _, bail};
use serde_json::{Value as Json, json};

use crate::links;
use crate::portal::Row;
use crate::setup::Pair;
use crate::stage::Stage;

/// A field that people touch, and the property it is mapped to.
pub type Mapped = (&'static str, &'static str);

/// The records of a pair that nobody touched yet.
#[derive(Debug)]
pub struct Cast {
    /// The pair.
    pub pair: Pair,
    fields: &'static [Mapped],
    rows: Vec<Row>,
    records: HashMap<u64, String>,
}

/// A record that was picked.
#[derive(Debug, Clone)]
pub struct Member {
    /// Its id.
    pub record: String,
    /// Its HubSpot object.
    pub object: u64,
    /// What HubSpot holds of the field for which it was picked.
    pub held: Option<String>,
}

impl Cast {
    /// All linked records of a pair.
    pub async fn new(
        stage: &Stage,
        pair: &Pair,
        fields: &'static [Mapped],
    ) -> anyhow::Result<Self> {
        let properties: Vec<_> = fields.iter().map(|(_, property)| *property).collect();
        let mut rows = stage.portal.rows(pair.hubspot_object, &properties)?;
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        let records = links::records_of(stage, pair, &ids).await?;
        // Picked from the end, so the lowest id comes first.
        rows.reverse();
        Ok(Self {
            pair: pair.clone(),
            fields,
            rows,
            records,
        })
    }

    /// How many are left.
    pub fn left(&self) -> usize {
        self.rows.len()
    }

    /// The property of a field.
    pub fn property(&self, field: &str) -> anyhow::Result<&'static str> {
        Ok(self.fields[self.position(field)?].1)
    }

    /// Picks the next record that holds something in a field.
    pub fn pick(&mut self, field: &str) -> anyhow::Result<Member> {
        let at = self.position(field)?;
        let Some(found) = self.rows.iter().rposition(|row| row.values[at].is_some()) else {
            bail!(
                "no {} are left that have a `{field}`; ask for more",
                self.pair.object
            )
        };
        let mut row = self.rows.remove(found);
        let record = self.records.get(&row.id).cloned();
        let record = record.with_context(|| format!("object {} has no record", row.id))?;
        Ok(Member {
            record,
            object: row.id,
            held: row.values.swap_remove(at),
        })
    }

    /// A person in HubSpot sets a field's property; an empty text clears it.
    pub fn theirs(
        &self,
        stage: &Stage,
        member: &Member,
        field: &str,
        value: &str,
    ) -> anyhow::Result<()> {
        let values = [(self.property(field)?, value)];
        stage
            .portal
            .person_sets(self.pair.hubspot_object, member.object, &values)
    }

    /// An integrator sets a field in PartnerOS; an empty text clears it.
    pub async fn ours(
        &self,
        stage: &Stage,
        member: &Member,
        field: &str,
        value: &str,
    ) -> anyhow::Result<()> {
        let value = if value.is_empty() {
            Json::Null
        } else {
            json!(value)
        };
        stage
            .api
            .edit(self.pair.object, &member.record, json!({ field: value }))
            .await
    }

    fn position(&self, field: &str) -> anyhow::Result<usize> {
        let at = self.fields.iter().position(|(name, _)| *name == field);
        at.with_context(|| format!("nobody touches `{field}`"))
    }
}
