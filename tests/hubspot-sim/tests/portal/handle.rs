//! The portal behind the sync engine's trait.

use std::sync::{Arc, Mutex};

use hubspot_sim::{ArmedFault, Clock, Config, Fault, Limits, Sim, SimPortal};
use partneros_domain::{FieldName, HubSpotId, Timestamp};
use partneros_hubspot::{Error, List, Portal, Priority, Search, Update, Upsert, Window, Written};

use crate::rules::define_key;
use crate::{ALL_SCOPES, NOW};

fn portal(config: Config) -> SimPortal {
    let sim = Arc::new(Mutex::new(Sim::new(config, NOW)));
    SimPortal::install(sim, Clock::manual(NOW), ALL_SCOPES)
}

fn names(names: &[&str]) -> Vec<FieldName> {
    names.iter().map(FieldName::from).collect()
}

fn set(name: &str, value: Option<&str>) -> (FieldName, Option<String>) {
    (FieldName::from(name), value.map(str::to_owned))
}

#[tokio::test]
async fn good_rows_go_through_beside_bad_ones() {
    let portal = portal(Config::default());
    define_key(&mut portal.sim());
    let key = FieldName::from("partneros_record_id");
    let upsert = |key: &str, employees: &str| Upsert {
        key: key.to_owned(),
        properties: vec![
            set("name", Some("A")),
            set("numberofemployees", Some(employees)),
        ],
    };
    let upserts = [upsert("k1", "5"), upsert("k2", "many"), upsert("k3", "7")];
    let written = portal
        .upsert_batch("companies", &key, &upserts, Priority::Push)
        .await
        .unwrap();
    let [
        Written::Done(first),
        Written::Refused(bad),
        Written::Done(third),
    ] = written.as_slice()
    else {
        panic!("{written:?}");
    };
    assert!(first.created && third.created);
    assert_eq!(bad.properties[0].code, "INVALID_INTEGER");
    assert_eq!(
        bad.properties[0].property,
        Some(FieldName::from("numberofemployees"))
    );

    let updates = [
        Update {
            id: HubSpotId(1),
            properties: vec![set("name", Some("X"))],
        },
        Update {
            id: first.id,
            properties: vec![set("name", None), set("domain", Some("a.example"))],
        },
    ];
    let written = portal
        .update_batch("companies", &updates, Priority::Push)
        .await
        .unwrap();
    let [Written::Refused(missing), Written::Done(done)] = written.as_slice() else {
        panic!("{written:?}");
    };
    assert_eq!(missing.category, "OBJECT_NOT_FOUND");
    assert_eq!(done.properties.get("name"), Some(&None));

    let wanted = names(&["domain", "name", "no_such"]);
    let read = portal
        .read_batch(
            "companies",
            &wanted,
            &[first.id, HubSpotId(1)],
            Priority::Poll,
        )
        .await
        .unwrap();
    assert_eq!(read.missing, [HubSpotId(1)]);
    assert_eq!(
        read.rows.columns,
        [vec![Some("a.example".to_owned())], vec![None], vec![None]]
    );
    portal
        .archive_batch("companies", &[first.id, HubSpotId(1)], Priority::Push)
        .await
        .unwrap();
    let list = |archived| {
        portal.list(List {
            object: "companies",
            properties: &wanted,
            archived,
            after: None,
            priority: Priority::Poll,
        })
    };
    let (archived, next) = list(true).await.unwrap();
    assert_eq!((archived.ids.as_slice(), next), (&[first.id][..], None));
    let (live, _) = list(false).await.unwrap();
    assert!(!live.is_empty() && live.ids.is_sorted() && !live.ids.contains(&first.id));
}

#[tokio::test]
async fn search_windows_and_descriptions_come_back_typed() {
    let portal = portal(Config {
        companies: 30,
        ..Config::default()
    });
    let properties = names(&["name"]);
    let search = |window| Search {
        object: "companies",
        properties: &properties,
        window,
        limit: 20,
        priority: Priority::Poll,
    };
    let page = portal
        .search(search(Window::Since(Timestamp::ZERO)))
        .await
        .unwrap();
    assert_eq!((page.total, page.rows.len()), (30, 20));
    assert!(page.rows.updated_at.is_sorted());
    let at = page.rows.updated_at[4];
    let within = portal
        .search(search(Window::Within { at, after: None }))
        .await
        .unwrap();
    assert!(within.rows.ids.contains(&page.rows.ids[4]));
    let within = portal
        .search(search(Window::Within {
            at,
            after: Some(page.rows.ids[4]),
        }))
        .await
        .unwrap();
    assert!(!within.rows.ids.contains(&page.rows.ids[4]));

    let definitions = portal.properties("deals").await.unwrap();
    assert!(
        definitions
            .iter()
            .any(|property| property.name.as_str() == "hs_is_closed" && property.is_read_only())
    );
    assert_eq!(portal.custom_schemas().await.unwrap().len(), 2);
    assert_eq!(portal.pipelines("deals").await.unwrap()[0].stages.len(), 7);
    assert_eq!(portal.owners().await.unwrap().len(), 5);
    assert_eq!(portal.account_info().await.unwrap().company_currency, "USD");
}

#[tokio::test]
async fn tokens_renew_themselves_until_the_app_is_removed() {
    let portal = portal(Config::default());
    portal.clock().advance(1_800_000);
    assert!(portal.owners().await.is_ok());
    portal.sim().uninstall();
    assert!(matches!(portal.owners().await, Err(Error::Unauthorized(_))));
    portal.clock().advance(1_800_000);
    assert!(matches!(
        portal.owners().await,
        Err(Error::ReauthRequired(_))
    ));
}

#[tokio::test]
async fn budgets_and_faults_are_errors_at_once() {
    let portal = portal(Config {
        limits: Limits {
            search_per_second: Some(1),
            ..Limits::OFF
        },
        ..Config::default()
    });
    let properties = names(&["name"]);
    let window = Window::Since(Timestamp::ZERO);
    let search = || Search {
        object: "companies",
        properties: &properties,
        window,
        limit: 1,
        priority: Priority::Poll,
    };
    assert!(portal.search(search()).await.is_ok());
    let refused = portal.search(search()).await;
    assert!(matches!(refused, Err(Error::RateLimited { policy, .. }) if policy == "SECONDLY"));
    portal
        .sim()
        .person_creates("companies", [("name", "A")], NOW)
        .unwrap();
    let id = HubSpotId(i64::try_from(portal.sim().live_ids("companies").unwrap()[0]).unwrap());
    portal.sim().arm_fault(ArmedFault {
        path: "/update".into(),
        skip: 0,
        times: 1,
        fault: Fault::LostResponse,
    });
    let update = [Update {
        id,
        properties: vec![set("name", Some("B"))],
    }];
    let lost = portal
        .update_batch("companies", &update, Priority::Push)
        .await;
    assert!(matches!(lost, Err(Error::Transport { .. })));
    assert_eq!(portal.sim().writes.of("companies").updates, 1);
}
