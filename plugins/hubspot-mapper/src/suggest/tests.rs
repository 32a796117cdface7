//! Suggestions for whole objects.

use crate::bindings::{Candidate, DataType, FieldSchema, ObjectSchema};
use crate::transform::fixtures::{field, property, with_choices};

use super::suggest;

/// The confidence from which the host maps without asking, by default.
const AUTO: f64 = 0.85;
/// The confidence from which the host suggests, by default.
const SUGGESTED: f64 = 0.5;

fn labelled(mut field: FieldSchema, label: &str) -> FieldSchema {
    label.clone_into(&mut field.label);
    field
}

fn object(name: &str, fields: Vec<FieldSchema>) -> ObjectSchema {
    ObjectSchema {
        name: name.to_owned(),
        label: name.to_owned(),
        fields,
    }
}

fn partners() -> ObjectSchema {
    let text = |name, label| labelled(field(name, DataType::Text), label);
    let choices = [
        ("technology", "Technology"),
        ("channel", "Channel"),
        ("reseller", "Reseller"),
    ];
    object(
        "partners",
        vec![
            text("name", "Name"),
            text("domain", "Domain"),
            text("website", "Website"),
            labelled(field("employees", DataType::Integer), "Employees"),
            labelled(field("companyRevenue", DataType::Number), "Company revenue"),
            text("postalCode", "Postal code"),
            text("street", "Street address"),
            labelled(
                with_choices(field("type", DataType::Choice), &choices),
                "Type",
            ),
            labelled(
                field("partnerManager", DataType::Reference),
                "Partner manager",
            ),
            labelled(field("services", DataType::MultiChoice), "Services"),
        ],
    )
}

fn companies() -> ObjectSchema {
    let text = |name, label| labelled(property(name, "string", "text"), label);
    let types = [
        ("PROSPECT", "Prospect"),
        ("RESELLER", "Reseller"),
        ("VENDOR", "Vendor"),
    ];
    object(
        "companies",
        vec![
            labelled(
                property("total_revenue", "number", "calculation_rollup"),
                "Total Revenue",
            ),
            labelled(
                property("annualrevenue", "number", "number"),
                "Annual Revenue",
            ),
            text("hs_additional_domains", "Additional Domains"),
            text("domain", "Company Domain Name"),
            text("website", "Website URL"),
            labelled(
                property("numberofemployees", "number", "number"),
                "Number of Employees",
            ),
            text("name", "Company name"),
            text("address", "Street Address"),
            text("address2", "Street Address 2"),
            text("zip", "Postal Code"),
            labelled(
                with_choices(property("type", "enumeration", "radio"), &types),
                "Type",
            ),
            labelled(
                property("hubspot_owner_id", "enumeration", "select"),
                "Company owner",
            ),
            labelled(
                property("num_notes", "number", "number"),
                "Number of Sales Activities",
            ),
        ],
    )
}

fn best(partneros: &ObjectSchema, hubspot: &ObjectSchema, name: &str) -> Option<Candidate> {
    let mut found = suggest(partneros, hubspot)
        .into_iter()
        .find(|one| one.field == name)?;
    Some(found.candidates.remove(0))
}

fn has(candidate: &Candidate, code: &str) -> bool {
    candidate.reasons.iter().any(|reason| reason.code == code)
}

#[test]
fn partners_map_to_companies() {
    for (name, expected) in [
        ("name", "name"),
        ("domain", "domain"),
        ("website", "website"),
        ("employees", "numberofemployees"),
        ("companyRevenue", "annualrevenue"),
        ("postalCode", "zip"),
        ("street", "address"),
    ] {
        let candidate = best(&partners(), &companies(), name).expect("has a counterpart");
        assert_eq!(candidate.property, expected);
        assert!(
            candidate.confidence >= AUTO,
            "{name}: {}",
            candidate.confidence
        );
        assert!(candidate.confidence < 1.0, "nothing is certain");
    }
    let manager = best(&partners(), &companies(), "partnerManager").expect("may be the owner");
    assert_eq!(manager.property, "hubspot_owner_id");
    assert!(
        (SUGGESTED..AUTO).contains(&manager.confidence),
        "{}",
        manager.confidence
    );
    assert_eq!(best(&partners(), &companies(), "services"), None);
}

