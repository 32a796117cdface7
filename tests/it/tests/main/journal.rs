//! HubSpot's change journal: what it tells of is looked up at once, and nothing depends on it.

use hubspot_sim::state::journal::Subscription;
use hubspot_sim::{Action, Config};
use partneros_domain::{AlertKind, DeletePolicy};
use partneros_it::{TestHost, TestOrganization};
use partneros_store::{FormerLinks as _, Parting};
use partneros_sync::JournalReader;

use crate::deletes::{companies, counting, synced};
use crate::faults;

const DAY_MS: i64 = 24 * 3_600_000;
const ARCHIVE_MS: i64 = 900_000;

/// A portal whose search index shows nothing that is new or changed.
fn blind() -> Config {
    Config {
        create_lag_ms: 1_000 * DAY_MS,
        update_lag_ms: 1_000 * DAY_MS,
        ..companies(3)
    }
}

/// Reads the journal to its end.
async fn read(journal: &JournalReader) {
    journal.read().await.expect("the journal can be read");
}

/// Runs what is due now, and says how many pairs that was.
async fn run_due(host: &TestHost) -> usize {
    host.engine.run_due().await.expect("runs are written down")
}

/// Runs the pairs by the schedule once the poll is due.
async fn poll(host: &TestHost) {
    host.wait_ms(60_000);
    assert_eq!(run_due(host).await, 1);
}

async fn stopped(acme: &TestOrganization<'_>) -> Vec<String> {
    let alerts = acme.alerts().await.into_iter();
    let of_kind = alerts.filter(|alert| alert.kind == AlertKind::JournalStopped);
    of_kind.map(|alert| alert.message).collect()
}

#[tokio::test]
async fn a_deletion_and_a_restore_are_noticed_long_before_the_archive_is_read() {
    let host = TestHost::start(blind());
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    let (id, record) = synced(&host, &pair).await;
    let journal = host.journal_reader();
    read(&journal).await;
    poll(&host).await;
    assert_eq!(run_due(&host).await, 0, "nothing is due");
    host.writes();

    host.person_archives("companies", id);
    read(&journal).await;
    assert_eq!(run_due(&host).await, 1, "the pair is due at once");
    assert_eq!(pair.find_record_of(id).await, None);
    let detached = pair.detached().await;
    assert_eq!(
        (detached[0].record_id, detached[0].parting),
        (record, Parting::Archived)
    );
    assert_eq!(run_due(&host).await, 0, "it is looked up once");

    host.person_restores("companies", id);
    read(&journal).await;
    assert_eq!(run_due(&host).await, 1);
    assert_eq!(pair.record_of(id).await, record);
    assert_eq!(
        acme.events("record.").await,
        ["record.unlinked", "record.relinked"]
    );
    assert_eq!(host.writes(), 0);
}

#[tokio::test]
async fn a_record_is_deleted_with_its_object_where_the_pair_mirrors() {
    let host = TestHost::start(blind());
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    pair.deletes_by(DeletePolicy::Mirror).await;
    let (id, record) = synced(&host, &pair).await;
    let journal = host.journal_reader();
    read(&journal).await;
    host.person_archives("companies", id);
    read(&journal).await;
    run_due(&host).await;
    assert!(acme.find_record("partners", record).await.is_none());
    host.person_restores("companies", id);
    read(&journal).await;
    run_due(&host).await;
    assert_eq!(pair.record_of(id).await, record);
}

#[tokio::test]
async fn a_merge_is_followed_though_search_does_not_show_it() {
    let host = TestHost::start(blind());
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    let (id, record) = synced(&host, &pair).await;
    let other = host.live_ids("companies")[1];
    let journal = host.journal_reader();
    read(&journal).await;
    let left = host.person_merges("companies", id, other);
    pair.sync().await;
    assert_eq!(
        pair.find_record_of(left).await,
        None,
        "search does not show it"
    );
    read(&journal).await;
    run_due(&host).await;
    assert_eq!(pair.record_of(left).await, record);
    assert_eq!(acme.events("object.").await, ["object.merged"]);
    assert_eq!(pair.detached().await.len(), 1, "the other's record");
}

