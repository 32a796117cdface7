//! Other ways into the portal, and out of it: a private app's token, and the end of a connection.

use hubspot_sim::{ArmedFault, Fault};
use serde_json::{Value as Json, json};

use super::Story;

pub(super) const PRIVATE_APP_TOKEN: &str = "pat-na1-7d1f0c52-private-app";
const FORGED_TOKEN: &str = "pat-na1-00000000-of-no-app-c0de";

/// A private app's token gets in in place of a person's consent, until HubSpot takes it no more.
pub(super) fn by_private_app(story: &mut Story, pair: &str) {
    const PATH: &str = "/api/integrations/hubspot/private-app";
    for token in [PRIVATE_APP_TOKEN, FORGED_TOKEN] {
        story.sought.add("private-app token", token);
    }
    let refused = story.asks("POST", PATH, &json!({"token": FORGED_TOKEN}));
    assert_eq!(refused.json(400)["code"], "token_refused");
    let connected = story.asks("POST", PATH, &json!({"token": PRIVATE_APP_TOKEN}));
    let integration = connected.json(200)["integration"].clone();
    assert_eq!(integration["access"], "private_app");
    assert_eq!(integration["id"], story.connection.unwrap().to_string());
    assert_eq!(story.syncs(pair), "succeeded");
    story.assert_not_in_files();

    story.portal.sim().config.private_app_token = None;
    assert_eq!(story.syncs(pair), "failed");
    let status = story.asks("GET", &story.of_connection("status"), &Json::Null);
    assert_eq!(status.json(200)["status"], "reauth_required");
    let alerts = story.asks("GET", "/api/alerts?state=open", &Json::Null);
    let alert = alerts.json(200)["alerts"][0].clone();
    assert_eq!(
        (&alert["kind"], &alert["severity"]),
        (&json!("token.revoked"), &json!("critical"))
    );
    story.connects();
    assert_eq!(story.syncs(pair), "succeeded");
    let alerts = story.asks("GET", "/api/alerts?state=open", &Json::Null);
    assert_eq!(alerts.json(200)["alerts"], json!([]));
}

/// HubSpot is told of the end, does not listen once, and is told otherwise to remove the app.
pub(super) fn ends(story: &mut Story) {
    let path = format!("/api/integrations/{}", story.connection.unwrap());
    let tokens = |story: &Story| {
        let sql = story.home.sql();
        let query = "SELECT count(access_token) + count(refresh_token) + count(refresh_previous) FROM connections";
        sql.query_row(query, [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    story.portal.sim().arm_fault(ArmedFault {
        path: "token/revoke".to_owned(),
        skip: 0,
        times: 6,
        fault: Fault::BadGateway,
    });
    let ended = story.asks("DELETE", &path, &Json::Null).json(200);
    assert_eq!(ended["hubspot"]["refreshTokenRevoked"], false, "{ended}");
    assert!(ended["hubspot"]["message"].is_string(), "{ended}");
    assert_eq!(tokens(story), 0);

    story.connects();
    let refresh = story.stored_tokens().refresh.expect("a refresh token");
    let ended = story.asks("DELETE", &path, &Json::Null).json(200);
    assert_eq!(ended["hubspot"]["refreshTokenRevoked"], true, "{ended}");
    assert!(!story.knows(&refresh), "HubSpot has forgotten it");

    story.connects();
    let access = story.stored_tokens().access;
    story.access_expires();
    let ended = story.asks("DELETE", &format!("{path}?uninstall=true"), &Json::Null);
    let ended = ended.json(200);
    assert_eq!(ended["hubspot"]["appUninstalled"], true, "{ended}");
    assert_eq!(tokens(story), 0);
    assert!(!story.knows(&access));
    story.connects();
}
