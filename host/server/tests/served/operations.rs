//! What operators use: metrics, traces, the doctor, backups.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value as Json;

use crate::process::{Home, Served};

const TOKEN: &str = "a-token-of-the-scraper";

/// A collector that takes everything, and what it was sent.
fn collector() -> (String, mpsc::Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (sender, received) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.expect("a connection"));
            let mut length = 0;
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).expect("a header") == 0 || line == "\r\n" {
                    break;
                }
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().expect("a length");
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).expect("a body");
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            let _ = reader.get_mut().write_all(answer.as_bytes());
            if sender.send(body).is_err() {
                break;
            }
        }
    });
    (format!("http://{address}/v1/traces"), received)
}

#[test]
fn metrics_are_for_who_has_the_token() {
    let mut home = Home::new();
    home.set("PARTNEROS_METRICS__TOKEN", TOKEN);
    let host = Served::start(&home);
    let get = |path: &str, token: &str| host.asks("GET", path, token, &Json::Null);
    get("/healthz", "").json(200);
    for token in ["", "a-token-of-another"] {
        assert_eq!(get("/metrics", token).json(401)["code"], "unauthorized");
    }
    let metrics = get("/metrics", TOKEN);
    assert_eq!(metrics.status, 200, "{}", metrics.text);
    for part in [
        "partneros_http_requests_total{method=\"GET\",path=\"/healthz\",status=\"200\"} 1",
        "partneros_http_request_duration_seconds_bucket{method=\"GET\",path=\"/healthz\",le=\"+Inf\"} 1",
        "process_resident_memory_bytes",
    ] {
        assert!(metrics.text.contains(part), "{part}: {}", metrics.text);
    }
    assert!(!metrics.text.contains(TOKEN));
    assert!(!host.terminate().contains(TOKEN));
}

#[test]
fn metrics_are_off_without_a_token_and_a_short_one_is_refused() {
    let mut home = Home::new();
    let host = Served::start(&home);
    let answer = host.asks("GET", "/metrics", "", &Json::Null);
    assert_eq!(answer.json(404)["code"], "metrics_off");
    drop(host);
    home.set("PARTNEROS_METRICS__TOKEN", "short");
    let complaint = home.fails(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(complaint.contains("metrics.token"), "{complaint}");
}

#[test]
fn traces_reach_the_collector_at_the_latest_when_the_host_stops() {
    let mut home = Home::new();
    let (endpoint, received) = collector();
    home.set("PARTNEROS_OTEL__ENDPOINT", &endpoint);
    let host = Served::start(&home);
    host.asks("GET", "/healthz", "", &Json::Null).json(200);
    host.terminate();
    let mut seen = Vec::new();
    while let Ok(body) = received.recv_timeout(Duration::from_secs(1)) {
        seen.extend(body);
    }
    let text = String::from_utf8_lossy(&seen);
    for part in ["partneros", "request", "/healthz"] {
        assert!(text.contains(part), "`{part}` is not among the spans");
    }
}

#[test]
fn a_backup_that_is_taken_while_the_host_runs_is_put_back() {
    let home = Home::new();
    home.run(&["organizations", "create", "before"]);
    let host = Served::start(&home);
    let told = home.run(&["backup", "copy.db"]);
    assert!(told.contains("1 organizations"), "{told}");
    home.run(&["organizations", "create", "after"]);
    let complaint = home.fails(&["restore", "copy.db", "--replace"]);
    assert!(complaint.contains("stop the host"), "{complaint}");
    host.terminate();
    let complaint = home.fails(&["restore", "copy.db"]);
    assert!(complaint.contains("--replace"), "{complaint}");
    home.run(&["restore", "copy.db", "--replace"]);
    let listed = home.run(&["organizations", "list"]);
    assert!(
        listed.contains("before") && !listed.contains("after"),
        "{listed}"
    );
}

#[test]
fn the_doctor_says_what_is_wrong_and_migrates_nothing() {
    let mut home = Home::new();
    // Nobody listens there.
    home.set("PARTNEROS_HUBSPOT__API_BASE", "http://127.0.0.1:1");
    home.run(&["organizations", "create", "acme"]);
    let version = || -> i64 {
        let read = home.sql();
        read.pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap()
    };
    let verdict = |check: &str| {
        let output = home.answers(&["doctor", "--json"], "");
        assert!(!output.status.success(), "HubSpot cannot be reached");
        let findings: Vec<Json> = serde_json::from_slice(&output.stdout).unwrap();
        let found = findings.iter().find(|finding| finding["check"] == check);
        found.map(|found| found["verdict"].as_str().unwrap().to_owned())
    };
    assert_eq!(verdict("HubSpot").as_deref(), Some("failure"));
    assert_eq!(verdict("database").as_deref(), Some("ok"));
    assert_eq!(verdict("connections").as_deref(), Some("ok"));
    let older = version() - 1;
    home.sql()
        .pragma_update(None, "user_version", older)
        .unwrap();
    assert_eq!(verdict("database").as_deref(), Some("warning"));
    assert_eq!(verdict("connections"), None);
    assert_eq!(version(), older);
    std::fs::remove_file(home.data("key")).unwrap();
    assert_eq!(verdict("sealing key").as_deref(), Some("failure"));
}

#[test]
fn the_doctor_tries_webhooks_under_the_rules_of_messages() {
    let (there, received) = collector();
    let mut home = Home::new();
    home.set("PARTNEROS_HUBSPOT__API_BASE", "http://127.0.0.1:1");
    home.set("PARTNEROS_WEBHOOKS__ALLOW_PRIVATE", "true");
    home.set("PARTNEROS_WEBHOOKS__ALLOW_HTTP", "true");
    let token = home.organization("acme");
    let host = Served::start(&home);
    let nobody = "http://127.0.0.1:1/a-path-that-is-a-secret".to_owned();
    for url in [&there, &nobody] {
        let body = serde_json::json!({"url": url, "types": ["alert."]});
        host.asks("POST", "/api/webhooks", &token, &body).json(200);
    }
    let tried = |home: &Home| -> Vec<(String, String)> {
        let output = home.answers(&["doctor", "--json"], "");
        let findings: Vec<Json> = serde_json::from_slice(&output.stdout).unwrap();
        let text = |finding: &Json, key: &str| finding[key].as_str().unwrap().to_owned();
        let webhooks = findings.iter().filter(|one| one["check"] == "webhook");
        webhooks
            .map(|one| (text(one, "verdict"), text(one, "message")))
            .collect()
    };
    let [ok, down] = tried(&home).try_into().unwrap();
    assert_eq!(ok.0, "ok");
    assert!(
        ok.1.contains("of `acme`") && ok.1.contains("HTTP 200"),
        "{}",
        ok.1
    );
    assert_eq!(down.0, "warning");
    assert!(down.1.contains("no connection"), "{}", down.1);
    assert!(!down.1.contains("a-path"), "{}", down.1);
    let body = received.recv_timeout(Duration::from_secs(20)).unwrap();
    assert!(body.is_empty(), "it is told nothing");

    home.set("PARTNEROS_WEBHOOKS__ALLOW_PRIVATE", "false");
    for (verdict, message) in tried(&home) {
        assert_eq!(verdict, "warning");
        assert!(message.contains("not public"), "{message}");
    }
    assert!(received.try_recv().is_err(), "nothing went there");
}
