//! The contract of plugins: each method is a transaction around the work of `plugin_versions` or `bindings`, or about
//! trusted keys.

use async_trait::async_trait;
use partneros_domain::{Digest, OrganizationId, PairId, Timestamp};
use rusqlite::params;

use super::bindings::{self, Place};
use super::encoding::time;
use super::fault::{conflict, not_found, unless_taken};
use super::pool::Durability;
use super::{Sqlite, plugin_versions, scope};
use crate::{
    Binding, BindingScope, Candidate, MapperParts, NewPluginVersion, Page, PluginEntry,
    PluginVersion, Plugins, Result, TrustedKey,
};

#[async_trait]
impl Plugins for Sqlite {
    async fn put_plugin_version(
        &self,
        organization: OrganizationId,
        new: NewPluginVersion,
    ) -> Result<PluginVersion> {
        self.run("keep a plugin version", move |pool| {
            if Digest::of(&new.bytes) != new.digest {
                let problem = "is not the sha256 of its component";
                return Err(conflict("plugin version", new.digest, problem).into());
            }
            pool.transact(Durability::Disk, |tx| {
                let organization = scope::organization(tx, organization)?;
                plugin_versions::put(tx, organization, &new)
            })
        })
        .await
    }

    async fn plugins(
        &self,
        organization: OrganizationId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<PluginEntry>> {
        let after = after.map(ToOwned::to_owned);
        self.read("list the plugins", move |tx| {
            let organization = scope::organization(tx, organization)?;
            plugin_versions::plugins(tx, organization, after.as_deref(), limit)
        })
        .await
    }

    async fn plugin_versions(
        &self,
        organization: OrganizationId,
        name: &str,
    ) -> Result<Vec<PluginVersion>> {
        let name = name.to_owned();
        self.read("list the versions of a plugin", move |tx| {
            let organization = scope::organization(tx, organization)?;
            plugin_versions::versions(tx, organization, &name)
        })
        .await
    }

    async fn plugin_version(
        &self,
        organization: OrganizationId,
        digest: Digest,
    ) -> Result<PluginVersion> {
        self.look_up("read a plugin version", move |tx| {
            let organization = scope::organization(tx, organization)?;
            Ok(plugin_versions::get(tx, organization, digest)?.1)
        })
        .await
    }

    async fn plugin_bytes(&self, organization: OrganizationId, digest: Digest) -> Result<Vec<u8>> {
        self.read("read the component of a plugin version", move |tx| {
            let organization = scope::organization(tx, organization)?;
            plugin_versions::bytes(tx, organization, digest)
        })
        .await
    }

    async fn delete_plugin_version(
        &self,
        organization: OrganizationId,
        digest: Digest,
    ) -> Result<()> {
        self.write("delete a plugin version", move |tx| {
            let organization = scope::organization(tx, organization)?;
            plugin_versions::delete(tx, organization, digest)
        })
        .await
    }

    async fn quarantine_version(
        &self,
        organization: OrganizationId,
        digest: Digest,
        reason: &str,
        at: Timestamp,
    ) -> Result<()> {
        let reason = reason.to_owned();
        self.write("quarantine a plugin version", move |tx| {
            let organization = scope::organization(tx, organization)?;
            plugin_versions::quarantine(tx, organization, digest, &reason, at)
        })
        .await
    }

    async fn release_version(&self, organization: OrganizationId, digest: Digest) -> Result<()> {
        self.write("release a plugin version", move |tx| {
            let organization = scope::organization(tx, organization)?;
            plugin_versions::release(tx, organization, digest)
        })
        .await
    }

    async fn bindings(&self, organization: OrganizationId) -> Result<Vec<Binding>> {
        self.read("list the bindings", move |tx| {
            bindings::all(tx, scope::organization(tx, organization)?)
        })
        .await
    }

    async fn binding(
        &self,
        organization: OrganizationId,
        scope: BindingScope,
    ) -> Result<Option<Binding>> {
        self.look_up("read a binding", move |tx| {
            let found = bindings::find(tx, Place::of(tx, organization, scope)?)?;
            Ok(found.map(|(_, binding)| binding))
        })
        .await
    }

    async fn bind(
        &self,
        organization: OrganizationId,
        scope: BindingScope,
        seen: Option<Binding>,
        parts: MapperParts,
        at: Timestamp,
    ) -> Result<Binding> {
        self.write("bind plugin versions", move |tx| {
            let place = Place::of(tx, organization, scope)?;
            bindings::bind(tx, place, seen.as_ref(), parts, at)
        })
        .await
    }

    async fn roll_back(
        &self,
        organization: OrganizationId,
        scope: BindingScope,
        seen: Option<Binding>,
        at: Timestamp,
    ) -> Result<Binding> {
        self.write("roll a binding back", move |tx| {
            let place = Place::of(tx, organization, scope)?;
            bindings::roll_back(tx, place, seen.as_ref(), at)
        })
        .await
    }

    async fn unbind(&self, organization: OrganizationId, scope: BindingScope) -> Result<()> {
        self.write("remove a binding", move |tx| {
            bindings::unbind(tx, Place::of(tx, organization, scope)?)
        })
        .await
    }

    async fn set_candidate(
        &self,
        organization: OrganizationId,
        scope: BindingScope,
        candidate: Option<Candidate>,
    ) -> Result<Binding> {
        self.write("set the candidate of a binding", move |tx| {
            bindings::set_candidate(tx, Place::of(tx, organization, scope)?, candidate)
        })
        .await
    }

    async fn note_plugin_outcome(
        &self,
        organization: OrganizationId,
        scope: BindingScope,
        version: i64,
        failed: bool,
    ) -> Result<u32> {
        self.write_repeatable("count the failures of a binding", move |tx| {
            bindings::note_outcome(tx, Place::of(tx, organization, scope)?, version, failed)
        })
        .await
    }

    async fn effective_binding(
        &self,
        organization: OrganizationId,
        pair: PairId,
    ) -> Result<Option<Binding>> {
        self.look_up("read the binding of an object pair", move |tx| {
            let place = Place::of(tx, organization, BindingScope::Pair(pair))?;
            bindings::effective(tx, place)
        })
        .await
    }

    async fn put_trusted_key(&self, organization: OrganizationId, key: TrustedKey) -> Result<()> {
        self.write("add a trusted key", move |tx| {
            let organization = scope::organization(tx, organization)?;
            let inserted = tx
                .prepare_cached(
                    "INSERT INTO trusted_keys (organization, name, public_key, created_at)
                     VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![
                    organization,
                    key.name,
                    key.public_key,
                    key.created_at.0
                ]);
            unless_taken(inserted, || {
                let problem = "exists already, or the key does under another name";
                conflict("trusted key", &key.name, problem)
            })?;
            Ok(())
        })
        .await
    }

    async fn trusted_keys(&self, organization: OrganizationId) -> Result<Vec<TrustedKey>> {
        self.read("list the trusted keys", move |tx| {
            let organization = scope::organization(tx, organization)?;
            let mut list = tx.prepare_cached(
                "SELECT name, public_key, created_at FROM trusted_keys
                 WHERE organization = ?1 ORDER BY name",
            )?;
            let rows = list.query_map([organization], |row| {
                Ok(TrustedKey {
                    name: row.get(0)?,
                    public_key: row.get(1)?,
                    created_at: time(row, 2)?,
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn delete_trusted_key(&self, organization: OrganizationId, name: &str) -> Result<()> {
        let name = name.to_owned();
        self.write("delete a trusted key", move |tx| {
            let organization = scope::organization(tx, organization)?;
            let deleted = tx
                .prepare_cached("DELETE FROM trusted_keys WHERE organization = ?1 AND name = ?2")?
                .execute(params![organization, name])?;
            if deleted == 0 {
                return Err(not_found("trusted key", &name).into());
            }
            Ok(())
        })
        .await
    }
}
