//! Servers under measurement: a host as the `partneros` binary assembles it, and the least server that could be in its place.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::body::Bytes;
use axum::http::header;
use axum::routing::get;
use partneros_domain::{FieldName, OrganizationId, RecordId, Role, TokenId, Value};
use partneros_server::config::{Config, Overrides};
use partneros_server::host::Host;
use partneros_server::token;
use partneros_store::{
    KeyRing, NewApiToken, Options, Organization, Organizations as _, RecordChange, Records as _,
    Sqlite,
};
use partneros_sync::Environment as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::environment::SystemEnvironment;
use crate::task::{Task, exit_at_end_of_input};

/// The token of the organization.
pub const TOKEN: &str = "pos_bench";
/// The file with the answer that is a record.
pub const RECORD: &str = "record.json";
/// The file with the answer that is a page of records.
pub const PAGE: &str = "page.json";
/// How many requests a second a caller may make; more than there can be.
const RATE_MAX: u32 = 1_000_000;
/// How many records are made in one transaction.
const RECORDS_AT_ONCE: usize = 500;

/// Is a host with so many records of one organization, until the standard input ends.
pub fn host(directory: &Path, records: usize) -> anyhow::Result<()> {
    // A file of its own, so that none of this machine's settings apply.
    let file = directory.join("partneros.toml");
    std::fs::write(&file, "")?;
    let overrides = Overrides {
        listen: Some(([127, 0, 0, 1], 0).into()),
        data_dir: Some(directory.to_owned()),
        ..Overrides::default()
    };
    let mut config = Config::load(Some(file), &overrides)?;
    config.runtime.compiler = Task::compiler()?;
    // It counts the calls all the same, as for anybody.
    config.api.requests_per_second_max = RATE_MAX;
    std::thread::spawn(exit_at_end_of_input);
    let runtime = tokio::runtime::Runtime::new().context("failed to start the async runtime")?;
    runtime.block_on(async {
        let store = Arc::new(open(&config, records).await?);
        let stop = CancellationToken::new();
        let host = Host::new(&config, store, Arc::new(SystemEnvironment), stop).await?;
        let listener = TcpListener::bind(config.listen).await?;
        println!("http://{}", listener.local_addr()?);
        host.serve(listener).await
    })
}

/// Is the least server that gives the answers in this directory, until the standard input ends.
pub fn answers(directory: &Path) -> anyhow::Result<()> {
    let read = |name: &str| std::fs::read(directory.join(name)).map(Bytes::from);
    let (record, page) = (read(RECORD)?, read(PAGE)?);
    let answer = |body: Bytes| {
        let kind = (header::CONTENT_TYPE, "application/json");
        get(move || std::future::ready(([kind], body.clone())))
    };
    let router = Router::new()
        .route("/api/records/partners/{id}", answer(record))
        .route("/api/records/partners", answer(page));
    std::thread::spawn(exit_at_end_of_input);
    let runtime = tokio::runtime::Runtime::new().context("failed to start the async runtime")?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("http://{}", listener.local_addr()?);
        Ok(axum::serve(listener, router).await?)
    })
}

/// A new database with an organization that has a token and records.
async fn open(config: &Config, records: usize) -> anyhow::Result<Sqlite> {
    let ring = KeyRing::load_or_create(&config.data_dir.join("key"))?;
    let file = config.data_dir.join("partneros.db");
    let store = Sqlite::open(&file, ring, Options::default())?;
    let organization = Organization {
        id: OrganizationId(SystemEnvironment.new_id()),
        name: "bench".to_owned(),
        created_at: SystemEnvironment.now(),
    };
    store.create_organization(&organization).await?;
    let token = NewApiToken {
        id: TokenId(SystemEnvironment.new_id()),
        name: "bench".to_owned(),
        hash: token::hash(TOKEN),
        member: None,
        role: Role::Admin,
        created_at: SystemEnvironment.now(),
        expires_at: None,
    };
    store.create_token(organization.id, &token).await?;
    let numbers: Vec<_> = (0..records).collect();
    for numbers in numbers.chunks(RECORDS_AT_ONCE) {
        let changes = numbers.iter().map(|&number| record(number)).collect();
        store
            .upsert_records(
                organization.id,
                "partners",
                changes,
                SystemEnvironment.now(),
            )
            .await?;
    }
    Ok(store)
}

fn record(number: usize) -> RecordChange {
    let text = |text: String| Some(Value::Text(text));
    let fields: [(FieldName, Option<Value>); 7] = [
        ("name".into(), text(format!("Norwick {number} GmbH"))),
        ("domain".into(), text(format!("norwick{number}.example"))),
        (
            "website".into(),
            text(format!("https://www.norwick{number}.example")),
        ),
        ("city".into(), text("Göteborg".to_owned())),
        ("country".into(), text("Sweden".to_owned())),
        (
            "phone".into(),
            text(format!("+1 555 {:04}", number % 10_000)),
        ),
        ("employees".into(), Some(Value::Integer(number as i64))),
    ];
    RecordChange {
        id: RecordId(SystemEnvironment.new_id()),
        fields: fields.into_iter().collect(),
    }
}