#[tokio::test]
async fn a_deletion_that_was_taken_back_by_then_ends_no_link() {
    let host = TestHost::start(blind());
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    let (id, record) = synced(&host, &pair).await;
    let journal = host.journal_reader();
    read(&journal).await;
    host.person_archives("companies", id);
    read(&journal).await;
    host.person_restores("companies", id);
    assert_eq!(run_due(&host).await, 1);
    assert_eq!(pair.record_of(id).await, record);
    assert_eq!(acme.events("record.").await, [""; 0]);
}

#[tokio::test]
async fn a_look_up_that_fails_ends_no_link_and_is_made_again() {
    let host = TestHost::start(blind());
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    let (id, record) = synced(&host, &pair).await;
    let journal = host.journal_reader();
    read(&journal).await;
    host.person_archives("companies", id);
    read(&journal).await;
    faults::refuse(&host, "batch/read");
    run_due(&host).await;
    assert_eq!(pair.record_of(id).await, record);
    assert_eq!(
        run_due(&host).await,
        0,
        "a pair that fails is not run again and again"
    );
    faults::end(&host);
    poll(&host).await;
    assert_eq!(pair.find_record_of(id).await, None);
}

#[tokio::test]
async fn what_is_said_of_an_object_that_nobody_knows_makes_nothing_due() {
    let host = TestHost::start(companies(2));
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    synced(&host, &pair).await;
    let journal = host.journal_reader();
    read(&journal).await;
    poll(&host).await;
    let contact = host.person_creates("contacts", &[("email", "ann@globex.example")]);
    host.person_archives("contacts", contact);
    let company = host.person_creates("companies", &[("name", "Globex")]);
    host.person_archives("companies", company);
    read(&journal).await;
    assert_eq!(run_due(&host).await, 0);
    assert_eq!(pair.versions().await.len(), 2);
}

#[tokio::test]
async fn what_hubspot_counts_of_associations_arrives_with_the_next_poll() {
    let host = TestHost::start(blind());
    let acme = host.organization("acme").await;
    let pair = counting(&acme).await;
    let (id, record) = synced(&host, &pair).await;
    let journal = host.journal_reader();
    read(&journal).await;
    poll(&host).await;
    let employees = async || acme.value("partners", record, "employees").await;
    assert_eq!(employees().await, 0);

    let contact = host.person_creates("contacts", &[("email", "ann@globex.example")]);
    host.person_associates(("companies", id), ("contacts", contact));
    read(&journal).await;
    assert_eq!(run_due(&host).await, 0, "nobody hurries for it");
    poll(&host).await;
    assert_eq!(employees().await, 1);

    host.person_parts(("companies", id), ("contacts", contact));
    // An object that is deleted as well is gone, whatever else is said of it.
    let other = host.live_ids("companies")[1];
    let gone = pair.record_of(other).await;
    host.person_associates(("companies", other), ("contacts", contact));
    host.person_archives("companies", other);
    read(&journal).await;
    run_due(&host).await;
    assert_eq!(employees().await, 0);
    assert_eq!(pair.detached().await[0].record_id, gone);
}

#[tokio::test]
async fn associations_are_of_no_use_to_a_pair_that_reads_nothing_calculated() {
    let host = TestHost::start(blind());
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    let (id, _) = synced(&host, &pair).await;
    let journal = host.journal_reader();
    read(&journal).await;
    poll(&host).await;
    let contact = host.person_creates("contacts", &[("email", "ann@globex.example")]);
    host.person_associates(("companies", id), ("contacts", contact));
    read(&journal).await;
    let is_hinted = async || {
        let rounds = host.store.rounds(acme.id, pair.id).await;
        rounds.expect("the pair exists").is_hinted
    };
    assert!(is_hinted().await);
    // A look-up by id would fail.
    faults::refuse(&host, "batch/read");
    pair.sync().await;
    assert!(!is_hinted().await);
}

