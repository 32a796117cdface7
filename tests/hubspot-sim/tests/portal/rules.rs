//! What a single write may do, and how HubSpot says no.

use hubspot_sim::state::definitions::NewProperty;
use hubspot_sim::state::objects::{NewRecord, Show};
use hubspot_sim::{ApiVersion, Call, Config, Sim, Tier, Values};
use serde_json::{Value, json};

use crate::{NOW, app, body, portal, refusal};

fn show(properties: &[&str]) -> Show {
    Show {
        properties: properties.iter().map(|name| (*name).to_owned()).collect(),
        ..Show::default()
    }
}

fn new(properties: Value) -> NewRecord {
    let properties = body(properties);
    NewRecord {
        properties,
        ..NewRecord::default()
    }
}

#[test]
fn bad_values_are_refused_with_one_entry_for_each() {
    let mut sim = portal();
    let bad = new(json!({
        "dealname": "D", "dealstage": "nowhere", "amount": "discount", "no_such": "x",
        "hs_is_closed": "true", "closedate": "soon", "hubspot_owner_id": "1",
    }));
    let error = sim.create(&app(0), "deals", &bad).unwrap_err();
    let (status, json) = refusal(&error);
    assert_eq!(
        (status, &json["category"]),
        (400, &json!("VALIDATION_ERROR"))
    );
    insta::assert_json_snapshot!(json["errors"]);
    let message = json["message"].as_str().unwrap();
    let embedded: Value = serde_json::from_str(
        message
            .strip_prefix("Property values were not valid: ")
            .unwrap(),
    )
    .unwrap();
    assert_eq!(
        embedded.as_array().unwrap().len(),
        json["errors"].as_array().unwrap().len()
    );
    assert_eq!(embedded[0]["portalId"], json!(sim.config.hub_id));
    assert_eq!(sim.live_ids("deals").unwrap().len(), 0);
}

#[test]
fn a_stage_must_belong_to_the_deals_pipeline() {
    let mut sim = portal();
    let stage_of_other = new(json!({ "dealname": "D", "dealstage": "68245102" }));
    let error = sim.create(&app(0), "deals", &stage_of_other).unwrap_err();
    assert_eq!(error.details[0].code, Some("INVALID_OPTION"));
    let with_pipeline =
        new(json!({ "dealname": "D", "dealstage": "68245102", "pipeline": "24816357" }));
    let deal = sim.create(&app(1), "deals", &with_pipeline).unwrap();
    let moved = Values::from([("pipeline", "default")]);
    assert!(
        sim.update(&app(2), "deals", &deal.id.to_string(), None, &moved)
            .is_err()
    );
}

#[test]
fn new_records_need_what_their_type_requires() {
    let mut sim = portal();
    for (object_type, properties, missing) in [
        (
            "companies",
            json!({ "city": "Lyon" }),
            json!(["name", "domain"]),
        ),
        ("deals", json!({ "dealname": "D" }), json!(["dealstage"])),
        (
            "p_partner_program",
            json!({ "discount_percent": 3 }),
            json!(["program_name"]),
        ),
    ] {
        let error = sim
            .create(&app(0), object_type, &new(properties))
            .unwrap_err();
        assert_eq!(refusal(&error).1["context"]["properties"], missing);
    }
    assert!(sim.create(&app(0), "contacts", &new(json!({}))).is_ok());
}

#[test]
fn never_set_is_null_cleared_is_empty_and_undefined_is_left_out() {
    let mut sim = portal();
    let made = sim
        .create(
            &app(0),
            "companies",
            &new(json!({ "domain": "acme.example" })),
        )
        .unwrap();
    let id = made.id.to_string();
    assert_eq!(made.property("website"), Some("acme.example"));
    sim.update(
        &app(1),
        "companies",
        &id,
        None,
        &Values::from([("website", "")]),
    )
    .unwrap();
    let read = sim
        .read(
            &app(2),
            "companies",
            &id,
            None,
            false,
            &show(&["website", "phone", "no_such"]),
        )
        .unwrap();
    let json = serde_json::to_value(&read).unwrap();
    insta::assert_json_snapshot!(json["properties"]);
    assert_eq!(json["createdAt"], json["properties"]["createdate"]);
    assert_eq!(json["updatedAt"], json["properties"]["hs_lastmodifieddate"]);
}

