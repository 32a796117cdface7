//! Where every simulation begins: an organization that has connected a portal, and an active pair. It is made once, by the
//! host's own code, and copied for each simulation.

use std::path::PathBuf;
use std::sync::Arc;

use hubspot_sim::state::definitions::NewProperty;
use hubspot_sim::state::property::Choice;
use hubspot_sim::{Call, Clock, Config, Sim};
use partneros_domain::{
    ConflictPolicy, ConnectionId, Digest, Direction, FieldMapping, MappingState, Mappings,
    MatchKey, ObjectPair, OrganizationId, PairId, PairState, PluginFailurePolicy, Thresholds,
    Timestamp,
};
use partneros_hubspot::{Http, HttpConfig, required_scopes};
use partneros_runtime::{Runtime, RuntimeConfig};
use partneros_store::{
    Access, Connections as _, KeyRing, MapperParts, NewConnection, NewPluginVersion, Options,
    Organization, Organizations as _, OtherPortal, Pairs as _, Plugins as _, Sqlite, Threads,
    TokenSet,
};
use partneros_sync::{BuiltIn, Environment as _, Plugins};
use secrecy::SecretString;
use tempfile::TempDir;
use uuid::Uuid;

use crate::Failure;
use crate::database;
use crate::ledger::Ledger;
use crate::plugins::{Bound, RETURNED_BYTES_MAX};
use crate::points::{Points, Trace};
use crate::process::{HubSpot, Meets, Process};
use crate::schedule::FIELDS;

/// The name of the database's file.
const FILE: &str = "template.db";
/// When every simulation begins.
pub const START: Timestamp = Timestamp(1_790_000_000_000);
/// HubSpot's object.
pub const OBJECT: &str = "companies";
/// The property that says which record an object was made from.
pub const RECORD_ID: &str = "partneros_record_id";
/// The code of a failure: see [`crate::life`].
pub const OBJECT_OF_ANOTHER: &str = "hubspot_object_of_another";
/// Our object.
pub const OURS: &str = "partners";

/// A field that syncs.
#[derive(Debug)]
pub struct Field {
    /// Ours.
    pub name: &'static str,
    /// Theirs.
    pub property: &'static str,
    /// Who wins.
    pub policy: ConflictPolicy,
    /// Whether our values go to HubSpot.
    pub writes_hubspot: bool,
    /// Whether HubSpot's values come to us.
    pub reads_hubspot: bool,
}

impl Field {
    /// All of them. The first is the name, which always has a value; the last is an enumeration in HubSpot, and only edited where
    /// a schedule says so.
    pub const ALL: [Self; FIELDS + 1] = [
        Self::both("name", "name", ConflictPolicy::NewestWins),
        Self::both("city", "city", ConflictPolicy::CrmWins),
        Self::both("phone", "phone", ConflictPolicy::PartnerOsWins),
        Self {
            writes_hubspot: false,
            ..Self::both("state", "state", ConflictPolicy::NewestWins)
        },
        Self {
            reads_hubspot: false,
            ..Self::both("street", "address", ConflictPolicy::NewestWins)
        },
        Self::both("industry", CHOSEN, ConflictPolicy::NewestWins),
    ];

    const fn both(name: &'static str, property: &'static str, policy: ConflictPolicy) -> Self {
        Self {
            name,
            property,
            policy,
            writes_hubspot: true,
            reads_hubspot: true,
        }
    }

    fn direction(&self) -> Direction {
        match (self.writes_hubspot, self.reads_hubspot) {
            (true, false) => Direction::PartnerOsToHubSpot,
            (false, true) => Direction::HubSpotToPartnerOs,
            _ => Direction::Bidirectional,
        }
    }

    /// The mapping, with another policy if one is given.
    pub fn mapping(&self, policy: ConflictPolicy) -> FieldMapping {
        FieldMapping {
            property: Some(self.property.into()),
            state: MappingState::Confirmed,
            direction: Some(self.direction()),
            ..FieldMapping::unmapped(self.name.into(), policy)
        }
    }
}

/// The place of the enumeration in [`Field::ALL`].
pub const CHOICE: usize = FIELDS;
/// The enumeration, whose options are everything that people may come to choose.
const CHOSEN: &str = "partner_tier";
/// How many options each side has: more than people choose in a schedule.
const OPTIONS: u32 = 24;

