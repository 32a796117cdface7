//! Binding mappers to an organization, a connection or a pair; trying candidates; going back.

use partneros_domain::{AlertKind, Digest, EventType, ObjectPair, OrganizationId, PairState};
use partneros_runtime::World;
use partneros_store::{Binding, BindingScope, Candidate, EventId, MapperParts, NewEvent};
use serde_json::{Value as Json, json};

use crate::engine::Engine;
use crate::error::Error;

/// A binding, and the component that its parts make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The binding.
    pub binding: Binding,
    /// The sha256 of what runs: the version's own, or the composition's.
    pub digest: Digest,
}

impl Engine {
    /// Binds parts to a scope once they are known to work together. What failed before is tried again.
    pub async fn bind(
        &self,
        organization: OrganizationId,
        actor: &str,
        scope: BindingScope,
        parts: MapperParts,
    ) -> Result<Chosen, Error> {
        let digest = self.try_parts(organization, &parts).await?;
        let at = self.parts().environment.now();
        let binding = self
            .parts()
            .store
            .bind(organization, scope, None, parts, at)
            .await?;
        self.chosen(organization, actor, EventType::PluginActivated, &binding)
            .await?;
        Ok(Chosen { binding, digest })
    }

    /// Goes back to what ran in the scope before.
    pub async fn roll_back(
        &self,
        organization: OrganizationId,
        actor: &str,
        scope: BindingScope,
    ) -> Result<Chosen, Error> {
        let store = &self.parts().store;
        let at = self.parts().environment.now();
        let seen = store.binding(organization, scope).await?;
        let previous = seen.as_ref().and_then(|binding| binding.previous.as_ref());
        let digest = match previous {
            Some(previous) => self.try_parts(organization, previous).await?,
            None => *self.parts().plugins.default_mapper().digest(),
        };
        let binding = store.roll_back(organization, scope, seen, at).await?;
        self.chosen(organization, actor, EventType::PluginRolledBack, &binding)
            .await?;
        Ok(Chosen { binding, digest })
    }

    /// Lets the scope follow the wider one again.
    pub async fn unbind(
        &self,
        organization: OrganizationId,
        actor: &str,
        scope: BindingScope,
    ) -> Result<(), Error> {
        let store = &self.parts().store;
        let Some(binding) = store.binding(organization, scope).await? else {
            return Ok(());
        };
        store.unbind(organization, scope).await?;
        self.chosen(organization, actor, EventType::PluginDeactivated, &binding)
            .await
    }

    /// Tries parts beside what runs in the scope, or ends that.
    pub async fn try_beside(
        &self,
        organization: OrganizationId,
        actor: &str,
        scope: BindingScope,
        candidate: Option<Candidate>,
    ) -> Result<Binding, Error> {
        if let Some(candidate) = &candidate {
            self.try_parts(organization, &candidate.parts).await?;
        }
        let (event, metadata) = match &candidate {
            Some(candidate) => (
                EventType::PluginShadowStarted,
                json!({"parts": candidate.parts, "promoteAfterRows": candidate.promote_after_rows}),
            ),
            None => (EventType::PluginShadowEnded, json!({})),
        };
        let binding = self
            .parts()
            .store
            .set_candidate(organization, scope, candidate)
            .await?;
        self.note(organization, actor, event, &scope.to_string(), metadata)
            .await?;
        Ok(binding)
    }

    /// Lets the candidate of a scope take over.
    pub async fn promote(
        &self,
        organization: OrganizationId,
        actor: &str,
        scope: BindingScope,
    ) -> Result<Chosen, Error> {
        let seen = self.parts().store.binding(organization, scope).await?;
        self.promote_seen(organization, actor, seen.ok_or(Error::NoCandidate)?)
            .await
    }

    /// Lets the candidate of this very binding take over.
    pub(super) async fn promote_seen(
        &self,
        organization: OrganizationId,
        actor: &str,
        seen: Binding,
    ) -> Result<Chosen, Error> {
        let candidate = seen.candidate.as_ref().ok_or(Error::NoCandidate)?;
        let parts = candidate.parts.clone();
        let digest = self.try_parts(organization, &parts).await?;
        let at = self.parts().environment.now();
        let (store, scope) = (&self.parts().store, seen.scope);
        let binding = store
            .bind(organization, scope, Some(seen), parts, at)
            .await?;
        self.chosen(organization, actor, EventType::PluginPromoted, &binding)
            .await?;
        Ok(Chosen { binding, digest })
    }

