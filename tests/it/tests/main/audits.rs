//! Audits find what no poll would, mend it by the ordinary means, and write nothing where nothing is wrong.

use hubspot_sim::Config;
use partneros_domain::RecordId;
use partneros_it::plugins;
use partneros_it::{TestHost, TestPair};
use partneros_store::{AuditFigures, AuditSample, PairAudit, RunKind, RunOutcome};
use partneros_sync::SyncSettings;
use rusqlite::types::Value as Cell;
use serde_json::json;

use crate::deletes::{companies, synced};
use crate::faults;

/// Longer than the settle time, so that whatever happened before should have been seen.
const SETTLED_MS: i64 = 600_000;
const WEEK_MS: i64 = 604_800_000;

/// The figures of an audit of so many objects, each with its record, in one range.
fn complete(objects: u64) -> AuditFigures {
    AuditFigures {
        ranges: 1,
        objects,
        links: objects,
        ..AuditFigures::default()
    }
}

/// What the sync keeps of the pair, row by row.
fn kept(host: &TestHost) -> Vec<Vec<Cell>> {
    let sql = host.sql();
    let tables = [
        "links",
        "records",
        "outbox",
        "conflicts",
        "failures",
        "former_links",
    ];
    let mut kept = Vec::new();
    for table in tables {
        let mut list = sql.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = list.column_count();
        let rows = list.query_map([], |row| (0..columns).map(|at| row.get(at)).collect());
        kept.extend(rows.unwrap().map(Result::unwrap));
    }
    kept
}

/// Something changes a row behind the host's back.
fn behind_its_back(host: &TestHost, statement: &str, id: RecordId) {
    let changed = host.sql().execute(statement, [id.0]).unwrap();
    assert_eq!(changed, 1, "{statement}");
}

fn assert_mended(audit: &PairAudit, figures: AuditFigures) {
    assert_eq!((audit.figures, &audit.samples), (figures, &Vec::new()));
}

async fn assert_complete(host: &TestHost, pair: &TestPair<'_>, objects: u64) {
    host.wait_ms(SETTLED_MS);
    pair.sync().await;
    pair.assert_agreement().await;
    let audit = pair.audit().await;
    assert_mended(&audit, complete(objects));
}

#[tokio::test]
async fn a_pair_that_agrees_is_complete_and_nothing_is_written() {
    let host = TestHost::start(companies(25));
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    synced(&host, &pair).await;
    host.wait_ms(SETTLED_MS);
    pair.sync().await;
    let (before, _) = (kept(&host), host.writes());
    let audit = pair.audit().await;
    assert_mended(&audit, complete(25));
    assert_eq!((kept(&host), host.writes()), (before, 0));
    assert!(audit.as_of <= audit.finished_at);
    assert_eq!(acme.events("sync.audited").await.len(), 1);
}

#[tokio::test]
async fn what_hubspot_changed_silently_is_found_and_mended() {
    let host = TestHost::start(companies(3));
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    let (id, record) = synced(&host, &pair).await;
    host.hubspot_changes_silently("companies", id, ("city", "Chur"));
    host.wait_ms(SETTLED_MS);
    let polled = pair.sync().await.counts;
    assert_eq!(polled.records_updated, 0, "no search shows it");
    let audit = pair.audit().await;
    let found = AuditFigures {
        differing: 1,
        mended: 1,
        ..complete(3)
    };
    assert_mended(&audit, found);
    let city = acme.value("partners", record, "city").await;
    assert_eq!(city, json!("Chur"));
    assert_complete(&host, &pair, 3).await;
}