#[tokio::test]
async fn the_same_file_twice_changes_nothing_more() {
    let host = TestHost::start(blind());
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    let (id, record) = synced(&host, &pair).await;
    let journal = host.journal_reader();
    read(&journal).await;
    let from_the_beginning = || {
        let forgotten = host
            .sql()
            .execute("UPDATE journals SET position = NULL", []);
        forgotten.expect("the journal was read");
    };
    host.person_archives("companies", id);
    for _ in 0..2 {
        from_the_beginning();
        read(&journal).await;
        run_due(&host).await;
    }
    assert_eq!(pair.find_record_of(id).await, None);
    host.person_restores("companies", id);
    read(&journal).await;
    run_due(&host).await;
    // The old deletion once more, when the object is back.
    from_the_beginning();
    read(&journal).await;
    run_due(&host).await;
    assert_eq!(pair.record_of(id).await, record);
    assert_eq!(
        acme.events("record.").await,
        ["record.unlinked", "record.relinked"]
    );
}

#[tokio::test]
async fn a_gap_is_made_up_for_by_an_audit() {
    let host = TestHost::start(blind());
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    let (id, _) = synced(&host, &pair).await;
    let other = host.live_ids("companies")[1];
    let journal = host.journal_reader();
    read(&journal).await;
    // An entry that is taken, so that there is a position.
    host.person_archives("companies", other);
    read(&journal).await;
    run_due(&host).await;
    assert_eq!(pair.audits().await.len(), 0);

    // The host stands still for as long as HubSpot keeps nothing.
    host.hubspot_erases("companies", id);
    host.wait_ms(4 * DAY_MS);
    read(&journal).await;
    assert_eq!(run_due(&host).await, 1);
    let audits = pair.audits().await;
    assert_eq!(audits.len(), 1, "an audit was due");
    assert_eq!(audits[0].figures.missing_in_hubspot, 1);

    // It goes on from where the journal is.
    let third = host.live_ids("companies")[0];
    host.person_archives("companies", third);
    read(&journal).await;
    run_due(&host).await;
    assert_eq!(pair.find_record_of(third).await, None);
    assert_eq!(pair.audits().await.len(), 1);
    assert_eq!(stopped(&acme).await, [""; 0]);
}

