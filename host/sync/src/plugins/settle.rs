//! After a pass: writes down what plugins took and said, falls back from a version that keeps failing, and lets a
//! candidate that has proved itself take over.

use partneros_domain::{AlertKind, EventType, OrganizationId, PairId};
use partneros_store::{Binding, Candidate, Severity};
use serde_json::json;

use super::isolate::is_plugins_own;
use super::mapper::Mapper;
use super::shadow::ShadowReport;
use crate::engine::Engine;
use crate::error::Error;
use crate::trail::SYSTEM;

/// What became of the pair's mapper after a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It stays.
    Stays,
    /// Another took its place.
    Replaced,
}

impl Engine {
    /// Settles a pass that ended as `result` says.
    pub(crate) async fn settle_plugins(
        &self,
        organization: OrganizationId,
        mapper: &Mapper,
        result: &Result<(), Error>,
    ) -> Result<Settled, Error> {
        let (usage, logs, shadow, mut failed, clean) = {
            let mut activity = mapper.lock();
            let (usage, logs) = activity.take();
            let shadow = activity.shadow.take();
            (
                usage,
                logs,
                shadow,
                activity.failed_batches,
                activity.clean_batches,
            )
        };
        let parts = self.parts();
        if !usage.is_empty() || !logs.is_empty() {
            let keep = parts.settings.plugin_logs_kept;
            parts
                .store
                .record_plugin_activity(organization, usage, logs, keep)
                .await?;
        }
        // A plugin that fails before it is given any batch fails all the same.
        if let Err(Error::Mapper(error)) = result
            && error.plugin == *mapper.main.digest()
            && is_plugins_own(&error.failure)
        {
            failed = failed.max(1);
        }
        if let Some(binding) = mapper
            .binding
            .as_ref()
            .filter(|binding| !binding.parts.is_default())
            && self
                .is_to_fall_back(organization, binding, failed, clean)
                .await?
        {
            self.fall_back(organization, mapper.pair, binding).await?;
            return Ok(Settled::Replaced);
        }
        match (shadow, &mapper.binding) {
            (Some(report), Some(binding)) => {
                self.settle_candidate(organization, mapper.pair, binding, &report)
                    .await
            }
            _ => Ok(Settled::Stays),
        }
    }

    async fn is_to_fall_back(
        &self,
        organization: OrganizationId,
        binding: &Binding,
        failed: u32,
        clean: u32,
    ) -> Result<bool, Error> {
        let store = &self.parts().store;
        let (scope, version) = (binding.scope, binding.version);
        if clean > 0 && binding.failures > 0 {
            store
                .note_plugin_outcome(organization, scope, version, false)
                .await?;
        }
        for _ in 0..failed {
            let in_a_row = store
                .note_plugin_outcome(organization, scope, version, true)
                .await?;
            if in_a_row >= self.parts().settings.plugin_failures_max {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes the newest part of what is bound out of use, and goes back to what ran before.
    async fn fall_back(
        &self,
        organization: OrganizationId,
        pair: PairId,
        binding: &Binding,
    ) -> Result<(), Error> {
        let parts = self.parts();
        let (store, at) = (&parts.store, parts.environment.now());
        let Some(failing) = binding.parts.0.first().copied() else {
            return Ok(());
        };
        let reason = format!(
            "it failed on {} batches in a row, the last for pair {pair}",
            parts.settings.plugin_failures_max
        );
        let scope = binding.scope;
        // What is tried beside may have changed during the pass; what runs may not.
        let now = store.binding(organization, scope).await?;
        let Some(seen) = now.filter(|now| now.version == binding.version) else {
            return Ok(());
        };
        // Going back comes first: a crash before the quarantine leaves a version that nothing runs.
        let back = match store.roll_back(organization, scope, Some(seen), at).await {
            Ok(back) => Some(back),
            Err(partneros_store::Error::Conflict { .. }) => {
                // Whoever changed the binding meanwhile knows better, and another pair may have fallen back already.
                let now = store.binding(organization, scope).await?;
                if now.is_none_or(|now| now.version != binding.version) {
                    return Ok(());
                }
                None
            }
            Err(error) => return Err(error.into()),
        };
        store
            .quarantine_version(organization, failing, &reason, at)
            .await?;
        let (severity, next) = match back {
            Some(_) => (Severity::Warning, "the version before runs again"),
            None => (
                Severity::Critical,
                "nothing ran before, so its pairs stop; bind another version",
            ),
        };
        tracing::warn!(plugin.sha256 = %failing, pair.id = %pair, fell_back = back.is_some(), "a plugin was quarantined");
        let message = format!(
            "Plugin quarantined: version {failing} was taken out of use because {reason}; {next}"
        );
        let (kind, subject) = (AlertKind::PluginQuarantined, failing.to_string());
        self.alert(organization, kind, severity, subject, message)
            .await?;
        if let Some(back) = &back {
            self.changed(organization, SYSTEM, EventType::PluginFellBack, back)
                .await?;
        }
        let metadata = json!({
            "scope": binding.scope.to_string(),
            "reason": reason,
            "parts": back.as_ref().map(|back| back.parts.clone()),
        });
        self.note(
            organization,
            SYSTEM,
            EventType::PluginQuarantined,
            &failing.to_string(),
            metadata,
        )
        .await
    }

    async fn settle_candidate(
        &self,
        organization: OrganizationId,
        pair: PairId,
        binding: &Binding,
        report: &ShadowReport,
    ) -> Result<Settled, Error> {
        let store = &self.parts().store;
        let json = serde_json::to_value(report).unwrap_or_default();
        store.put_shadow_report(organization, pair, json).await?;
        let Some(candidate) = &binding.candidate else {
            return Ok(Settled::Stays);
        };
        let Some(rows) = candidate.promote_after_rows else {
            return Ok(Settled::Stays);
        };
        let reports = self.reports_on(organization, binding, candidate).await?;
        let disproved = |report: &ShadowReport| {
            report.failed_calls > 0
                || report.failed_cells.candidate > report.failed_cells.active
                || report.differing_permille() > u64::from(candidate.differing_max_permille)
        };
        let tried: u64 = reports.iter().map(|report| report.rows).sum();
        if tried < rows || reports.iter().any(disproved) {
            return Ok(Settled::Stays);
        }
        match self
            .promote_seen(organization, SYSTEM, binding.clone())
            .await
        {
            Ok(_) => Ok(Settled::Replaced),
            // Whoever changed the binding meanwhile knows better.
            Err(Error::Store(partneros_store::Error::Conflict { .. })) => Ok(Settled::Stays),
            Err(error) => Err(error),
        }
    }

    /// How the candidate compares on each pair of the scope that has met it.
    async fn reports_on(
        &self,
        organization: OrganizationId,
        binding: &Binding,
        candidate: &Candidate,
    ) -> Result<Vec<ShadowReport>, Error> {
        let store = &self.parts().store;
        let mut reports = Vec::new();
        for pair in self.pairs_in(organization, binding.scope).await? {
            let Some(json) = store.shadow_report(organization, pair.id).await? else {
                continue;
            };
            let report = serde_json::from_value::<ShadowReport>(json).ok();
            let report =
                report.filter(|report| report.is_of(&candidate.parts, candidate.started_at));
            reports.extend(report);
        }
        Ok(reports)
    }
}
