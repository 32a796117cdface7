//! What an erased organization leaves: nothing.

use std::time::Duration;

use partneros_domain::{RecordId, Timestamp, Value};
use partneros_store::{
    Erased, Error, Keys as _, NewRecord, Options, Organizations as _, Records as _, Sqlite,
};
use uuid::Uuid;

use crate::world::{Folder, connects, creates, holds, opens, organization, populate, sealed};

const ERASED: u128 = 75;

#[tokio::test]
async fn no_file_holds_what_was_erased() {
    let folder = Folder::new();
    let host = folder.open();
    // So many that pages split and rows move while they are made.
    populate(&host, 150, 1).await;
    let marker = "a record of the erased organization";
    let record = NewRecord {
        id: RecordId(Uuid::from_u128(9)),
        fields: [("name".into(), Value::Text(marker.to_owned()))]
            .into_iter()
            .collect(),
    };
    let at = Timestamp(1);
    let id = organization(ERASED);
    host.create_record(id, "partners", record, at)
        .await
        .unwrap();
    let stored = |column: &str, table: &str| -> Vec<u8> {
        let query = format!("SELECT {column} FROM {table} WHERE organization = ?1");
        folder
            .sql()
            .query_row(&query, [ERASED as i64], |row| row.get(0))
            .unwrap()
    };
    let wrapped = stored("wrapped", "data_keys");
    let secret = stored("refresh_token", "connections");
    // Rewritten, so that older copies of the row have been made as well.
    folder.ring().edit().unwrap().add("second").unwrap();
    host.rewrap_data_keys().await.unwrap();
    let rewrapped = stored("wrapped", "data_keys");
    let name = format!("organization {ERASED}");
    let traces = [
        &wrapped,
        &rewrapped,
        &secret,
        marker.as_bytes(),
        name.as_bytes(),
    ];
    let before = folder.bytes();
    assert!(traces.iter().all(|trace| holds(&before, trace)));

    let command = folder.open();
    let erased = command.erase_organization(id).await.unwrap();
    assert_eq!(erased, Erased { log_emptied: true });
    let after = folder.bytes();
    let left: Vec<_> = traces.iter().map(|trace| holds(&after, trace)).collect();
    assert_eq!(left, [false; 5]);

    // The running host, which has the data key in memory, has nothing to open with it and takes nothing more.
    assert!(matches!(
        opens(&host, ERASED, 1).await,
        Err(Error::NotFound { .. })
    ));
    assert!(matches!(
        connects(&host, ERASED, 2).await,
        Err(Error::NotFound { .. })
    ));
    let again = command.erase_organization(id).await.unwrap_err();
    assert!(matches!(again, Error::NotFound { .. }), "{again:?}");
    for of in [1, ERASED - 1, ERASED + 1, 150] {
        opens(&host, of, 1).await.unwrap();
    }
    assert_eq!(host.organizations().await.unwrap().len(), 149);
}

#[tokio::test]
async fn an_organization_of_the_same_id_does_not_open_what_came_back() {
    let folder = Folder::new();
    let store = folder.open();
    populate(&store, 1, 1).await;
    let stolen: Vec<u8> = folder
        .sql()
        .query_row("SELECT access_token FROM connections", [], |row| row.get(0))
        .unwrap();
    store.erase_organization(organization(1)).await.unwrap();
    creates(&store, 1).await.unwrap();
    connects(&store, 1, 1).await.unwrap();
    folder
        .sql()
        .execute("UPDATE connections SET access_token = ?1", [&stolen])
        .unwrap();
    assert_eq!(
        sealed(opens(&store, 1, 1).await).0,
        "connections.access_token"
    );
}

#[tokio::test]
async fn a_reader_in_the_way_is_told_of() {
    let folder = Folder::new();
    let store = Sqlite::open(
        &folder.database(),
        folder.ring(),
        Options {
            busy_timeout: Duration::from_millis(20),
            ..Options::default()
        },
    )
    .unwrap();
    populate(&store, 2, 1).await;
    let reader = folder.sql();
    reader
        .execute_batch("BEGIN; SELECT * FROM organizations;")
        .unwrap();
    let erased = store.erase_organization(organization(1)).await.unwrap();
    assert_eq!(erased, Erased { log_emptied: false });
    assert_eq!(store.organizations().await.unwrap().len(), 1);
    reader.execute_batch("COMMIT").unwrap();
    store.close().await.unwrap();
    assert!(!holds(&folder.bytes(), b"organization 1"));
}