#[tokio::test]
async fn a_position_that_is_lost_shortly_after_everything_was_read_is_no_gap() {
    let host = TestHost::start(blind());
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    let (id, _) = synced(&host, &pair).await;
    let other = host.live_ids("companies")[1];
    let journal = host.journal_reader();
    read(&journal).await;
    host.person_archives("companies", other);
    read(&journal).await;
    run_due(&host).await;
    host.sim.sim().journal.forget();
    host.person_archives("companies", id);
    read(&journal).await;
    run_due(&host).await;
    assert_eq!(pair.find_record_of(id).await, None);
    assert_eq!(pair.audits().await, []);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_passed_over_once_and_made_up_for() {
    let host = TestHost::start(blind());
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    let (id, _) = synced(&host, &pair).await;
    let journal = host.journal_reader();
    read(&journal).await;
    host.person_archives("companies", id);
    host.sim.sim().journal.garbled = Some("<html>".to_owned());
    read(&journal).await;
    assert_eq!(run_due(&host).await, 1);
    assert_eq!(pair.audits().await.len(), 1);
    // If it goes on like this, pairs are not audited all the time; somebody is told instead.
    let other = host.live_ids("companies")[0];
    host.person_archives("companies", other);
    assert!(journal.read().await.is_err());
    assert_eq!(run_due(&host).await, 0);
    assert_eq!(stopped(&acme).await.len(), 1);
    host.sim.sim().journal.garbled = None;
    read(&journal).await;
    run_due(&host).await;
    assert_eq!(pair.find_record_of(other).await, None);
    assert_eq!(stopped(&acme).await, [""; 0]);
}

#[tokio::test]
async fn without_the_journal_the_archive_is_read_as_ever() {
    let host = TestHost::start(blind());
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    let (id, _) = synced(&host, &pair).await;
    let journal = host.journal_reader();
    read(&journal).await;
    faults::refuse(&host, "webhooks-journal");
    host.person_archives("companies", id);
    assert!(journal.read().await.is_err());
    assert_eq!(stopped(&acme).await, [""; 0], "it passes by itself");
    host.wait_ms(ARCHIVE_MS);
    run_due(&host).await;
    assert_eq!(pair.find_record_of(id).await, None);
    faults::end(&host);
    read(&journal).await;
    run_due(&host).await;
    assert_eq!(acme.events("record.").await, ["record.unlinked"]);
}

#[tokio::test]
async fn a_broken_answer_is_asked_for_again_and_a_token_that_died_is_replaced() {
    let host = TestHost::start(blind());
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    let (id, _) = synced(&host, &pair).await;
    let journal = host.journal_reader();
    read(&journal).await;
    host.person_archives("companies", id);
    for path in ["journal/2026-03", "journal-files"] {
        host.sim.sim().arm_fault(hubspot_sim::ArmedFault {
            path: path.to_owned(),
            skip: 0,
            times: 1,
            fault: hubspot_sim::Fault::CutOffBody,
        });
    }
    host.sim.sim().journal.expire_tokens();
    read(&journal).await;
    run_due(&host).await;
    assert_eq!(pair.find_record_of(id).await, None);
    assert_eq!(pair.audits().await, []);
}

#[tokio::test]
async fn a_missing_scope_is_told_once_and_until_it_is_there() {
    let host = TestHost::start(companies(1));
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    synced(&host, &pair).await;
    let scope = "developer.webhooks_journal.read";
    host.sim.sim().journal.withheld = vec![scope.to_owned()];
    let journal = host.journal_reader();
    for _ in 0..2 {
        assert!(journal.read().await.is_err());
    }
    let told = stopped(&acme).await;
    assert_eq!(told.len(), 1);
    assert!(told[0].contains(scope), "{told:?}");
    assert_eq!(acme.events("alert.").await, ["alert.opened"]);
    // The scope is there with the next token.
    host.sim.sim().journal.withheld.clear();
    host.sim.sim().journal.expire_tokens();
    // Another process, which knows of no alert.
    read(&host.journal_reader()).await;
    assert_eq!(stopped(&acme).await, [""; 0]);
}

#[tokio::test]
async fn the_app_hears_of_what_pairs_sync_and_of_what_others_asked_for() {
    let host = TestHost::start(companies(1));
    let acme = host.organization("acme").await;
    let pair = acme.pair("partners", "companies").await;
    let foreign = |portal_id, actions: &[Action]| Subscription {
        id: 0,
        subscription_type: "OBJECT".to_owned(),
        portal_id,
        object_type_id: "0-1".to_owned(),
        actions: actions.to_vec(),
        object_ids: Vec::new(),
        properties: Vec::new(),
        associated_object_type_ids: Vec::new(),
    };
    let ours = [Action::Delete, Action::Merge, Action::Restore];
    for left in [foreign(1, &ours), foreign(2, &[Action::Create])] {
        host.sim.sim().subscribe(left).expect("a subscription");
    }
    let subscribed = || {
        let sim = host.sim.sim();
        let all = sim.journal.subscriptions();
        let told = all.map(|one| {
            let (kind, of) = (&one.subscription_type, &one.object_type_id);
            format!("{} {kind} {of}", one.portal_id)
        });
        told.collect::<Vec<_>>()
    };
    let portal = host.sim.sim().config.hub_id;
    let journal = host.journal_reader();
    read(&journal).await;
    let created = "2 OBJECT 0-1".to_owned();
    let own = |of: &str| ["OBJECT", "ASSOCIATION"].map(|kind| format!("{portal} {kind} {of}"));
    let expected = |own: &[[String; 2]]| [std::slice::from_ref(&created), &own.concat()].concat();
    assert_eq!(subscribed(), expected(&[own("0-2")]));
    let deals = acme.pair("deals", "deals").await;
    read(&journal).await;
    assert_eq!(subscribed(), expected(&[own("0-2"), own("0-3")]));
    // Somebody ended them; they are compared with what HubSpot lists by the hour.
    host.sim.sim().unsubscribe_portal(portal);
    host.wait_ms(3_600_000);
    read(&journal).await;
    assert_eq!(subscribed().len(), 5);
    for id in [pair.id, deals.id] {
        pause(&host, &acme, id).await;
    }
    read(&journal).await;
    assert_eq!(subscribed(), [created]);
}

async fn pause(host: &TestHost, acme: &TestOrganization<'_>, pair: partneros_domain::PairId) {
    use partneros_domain::PairState::Paused;
    use partneros_store::Pairs as _;
    let paused = host.store.set_pair_state(acme.id, pair, Paused, host.now());
    paused.await.expect("the pair exists");
}