/// What HubSpot keeps by itself and the host goes by. Of all other properties that nobody maps the simulated portal has none: half of
/// a simulation's time would go into describing them.
const SYSTEM: [&str; 10] = [
    "createdate",
    "description",
    "domain",
    "hs_calculated_merged_vids",
    "hs_createdate",
    "hs_is_enriched",
    "hs_lastmodifieddate",
    "hs_merged_object_ids",
    "hs_object_id",
    "lastmodifieddate",
];

/// Our field for what HubSpot calculates.
pub const COUNT: &str = "employees";
/// What HubSpot calculates, without moving the modified date.
pub const COUNTED: &str = "num_associated_contacts";

fn calculated() -> FieldMapping {
    FieldMapping {
        property: Some(COUNTED.into()),
        state: MappingState::Confirmed,
        direction: Some(Direction::HubSpotToPartnerOs),
        ..FieldMapping::unmapped(COUNT.into(), ConflictPolicy::CrmWins)
    }
}

/// Where every simulation begins.
#[derive(Debug)]
pub struct Template {
    pub(crate) sim: Sim,
    pub(crate) store: Sqlite,
    pub(crate) ring: KeyRing,
    pub(crate) http: Http,
    pub(crate) plugins: Plugins,
    pub(crate) organization: OrganizationId,
    pub(crate) connection: ConnectionId,
    pub(crate) pair: PairId,
    directory: TempDir,
}

impl Template {
    /// Makes it, to be shared by all threads.
    pub fn shared() -> Result<Arc<Self>, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()?;
        Ok(Arc::new(runtime.block_on(Self::make())?))
    }

    async fn make() -> Result<Self, Failure> {
        let directory = tempfile::tempdir()?;
        let ring = KeyRing::load_or_create(&directory.path().join("key"))?;
        let store = database::open(&directory.path().join(FILE), &ring)?;
        let http = Http::new(&HttpConfig::default())?;
        let mut config = RuntimeConfig::default();
        config.call.returned_bytes_max = RETURNED_BYTES_MAX;
        let runtime = Runtime::new(config)?;
        let built_in = BuiltIn {
            mapper: partneros_artifacts::HUBSPOT_MAPPER,
            expression: partneros_artifacts::EXPRESSION,
        };
        let plugins = Plugins::new(runtime, built_in)?;
        let mut sim = Sim::new(Config::default(), START);
        hide_unused(&mut sim);
        make_choices(&mut sim)?;
        let (organization, connection) = connect(&store, &mut sim).await?;
        upload(&store, &plugins, organization).await?;
        let pair = PairId(Uuid::from_u128(3));
        let mut template = Self {
            sim: sim.fork(1),
            store,
            ring,
            http,
            plugins,
            organization,
            connection,
            pair,
            directory,
        };
        let hubspot = HubSpot::new(sim, Clock::runtime(START));
        template.set_up(&hubspot).await?;
        template.sim = crate::points::lock(&hubspot.sim).fork(1);
        Ok(template)
    }

    /// The database's file.
    pub fn path(&self) -> PathBuf {
        self.directory.path().join(FILE)
    }

    async fn set_up(&self, hubspot: &HubSpot) -> Result<(), Failure> {
        let points = Arc::new(Points::new(0, 1, Trace::default()));
        points.calm_down();
        let ledger = Arc::new(Ledger::new(Arc::clone(&hubspot.sim)));
        let process = Process::begin(
            self,
            hubspot,
            &hubspot.clock,
            &points,
            &ledger,
            &self.store,
            Meets::default(),
        );
        process
            .engine
            .discover(self.organization, self.connection)
            .await?;
        let now = process.environment.now();
        let pair = ObjectPair {
            id: self.pair,
            connection_id: self.connection,
            object: OURS.to_owned(),
            hubspot_object: OBJECT.to_owned(),
            direction: Direction::Bidirectional,
            state: PairState::Draft,
            conflict_policy: ConflictPolicy::NewestWins,
            match_key: Some(MatchKey {
                field: "name".into(),
                property: "name".into(),
            }),
            thresholds: Thresholds::default(),
            plugin_failure_policy: PluginFailurePolicy::default(),
            delete_policy: partneros_domain::DeletePolicy::default(),
            created_at: now,
        };
        self.store.create_pair(self.organization, &pair).await?;
        let mappings = Field::ALL.iter().map(|field| field.mapping(field.policy));
        let mappings = mappings.chain([calculated()]);
        let mappings = Mappings(mappings.collect());
        let engine = &process.engine;
        engine
            .save_mappings(self.organization, self.pair, 0, &mappings)
            .await?;
        engine.activate(self.organization, self.pair).await?;
        Ok(())
    }
}

