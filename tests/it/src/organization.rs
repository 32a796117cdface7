//! An organization under test, connected to the simulated portal.

use partneros_domain::{
    ConflictPolicy, ConnectionId, Digest, Direction, FieldMapping, MappingState, Mappings,
    MatchKey, ObjectPair, OrganizationId, PairId, PairState, PluginFailurePolicy, RecordId,
    Thresholds, object,
};
use partneros_store::{
    Access, Alert, AlertState, Alerts as _, Audit as _, BindingScope, Connections as _, Error,
    EventFilter, MapperParts, NewConnection, NewPluginVersion, NewRecord, Organization,
    Organizations as _, OtherPortal, Pairs as _, Plugins as _, Record, RecordPatch, Records as _,
    TokenSet,
};
use partneros_sync::Environment as _;
use secrecy::SecretString;
use serde_json::Value as Json;

use crate::host::TestHost;
use crate::pair::TestPair;

/// An organization under test.
#[derive(Debug, Clone, Copy)]
pub struct TestOrganization<'a> {
    pub(crate) host: &'a TestHost,
    /// Its id.
    pub id: OrganizationId,
    /// Its connection to the simulated portal.
    pub connection: ConnectionId,
}

impl<'a> TestOrganization<'a> {
    pub(crate) async fn connected(host: &'a TestHost, name: &str) -> Self {
        let id = OrganizationId(host.environment.new_id());
        let organization = Organization {
            id,
            name: name.to_owned(),
            created_at: host.now(),
        };
        host.store
            .create_organization(&organization)
            .await
            .expect("the name is free");
        let connection = connect(host, id, OtherPortal::Refuse)
            .await
            .expect("the portal is free");
        Self {
            host,
            id,
            connection,
        }
    }

    /// The organization after a person consented again, to the portal that the simulator is by now.
    pub async fn consents(&self, other_portal: OtherPortal) -> Result<Self, Error> {
        let connection = connect(self.host, self.id, other_portal).await?;
        Ok(Self {
            connection,
            ..*self
        })
    }

    /// Ends the connection.
    pub async fn ends(&self) {
        let ended = self
            .host
            .store
            .disconnect(self.id, self.connection, self.host.now());
        ended.await.expect("the connection is there");
    }

    /// A pair with every suggestion confirmed, active and matched by name or domain.
    pub async fn pair(&self, object: &str, hubspot_object: &str) -> TestPair<'a> {
        let pair = self
            .draft(object, hubspot_object, Direction::Bidirectional)
            .await;
        pair.confirm_all().await;
        pair.activate().await;
        pair
    }

    /// A pair that nothing was decided about.
    pub async fn draft(
        &self,
        object: &str,
        hubspot_object: &str,
        direction: Direction,
    ) -> TestPair<'a> {
        let (field, property) = match hubspot_object {
            "companies" => ("domain", "domain"),
            _ => ("name", "dealname"),
        };
        let pair = ObjectPair {
            id: PairId(self.host.environment.new_id()),
            connection_id: self.connection,
            object: object.to_owned(),
            hubspot_object: hubspot_object.to_owned(),
            direction,
            state: PairState::Draft,
            conflict_policy: ConflictPolicy::NewestWins,
            match_key: Some(MatchKey {
                field: field.into(),
                property: property.into(),
            }),
            thresholds: Thresholds::default(),
            plugin_failure_policy: PluginFailurePolicy::default(),
            delete_policy: partneros_domain::DeletePolicy::default(),
            created_at: self.host.now(),
        };
        self.host
            .store
            .create_pair(self.id, &pair)
            .await
            .expect("the pair is new");
        TestPair {
            organization: *self,
            id: pair.id,
            object: object.to_owned(),
            hubspot_object: hubspot_object.to_owned(),
        }
    }

    /// An active pair with these fields and properties mapped, whatever the mapper thinks of them.
    pub async fn mapped_by_hand(
        &self,
        object: &str,
        hubspot_object: &str,
        fields: &[(&str, &str)],
    ) -> TestPair<'a> {
        let pair = self
            .draft(object, hubspot_object, Direction::Bidirectional)
            .await;
        let mapped = fields.iter().map(|(field, property)| FieldMapping {
            property: Some((*property).into()),
            state: MappingState::Confirmed,
            ..FieldMapping::unmapped((*field).into(), ConflictPolicy::NewestWins)
        });
        let mappings = Mappings(mapped.collect());
        let store = &self.host.store;
        store
            .put_mappings(self.id, pair.id, 0, &mappings)
            .await
            .expect("the first mappings");
        store
            .set_pair_state(self.id, pair.id, PairState::Active, self.host.now())
            .await
            .expect("the pair exists");
        pair
    }

    /// Someone uploads a component, past the checks of the API.
    pub async fn uploads(&self, plugin: &str, component: &[u8]) -> Digest {
        let runtime = self.host.engine.parts().plugins.runtime();
        let world = runtime.validate(component).expect("accepted").world();
        let digest = Digest::of(component);
        let new = NewPluginVersion {
            digest,
            plugin: plugin.to_owned(),
            bytes: component.to_vec(),
            world: world.to_string(),
            contract: "0.1.0".to_owned(),
            report: Json::Null,
            signed_by: None,
            at: self.host.now(),
        };
        let stored = self.host.store.put_plugin_version(self.id, new).await;
        stored.expect("the component is new");
        digest
    }

    /// Someone binds uploaded versions to all pairs of the organization.
    pub async fn binds(&self, parts: &[Digest]) {
        let parts = MapperParts(parts.to_vec());
        let scope = BindingScope::Organization;
        let bound = self.host.engine.bind(self.id, "test", scope, parts).await;
        bound.expect("the parts fit");
    }

    /// Someone makes a record, a second from now.
    pub async fn creates(&self, object: &str, fields: Json) -> Record {
        self.host.wait_ms(1_000);
        let id = RecordId(self.host.environment.new_id());
        let fields = checked(object, &fields)
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        let record = NewRecord {
            id,
            fields: fields.collect(),
        };
        let now = self.host.now();
        self.host
            .store
            .create_record(self.id, object, record, now)
            .await
            .expect("a sound record")
    }

    /// Someone edits a record, a second from now.
    pub async fn edits(&self, object: &str, id: RecordId, fields: Json) -> Record {
        self.host.wait_ms(1_000);
        let patch = RecordPatch {
            fields: checked(object, &fields).into_iter().collect(),
            expected_version: None,
        };
        let now = self.host.now();
        self.host
            .store
            .update_record(self.id, object, id, patch, now)
            .await
            .expect("a sound edit")
    }

    /// Someone deletes a record, a second from now.
    pub async fn deletes(&self, object: &str, id: RecordId) {
        self.host.wait_ms(1_000);
        let now = self.host.now();
        let deleted = self.host.store.delete_record(self.id, object, id, now);
        deleted.await.expect("the record exists");
    }

    /// The record as it is now, if it is there.
    pub async fn find_record(&self, object: &str, id: RecordId) -> Option<Record> {
        self.host.store.record(self.id, object, id).await.ok()
    }

    /// The types of the audit events since the beginning that begin like this, oldest first.
    pub async fn events(&self, prefix: &str) -> Vec<String> {
        let filter = EventFilter::named(prefix);
        let page = self.host.store.events(self.id, &filter, None, 500).await;
        let mut events = page.expect("events").items;
        events.reverse();
        events.into_iter().map(|event| event.event).collect()
    }

    /// The alerts that go on.
    pub async fn alerts(&self) -> Vec<Alert> {
        self.host
            .engine
            .keep_watch()
            .await
            .expect("a look at everything");
        let states = AlertState::UNRESOLVED;
        let page = self.host.store.alerts(self.id, &states, None, 500).await;
        page.expect("alerts").items
    }

    /// The record as it is now.
    pub async fn record(&self, object: &str, id: RecordId) -> Record {
        self.host
            .store
            .record(self.id, object, id)
            .await
            .expect("the record exists")
    }

    /// The value of a field as JSON, null for none.
    pub async fn value(&self, object: &str, id: RecordId, field: &str) -> Json {
        let record = self.record(object, id).await;
        record.fields.get(field).map_or(Json::Null, |value| {
            serde_json::to_value(value).expect("JSON")
        })
    }
}