#[tokio::test]
async fn a_record_that_changed_without_an_edit_is_found_and_pushed() {
    let host = TestHost::start(companies(3));
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    let (id, record) = synced(&host, &pair).await;
    host.wait_ms(SETTLED_MS);
    behind_its_back(
        &host,
        "UPDATE records SET fields = json_set(fields, '$.city', 'Chur') WHERE id = ?1",
        record,
    );
    pair.sync().await;
    let audit = pair.audit().await;
    let found = AuditFigures {
        differing: 1,
        mended: 1,
        ..complete(3)
    };
    assert_mended(&audit, found);
    let city = host.hubspot_value("companies", id, "city");
    assert_eq!(city.as_deref(), Some("Chur"), "pushed by the same run");
    assert_complete(&host, &pair, 3).await;
}

#[tokio::test]
async fn an_agreement_that_never_was_is_found_and_put_right() {
    let host = TestHost::start(companies(3));
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    let (_, record) = synced(&host, &pair).await;
    host.wait_ms(SETTLED_MS);
    behind_its_back(
        &host,
        "UPDATE links SET base = json_set(base, '$.city.h[0]', 'Nowhere', '$.city.p', json('[null]'))
         WHERE record = (SELECT key FROM records WHERE id = ?1)",
        record,
    );
    pair.sync().await;
    let (before, _) = (pair.versions().await, host.writes());
    let audit = pair.audit().await;
    let found = AuditFigures {
        differing: 1,
        mended: 1,
        ..complete(3)
    };
    assert_mended(&audit, found);
    assert_eq!(
        (pair.versions().await, host.writes()),
        (before, 0),
        "both sides hold the same; only the agreement was wrong"
    );
    assert_complete(&host, &pair, 3).await;
}

#[tokio::test]
async fn an_object_whose_link_was_lost_is_linked_again() {
    let host = TestHost::start(companies(3));
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    let (id, record) = synced(&host, &pair).await;
    host.wait_ms(SETTLED_MS);
    behind_its_back(
        &host,
        "DELETE FROM links WHERE record = (SELECT key FROM records WHERE id = ?1)",
        record,
    );
    pair.sync().await;
    let audit = pair.audit().await;
    let found = AuditFigures {
        links: 2,
        missing_here: 1,
        mended: 1,
        ..complete(3)
    };
    assert_mended(&audit, found);
    assert_eq!(pair.record_of(id).await, record);
    assert_complete(&host, &pair, 3).await;
}

#[tokio::test]
async fn a_record_that_the_outbox_lost_becomes_an_object() {
    let host = TestHost::start(companies(3));
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    synced(&host, &pair).await;
    let fields = json!({ "name": "Globex", "domain": "globex.example" });
    let record = acme.creates("partners", fields).await.id;
    host.wait_ms(SETTLED_MS);
    behind_its_back(
        &host,
        "DELETE FROM outbox WHERE record = (SELECT key FROM records WHERE id = ?1)",
        record,
    );
    pair.sync().await;
    assert_eq!(host.live_ids("companies").len(), 3);
    let audit = pair.audit().await;
    let found = AuditFigures {
        missing_in_hubspot: 1,
        mended: 1,
        ..complete(3)
    };
    assert_mended(&audit, found);
    assert_eq!(host.live_ids("companies").len(), 4);
    assert_complete(&host, &pair, 4).await;
}

#[tokio::test]
async fn an_object_that_is_gone_without_a_trace_is_not_believed_at_one_sighting() {
    let host = TestHost::start(companies(3));
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    let (id, record) = synced(&host, &pair).await;
    host.hubspot_erases("companies", id);
    host.wait_ms(SETTLED_MS);
    let audit = pair.audit().await;
    let found = AuditFigures {
        links: 3,
        missing_in_hubspot: 1,
        unsettled: 1,
        ..complete(2)
    };
    assert_eq!(audit.figures, found);
    let sample = AuditSample {
        record_id: Some(record),
        hubspot_id: Some(partneros_domain::HubSpotId(i64::try_from(id).unwrap())),
        reason: "second_look".to_owned(),
    };
    assert_eq!(audit.samples, [sample]);
    assert_eq!(pair.find_record_of(id).await, Some(record), "still linked");

    host.wait_ms(SETTLED_MS);
    let run = pair.sync().await;
    assert_eq!(run.counts.unlinked, 1, "the second look says the same");
    assert_eq!(pair.find_record_of(id).await, None);
    let audit = pair.audit().await;
    assert_mended(&audit, complete(2));
}