#[test]
fn calculated_values_follow_others_without_moving_the_modified_date() {
    let mut sim = portal();
    let properties = json!({
        "dealname": "D", "dealstage": "contractsent", "amount": "1000", "deal_currency_code": "EUR",
        "closedate": NOW.plus_millis(3 * 86_400_000).to_string(),
    });
    let deal = sim.create(&app(0), "deals", &new(properties)).unwrap();
    let company = sim
        .create(&app(0), "companies", &new(json!({ "name": "A" })))
        .unwrap();
    let read = |sim: &mut Sim, object_type: &str, id: u64, name: &str| {
        let view = sim
            .read(
                &app(9),
                object_type,
                &id.to_string(),
                None,
                false,
                &show(&[name]),
            )
            .unwrap();
        (view.property(name).map(str::to_owned), view.updated)
    };
    assert_eq!(deal.property("hs_is_closed"), Some("false"));
    assert_eq!(deal.property("amount_in_home_currency"), Some("1080"));
    assert_eq!(deal.property("days_to_close"), Some("3"));
    assert_eq!(deal.property("hs_object_source"), Some("INTEGRATION"));
    let before = read(&mut sim, "companies", company.id, "hs_num_open_deals");
    assert_eq!(before.0.as_deref(), Some("0"));
    let ends = (
        ("deals", deal.id.to_string()),
        ("companies", company.id.to_string()),
    );
    sim.associate(&app(5), (ends.0.0, &ends.0.1), (ends.1.0, &ends.1.1), &[])
        .unwrap();
    let after = read(&mut sim, "companies", company.id, "hs_num_open_deals");
    assert_eq!((after.0.as_deref(), after.1), (Some("1"), before.1));
    let won = Values::from([("dealstage", "closedwon")]);
    sim.update(&app(6), "deals", &deal.id.to_string(), None, &won)
        .unwrap();
    assert_eq!(
        read(&mut sim, "companies", company.id, "hs_num_open_deals"),
        (Some("0".to_owned()), before.1)
    );
    assert_eq!(
        read(&mut sim, "deals", deal.id, "hs_is_closed_won")
            .0
            .as_deref(),
        Some("true")
    );
    assert_eq!(
        read(&mut sim, "deals", deal.id, "hs_primary_associated_company").0,
        Some(company.id.to_string())
    );
}

#[test]
fn history_is_newest_first_and_names_the_app() {
    let mut sim = portal();
    let made = sim
        .person_creates("companies", [("name", "One")], NOW)
        .unwrap();
    let id = made.id.to_string();
    sim.update(
        &app(7),
        "companies",
        &id,
        None,
        &Values::from([("name", "Two")]),
    )
    .unwrap();
    let wanted = Show {
        history: vec!["name".to_owned()],
        ..Show::default()
    };
    let read = sim
        .read(&app(8), "companies", &id, None, false, &wanted)
        .unwrap();
    let json = serde_json::to_value(&read).unwrap();
    insta::assert_json_snapshot!(json["propertiesWithHistory"]);
}

#[test]
fn a_life_cycle_stage_moves_forward_only_until_cleared() {
    let mut sim = portal();
    let made = sim
        .person_creates(
            "companies",
            [("name", "A"), ("lifecyclestage", "customer")],
            NOW,
        )
        .unwrap();
    let id = made.id.to_string();
    let mut stage = |value: &str| {
        sim.update(
            &app(1),
            "companies",
            &id,
            None,
            &Values::from([("lifecyclestage", value)]),
        )
        .unwrap();
        let read = sim
            .person_reads(
                "companies",
                made.id,
                &["lifecyclestage"],
                NOW.plus_millis(2),
            )
            .unwrap();
        read.property("lifecyclestage").map(str::to_owned)
    };
    assert_eq!(stage("lead").as_deref(), Some("customer"));
    assert_eq!(stage("").as_deref(), Some(""));
    assert_eq!(stage("lead").as_deref(), Some("lead"));
}

#[test]
fn contacts_conflict_by_email_and_custom_unique_values_by_code() {
    let mut sim = portal();
    let first = sim
        .create(&app(0), "contacts", &new(json!({ "email": "a@b.example" })))
        .unwrap();
    let error = sim
        .create(&app(1), "contacts", &new(json!({ "email": "A@b.example" })))
        .unwrap_err();
    assert_eq!(refusal(&error).0, 409);
    assert_eq!(
        error.message,
        format!("Contact already exists. Existing ID: {}", first.id)
    );
    define_key(&mut sim);
    sim.create(
        &app(2),
        "companies",
        &new(json!({ "name": "A", "partneros_record_id": "k1" })),
    )
    .unwrap();
    let error = sim
        .create(
            &app(3),
            "companies",
            &new(json!({ "name": "B", "partneros_record_id": "k1" })),
        )
        .unwrap_err();
    assert_eq!(
        (error.status, error.details[0].code),
        (400, Some("CONFLICTING_UNIQUE_VALUE"))
    );
    let by_key = sim
        .read(
            &app(4),
            "companies",
            "k1",
            Some("partneros_record_id"),
            false,
            &show(&["name"]),
        )
        .unwrap();
    assert_eq!(by_key.property("name"), Some("A"));
}

