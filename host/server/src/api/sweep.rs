//! Sweeps over all routes, taken from the `OpenAPI` document, so that a new route cannot be forgotten: without a token,
//! with every role, and with another organization's ids.

use axum::http::Method;
use partneros_domain::{AlertKind, Permission, Role};
use serde_json::{Value as Json, json};

use super::fixture::{Answer, Client, TestApi};

/// The operations that anyone may call, as they were reviewed. The callback's caller is a browser, known by the state it
/// brings.
const PUBLIC: [&str; 5] = [
    "acceptInvitation",
    "hubspotCallback",
    "live",
    "ready",
    "signIn",
];

/// A route of the document.
struct Operation {
    id: String,
    permission: String,
    method: Method,
    path: String,
}

/// What Acme has, one of each.
struct Owned {
    connection: String,
    record: String,
    pair: String,
    run: String,
    version: String,
    member: String,
    invitation: String,
    token: String,
    alert: String,
    webhook: String,
    delivery: String,
}

fn operations() -> Vec<Operation> {
    let document = serde_json::to_value(crate::router::document()).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            operations.push(Operation {
                id: operation["operationId"].as_str().unwrap().to_owned(),
                permission: operation["x-permission"].as_str().unwrap().to_owned(),
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
            });
        }
    }
    operations
}

impl Operation {
    fn is_public(&self) -> bool {
        self.permission == "public"
    }

    /// Whether the path names something of an organization's.
    fn is_owned(&self) -> bool {
        self.path.contains("Id}")
    }

    fn path(&self, owned: &Owned) -> String {
        self.path
            .replace("{connectionId}", &owned.connection)
            .replace("{recordId}", &owned.record)
            .replace("{pairId}", &owned.pair)
            .replace("{runId}", &owned.run)
            .replace("{versionId}", &owned.version)
            .replace("{memberId}", &owned.member)
            .replace("{invitationId}", &owned.invitation)
            .replace("{tokenId}", &owned.token)
            .replace("{alertId}", &owned.alert)
            .replace("{webhookId}", &owned.webhook)
            .replace("{deliveryId}", &owned.delivery)
            .replace("{object}", "partners")
            .replace("{field}", "name")
    }

    /// A body that the route takes, so that nothing but the id can be what is refused.
    fn body(&self) -> Option<Json> {
        let body = match self.id.as_str() {
            "createRecord" | "updateRecord" => json!({"fields": {"name": "Swept"}}),
            "upsertRecords" => json!({"records": []}),
            "createPair" => json!({"object": "deals", "hubspotObject": "deals"}),
            "updatePair" => json!({"conflictPolicy": "crm_wins"}),
            "updateMapping" => json!({"state": "ignored"}),
            "replaceMappings" => json!({"version": 2, "mappings": []}),
            "confirmMappings" | "startSync" => json!({}),
            "updateMember" => json!({"role": "member"}),
            "createInvitation" => json!({"email": "swept@acme.example", "role": "viewer"}),
            "acceptInvitation" => json!({"token": "swept", "password": "swept away"}),
            "tryMapping" => json!({"direction": "to_partneros", "property": "name"}),
            "compareBundle" => json!({"bundle": bundle()}),
            "importBundle" => json!({"bundle": bundle(), "version": 2}),
            "connectPrivateApp" => json!({"token": "pat-swept"}),
            "createWebhook" => json!({"url": "https://acme.example/", "types": ["alert."]}),
            "updateWebhook" => json!({"enabled": true}),
            "quarantinePluginVersion" => json!({"reason": "swept"}),
            "pullPlugin" => {
                json!({"name": "swept", "reference": "registry.example.com/acme/mapper:1"})
            }
            _ => return None,
        };
        Some(body)
    }

    /// The status, of whatever length the answer is, and the refusal if it is one.
    async fn refusal(&self, client: &Client<'_>, owned: &Owned) -> (u16, Json) {
        let body = self.body().map(|body| body.to_string()).unwrap_or_default();
        let json = [("content-type", "application/json")];
        let path = self.path(owned);
        let method = self.method.clone();
        let response = client.respond(method, &path, &json, body.into()).await;
        let status = response.status().as_u16();
        if status < 400 {
            return (status, Json::Null);
        }
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await;
        (status, serde_json::from_slice(&body.unwrap()).unwrap())
    }