type Checked = Vec<(partneros_domain::FieldName, Option<partneros_domain::Value>)>;

fn checked(object: &str, fields: &Json) -> Checked {
    let schema = object::built_in(object).expect("a built-in object");
    let fields = fields.as_object().expect("an object of fields");
    fields
        .iter()
        .map(|(name, json)| {
            let field = schema.field(name).expect("a known field");
            let value =
                partneros_domain::Value::from_json(field, json.clone()).expect("a fitting value");
            (field.name.clone(), value)
        })
        .collect()
}

/// Connects the portal and discovers its schema.
async fn connect(
    host: &TestHost,
    organization: OrganizationId,
    other_portal: OtherPortal,
) -> Result<ConnectionId, Error> {
    let code = consent(&host.oauth.authorize_url("state")).await;
    let granted = host
        .oauth
        .exchange_code(&code)
        .await
        .expect("HubSpot takes the code");
    let lifetime_ms = i64::try_from(granted.expires_in().as_millis()).expect("a lifetime");
    let new = NewConnection {
        id: ConnectionId(host.environment.new_id()),
        portal_id: granted.hub_id.expect("the simulator names the portal"),
        access: Access::OAuth,
        scopes: granted.scopes.clone(),
        tokens: TokenSet {
            access: granted.access_token,
            access_expires_at: Some(host.now().plus_millis(lifetime_ms)),
            refresh: granted.refresh_token,
            refresh_previous: None,
            generation: 0,
        },
        other_portal,
        at: host.now(),
    };
    let connection = host.store.put_connection(organization, new).await?;
    host.engine
        .discover(organization, connection.id)
        .await
        .expect("the schema can be read");
    Ok(connection.id)
}

/// Goes through the consent page as a browser would and returns the code.
async fn consent(address: &url::Url) -> SecretString {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("an HTTP client");
    let answer = client
        .get(address.clone())
        .send()
        .await
        .expect("the consent page answers");
    let location = answer
        .headers()
        .get("location")
        .expect("a redirect")
        .to_str()
        .expect("text");
    let location: url::Url = location.parse().expect("an address");
    let code = location
        .query_pairs()
        .find(|(name, _)| name == "code")
        .expect("a code")
        .1
        .into_owned();
    SecretString::from(code)
}
