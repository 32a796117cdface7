//! HubSpot's change journal, with the binary as people run it.

use serde_json::{Value as Json, json};

use crate::crashes::Story;
use crate::disk::until;
use crate::process::Served;

/// The archive itself is read every quarter of an hour.
#[test]
fn a_deletion_is_noticed_at_once_and_the_doctor_says_what_is_missing() {
    const SCOPE: &str = "developer.webhooks_journal.read";
    let story = Story::begin(3, "[hubspot.journal]\nenabled = true\ninterval_ms = 1000\n");
    let host = Served::start(&story.home);
    let pair = story.pair(&host);
    let asks = |path: &str| host.asks("GET", path, &story.token, &Json::Null).json(200);
    let linked = || asks("/api/records/partners?limit=50");
    until(linked, |page| {
        page["records"]
            .as_array()
            .is_some_and(|list| list.len() == 3)
    });
    // What happens before the host has subscribed is in no journal.
    until(|| json!(story.subscriptions()), |count| *count == 2);
    let doctor = || {
        let output = story.home.answers(&["doctor"], "");
        let found = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = found.lines().find(|line| line.contains("change journal"));
        line.expect("it is looked at").to_owned()
    };
    assert!(doctor().contains("2 subscriptions"), "{}", doctor());

    let name = story.archives();
    let detached = until(
        || asks(&format!("{pair}/detached")),
        |page| {
            page["detached"]
                .as_array()
                .is_some_and(|list| !list.is_empty())
        },
    );
    let id = detached["detached"][0]["recordId"].as_str().expect("an id");
    let record = asks(&format!("/api/records/partners/{id}"));
    assert_eq!(record["record"]["fields"]["name"], name);

    story.withholds(SCOPE);
    assert!(doctor().contains(SCOPE), "{}", doctor());
    let alerts = until(
        || asks("/api/alerts"),
        |alerts| alerts.to_string().contains("journal.stopped"),
    );
    assert!(alerts.to_string().contains(SCOPE), "{alerts}");
}