/// Hides the properties that play no part.
fn hide_unused(sim: &mut Sim) {
    let is_used = |name: &str| {
        let mut mapped = Field::ALL.iter().map(|field| field.property);
        name == COUNTED || SYSTEM.contains(&name) || mapped.any(|property| property == name)
    };
    for kind in &mut sim.types {
        let all = kind.registry.live();
        let unused = all.filter(|(_, property)| !is_used(&property.name));
        let unused: Vec<_> = unused.map(|(ix, _)| ix).collect();
        for ix in unused {
            kind.registry.get_mut(ix).archived = Some(START);
        }
    }
}

/// What somebody chooses; each option is chosen once.
pub fn choice(of: &str, number: u32) -> String {
    format!("{of} choice {number}")
}

/// A person in HubSpot makes the enumeration.
fn make_choices(sim: &mut Sim) -> Result<(), Failure> {
    let ours = (1..=OPTIONS).map(|number| choice("ours", number));
    let theirs = (1..=OPTIONS).map(|number| choice("theirs", number));
    let options = ours.chain(theirs).map(|value| Choice {
        label: value.clone(),
        value,
        description: String::new(),
        display_order: -1,
        hidden: false,
    });
    let new = NewProperty {
        name: CHOSEN.to_owned(),
        label: "Partner tier".to_owned(),
        data_type: "enumeration".to_owned(),
        field_type: "select".to_owned(),
        group_name: "companyinformation".to_owned(),
        options: options.collect(),
        ..NewProperty::default()
    };
    let made = sim.create_property(&Call::person(START), OBJECT, &new);
    made.map(drop).map_err(|error| format!("{error:?}").into())
}

/// How a simulation uses a database.
pub fn options() -> Options {
    Options {
        threads: Threads::Inline,
        readers: 0,
        ..Options::default()
    }
}

/// Uploads the organization's own mappers, and loads them: all simulations share what is loaded, and each must do the same.
async fn upload(
    store: &Sqlite,
    plugins: &Plugins,
    organization: OrganizationId,
) -> Result<(), Failure> {
    for (mapper, component) in Bound::UPLOADED.map(|mapper| (mapper, mapper.component())) {
        let Some(component) = component else { continue };
        let new = NewPluginVersion {
            digest: Digest::of(component),
            plugin: format!("{mapper:?}"),
            bytes: component.to_vec(),
            world: "mapper".to_owned(),
            contract: "0.1.0".to_owned(),
            report: serde_json::Value::Null,
            signed_by: None,
            at: START,
        };
        let parts = MapperParts(vec![new.digest]);
        store.put_plugin_version(organization, new).await?;
        plugins.of_parts(store, organization, &parts).await?;
    }
    Ok(())
}

async fn connect(store: &Sqlite, sim: &mut Sim) -> Result<(OrganizationId, ConnectionId), Failure> {
    let organization = OrganizationId(Uuid::from_u128(1));
    let new = Organization {
        id: organization,
        name: "acme".to_owned(),
        created_at: START,
    };
    store.create_organization(&new).await?;
    let connection = ConnectionId(Uuid::from_u128(2));
    store
        .put_connection(organization, installed(connection, sim, START))
        .await?;
    Ok((organization, connection))
}

/// Installs the app, as when a person connects the portal.
pub fn installed(id: ConnectionId, sim: &mut Sim, now: Timestamp) -> NewConnection {
    let scopes = required_scopes();
    let names: Vec<_> = scopes.iter().map(String::as_str).collect();
    let granted = sim.install(&names, now);
    NewConnection {
        id,
        portal_id: i64::try_from(sim.config.hub_id).unwrap_or_default(),
        access: Access::OAuth,
        scopes,
        tokens: TokenSet {
            access: SecretString::from(granted.access_token),
            access_expires_at: Some(now.plus_millis(granted.expires_in * 1_000)),
            refresh: granted.refresh_token.map(SecretString::from),
            refresh_previous: None,
            generation: 0,
        },
        other_portal: OtherPortal::Refuse,
        at: now,
    }
}
