//! PartnerOS's own objects: the fields of `partners` and `deals`.
//!
//! Names are the product's API names (camel case). Which of them a portal can fill is a matter of mapping.

use crate::schema::{DataType, FieldSchema, ObjectSchema};

/// The names of the built-in objects.
pub const BUILT_IN: [&str; 2] = ["partners", "deals"];

/// The schema of a built-in object.
pub fn built_in(name: &str) -> Option<ObjectSchema> {
    match name {
        "partners" => Some(partners()),
        "deals" => Some(deals()),
        _ => None,
    }
}

/// Partner companies.
fn partners() -> ObjectSchema {
    let f = FieldSchema::new;
    ObjectSchema {
        name: "partners".to_owned(),
        label: "Partners".to_owned(),
        fields: vec![
            f("name", "Name", DataType::Text)
                .required()
                .described("Display name of the partner company."),
            f("domain", "Domain", DataType::Text).described("Web domain, such as `acme.com`."),
            f("website", "Website", DataType::Text),
            f("logo", "Logo URL", DataType::Text),
            f("industry", "Industry", DataType::Text),
            f("description", "Description", DataType::Text),
            f("employees", "Employees", DataType::Integer).described("Headcount."),
            f("companyRevenue", "Company revenue", DataType::Number).described("Annual revenue."),
            f("foundedYear", "Founded", DataType::Integer),
            f("phone", "Phone", DataType::Text),
            f("street", "Street address", DataType::Text),
            f("city", "City", DataType::Text),
            f("state", "State / region", DataType::Text),
            f("postalCode", "Postal code", DataType::Text),
            f("country", "Country", DataType::Text),
            f("timeZone", "Time zone", DataType::Text),
            f("linkedinUrl", "LinkedIn page", DataType::Text),
            f("regions", "Regions", DataType::MultiChoice).choices(&[
                ("north_america", "North America"),
                ("latin_america", "Latin America"),
                ("europe", "Europe"),
                ("middle_east_africa", "Middle East & Africa"),
                ("asia_pacific", "Asia Pacific"),
            ]),
            f("languages", "Languages", DataType::MultiChoice),
            f("services", "Services", DataType::MultiChoice),
            f("products", "Products", DataType::MultiChoice),
            f("type", "Type", DataType::Choice).choices(&[
                ("technology", "Technology"),
                ("consulting", "Consulting"),
                ("services", "Services"),
                ("channel", "Channel"),
                ("strategic", "Strategic"),
                ("reseller", "Reseller"),
                ("referral", "Referral"),
            ]),
            f("subtype", "Subtype", DataType::Text),
            f("category", "Category", DataType::Choice).choices(&[
                ("solution", "Solution"),
                ("technology", "Technology"),
                ("sales", "Sales"),
            ]),
            f("tier", "Tier", DataType::Choice).choices(&[
                ("platinum", "Platinum"),
                ("gold", "Gold"),
                ("silver", "Silver"),
                ("bronze", "Bronze"),
                ("registered", "Registered"),
            ]),
            f("lifecycleStage", "Lifecycle stage", DataType::Text),
            f("isTargetAccount", "Target account", DataType::Boolean),
            f("partnerManager", "Partner manager", DataType::Reference),
        ],
    }
}

/// Partner pipeline and deals.
fn deals() -> ObjectSchema {
    let f = FieldSchema::new;
    ObjectSchema {
        name: "deals".to_owned(),
        label: "Deals".to_owned(),
        fields: vec![
            f("name", "Deal name", DataType::Text).required(),
            f("amount", "Amount", DataType::Number),
            f("currency", "Currency", DataType::Text),
            f("stage", "Stage", DataType::Text).described("Where the deal stands in its pipeline."),
            f("pipeline", "Pipeline", DataType::Text),
            f("closeDate", "Close date", DataType::Datetime),
            f("type", "Deal type", DataType::Choice).choices(&[
                ("newbusiness", "New business"),
                ("existingbusiness", "Existing business"),
            ]),
            f("priority", "Priority", DataType::Choice).choices(&[
                ("low", "Low"),
                ("medium", "Medium"),
                ("high", "High"),
            ]),
            f("description", "Description", DataType::Text),
            f("nextStep", "Next step", DataType::Text),
            f(
                "forecastProbability",
                "Forecast probability",
                DataType::Number,
            ),
            f(
                "annualContractValue",
                "Annual contract value",
                DataType::Number,
            ),
            f(
                "monthlyRecurringRevenue",
                "Monthly recurring revenue",
                DataType::Number,
            ),
            f("closedLostReason", "Closed lost reason", DataType::Text),
            f("closedWonReason", "Closed won reason", DataType::Text),
            f("owner", "Owner", DataType::Reference),
            f("partner", "Partner", DataType::Reference).described("The partner behind the deal."),
            f("registeredAt", "Registered at", DataType::Datetime),
            f("expiresOn", "Registration expires", DataType::Date),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_object_has_a_schema_with_unique_names() {
        for name in BUILT_IN {
            let schema = built_in(name).unwrap();
            assert_eq!(schema.name, name);
            let mut names: Vec<_> = schema
                .fields
                .iter()
                .map(|field| field.name.as_str())
                .collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), schema.fields.len());
        }
    }
}