#[tokio::test]
async fn an_edit_that_waits_is_no_difference() {
    let host = TestHost::start(companies(3));
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    let (id, record) = synced(&host, &pair).await;
    host.wait_ms(SETTLED_MS);
    let edit = json!({ "city": "Chur" });
    acme.edits("partners", record, edit).await;
    behind_its_back(
        &host,
        "UPDATE outbox SET due_at = due_at + 3600000
         WHERE record = (SELECT key FROM records WHERE id = ?1)",
        record,
    );
    let audit = pair.audit().await;
    let found = AuditFigures {
        waiting: 1,
        ..complete(3)
    };
    assert_mended(&audit, found);
    assert_ne!(
        host.hubspot_value("companies", id, "city").as_deref(),
        Some("Chur")
    );
}

#[tokio::test]
async fn what_cannot_be_mended_is_told_with_the_reason() {
    let host = TestHost::start(companies(3));
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    let (id, record) = synced(&host, &pair).await;
    host.person_sets("companies", id, &[("name", "")]);
    let nameless = host.person_creates("companies", &[("city", "Chur"), ("domain", "a.example")]);
    host.wait_ms(SETTLED_MS);
    pair.sync().await;
    for _ in 0..2 {
        let audit = pair.audit().await;
        let found = AuditFigures {
            links: 3,
            differing: 1,
            missing_here: 1,
            unsettled: 2,
            ..complete(4)
        };
        assert_eq!(audit.figures, found);
        let told = audit.samples.iter().map(|sample| {
            let id = sample.hubspot_id.map(|id| u64::try_from(id.0).unwrap());
            (sample.record_id, id, sample.reason.as_str())
        });
        let mut told: Vec<_> = told.collect();
        told.sort();
        let mut expected = [
            (Some(record), Some(id), "required"),
            (None, Some(nameless), "required"),
        ];
        expected.sort();
        assert_eq!(told, expected);
    }
    assert_eq!(pair.failures().await.len(), 2, "listed once each");
}

#[tokio::test]
async fn a_large_portal_is_compared_range_by_range() {
    let host = TestHost::start(companies(25_000));
    let acme = host.organization("acme").await;
    let fields = [("name", "name"), ("city", "city")];
    let pair = acme.mapped_by_hand("partners", "companies", &fields).await;
    pair.activate().await;
    pair.sync().await;
    let ids = host.live_ids("companies");
    let all_over = [0, 99, 100, 12_345, 24_999].map(|at| ids[at]);
    for id in all_over {
        host.hubspot_changes_silently("companies", id, ("city", "Chur"));
    }
    host.wait_ms(SETTLED_MS);
    let audit = pair.audit().await;
    let found = AuditFigures {
        ranges: 250,
        differing: 5,
        mended: 5,
        ..complete(25_000)
    };
    assert_mended(&audit, found);
    for id in all_over {
        let record = pair.record_of(id).await;
        let city = acme.value("partners", record, "city").await;
        assert_eq!(city, json!("Chur"));
    }
    let audit = pair.audit().await;
    let found = AuditFigures {
        ranges: 250,
        ..complete(25_000)
    };
    assert_mended(&audit, found);
}

