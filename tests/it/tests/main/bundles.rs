//! How a pair is set up, taken to a pair of another organization.

use partneros_domain::{ConflictPolicy, RulePlugin};
use partneros_it::{TestHost, TestPair};
use partneros_store::{Audit as _, EventFilter, MapperParts, Pairs as _, Plugins as _};
use partneros_sync::{Bundle, Comparison, Error};
use serde_json::json;

use crate::plugins::{NAMES, host};

async fn compare(
    host: &TestHost,
    pair: &TestPair<'_>,
    bundle: &Bundle,
) -> Result<Comparison, Error> {
    let organization = pair.organization.id;
    host.engine.compare(organization, pair.id, bundle).await
}

async fn compared(host: &TestHost, pair: &TestPair<'_>, bundle: &Bundle) -> Comparison {
    compare(host, pair, bundle).await.unwrap()
}

#[tokio::test]
async fn a_bundle_sets_another_organizations_pair_up_alike() {
    let (here, there) = (host(), host());
    let acme = here.organization("acme").await;
    let globex = there.organization("globex").await;
    let from = acme.mapped_by_hand("partners", "companies", NAMES).await;
    let version = acme.uploads("shouter", test_guests::UPPERCASE).await;
    acme.binds(&[version]).await;
    let both = json!({"toPartneros": "value.lower()", "toHubspot": "value.lower()"});
    from.map("domain", |mapping| {
        mapping.plugin = Some(RulePlugin::Expression);
        mapping.options = both.to_string();
        mapping.conflict_policy = ConflictPolicy::CrmWins;
    })
    .await;
    let bundle = here.engine.export(acme.id, from.id).await.unwrap();
    assert_eq!(bundle.mapper, MapperParts(vec![version]));
    let sample = &bundle.fixtures[0];
    let name = &sample.hubspot["name"];
    assert_eq!(
        json!(name.clone().map(|name| name.to_uppercase())),
        sample.partneros["name"]
    );

    let to = globex
        .mapped_by_hand("partners", "companies", &NAMES[..1])
        .await;
    let before = there.store.mappings(globex.id, to.id).await.unwrap();
    let seen = compared(&there, &to, &bundle).await;
    assert_eq!(seen.missing.len(), 1);
    assert_eq!(
        (seen.missing[0].digest, seen.missing[0].plugin.as_str()),
        (version, "shouter")
    );
    let import = async |bundle: &Bundle, version| {
        let bundle = bundle.clone();
        there
            .engine
            .import(globex.id, "test", to.id, bundle, version, false)
            .await
    };
    let refused = import(&bundle, seen.version).await;
    assert!(
        matches!(refused, Err(Error::MissingPlugins(_))),
        "{refused:?}"
    );
    assert_eq!(
        there.store.mappings(globex.id, to.id).await.unwrap(),
        before
    );

    globex.uploads("loud", test_guests::UPPERCASE).await;
    let seen = compared(&there, &to, &bundle).await;
    assert_eq!(
        (seen.missing, seen.problems, seen.differences),
        (vec![], vec![], vec![])
    );
    let changed: Vec<_> = seen
        .mappings
        .iter()
        .map(|change| change.to.as_ref().unwrap())
        .collect();
    assert_eq!(changed.len(), 1, "{changed:?}");
    assert_eq!(changed[0].field.as_str(), "domain");
    assert_eq!(
        seen.mapper,
        Some((MapperParts::default(), bundle.mapper.clone()))
    );
    let stale = import(&bundle, seen.version - 1).await;
    assert!(
        matches!(
            stale,
            Err(Error::Store(partneros_store::Error::Conflict { .. }))
        ),
        "{stale:?}"
    );
    import(&bundle, seen.version).await.unwrap();

    let initech = there.person_creates(
        "companies",
        &[("name", "Initech"), ("domain", "INITECH.com")],
    );
    to.sync().await;
    let record = to.record_of(initech).await;
    assert_eq!(globex.value("partners", record, "name").await, "INITECH");
    assert_eq!(
        globex.value("partners", record, "domain").await,
        "initech.com"
    );
    an_import_that_changes_nothing_leaves_no_trace(&there, &to, bundle).await;
}

async fn an_import_that_changes_nothing_leaves_no_trace(
    there: &TestHost,
    to: &TestPair<'_>,
    bundle: Bundle,
) {
    let again = compared(there, to, &bundle).await;
    assert!(again.is_same(), "{again:?}");
    let organization = to.organization.id;
    let imported = there
        .engine
        .import(organization, "test", to.id, bundle, again.version, false)
        .await;
    imported.unwrap();
    let events = there
        .store
        .events(
            to.organization.id,
            &EventFilter::named("mapping."),
            None,
            10,
        )
        .await
        .unwrap();
    assert_eq!(
        events.items.len(),
        1,
        "an import that changes nothing leaves no trace"
    );
    assert_eq!(events.items[0].event, "mapping.imported");
    let told = &events.items[0].metadata["mappings"];
    assert_eq!(*told, json!({"added": 1, "changed": 0, "removed": 0}));
    // What is bound for one pair leaves the others alone.
    let bound = there.store.bindings(to.organization.id).await.unwrap();
    assert_eq!(bound.len(), 1);
}

#[tokio::test]
async fn fixtures_that_come_out_differently_stop_an_import_until_they_are_accepted() {
    let (here, there) = (host(), host());
    let acme = here.organization("acme").await;
    let globex = there.organization("globex").await;
    let from = acme.mapped_by_hand("partners", "companies", NAMES).await;
    let mut bundle = here.engine.export(acme.id, from.id).await.unwrap();
    let to = globex
        .mapped_by_hand("partners", "companies", &NAMES[..1])
        .await;
    assert_eq!(compared(&there, &to, &bundle).await.differences, []);
    // As if the mapper there had done something else.
    let fixture = &mut bundle.fixtures[1];
    fixture.partneros.insert("name".into(), json!("Somebody"));
    fixture.back.insert("city".into(), Some("Ulm".to_owned()));
    let seen = compared(&there, &to, &bundle).await;
    let names: Vec<_> = seen
        .differences
        .iter()
        .map(|difference| {
            (
                difference.fixture,
                difference.name.as_str(),
                difference.is_back,
            )
        })
        .collect();
    // What goes back begins with what the fixture says of PartnerOS.
    assert_eq!(
        names,
        [(1, "name", false), (1, "city", true), (1, "name", true)]
    );
    assert_eq!(seen.differences[0].expected, json!("Somebody"));
    assert_eq!(seen.differences[2].got, json!("Somebody"));
    assert!(seen.differences[1].problem.is_some());
    let import = async |accepts| {
        let bundle = bundle.clone();
        there
            .engine
            .import(globex.id, "test", to.id, bundle, seen.version, accepts)
            .await
    };
    let refused = import(false).await;
    assert!(
        matches!(refused, Err(Error::FixturesDiffer(3))),
        "{refused:?}"
    );
    import(true).await.unwrap();
    assert!(compared(&there, &to, &bundle).await.is_same());
    bundle.fixtures[0].partneros.insert("name".into(), json!(7));
    let refused = compare(&there, &to, &bundle).await;
    assert!(
        matches!(&refused, Err(Error::InvalidSample { name, .. }) if name == "name"),
        "{refused:?}"
    );
    bundle.object = "deals".to_owned();
    let refused = compare(&there, &to, &bundle).await;
    assert!(
        matches!(refused, Err(Error::OtherObject { .. })),
        "{refused:?}"
    );
}
