//! A disk that takes nothing more, and one that lost what it had: said clearly, and nothing is half done.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::crashes::Story;
use crate::process::{Home, Served};

const DEADLINE: Duration = Duration::from_mins(1);

/// Asks until an answer is what is waited for.
pub fn until(mut ask: impl FnMut() -> Json, is_it: impl Fn(&Json) -> bool) -> Json {
    let begun = Instant::now();
    loop {
        let answer = ask();
        if is_it(&answer) {
            return answer;
        }
        assert!(begun.elapsed() < DEADLINE, "{answer}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Makes a record with a long text; returns the status and the answer.
fn write(host: &Served, token: &str, number: usize) -> (u16, Json) {
    let fields = json!({"name": format!("n{number}"), "description": "x".repeat(40_000)});
    let body = json!({ "fields": fields });
    let answer = host.asks("POST", "/api/records/partners", token, &body);
    (answer.status, answer.json(answer.status))
}

fn names(host: &Served, token: &str) -> Vec<String> {
    let path = "/api/records/partners?limit=200";
    let page = host.asks("GET", path, token, &Json::Null).json(200);
    let records = page["records"].as_array().expect("a list").iter();
    let name = |record: &Json| {
        record["fields"]["name"]
            .as_str()
            .expect("a name")
            .to_owned()
    };
    records.map(name).collect()
}

#[test]
fn a_disk_that_takes_nothing_more_is_said_and_nothing_is_half_written() {
    let home = Home::new();
    let token = home.organization("acme");
    // As much as a file may have: 4 MiB for a shell that counts by 512 bytes, 8 for one that counts by 1,024.
    let limited = home.command_after("trap '' XFSZ; ulimit -f 8192", &["serve"]);
    let host = Served::by(limited);
    let mut kept = Vec::new();
    let refused = loop {
        let (status, answer) = write(&host, &token, kept.len());
        if status >= 300 {
            break (status, answer);
        }
        kept.push(format!("n{}", kept.len()));
        assert!(kept.len() < 200, "nothing ends");
    };
    assert!(kept.len() > 5, "the limit leaves room for some");
    assert_eq!(refused.0, 503, "{}", refused.1);
    assert_eq!(refused.1["code"], "storage_failed");
    let said = refused.1["error"].as_str().expect("a sentence");
    assert!(said.contains("disk"), "{said}");
    let ready = host.asks("GET", "/readyz", &token, &Json::Null);
    assert_eq!(ready.status, 503);
    assert!(ready.text.contains("disk"), "{}", ready.text);
    assert_eq!(names(&host, &token), kept, "reading goes on");
    drop(host);

    let host = Served::start(&home);
    assert_eq!(names(&host, &token), kept);
    assert!(write(&host, &token, 1_000).0 < 300);
    assert_eq!(host.asks("GET", "/readyz", &token, &Json::Null).status, 200);
}

#[test]
fn a_damaged_page_is_said_and_makes_no_loop() {
    let story = Story::begin(30, "");
    let host = Served::start(&story.home);
    let pair = story.pair(&host);
    let ask = |host: &Served, path: &str| host.asks("GET", path, &story.token, &Json::Null);
    let runs = format!("{pair}/runs?limit=1");
    until(
        || ask(&host, &runs).json(200),
        |runs| runs["runs"][0]["outcome"] == "succeeded",
    );
    host.terminate();

    let sql = story.home.sql();
    let number = |query: &str| -> u64 { sql.query_row(query, [], |row| row.get(0)).unwrap() };
    let size = number("PRAGMA page_size");
    let page = number("SELECT rootpage FROM sqlite_schema WHERE name = 'records'");
    drop(sql);
    let file = story.home.data("partneros.db");
    let mut bytes = fs::read(&file).expect("a file");
    let begin = usize::try_from((page - 1) * size).expect("a small file");
    bytes[begin..begin + usize::try_from(size).expect("a page")].fill(0xff);
    fs::write(&file, bytes).expect("a file");

    let host = Served::start(&story.home);
    let answer = ask(&host, "/api/records/partners").json(503);
    assert_eq!(answer["code"], "storage_failed");
    let said = answer["error"].as_str().expect("a sentence");
    assert!(said.contains("backup is to be restored"), "{said}");
    assert!(
        ask(&host, "/readyz").json(503)["error"]
            .to_string()
            .contains("damaged")
    );
    let failed = until(
        || ask(&host, &runs).json(200),
        |runs| runs["runs"][0]["outcome"] == "failed",
    );
    let why = failed["runs"][0]["error"].to_string();
    assert!(why.contains("damaged"), "{why}");
    assert!(
        story.home.fails(&["doctor"]).contains("damaged") || {
            let told = story.home.answers(&["doctor"], "");
            String::from_utf8_lossy(&told.stdout).contains("damaged")
        }
    );
}

#[test]
fn a_file_that_may_not_be_written_is_said() {
    let home = Home::new();
    home.organization("acme");
    let file = home.data("partneros.db");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).expect("a file");
    let told = |command: Command| {
        let output = { command }.output().expect("the binary starts");
        assert!(!output.status.success());
        let [out, err] =
            [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
        (out, err)
    };
    let (_, said) = told(home.command_of_nobody(&["serve"]));
    assert!(said.contains("read-only"), "{said}");
    assert!(said.contains("write access"), "{said}");
    let (found, _) = told(home.command_of_nobody(&["doctor"]));
    let line = found.lines().find(|line| line.contains("database "));
    let line = line.expect("a line");
    assert!(line.starts_with("failure"), "{line}");
    assert!(line.contains("write access"), "{line}");
    // Nothing is left that would keep the file from being written once it may be.
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a file");
    let host = Served::by(home.command_of_nobody(&["serve"]));
    assert_eq!(host.asks("GET", "/readyz", "", &Json::Null).status, 200);
}