    /// Ends the quarantine of a version: it may be bound again, and where it is bound still, its failures are counted anew.
    pub async fn release(
        &self,
        organization: OrganizationId,
        actor: &str,
        digest: Digest,
    ) -> Result<(), Error> {
        let store = &self.parts().store;
        store.release_version(organization, digest).await?;
        let subject = digest.to_string();
        self.answer(organization, actor, AlertKind::PluginQuarantined, &subject)
            .await?;
        self.note(
            organization,
            actor,
            EventType::PluginReleased,
            &subject,
            json!({}),
        )
        .await?;
        for binding in store.bindings(organization).await? {
            if binding.parts.0.contains(&digest) {
                let (scope, version) = (binding.scope, binding.version);
                store
                    .note_plugin_outcome(organization, scope, version, false)
                    .await?;
            }
        }
        Ok(())
    }

    /// Writes an event of the audit log.
    pub async fn note(
        &self,
        organization: OrganizationId,
        actor: &str,
        event: EventType,
        subject: &str,
        metadata: Json,
    ) -> Result<(), Error> {
        let environment = &self.parts().environment;
        let event = NewEvent {
            id: EventId(environment.new_id()),
            at: environment.now(),
            actor: actor.to_owned(),
            event,
            subject: subject.to_owned(),
            metadata,
        };
        Ok(self.parts().store.append_event(organization, event).await?)
    }

    /// Composes, loads and calls what the parts make, and returns its digest. Nothing is bound that fails here.
    async fn try_parts(
        &self,
        organization: OrganizationId,
        parts: &MapperParts,
    ) -> Result<Digest, Error> {
        let store = self.parts().store.as_ref();
        let plugins = &self.parts().plugins;
        let plugin = plugins.of_parts(store, organization, parts).await?;
        if plugin.world() != World::Mapper {
            return Err(Error::NoMapper(plugin.world().to_string()));
        }
        let digest = *plugin.digest();
        self.parts().compute(move || plugin.describe()).await??;
        Ok(digest)
    }

    /// A person chose what runs in a scope, which answers the alerts about what ran there.
    pub(crate) async fn chosen(
        &self,
        organization: OrganizationId,
        actor: &str,
        event: EventType,
        binding: &Binding,
    ) -> Result<(), Error> {
        let replaced = binding.previous.iter().flat_map(|parts| &parts.0);
        for digest in binding.parts.0.iter().chain(replaced) {
            let subject = digest.to_string();
            self.answer(organization, actor, AlertKind::PluginQuarantined, &subject)
                .await?;
        }
        self.changed(organization, actor, event, binding).await
    }

    /// What runs in a scope changed: says so, and has the pairs there look again at what failed before.
    pub(super) async fn changed(
        &self,
        organization: OrganizationId,
        actor: &str,
        event: EventType,
        binding: &Binding,
    ) -> Result<(), Error> {
        let store = &self.parts().store;
        let metadata = json!({"parts": binding.parts, "previous": binding.previous});
        self.note(
            organization,
            actor,
            event,
            &binding.scope.to_string(),
            metadata,
        )
        .await?;
        let now = self.parts().environment.now();
        for pair in self.pairs_in(organization, binding.scope).await? {
            if pair.state == PairState::Draft {
                continue;
            }
            // Rows that equal their agreement are passed over, so this reads and changes little.
            store.set_cursor(organization, pair.id, None).await?;
            if pair.direction.writes_hubspot() {
                store.requeue(organization, pair.id, true, now).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn pairs_in(
        &self,
        organization: OrganizationId,
        scope: BindingScope,
    ) -> Result<Vec<ObjectPair>, Error> {
        let store = &self.parts().store;
        let connections = match scope {
            BindingScope::Pair(pair) => return Ok(vec![store.pair(organization, pair).await?]),
            BindingScope::Connection(id) => vec![id],
            BindingScope::Organization => {
                let connections = store.connections(organization).await?;
                connections.iter().map(|connection| connection.id).collect()
            }
        };
        let mut pairs = Vec::new();
        for connection in connections {
            pairs.extend(store.pairs(organization, connection).await?);
        }
        Ok(pairs)
    }
}