#[test]
fn choices_that_differ_are_left_to_a_person() {
    let candidate = best(&partners(), &companies(), "type").expect("has the same name");
    assert_eq!(candidate.property, "type");
    assert!(candidate.confidence < AUTO, "{}", candidate.confidence);
    assert!(has(&candidate, "choices-differ"));
}

#[test]
fn deals_map_to_deals() {
    let ours = object(
        "deals",
        vec![
            labelled(field("name", DataType::Text), "Deal name"),
            labelled(field("stage", DataType::Text), "Stage"),
            labelled(field("closeDate", DataType::Datetime), "Close date"),
            labelled(field("owner", DataType::Reference), "Owner"),
            labelled(field("partner", DataType::Reference), "Partner"),
        ],
    );
    let theirs = object(
        "deals",
        vec![
            labelled(property("dealname", "string", "text"), "Deal Name"),
            labelled(property("dealstage", "enumeration", "radio"), "Deal Stage"),
            labelled(property("closedate", "datetime", "date"), "Close Date"),
            labelled(
                property("hubspot_owner_id", "enumeration", "select"),
                "Deal owner",
            ),
            labelled(
                property("closed_lost_reason", "string", "textarea"),
                "Closed Lost Reason",
            ),
        ],
    );
    let expected = [
        ("name", "dealname"),
        ("stage", "dealstage"),
        ("closeDate", "closedate"),
        ("owner", "hubspot_owner_id"),
    ];
    for (name, property) in expected {
        let candidate = best(&ours, &theirs, name).expect("has a counterpart");
        assert_eq!(candidate.property, property);
        assert!(
            candidate.confidence >= AUTO,
            "{name}: {}",
            candidate.confidence
        );
    }
    assert_eq!(best(&ours, &theirs, "partner"), None);
}

#[test]
fn first_candidates_differ_and_are_sorted() {
    let suggestions = suggest(&partners(), &companies());
    let mut first: Vec<&str> = suggestions
        .iter()
        .map(|one| one.candidates[0].property.as_str())
        .collect();
    first.sort_unstable();
    first.dedup();
    assert_eq!(first.len(), suggestions.len());
    assert!(
        suggestions
            .iter()
            .flat_map(|one| &one.candidates)
            .all(|one| !one.reasons.is_empty())
    );
}

#[test]
fn computed_and_hidden_properties_count_less() {
    let ours = object("deals", vec![field("daysToClose", DataType::Integer)]);
    let confidence = |change: fn(&mut FieldSchema)| {
        let mut theirs = property("days_to_close", "number", "calculation_equation");
        change(&mut theirs);
        best(&ours, &object("deals", vec![theirs]), "daysToClose").expect("has the same name")
    };
    let plain = confidence(|_| {});
    let computed = confidence(|theirs| theirs.read_only = true);
    let hidden = confidence(|theirs| theirs.extra.push(("hidden".to_owned(), "true".to_owned())));
    assert!(computed.confidence < plain.confidence && has(&computed, "read-only"));
    assert!(hidden.confidence < plain.confidence && has(&hidden, "hidden"));
}

#[test]
fn types_that_do_not_convert_are_never_mapped_alone() {
    let ours = object("partners", vec![field("tier", DataType::Date)]);
    let theirs = object("companies", vec![property("tier", "number", "number")]);
    let candidate = best(&ours, &theirs, "tier").expect("has the same name");
    assert!(candidate.confidence < AUTO);
    assert!(has(&candidate, "types-differ"));
}

#[test]
fn abbreviations_are_understood() {
    let ours = object(
        "CUST_MST",
        vec![
            field("ANNL_REV_AMT", DataType::Number),
            field("EMP_CNT", DataType::Integer),
        ],
    );
    for (name, expected) in [
        ("ANNL_REV_AMT", "annualrevenue"),
        ("EMP_CNT", "numberofemployees"),
    ] {
        let candidate = best(&ours, &companies(), name).expect("has a counterpart");
        assert_eq!(candidate.property, expected);
    }
}

#[test]
fn empty_schemas_have_no_suggestions() {
    assert_eq!(suggest(&object("", Vec::new()), &companies()), []);
    assert_eq!(suggest(&partners(), &object("companies", Vec::new())), []);
    assert_eq!(
        suggest(&object("x", vec![field("", DataType::Text)]), &companies()),
        []
    );
}
