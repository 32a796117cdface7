//! The portal itself: every part of the state in one place, and what happens by the mere passing of time.
//!
//! Nothing here reads a clock or global randomness: each operation takes the time, identifiers come from the seeded
//! generator. [`Sim::settle`] runs first in every operation, so that index lag and background changes happen at their
//! own time however late anyone looks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use partneros_domain::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::associations::Associations;
use super::call::Call;
use super::journal::Journal;
use super::object_type::{Kind, Lag, ObjectType, TypeIx};
use super::owners::{self, Owner};
use super::pipelines::{self, Pipeline};
use super::record::Source;
use super::schemas::{self, Schema};
use super::version::ApiVersion;
use super::write_log::WriteLog;
use super::{catalog, enrichment};
use crate::config::{Config, Tier};
use crate::errors::ApiError;
use crate::faults::{Fault, Faults};
use crate::limits::{Cost, Limiter, Quota};
use crate::oauth::Grants;

/// A simulated HubSpot portal.
#[derive(Debug)]
pub struct Sim {
    /// What it is.
    pub config: Config,
    /// The object types; contacts, companies and deals come first.
    pub types: Vec<ObjectType>,
    /// What custom object types say of themselves.
    pub schemas: BTreeMap<TypeIx, Schema>,
    /// The pipelines of deals.
    pub pipelines: Vec<Pipeline>,
    /// The people.
    pub owners: Vec<Owner>,
    /// Who belongs to whom.
    pub associations: Associations,
    /// Tokens and codes.
    pub grants: Grants,
    /// The app's journal.
    pub journal: Journal,
    /// Request budgets.
    pub limiter: Limiter,
    /// What goes wrong on purpose.
    pub faults: Faults,
    /// What the app has written.
    pub writes: WriteLog,
    pub(crate) rng: StdRng,
    pub(crate) background: BTreeSet<(i64, TypeIx, u64)>,
}

/// What a call may go on with once it is let in.
#[derive(Debug)]
pub struct Admission {
    /// The call, with its scopes.
    pub call: Call,
    /// For the answer's headers.
    pub quota: Option<Quota>,
    /// A fault that strikes after the call was applied.
    pub fault: Option<Fault>,
}

/// The portal's distance from UTC; its time zone is US/Eastern, without daylight saving.
pub const UTC_OFFSET_MS: i64 = -5 * 3_600_000;

impl Sim {
    /// A portal with the records that `config` asks for, their dates spread over the two years before `now`.
    pub fn new(config: Config, now: Timestamp) -> Self {
        let rng = StdRng::seed_from_u64(config.seed);
        let mut sim = Self {
            types: vec![
                ObjectType::new(
                    Kind::Contacts,
                    "0-1",
                    "contacts",
                    "contact",
                    catalog::contacts(),
                ),
                ObjectType::new(
                    Kind::Companies,
                    "0-2",
                    "companies",
                    "company",
                    catalog::companies(),
                ),
                ObjectType::new(Kind::Deals, "0-3", "deals", "deal", catalog::deals()),
            ],
            schemas: BTreeMap::new(),
            pipelines: pipelines::seeded(),
            owners: owners::seeded(),
            associations: Associations::default(),
            grants: Grants::default(),
            journal: Journal::default(),
            limiter: Limiter::new(config.limits),
            faults: Faults::new(config.faults.clone(), config.seed),
            writes: WriteLog::default(),
            rng,
            background: BTreeSet::new(),
            config,
        };
        if sim.config.tier == Tier::Enterprise {
            schemas::seed(&mut sim, now);
        }
        crate::seed::plant(&mut sim, now);
        sim
    }

    /// The same portal once more, with chance beginning anew from `seed` and nothing armed: simulations begin a thousand
    /// times at the same place.
    #[must_use]
    pub fn fork(&self, seed: u64) -> Self {
        let config = Config {
            seed,
            ..self.config.clone()
        };
        Self {
            types: self.types.clone(),
            schemas: self.schemas.clone(),
            pipelines: self.pipelines.clone(),
            owners: self.owners.clone(),
            associations: self.associations.clone(),
            grants: self.grants.clone(),
            journal: self.journal.clone(),
            limiter: self.limiter.clone(),
            faults: Faults::new(config.faults.clone(), seed),
            writes: self.writes.clone(),
            rng: StdRng::seed_from_u64(seed),
            background: self.background.clone(),
            config,
        }
    }

