//! Discovered schemas.

use partneros_domain::{DataType, FieldSchema, ObjectSchema};

use super::world::{World, at, refused_as_not_found};
use crate::{CachedSchema, Store};

fn schema(name: &str, custom: bool) -> CachedSchema {
    let color = FieldSchema::new("color", "Color", DataType::Choice).choices(&[("r", "Red")]);
    CachedSchema {
        schema: ObjectSchema {
            name: name.to_owned(),
            label: name.to_uppercase(),
            fields: vec![color],
        },
        custom,
        fetched_at: at(3),
    }
}

pub(super) async fn a_discovery_replaces_the_one_before(store: &dyn Store) {
    let world = World::new(store).await;
    let (organization, connection) = (world.organization, world.connection);
    assert_eq!(store.schemas(organization, connection).await.unwrap(), []);
    let read_at = async || store.schemas_read_at(organization, connection).await.unwrap();
    assert_eq!(read_at().await, None);
    let first = [schema("deals", false), schema("companies", false)];
    store
        .replace_schemas(organization, connection, &first, at(3))
        .await
        .unwrap();
    let older = CachedSchema {
        fetched_at: at(2),
        ..schema("deals", false)
    };
    let second = [older.clone(), schema("2-34", true)];
    store
        .replace_schemas(organization, connection, &second, at(4))
        .await
        .unwrap();
    assert_eq!(
        store.schemas(organization, connection).await.unwrap(),
        [schema("2-34", true), older]
    );
    assert_eq!(read_at().await, Some(at(2)));
    assert_eq!(
        store
            .schema(organization, connection, "2-34")
            .await
            .unwrap(),
        schema("2-34", true)
    );
    refused_as_not_found(store.schema(organization, connection, "companies").await);
    let connection = store.connection(organization, connection).await.unwrap();
    assert_eq!(connection.last_sync_at, Some(at(4)));
}
