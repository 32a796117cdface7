//! Values that no one writes: ids and dates of the record, and what HubSpot computes from other values.
//!
//! They are computed when read, so they change without moving the modified date, as HubSpot's do: a deal that gains a
//! contact counts it, and an incremental poll never hears of it.

use std::borrow::Cow;

use super::object_type::{Kind, ObjectType, TypeIx};
use super::pipelines::Stage;
use super::record::{PropertyIx, Record, Source};
use super::sim::Sim;
use super::values;

/// What one unit of a currency is worth in the company's, US dollars.
fn exchange_rate(currency: &str) -> f64 {
    match currency {
        "EUR" => 1.08,
        "GBP" => 1.27,
        "CAD" => 0.73,
        "AUD" => 0.65,
        "JPY" => 0.0067,
        _ => 1.0,
    }
}

const DAY_MS: i64 = 86_400_000;

impl Sim {
    /// The value of a property as a read shows it; `None` when it was never set.
    pub fn value<'a>(
        &'a self,
        object_type: &'a ObjectType,
        record: &'a Record,
        property: PropertyIx,
    ) -> Option<Cow<'a, str>> {
        if let Some(stored) = record.get(property) {
            return Some(Cow::Borrowed(stored));
        }
        let definition = object_type.registry.get(property);
        if !definition.hubspot_defined {
            return None;
        }
        let name = definition.name.as_ref();
        if name == object_type.modified_property() {
            return Some(Cow::Owned(record.modified.to_string()));
        }
        let system = match name {
            "hs_object_id" => Some(record.id.to_string()),
            "createdate" | "hs_createdate" => Some(record.created.to_string()),
            "hs_object_source" | "hs_object_source_label" => {
                Some(source_type(record.source).to_owned())
            }
            "hs_object_source_id" => self.source_id(record.source),
            _ => None,
        };
        let value = system.or_else(|| match object_type.kind {
            Kind::Deals => self.of_deal(object_type, record, name),
            Kind::Companies => self.of_company(record, name),
            Kind::Contacts | Kind::Custom => None,
        });
        value.map(Cow::Owned)
    }

    /// The value of a property by name; `None` when there is no such property or value.
    pub fn value_named<'a>(
        &'a self,
        object_type: &'a ObjectType,
        record: &'a Record,
        name: &str,
    ) -> Option<Cow<'a, str>> {
        let (property, _) = object_type.registry.find(name)?;
        self.value(object_type, record, property)
    }

    /// The `sourceId` of what `source` writes.
    pub fn source_id(&self, source: Source) -> Option<String> {
        match source {
            Source::Integration => Some(self.config.app.app_id.to_string()),
            Source::Person => self
                .owners
                .first()
                .map(|owner| format!("userId:{}", owner.user_id)),
            Source::Workflow => Some(format!("enrollmentId:{WORKFLOW}")),
            Source::Enrichment | Source::Import => None,
        }
    }

    fn of_deal(&self, deals: &ObjectType, deal: &Record, name: &str) -> Option<String> {
        let read = |name: &str| {
            let (property, _) = deals.registry.find(name)?;
            deal.get(property).filter(|value| !value.is_empty())
        };
        let stage = || {
            read("dealstage")
                .and_then(|id| self.stage(id))
                .map(|(_, stage)| stage)
        };
        let amount = || read("amount").and_then(|amount| amount.parse::<f64>().ok());
        let rate = || exchange_rate(read("deal_currency_code").unwrap_or("USD"));
        let closed = || stage().is_some_and(|stage| stage.closed);
        match name {
            "hs_is_closed" => Some(closed().to_string()),
            "hs_is_closed_won" => Some(stage().is_some_and(Stage::won).to_string()),
            "hs_is_closed_lost" => Some(
                stage()
                    .is_some_and(|stage| stage.closed && !stage.won())
                    .to_string(),
            ),
            "hs_is_deal_split" => Some("false".to_owned()),
            "hs_deal_stage_probability" | "hs_deal_stage_probability_shadow" => {
                stage().map(|stage| decimal(stage.chance()))
            }
            "hs_exchange_rate" => read("deal_currency_code").map(|_| decimal(rate())),
            "amount_in_home_currency" => amount().map(|amount| decimal(amount * rate())),
            "hs_projected_amount" => Some(decimal(amount()? * stage()?.chance())),
            "hs_projected_amount_in_home_currency" => {
                Some(decimal(amount()? * stage()?.chance() * rate()))
            }
            "hs_closed_amount" => won_amount(stage(), amount()).map(decimal),
            "hs_closed_amount_in_home_currency" => {
                won_amount(stage(), amount()).map(|amount| decimal(amount * rate()))
            }
            "hs_open_amount_in_home_currency" => {
                amount().map(|amount| decimal(if closed() { 0.0 } else { amount * rate() }))
            }
            "hs_forecast_amount" => amount().map(decimal),
            "days_to_close" => {
                let close = values::instant(read("closedate")?)?;
                Some((close.millis_since(deal.created).max(0) / DAY_MS).to_string())
            }
            "num_associated_contacts" => Some(self.count(Kind::Deals, deal, Kind::Contacts)),
            "hs_primary_associated_company" => {
                let companies = self.standard(Kind::Companies);
                let end = (self.standard(Kind::Deals), deal.id);
                let mut linked = self.associations.of(end, companies);
                linked
                    .find(|(_, labels)| labels.contains(&5))
                    .map(|(id, _)| id.to_string())
            }
            _ => None,
        }
    }

    fn of_company(&self, company: &Record, name: &str) -> Option<String> {
        match name {
            "num_associated_contacts" => Some(self.count(Kind::Companies, company, Kind::Contacts)),
            "num_associated_deals" => Some(self.count(Kind::Companies, company, Kind::Deals)),
            "hs_num_open_deals" => {
                let open = self
                    .deals_of(company)
                    .filter(|deal| self.is(deal, "hs_is_closed", "false"));
                Some(open.count().to_string())
            }
            "hs_total_deal_value" => {
                let open = self
                    .deals_of(company)
                    .filter(|deal| self.is(deal, "hs_is_closed", "false"));
                Some(decimal(
                    open.filter_map(|deal| self.home_amount(deal)).sum(),
                ))
            }
            "total_revenue" => {
                let won = self
                    .deals_of(company)
                    .filter(|deal| self.is(deal, "hs_is_closed_won", "true"));
                Some(decimal(won.filter_map(|deal| self.home_amount(deal)).sum()))
            }
            _ => None,
        }
    }

    fn deals_of(&self, company: &Record) -> impl Iterator<Item = &Record> {
        let deals = self.standard(Kind::Deals);
        let end = (self.standard(Kind::Companies), company.id);
        self.associations
            .of(end, deals)
            .filter_map(move |(id, _)| self.object_type(deals).live(id))
    }

    fn is(&self, deal: &Record, name: &str, expected: &str) -> bool {
        let deals = self.object_type(self.standard(Kind::Deals));
        self.of_deal(deals, deal, name).as_deref() == Some(expected)
    }

    fn home_amount(&self, deal: &Record) -> Option<f64> {
        let deals = self.object_type(self.standard(Kind::Deals));
        self.of_deal(deals, deal, "amount_in_home_currency")?
            .parse()
            .ok()
    }

    fn count(&self, from: Kind, record: &Record, to: Kind) -> String {
        let end: (TypeIx, u64) = (self.standard(from), record.id);
        self.associations.count(end, self.standard(to)).to_string()
    }
}

/// The number of the one workflow there is.
// Unverified: what HubSpot puts before a workflow's number.
const WORKFLOW: u64 = 5_150_017;

/// HubSpot's word for who wrote a value.
pub const fn source_type(source: Source) -> &'static str {
    match source {
        Source::Integration => "INTEGRATION",
        Source::Person => "CRM_UI",
        Source::Workflow => "AUTOMATION_PLATFORM",
        Source::Enrichment => "COMPANY_INSIGHTS",
        Source::Import => "IMPORT",
    }
}

fn won_amount(stage: Option<&Stage>, amount: Option<f64>) -> Option<f64> {
    let amount = amount?;
    Some(if stage.is_some_and(Stage::won) {
        amount
    } else {
        0.0
    })
}

fn decimal(number: f64) -> String {
    format!("{number}")
}
