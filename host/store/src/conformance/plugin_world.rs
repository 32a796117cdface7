//! What plugins add to the scene. Components are mere text, since the store does not look into them.

use partneros_domain::{ConflictPolicy, Digest, FieldMapping, Mappings};
use serde_json::json;

use super::world::{World, at};
use crate::{
    Binding, BindingScope, Candidate, MapperParts, NewPluginVersion, PairPatch, PairSetup,
    PluginCallLog, PluginUsage,
};

impl World<'_> {
    /// An uploaded version.
    pub(super) async fn version(&self, plugin: &str, text: &str) -> Digest {
        let new = new_version(plugin, text, 0);
        let kept = self.store.put_plugin_version(self.organization, new).await;
        kept.unwrap().digest
    }

    pub(super) async fn bind(&self, scope: BindingScope, digests: &[Digest]) -> Binding {
        self.store
            .bind(self.organization, scope, None, parts(digests), at(0))
            .await
            .unwrap()
    }

    /// What a version took for the pair.
    pub(super) fn usage(&self, digest: Digest, day: i64) -> PluginUsage {
        PluginUsage {
            pair: self.pair,
            digest,
            day,
            calls: 2,
            failed_calls: 1,
            rows: 400,
            fuel: 3_000_000_000,
            duration_us: 7_000,
            memory_bytes_peak: 1 << 20,
        }
    }

    /// A call of a version for the pair.
    pub(super) fn call_log(&self, digest: Digest, now: i64) -> PluginCallLog {
        PluginCallLog {
            digest,
            pair: Some(self.pair),
            function: "transform".to_owned(),
            at: at(now),
            rows: 200,
            outcome: "ok".to_owned(),
            log: format!("call at {now}\n"),
            problems: json!([{"rule": 1, "row": now}]),
            fuel: 5_000,
            duration_us: 900,
        }
    }
}

/// A version to upload whose component is this text.
pub(super) fn new_version(plugin: &str, text: &str, now: i64) -> NewPluginVersion {
    NewPluginVersion {
        digest: Digest::of(text.as_bytes()),
        plugin: plugin.to_owned(),
        bytes: text.as_bytes().to_vec(),
        world: "mapper".to_owned(),
        contract: "0.1.0".to_owned(),
        report: json!({"world": "mapper", "problems": []}),
        signed_by: None,
        at: at(now),
    }
}

/// A setup that changes a little of everything but the mapper, for a pair where nothing is bound.
pub(super) fn new_setup(replaces: i64) -> PairSetup {
    let policy = ConflictPolicy::CrmWins;
    PairSetup {
        settings: PairPatch {
            conflict_policy: Some(policy),
            ..PairPatch::default()
        },
        mappings: Mappings(vec![FieldMapping::unmapped("name".into(), policy)]),
        replaces,
        seen: None,
        mapper: None,
        at: at(9),
    }
}

pub(super) fn parts(digests: &[Digest]) -> MapperParts {
    MapperParts(digests.to_vec())
}

pub(super) fn candidate(digests: &[Digest]) -> Candidate {
    Candidate {
        parts: parts(digests),
        started_at: at(0),
        promote_after_rows: None,
        differing_max_permille: 0,
    }
}