#[tokio::test]
async fn an_audit_that_is_cut_off_begins_again() {
    let host = TestHost::start(companies(2_000));
    let acme = host.organization("acme").await;
    let fields = [("name", "name"), ("city", "city")];
    let pair = acme.mapped_by_hand("partners", "companies", &fields).await;
    pair.activate().await;
    pair.sync().await;
    let ids = host.live_ids("companies");
    let (first, last) = (ids[0], ids[1_999]);
    for id in [first, last] {
        host.hubspot_changes_silently("companies", id, ("city", "Chur"));
    }
    host.wait_ms(WEEK_MS);
    faults::slow_after(&host, "objects/companies", 12);
    let met = async || {
        let record = pair.record_of(first).await;
        acme.value("partners", record, "city").await == json!("Chur")
    };
    tokio::select! {
        _ = host.engine.run_due() => panic!("the audit went through"),
        () = faults::eventually("the first range is mended", met) => {}
    }
    faults::end(&host);
    assert_eq!(
        pair.audits().await,
        [],
        "an audit that was cut off says nothing"
    );
    let cut_off = faults::latest_run(&host, &acme, &pair).await;
    assert_eq!(
        (cut_off.kind, cut_off.outcome),
        (RunKind::Audit, RunOutcome::Running)
    );

    // The lease of a worker that is gone runs out.
    host.wait_ms(SETTLED_MS);
    assert_eq!(host.engine.run_due().await.unwrap(), 1);
    let audits = pair.audits().await;
    let found = AuditFigures {
        ranges: 20,
        differing: 1,
        mended: 1,
        ..complete(2_000)
    };
    assert_eq!(audits.len(), 1);
    assert_mended(&audits[0], found);
    assert!(audits[0].as_of > cut_off.started_at);
    let record = pair.record_of(last).await;
    let city = acme.value("partners", record, "city").await;
    assert_eq!(city, json!("Chur"));
}

#[tokio::test]
async fn the_schedule_audits_once_a_week_unless_it_is_turned_off() {
    for (audit_interval_ms, expected) in [
        (604_800_000, [RunKind::Audit, RunKind::Incremental]),
        (0, [RunKind::Incremental; 2]),
    ] {
        let settings = SyncSettings {
            audit_interval_ms,
            ..SyncSettings::default()
        };
        let host = TestHost::start_with(companies(3), settings, plugins());
        let acme = host.organization("acme").await;
        let pair = acme.pair("partners", "companies").await;
        host.wait_ms(1_000);
        host.engine.run_due().await.unwrap();
        let mut kinds = vec![faults::latest_run(&host, &acme, &pair).await.kind];
        for wait_ms in [WEEK_MS / 2, WEEK_MS / 2, SETTLED_MS] {
            host.wait_ms(wait_ms);
            assert_eq!(host.engine.run_due().await.unwrap(), 1);
            kinds.push(faults::latest_run(&host, &acme, &pair).await.kind);
        }
        assert_eq!(kinds[..2], [RunKind::First, RunKind::Incremental]);
        assert_eq!(kinds[2..], expected);
    }
}

#[tokio::test]
async fn changes_do_not_wait_for_a_long_audit() {
    let host = TestHost::start(Config {
        companies: 1_000,
        ..Config::default()
    });
    let acme = host.organization("acme").await;
    let fields = [("name", "name"), ("city", "city")];
    let pair = acme.mapped_by_hand("partners", "companies", &fields).await;
    pair.activate().await;
    pair.sync().await;
    let id = host.live_ids("companies")[0];
    let record = pair.record_of(id).await;
    host.wait_ms(SETTLED_MS);
    pair.sync().await;
    faults::slow_after(&host, "objects/companies", 4);
    let meanwhile = async {
        let audits = async || {
            let run = faults::latest_run(&host, &acme, &pair).await;
            run.kind == RunKind::Audit
        };
        faults::eventually("the audit runs", audits).await;
        host.person_sets("companies", id, &[("city", "Chur")]);
        host.wait_ms(60_000);
        let came = async || acme.value("partners", record, "city").await == json!("Chur");
        faults::eventually("the change came", came).await;
        assert_eq!(pair.audits().await, [], "before the audit was through");
        faults::end(&host);
    };
    let (audit, ()) = tokio::join!(pair.audit(), meanwhile);
    assert_eq!(audit.figures.unsettled, 0);
}
