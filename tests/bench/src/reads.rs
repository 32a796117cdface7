//! Reading records over the API: how many requests a second, how long the slow ones take, and what that is of what axum and this
//! machine could do at all.
//!
//! The client is a few lines over kept connections, so that it takes little of the cores that it shares with the server. Which
//! requests it sends follows from their number alone.

use std::time::Instant;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use url::Url;

use crate::child::Server;
use crate::measure::{Values, middle};
use crate::served::{PAGE, RECORD, TOKEN};
use crate::task::Task;

/// How many records the host has.
const RECORDS: usize = 100_000;
/// How many connections the client keeps; each waits for an answer before it asks again.
const CONNECTIONS: usize = 16;
/// How many requests a turn sends over each connection.
const REQUESTS: usize = 1_500;
/// One request of so many is for a page, the others are for a record.
const PAGE_EVERY: usize = 10;
/// How far apart the records are that are read one after the other: a prime that does not divide their number.
const STRIDE: usize = 7_919;
/// Which of all requests is the slow one: 99 of 100 are faster.
const PERCENTILE: usize = 99;
const RECORDS_PATH: &str = "/api/records/partners";

/// What a turn brought.
#[derive(Debug)]
struct Turn {
    per_s: f64,
    ms_p99: f64,
}

/// Reads from the host and from the bare server, in turns.
pub fn measure(rounds: u32) -> anyhow::Result<Values> {
    let (data, answers) = (tempfile::tempdir()?, tempfile::tempdir()?);
    eprintln!("reads: making {RECORDS} records");
    let host = Server::start(&Task::ServeHost {
        directory: data.path().to_owned(),
        records: RECORDS,
    })?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("failed to start the async runtime")?;
    let paths = runtime.block_on(async {
        let mut connection = Connection::open(&host.url).await?;
        let paths = record_paths(&mut connection).await?;
        for (file, path) in [
            (RECORD, paths.first()),
            (PAGE, Some(&RECORDS_PATH.to_owned())),
        ] {
            let path = path.context("the host has no record")?;
            let answer = connection.exchange(&request(path)).await?;
            std::fs::write(answers.path().join(file), answer)?;
        }
        anyhow::Ok(paths)
    })?;
    let bare = Server::start(&Task::ServeAnswers(answers.path().to_owned()))?;
    // The first turn of each only warms up.
    runtime.block_on(turn(&host.url, &paths))?;
    runtime.block_on(turn(&bare.url, &paths))?;
    let (mut of_host, mut of_bare) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        let host = runtime.block_on(turn(&host.url, &paths))?;
        let bare = runtime.block_on(turn(&bare.url, &paths))?;
        eprintln!(
            "reads {round}/{rounds}: {:.0} requests/s, p99 {:.2} ms; bare {:.0} requests/s, p99 {:.2} ms",
            host.per_s, host.ms_p99, bare.per_s, bare.ms_p99
        );
        of_host.push(host);
        of_bare.push(bare);
    }
    let per_s = |turns: &[Turn]| middle(turns.iter().map(|turn| turn.per_s).collect());
    Ok(vec![
        ("api_read_requests_per_s", per_s(&of_host)),
        (
            "api_read_p99_ms",
            middle(of_host.iter().map(|turn| turn.ms_p99).collect()),
        ),
        ("api_read_vs_bare_axum", per_s(&of_host) / per_s(&of_bare)),
    ])
}

/// The path of every record.
async fn record_paths(connection: &mut Connection) -> anyhow::Result<Vec<String>> {
    let mut paths = Vec::with_capacity(RECORDS);
    let mut next = format!("{RECORDS_PATH}?limit=500");
    loop {
        let answer = connection.exchange(&request(&next)).await?;
        let page: Value = serde_json::from_slice(answer)?;
        let records = page.get("records").and_then(Value::as_array);
        let ids = records.into_iter().flatten();
        let ids = ids.filter_map(|record| record.get("id")?.as_str());
        paths.extend(ids.map(|id| format!("{RECORDS_PATH}/{id}")));
        match page.get("nextCursor").and_then(Value::as_str) {
            Some(cursor) => next = format!("{RECORDS_PATH}?limit=500&cursor={cursor}"),
            None => break,
        }
    }
    ensure!(
        paths.len() == RECORDS,
        "the host lists {} records",
        paths.len()
    );
    Ok(paths)
}

/// Sends all requests of a turn.
async fn turn(server: &Url, paths: &[String]) -> anyhow::Result<Turn> {
    let mut clients = JoinSet::new();
    let mut connections = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        connections.push(Connection::open(server).await?);
    }
    let began = Instant::now();
    for (client, mut connection) in connections.into_iter().enumerate() {
        let requests: Vec<_> = (client * REQUESTS..(client + 1) * REQUESTS)
            .map(|number| match number % PAGE_EVERY {
                0 => request(RECORDS_PATH),
                _ => request(&paths[number * STRIDE % paths.len()]),
            })
            .collect();
        clients.spawn(async move {
            let mut times_ms = Vec::with_capacity(requests.len());
            for request in requests {
                let asked = Instant::now();
                connection.exchange(&request).await?;
                times_ms.push(asked.elapsed().as_secs_f64() * 1e3);
            }
            anyhow::Ok(times_ms)
        });
    }
    let mut times_ms = Vec::with_capacity(CONNECTIONS * REQUESTS);
    while let Some(times) = clients.join_next().await {
        times_ms.extend(times??);
    }
    let seconds = began.elapsed().as_secs_f64();
    times_ms.sort_unstable_by(f64::total_cmp);
    Ok(Turn {
        per_s: times_ms.len() as f64 / seconds,
        ms_p99: times_ms[times_ms.len() * PERCENTILE / 100],
    })
}

fn request(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {TOKEN}\r\n\r\n")
        .into_bytes()
}

/// A kept connection.
struct Connection {
    stream: BufReader<TcpStream>,
    line: String,
    body: Vec<u8>,
}

impl Connection {
    async fn open(server: &Url) -> anyhow::Result<Self> {
        let addresses = server.socket_addrs(|| None)?;
        let stream = TcpStream::connect(addresses.as_slice()).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
            line: String::new(),
            body: Vec::new(),
        })
    }

    /// The body of the answer, which must be a success of known length.
    async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<&[u8]> {
        self.stream.write_all(request).await?;
        self.read_line().await?;
        ensure!(
            self.line.starts_with("HTTP/1.1 200"),
            "the server answered {}",
            self.line
        );
        let mut length = None;
        loop {
            self.read_line().await?;
            match self.line.split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = Some(value.trim().parse()?);
                }
                Some(_) => {}
                None => break,
            }
        }
        self.body
            .resize(length.context("the answer tells no length")?, 0);
        self.stream.read_exact(&mut self.body).await?;
        Ok(&self.body)
    }

    async fn read_line(&mut self) -> anyhow::Result<()> {
        self.line.clear();
        let read = self.stream.read_line(&mut self.line).await?;
        ensure!(read > 0, "the server hung up");
        Ok(())
    }
}
