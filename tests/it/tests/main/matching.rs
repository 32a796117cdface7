//! Which record and which object are the same, when it is not plain.

use hubspot_sim::Config;
use partneros_domain::{PairState, RecordId};
use partneros_it::{TestHost, TestOrganization};
use partneros_store::{Pairs as _, SyncState as _};
use serde_json::json;

use crate::faults;

/// Longer than HubSpot's index may lag.
const SETTLED_MS: i64 = 600_000;

/// A company, and two records of the same domain that it might be.
async fn two_for_one(host: &TestHost) -> (TestOrganization<'_>, [RecordId; 2]) {
    host.person_creates(
        "companies",
        &[("name", "Globex"), ("domain", "globex.example")],
    );
    let acme = host.organization("acme").await;
    let mut ids = [RecordId(uuid::Uuid::nil()); 2];
    for (id, name) in ids.iter_mut().zip(["Globex East", "Globex West"]) {
        let fields = json!({ "name": name, "domain": "globex.example" });
        *id = acme.creates("partners", fields).await.id;
    }
    (acme, ids)
}

fn companies(host: &TestHost) -> usize {
    host.sim.sim().live_ids("companies").unwrap().len()
}

#[tokio::test]
async fn an_edit_of_an_ambiguous_record_makes_no_object_of_it() {
    let host = TestHost::start(Config::default());
    let (acme, [east, _]) = two_for_one(&host).await;
    let pair = acme.pair("partners", "companies").await;
    for _ in 0..2 {
        pair.sync().await;
        host.wait_ms(SETTLED_MS);
    }
    // The cursor moves on, so that no later pass meets the company by itself.
    host.person_creates("companies", &[("name", "Other")]);
    host.wait_ms(SETTLED_MS);
    pair.sync().await;
    acme.edits("partners", east, json!({ "phone": "+41 31 000 00 00" }))
        .await;
    pair.sync().await;
    assert_eq!(companies(&host), 2, "a duplicate of Globex was made");
}

#[tokio::test]
async fn a_pair_that_starts_again_makes_no_objects_of_ambiguous_records() {
    let host = TestHost::start(Config::default());
    let (acme, _) = two_for_one(&host).await;
    let pair = acme.pair("partners", "companies").await;
    pair.sync().await;
    host.person_creates("companies", &[("name", "Other")]);
    host.wait_ms(SETTLED_MS);
    pair.sync().await;
    host.wait_ms(SETTLED_MS);
    host.store
        .set_pair_state(acme.id, pair.id, PairState::Paused, host.now())
        .await
        .unwrap();
    pair.activate().await;
    pair.sync().await;
    assert_eq!(companies(&host), 2, "a duplicate of Globex was made");
}

#[tokio::test]
async fn a_record_id_of_somebody_else_leaves_the_match_to_the_key() {
    let host = TestHost::start(Config::default());
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    let stranger = "0193d9a4-0000-7000-8000-000000000001";
    let id = host.person_creates(
        "companies",
        &[
            ("name", "Globex"),
            ("domain", "globex.example"),
            ("partneros_record_id", stranger),
        ],
    );
    let record = acme
        .creates(
            "partners",
            json!({ "name": "Globex", "domain": "globex.example" }),
        )
        .await;
    let run = pair.sync().await;
    assert_eq!(run.counts.matched, 1, "{:?}", run.counts);
    assert_eq!(pair.object_of(record.id).await, id);
    assert_eq!(companies(&host), 1, "a duplicate of Globex was made");
}

#[tokio::test]
async fn a_record_made_during_the_first_pass_is_matched_all_the_same() {
    let host = TestHost::start(Config::default());
    for number in 0..401 {
        let (name, domain) = (format!("C{number}"), format!("c{number}.example"));
        host.person_creates("companies", &[("name", &name), ("domain", &domain)]);
    }
    let acme = host.organization("acme").await;
    acme.creates("partners", json!({ "name": "C0", "domain": "c0.example" }))
        .await;
    let pair = acme.pair("partners", "companies").await;
    host.wait_ms(SETTLED_MS);
    // The last company is on the third page; by then the pass has looked through the unlinked records.
    let run = faults::during_search(&host, &acme, &pair, 2, async {
        faults::eventually("the first page is taken in", async || {
            host.store.count_links(acme.id, pair.id).await.unwrap() >= 200
        })
        .await;
        acme.creates(
            "partners",
            json!({ "name": "C400", "domain": "c400.example" }),
        )
        .await;
    })
    .await;
    assert_eq!(run.counts.matched, 2, "{:?}", run.counts);
    pair.sync().await;
    assert_eq!(companies(&host), 401, "a duplicate of C400 was made");
    assert_eq!(pair.versions().await.len(), 401);
}