    /// Lets a call in: expires its token, spends its budget, draws its fault.
    pub fn admit(
        &mut self,
        now: Timestamp,
        path: &str,
        bearer: Option<&str>,
        version: ApiVersion,
        cost: Cost,
    ) -> Result<Admission, ApiError> {
        self.settle(now);
        let fault = self.faults.draw(path);
        if let Some(refusal) = fault.and_then(Fault::refusal) {
            return Err(refusal);
        }
        let call = self.authenticate(now, bearer, version)?;
        let quota = self.limiter.spend(now, cost, UTC_OFFSET_MS)?;
        Ok(Admission { call, quota, fault })
    }

    /// Lets happen what is due by `now`.
    pub fn settle(&mut self, now: Timestamp) {
        enrichment::run_due(self, now);
        for object_type in &mut self.types {
            object_type.index.settle(now);
        }
    }

    /// The type that a path names: plural, singular, capitals, type id or a custom object's full name.
    pub fn resolve(&self, name: &str) -> Result<TypeIx, ApiError> {
        let custom = format!("p{}_", self.config.hub_id);
        let found = self.types.iter().position(|object_type| {
            let named = object_type.type_id == name
                || object_type.name.eq_ignore_ascii_case(name)
                || (object_type.kind != Kind::Custom
                    && object_type.singular.eq_ignore_ascii_case(name));
            let short = || {
                let base = object_type.name.strip_prefix(&custom);
                base.is_some() && base == name.strip_prefix("p_")
            };
            named || short()
        });
        let live = found.map(TypeIx).filter(|ix| {
            self.schemas
                .get(ix)
                .is_none_or(|schema| schema.archived.is_none())
        });
        live.ok_or_else(|| {
            ApiError::plain(400, format!("Unable to infer object type from: {name}"))
        })
    }

    /// The type at a position this portal gave out.
    pub fn object_type(&self, ix: TypeIx) -> &ObjectType {
        &self.types[ix.0]
    }

    /// The type of HubSpot's own objects.
    pub fn standard(&self, kind: Kind) -> TypeIx {
        let at = self
            .types
            .iter()
            .position(|object_type| object_type.kind == kind);
        TypeIx(at.unwrap_or_default())
    }

    /// A correlation id, from the seed.
    pub fn correlation_id(&mut self) -> String {
        let (high, low) = (self.rng.random::<u64>(), self.rng.random::<u64>());
        format!(
            "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xfff,
            low >> 48 & 0xfff,
            low & 0xffff_ffff_ffff
        )
    }

    /// Gives an error that leaves as a response its correlation id.
    pub fn stamp(&mut self, mut error: ApiError) -> ApiError {
        if error.html.is_none() && error.correlation_id.is_none() {
            error.correlation_id = Some(self.correlation_id());
        }
        error
    }

    /// An id that no record of the type has or had. Ids say nothing about the order of creation.
    pub(crate) fn fresh_id(&mut self, ix: TypeIx) -> u64 {
        loop {
            let id = self.rng.random_range(6_000_000_000..36_000_000_000_u64);
            let object_type = &self.types[ix.0];
            if !object_type.records.contains_key(&id) && !object_type.merged.contains_key(&id) {
                return id;
            }
        }
    }

    pub(crate) fn lag(&self, source: Source) -> Lag {
        // Seeded records have been there for long.
        if source == Source::Import {
            return Lag {
                create_ms: 0,
                update_ms: 0,
            };
        }
        Lag {
            create_ms: self.config.create_lag_ms,
            update_ms: self.config.update_lag_ms,
        }
    }

    fn authenticate(
        &mut self,
        now: Timestamp,
        bearer: Option<&str>,
        version: ApiVersion,
    ) -> Result<Call, ApiError> {
        let Some(token) = bearer else {
            return Err(ApiError::unauthenticated());
        };
        if self.config.private_app_token.as_deref() == Some(token) {
            return Ok(Call::private_app(now, version));
        }
        let scopes: Arc<[String]> = self.grants.scopes_of(token, now)?;
        Ok(Call::integration(now, version, scopes))
    }
}