    async fn send(&self, client: &Client<'_>, owned: &Owned) -> Answer {
        client
            .send(self.method.clone(), &self.path(owned), &[], self.body())
            .await
    }
}

/// A bundle that every pair of partners takes.
fn bundle() -> Json {
    json!({
        "format": 1, "object": "partners", "hubspotObject": "companies", "mappings": [], "mapper": [], "plugins": [],
        "fixtures": [], "defaultMapper": "0".repeat(64),
        "settings": {
            "direction": "bidirectional", "conflictPolicy": "newest_wins", "matchKey": null,
            "thresholds": {"autoMapped": 0.9, "suggested": 0.5}, "pluginFailurePolicy": "park_record",
        },
    })
}

/// What nobody has.
fn nothing() -> Owned {
    let id = "01900000-0000-7000-8000-00000000dead".to_owned();
    Owned {
        connection: id.clone(),
        record: id.clone(),
        pair: id.clone(),
        run: id.clone(),
        member: id.clone(),
        invitation: id.clone(),
        token: id.clone(),
        alert: id.clone(),
        webhook: id.clone(),
        delivery: id,
        version: "0".repeat(64),
    }
}

async fn owned(api: &TestApi) -> Owned {
    let pair = api.active_pair().await;
    let shown = api
        .acme()
        .get(&format!("/api/pairs/{pair}"))
        .await
        .expect(200);
    let run = api.run_to_its_end(&pair).await;
    let member = api.person("owned@acme.example", Role::Viewer).await;
    let invite = json!({"email": "invited@acme.example", "role": "viewer"});
    let invited = api
        .acme()
        .post("/api/invitations", invite)
        .await
        .expect(200);
    let wanted = json!({"name": "owned", "role": "viewer"});
    let made = api.acme().post("/api/tokens", wanted).await.expect(200);
    let (webhook, delivery) = api.webhook().await;
    Owned {
        connection: shown["pair"]["connectionId"].as_str().unwrap().to_owned(),
        record: api.acme().make_partner("Acme's").await,
        pair,
        run,
        version: api.version().await,
        member: member.id.to_string(),
        invitation: invited["invitation"]["id"].as_str().unwrap().to_owned(),
        token: made["token"]["id"].as_str().unwrap().to_owned(),
        alert: api.alert(AlertKind::TokenRevoked, "swept").await,
        webhook,
        delivery,
    }
}

#[tokio::test]
async fn no_route_answers_without_a_token_that_works() {
    let api = TestApi::new().await;
    let owned = owned(&api).await;
    let unknown = format!("pos_{}", "0".repeat(64));
    let ended = api.session(Role::Owner).await;
    ended
        .post("/api/auth/sign-out", json!({}))
        .await
        .expect(200);
    let callers = [
        api.anyone(),
        api.stranger(&unknown),
        api.stranger("x"),
        api.stranger(""),
        api.client(vec![(
            "cookie",
            format!("session_token={}", "0".repeat(64)),
        )]),
        api.client(vec![("cookie", "session_token=".to_owned())]),
        ended,
    ];
    let operations = operations();
    let (public, guarded): (Vec<_>, Vec<_>) = operations
        .iter()
        .partition(|operation| operation.is_public());
    for operation in guarded {
        for caller in &callers {
            let answer = operation.send(caller, &owned).await;
            answer.refused(401, "unauthorized");
            assert!(
                answer.header("www-authenticate").starts_with("Bearer"),
                "{}",
                operation.id
            );
        }
    }
    let mut ids: Vec<_> = public.iter().map(|operation| &operation.id).collect();
    ids.sort();
    assert_eq!(ids, PUBLIC, "what anyone may call was reviewed");
    for operation in public {
        let (status, refusal) = operation.refusal(&api.anyone(), &owned).await;
        assert!(!matches!(status, 401 | 403), "{}: {refusal}", operation.id);
    }
}