#[test]
fn unknown_types_ids_and_scopes_have_their_own_errors() {
    let mut sim = portal();
    let mut read = |call: &Call, object_type: &str, id: &str| {
        refusal(
            &sim.read(call, object_type, id, None, false, &Show::default())
                .unwrap_err(),
        )
    };
    let cases = [
        read(&app(0), "butterflies", "1"),
        read(&app(0), "companies", "abc"),
        read(&app(0), "companies", "12345"),
        read(
            &Call::integration(NOW, ApiVersion::V3, [].into()),
            "companies",
            "1",
        ),
    ];
    insta::assert_json_snapshot!(cases);
}

#[test]
fn types_answer_to_every_name_that_hubspot_takes() {
    let sim = portal();
    let hub_id = sim.config.hub_id;
    let full = format!("p{hub_id}_partner_program");
    for name in [
        "companies",
        "company",
        "COMPANY",
        "0-2",
        &full,
        "p_partner_program",
    ] {
        assert!(sim.resolve(name).is_ok(), "{name}");
    }
    assert!(sim.resolve("partner_program").is_err());
    let starter = Sim::new(
        Config {
            tier: Tier::Starter,
            ..Config::default()
        },
        NOW,
    );
    assert!(starter.resolve(&full).is_err());
}

#[test]
fn property_definitions_are_made_once_and_come_back_from_the_archive() {
    let mut sim = portal();
    define_key(&mut sim);
    let key: NewProperty = key_property();
    let (status, json) = refusal(&sim.create_property(&app(1), "companies", &key).unwrap_err());
    assert_eq!(
        (status, &json["subCategory"]),
        (409, &json!("Properties.PROPERTY_WITH_NAME_EXISTS"))
    );
    assert_eq!(
        json["message"],
        "A property named 'partneros_record_id' already exists."
    );
    sim.archive_property(&app(2), "companies", "partneros_record_id")
        .unwrap();
    assert_eq!(
        sim.read_property(&app(3), "companies", "partneros_record_id", false)
            .unwrap_err()
            .status,
        404
    );
    let error = sim
        .create(
            &app(3),
            "companies",
            &new(json!({ "name": "A", "partneros_record_id": "k" })),
        )
        .unwrap_err();
    assert_eq!(error.details[0].code, Some("PROPERTY_DOESNT_EXIST"));
    sim.create_property(&app(4), "companies", &key).unwrap();
    let back = sim
        .read_property(&app(5), "companies", "partneros_record_id", false)
        .unwrap();
    assert_eq!(
        (&back["hasUniqueValue"], back.get("hubspotDefined")),
        (&json!(true), None)
    );
    let stage = sim
        .read_property(&app(5), "deals", "dealstage", false)
        .unwrap();
    assert_eq!(
        (&stage["options"], &stage["externalOptions"]),
        (&json!([]), &json!(true))
    );
    let owner = sim
        .read_property(&app(5), "deals", "hubspot_owner_id", false)
        .unwrap();
    assert_eq!(owner["referencedObjectType"], "OWNER");
    for bad in [
        json!({ "name": "Bad Name", "label": "x", "type": "string", "fieldType": "text", "groupName": "companyinformation" }),
        json!({ "name": "x", "label": "x", "type": "string", "fieldType": "number", "groupName": "companyinformation" }),
        json!({ "name": "x", "label": "x", "type": "text", "fieldType": "text", "groupName": "companyinformation" }),
        json!({ "name": "x", "label": "x", "type": "string", "fieldType": "text", "groupName": "nowhere" }),
    ] {
        assert_eq!(
            sim.create_property(&app(6), "companies", &body(bad))
                .unwrap_err()
                .status,
            400
        );
    }
}

#[test]
fn version_2026_09_rounds_a_date_and_warns() {
    let mut sim = portal();
    let noon = "1582981872000";
    let values = json!({ "program_name": "P", "starts_on": noon });
    let error = sim
        .create(&app(0), "p_partner_program", &new(values.clone()))
        .unwrap_err();
    assert_eq!(error.details[0].code, Some("INVALID_DATE"));
    let call = Call::private_app(NOW, ApiVersion::Dated202609);
    let made = sim
        .create(&call, "p_partner_program", &new(values))
        .unwrap();
    let json = serde_json::to_value(&made).unwrap();
    assert_eq!(json["properties"]["starts_on"], "2020-02-29");
    insta::assert_json_snapshot!(json["warnings"]);
}

/// The unique property by which the product finds its records.
pub(crate) fn key_property() -> NewProperty {
    body(json!({
        "name": "partneros_record_id", "label": "PartnerOS record", "groupName": "companyinformation",
        "type": "string", "fieldType": "text", "hasUniqueValue": true,
    }))
}

pub(crate) fn define_key(sim: &mut Sim) {
    sim.create_property(&app(0), "companies", &key_property())
        .expect("the key property is new");
}