/// What another site's page could make a browser send: the cookie, without the header or from that site.
#[tokio::test]
async fn no_change_is_made_with_a_cookie_alone() {
    let api = TestApi::new().await;
    let ann = api.session(Role::Owner).await;
    let mut changes = 0;
    for operation in operations() {
        if operation.is_public() || operation.method == Method::GET {
            continue;
        }
        let bare = ann.clone().without("x-csrf-token");
        let (status, refusal) = operation.refusal(&bare, &nothing()).await;
        let what = format!("{}: {status} {refusal}", operation.id);
        assert_eq!(
            (status, &refusal["code"]),
            (403, &json!("invalid_csrf_token")),
            "{what}"
        );
        let foreign = ann.clone().with("origin", "https://evil.example");
        let (status, refusal) = operation.refusal(&foreign, &nothing()).await;
        let what = format!("{}: {status} {refusal}", operation.id);
        assert_eq!(
            (status, &refusal["code"]),
            (403, &json!("foreign_origin")),
            "{what}"
        );
        changes += 1;
    }
    assert!(changes >= 44, "{changes}");
}

/// With ids of nothing, so that whoever is let through changes little; the permission is asked for before.
#[tokio::test]
async fn every_role_may_do_what_the_table_says_and_no_more() {
    let api = TestApi::new().await;
    let mut refused = 0;
    let mut callers = Vec::new();
    for role in Role::ALL {
        callers.push((role, api.with_role(role).await));
        callers.push((role, api.session(role).await));
    }
    for (role, caller) in callers {
        for operation in operations() {
            // The one with a session ends it.
            if operation.permission == "signed_in" {
                continue;
            }
            let permission = Permission::ALL
                .into_iter()
                .find(|permission| permission.word() == operation.permission);
            let (status, refusal) = operation.refusal(&caller, &nothing()).await;
            let what = format!("{} by {role}: {status} {refusal}", operation.id);
            match permission {
                Some(permission) if !role.may(permission) => {
                    assert_eq!(
                        (status, &refusal["code"]),
                        (403, &json!("forbidden")),
                        "{what}"
                    );
                    let message = refusal["error"].as_str().unwrap();
                    assert!(message.contains(&format!("`{permission}`")), "{what}");
                    refused += 1;
                }
                Some(_) => assert!(!matches!(status, 401 | 403), "{what}"),
                None => assert!(operation.is_public(), "{what}"),
            }
        }
    }
    assert!(refused >= 164, "{refused}");
}

#[tokio::test]
async fn what_belongs_to_another_organization_does_not_exist() {
    let api = TestApi::new().await;
    let owned = owned(&api).await;
    let before = everything(&api, &owned).await;
    let operations = operations();
    let swept = operations.iter().filter(|operation| operation.is_owned());
    assert!(swept.clone().count() >= 28);
    api.joins_other("eve@other.example", Role::Owner).await;
    let eve = api.sign_in("eve@other.example").await;
    for operation in swept {
        for stranger in [&api.other(), &eve] {
            let answer = operation.send(stranger, &owned).await;
            answer.refused(404, "not_found");
        }
    }
    assert_eq!(
        everything(&api, &owned).await,
        before,
        "nothing of it was touched"
    );
}

/// The same requests by the owner, so that the sweep before proves something: none of them is refused for another reason.
#[tokio::test]
async fn the_owner_is_answered() {
    for operation in operations().iter().filter(|operation| operation.is_owned()) {
        let api = TestApi::new().await;
        let owned = owned(&api).await;
        api.portals.open();
        let answer = operation.send(&api.acme(), &owned).await;
        assert!(
            matches!(answer.status, 200 | 202),
            "{}: {} {}",
            operation.id,
            answer.status,
            answer.json
        );
    }
}

#[tokio::test]
async fn a_record_upserted_under_anothers_id_leaves_theirs_alone() {
    let api = TestApi::new().await;
    let id = api.acme().make_partner("Acme's").await;
    let batch = json!({"records": [{"id": id, "fields": {"name": "Other's"}}]});
    api.other()
        .post("/api/records/partners/batch", batch)
        .await
        .expect(200);
    let path = format!("/api/records/partners/{id}");
    assert_eq!(
        api.acme().get(&path).await.expect(200)["record"]["fields"]["name"],
        "Acme's"
    );
    assert_eq!(
        api.other().get(&path).await.expect(200)["record"]["fields"]["name"],
        "Other's"
    );
}

async fn everything(api: &TestApi, owned: &Owned) -> Vec<Json> {
    let mut all = Vec::new();
    for operation in operations()
        .iter()
        .filter(|operation| operation.method == Method::GET)
    {
        if operation.is_owned() {
            all.push(operation.send(&api.acme(), owned).await.expect(200));
        }
    }
    all
}
