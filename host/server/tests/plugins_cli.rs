//! `partneros plugins` as developers run it: the real binary, real components, and a host that only listens.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::IntoResponse;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use serde_json::{Value, json};
use tempfile::TempDir;
use test_guests::{DECLINES, LAYERS, LOGS_MUCH, OPENS_SOCKET, TRAPS, UPPERCASE};

/// A folder with the components and files of a test.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn with(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, content).expect("a file");
        self
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).expect("a file")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_partneros"));
        command
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .arg("plugins")
            .args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(&self.command(arguments).output().expect("the binary starts"))
    }
}

/// How a command ended.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Ended {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    #[track_caller]
    fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    #[track_caller]
    fn says(self, text: &str) -> Self {
        let said = format!("{}{}", self.stdout, self.stderr);
        assert!(said.contains(text), "`{text}` is not in {said}");
        self
    }
}

fn field(name: &str) -> Value {
    json!({"name": name, "label": name, "dataType": "text"})
}

fn plan() -> Value {
    json!({
        "direction": "to-partneros",
        "inputs": [field("name")],
        "outputs": [field("name")],
        "rules": [{"inputs": [0], "output": 0, "options": {"op": "trim"}}],
    })
}

/// A golden file of one case that expects this of [`UPPERCASE`].
fn golden(expected: &str) -> String {
    let case = json!({
        "name": "names shout",
        "plan": plan(),
        "batch": [{"text": ["Acme", null]}],
        "columns": [{"text": [expected, null]}],
        "failures": [],
    });
    json!([case]).to_string()
}

#[test]
fn check_reports_what_a_component_is() {
    let desk = Desk::new().with("good.wasm", UPPERCASE);
    desk.run(&["check", "good.wasm"])
        .ends(0)
        .says("mapper")
        .says("memory peak");
    let report = desk.run(&["check", "good.wasm", "--json"]).ends(0).json();
    assert_eq!(report["problems"], json!([]), "{report}");
    assert!(report["trials"][0]["fuel"].as_u64() > Some(0), "{report}");
    // Only the commands of a host make a data directory.
    assert!(!desk.path().join(".partneros").exists());
}

#[test]
fn the_host_that_is_asked_is_no_setting_of_this_one() {
    let desk = Desk::new().with("good.wasm", UPPERCASE);
    let mut command = desk.command(&["check", "good.wasm"]);
    command
        .env("PARTNEROS_TOKEN", "pos_secret")
        .env("PARTNEROS_URL", "https://partneros.example.com");
    Ended::of(&command.output().expect("the binary starts")).ends(0);
    command.env("PARTNEROS_TOKN", "mistyped");
    Ended::of(&command.output().expect("the binary starts"))
        .ends(1)
        .says("tokn");
}

#[test]
fn check_lists_problems_with_their_place_and_ends_with_1() {
    let desk = Desk::new()
        .with("bad.wasm", OPENS_SOCKET)
        .with("crashes.wasm", TRAPS)
        .with("text.wasm", "hello");
    desk.run(&["check", "bad.wasm"])
        .ends(1)
        .says("unknown-import")
        .says("wasi:sockets");
    let report = desk.run(&["check", "bad.wasm", "--json"]).ends(1).json();
    let problems = report["problems"].as_array().expect("a list");
    assert!(
        problems
            .iter()
            .any(|problem| problem["code"] == "unknown-import")
    );
    // What a call does wrong counts as much as what the file is.
    desk.run(&["check", "crashes.wasm"]).ends(1).says("trapped");
    desk.run(&["check", "text.wasm"])
        .ends(1)
        .says("not-a-component");
    desk.run(&["check", "none.wasm"]).ends(1).says("none.wasm");
}

#[test]
fn a_layer_runs_over_the_mapper_beneath() {
    let desk = Desk::new()
        .with("layer.wasm", LAYERS)
        .with("up.wasm", UPPERCASE)
        .with("records.json", r#"[{"name": "Acme"}]"#)
        .with("golden/names.json", golden("ACME+"));
    let over = ["--beneath", "up.wasm"];
    let run = |arguments: &[&str]| desk.run(arguments);
    run(&["check", "layer.wasm"]).ends(1).says("needs-beneath");
    run(&[&["check", "layer.wasm"], &over[..]].concat()).ends(0);
    run(&[
        &["run", "layer.wasm", "--records", "records.json"],
        &over[..],
    ]
    .concat())
    .ends(0)
    .says("ACME+");
    run(&[&["test", "golden", "--plugin", "layer.wasm"], &over[..]].concat())
        .ends(0)
        .says("1 passed");
    run(&[
        "run",
        "up.wasm",
        "--records",
        "records.json",
        "--beneath",
        "up.wasm",
    ])
    .ends(1)
    .says("up.wasm");
}

#[test]
fn the_compiler_is_for_the_host_alone() {
    let desk = Desk::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_partneros"));
    let output = command.env_clear().arg("compile-component").output();
    let ended = Ended::of(&output.expect("the binary starts"));
    ended.ends(12).says("only the host starts this");
    let help = desk.run(&["--help"]).ends(0).stdout;
    assert!(!help.contains("compile-component"), "{help}");
}

#[test]
fn run_shows_records_before_and_after() {
    let records = json!([{"name": "Acme", "city": "Berlin"}, {"name": "Globex\u{1b}[2J"}]);
    let desk = Desk::new()
        .with("up.wasm", UPPERCASE)
        .with("records.json", records.to_string());
    let shown = desk
        .run(&["run", "up.wasm", "--records", "records.json"])
        .ends(0)
        .says("ACME")
        .says("BERLIN")
        .says("fuel");
    assert!(!shown.stdout.contains('\u{1b}'), "{shown:?}");
    let document = desk
        .run(&["run", "up.wasm", "--records", "records.json", "--json"])
        .ends(0)
        .json();
    assert_eq!(document["rows"][0]["output"]["name"], "ACME");
    assert_eq!(document["rows"][0]["input"]["name"], "Acme");
    assert_eq!(document["rows"][1]["output"]["city"], Value::Null);
    assert!(document["usage"]["transform"]["fuel"].as_u64() > Some(0));
}

#[test]
fn run_takes_rules_and_schemas_and_judges_values_as_the_host_does() {
    let records = json!([{"hs_tier": "gold", "hs_name": "Acme"}]);
    let desk = Desk::new()
        .with("up.wasm", UPPERCASE)
        .with("records.json", records.to_string());
    let mut arguments = vec!["run", "up.wasm", "--records", "records.json", "--json"];
    arguments.extend(["--schema", "partners", "--map", "tier=hs_tier"]);
    let document = desk.run(&[&arguments[..], &["--map", "name=hs_name"]].concat());
    let document = document.ends(0).json();
    let row = &document["rows"][0];
    assert_eq!(row["output"], json!({"tier": null, "name": "ACME"}));
    // `GOLD` is none of the choices.
    assert_eq!(row["failures"][0]["field"], "tier");
    assert_eq!(row["failures"][0]["code"], "invalid-value");
    desk.run(&[&arguments[..], &["--map", "nonsense=hs_name"]].concat())
        .ends(1)
        .says("`nonsense` is no field of `partners`");
}

#[test]
fn run_tells_why_there_is_no_answer_and_what_was_logged() {
    let desk = Desk::new()
        .with("declines.wasm", DECLINES)
        .with("logs.wasm", LOGS_MUCH)
        .with("records.json", r#"[{"name": "Acme"}]"#)
        .with("case.json", golden("ACME"));
    desk.run(&["run", "declines.wasm", "--records", "records.json"])
        .ends(1)
        .says("it declined: cannot read 1 columns");
    desk.run(&["run", "logs.wasm", "--records", "records.json"])
        .ends(1)
        .says("log: the end");
    // A golden file is a list; a case of it is what `run` takes.
    let case = serde_json::from_str::<Value>(&desk.read("case.json")).expect("JSON");
    let desk = desk
        .with("one.json", case[0].to_string())
        .with("up.wasm", UPPERCASE);
    desk.run(&["run", "up.wasm", "--records", "one.json"])
        .ends(0)
        .says("ACME");
}

#[test]
fn golden_files_pass_fail_and_are_rewritten() {
    let desk = Desk::new()
        .with("build/up.wasm", UPPERCASE)
        .with("build/core.wasm", test_guests::files::core_module())
        .with("golden/names.json", golden("Acme"));
    desk.run(&["test", "."])
        .ends(1)
        .says("`names shout`")
        .says(r#"columns[0], row 0: - "Acme"  + "ACME""#)
        .says("0 passed, 1 failed");
    desk.run(&["test", "golden", "--update"])
        .ends(0)
        .says("rewritten");
    let updated: Value = serde_json::from_str(&desk.read("golden/names.json")).expect("JSON");
    let expected: Value = serde_json::from_str(&golden("ACME")).expect("JSON");
    assert_eq!(updated, expected);
    desk.run(&["test", "golden"])
        .ends(0)
        .says("1 passed, 0 failed");
}

#[test]
fn golden_files_hold_a_plugin_to_every_function() {
    let schema = json!([field("name")]);
    let cases = json!([
        {"name": "no problem", "plan": plan(), "problems": []},
        {"name": "nothing proposed", "partneros": schema, "hubspot": schema, "suggestions": [["name", "name"]]},
        {"name": "refused", "plan": plan(), "batch": [{"text": ["a"]}]},
    ]);
    let desk = Desk::new()
        .with("declines.wasm", DECLINES)
        .with("cases/all.json", cases.to_string());
    // It declines to suggest as well, which no golden file can expect.
    let arguments = ["test", "cases", "--plugin", "declines.wasm"];
    desk.run(&arguments)
        .ends(1)
        .says("`nothing proposed`")
        .says("2 passed, 1 failed");
    desk.run(&[&arguments[..], &["--update"]].concat()).ends(1);
    let kept: Value = serde_json::from_str(&desk.read("cases/all.json")).expect("JSON");
    assert_eq!(kept, cases);
    let desk = desk.with(
        "cases/odd.json",
        r#"[{"name": "odd", "plan": {}, "problms": []}]"#,
    );
    desk.run(&arguments).ends(1).says("case 0").says("odd.json");
}

#[test]
fn dev_builds_checks_and_tests() {
    let desk = Desk::new()
        .with("source.wasm.txt", UPPERCASE)
        .with("golden/names.json", golden("ACME"));
    let build = "mkdir -p build && cp source.wasm.txt build/up.wasm";
    desk.run(&["dev", ".", "--once", "--build", build])
        .ends(0)
        .says("ok   build")
        .says("ok   check")
        .says("1 passed");
    desk.run(&["dev", ".", "--once", "--build", "echo broken; exit 3"])
        .ends(1)
        .says("broken");
    let desk = desk.with("golden/names.json", golden("Acme"));
    desk.run(&["dev", ".", "--once", "--build", build])
        .ends(1)
        .says("`names shout`");
}

#[test]
fn signatures_verify_and_the_key_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let desk = Desk::new().with("up.wasm", UPPERCASE);
    let public = desk.run(&["keygen", "publisher.key"]).ends(0).stdout;
    let key = desk.path().join("publisher.key");
    let mode = fs::metadata(&key).expect("a key").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    desk.run(&["keygen", "publisher.key"])
        .ends(1)
        .says("publisher.key");
    let printed = desk
        .run(&["sign", "up.wasm", "--key", "publisher.key"])
        .ends(0)
        .stdout;
    assert_eq!(printed, desk.read("up.wasm.sig"));
    let public = STANDARD.decode(public.trim()).expect("base64");
    let public = VerifyingKey::try_from(public.as_slice()).expect("a key");
    let signature = STANDARD.decode(printed.trim()).expect("base64");
    let signature = Signature::from_slice(&signature).expect("a signature");
    public
        .verify_strict(UPPERCASE, &signature)
        .expect("it verifies");
    assert!(public.verify_strict(DECLINES, &signature).is_err());
}

/// What a host was asked: method, path with query, headers, body.
type Asked = Arc<Mutex<Vec<(Method, String, HeaderMap, Bytes)>>>;

/// A host that gives one answer to everything and keeps what it was asked.
fn listening(status: StatusCode, answer: Value) -> (String, Asked) {
    async fn answered(
        State((status, answer, asked)): State<(StatusCode, Value, Asked)>,
        method: Method,
        uri: Uri,
        headers: HeaderMap,
        body: Bytes,
    ) -> impl IntoResponse {
        let path = uri.to_string();
        (asked.lock().expect("not poisoned")).push((method, path, headers, body));
        (status, axum::Json(answer))
    }
    let asked = Asked::default();
    let router = Router::new()
        .fallback(answered)
        .with_state((status, answer, asked.clone()));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            listener.set_nonblocking(true).expect("a socket");
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            axum::serve(listener, router).await.expect("it serves");
        });
    });
    (url, asked)
}

#[test]
fn push_uploads_with_the_token_and_the_signature() {
    let answer =
        json!({"version": {"sha256": "ab12"}, "report": {"world": "mapper", "problems": []}});
    let (url, asked) = listening(StatusCode::OK, answer);
    let desk = Desk::new()
        .with("up.wasm", UPPERCASE)
        .with("up.sig", "c2ln\n");
    let arguments = [
        "push",
        "up.wasm",
        "--name",
        "my mapper",
        "--signature",
        "up.sig",
    ];
    let mut command = desk.command(&arguments);
    command
        .env("PARTNEROS_TOKEN", "pos_secret")
        .env("PARTNEROS_URL", &url);
    Ended::of(&command.output().expect("the binary starts"))
        .ends(0)
        .says("mapper")
        .says("activate ab12");
    let asked = asked.lock().expect("not poisoned");
    let (method, path, headers, body) = &asked[0];
    assert_eq!(
        (method, path.as_str()),
        (&Method::POST, "/api/plugins?name=my+mapper")
    );
    assert_eq!(headers["authorization"], "Bearer pos_secret");
    assert_eq!(headers["content-type"], "application/wasm");
    assert_eq!(
        headers["content-length"],
        UPPERCASE.len().to_string().as_str()
    );
    assert_eq!(headers["partneros-signature"], "c2ln");
    assert!(body == UPPERCASE);
}

#[test]
fn push_prints_why_a_component_is_not_accepted() {
    let problem = json!({"code": "unknown-import", "field": "wasi:http/types", "message": "`wasi:http/types` is refused."});
    let answer =
        json!({"error": "It is refused.", "code": "plugin_rejected", "details": [problem]});
    let (url, _) = listening(StatusCode::UNPROCESSABLE_ENTITY, answer);
    let desk = Desk::new().with("up.wasm", UPPERCASE);
    let push = ["push", "up.wasm", "--name", "up", "--url", &url];
    desk.run(&[&push[..], &["--token", "pos_x"]].concat())
        .ends(1)
        .says("wasi:http/types")
        .says("It is refused.");
    desk.run(&push).ends(1).says("PARTNEROS_TOKEN");
}

#[test]
fn pull_has_the_host_fetch_what_is_pinned() {
    let answer =
        json!({"version": {"sha256": "ab12"}, "report": {"world": "mapper", "problems": []}});
    let (url, asked) = listening(StatusCode::OK, answer);
    let desk = Desk::new().with("up.sig", "c2ln\n");
    let reference = "ghcr.io/acme/mapper:1.2";
    let pull = ["pull", reference, "--name", "up", "--url", &url];
    let more = [
        "--token",
        "pos_x",
        "--digest",
        "sha256:cd34",
        "--signature",
        "up.sig",
    ];
    desk.run(&[&pull[..], &more].concat())
        .ends(0)
        .says("mapper")
        .says("activate ab12");
    let asked = asked.lock().expect("not poisoned");
    let (method, path, headers, body) = &asked[0];
    assert_eq!(
        (method, path.as_str()),
        (&Method::POST, "/api/plugins/pull")
    );
    assert_eq!(headers["partneros-signature"], "c2ln");
    let body: Value = serde_json::from_slice(body).expect("JSON");
    let expected = json!({"name": "up", "reference": reference, "digest": "sha256:cd34"});
    assert_eq!(body, expected);
    let problem = json!({"code": "unknown-import", "field": "wasi:http/types", "message": "`wasi:http/types` is refused."});
    let answer =
        json!({"error": "It is refused.", "code": "plugin_rejected", "details": [problem]});
    let (url, _) = listening(StatusCode::UNPROCESSABLE_ENTITY, answer);
    desk.run(&[
        "pull", reference, "--name", "up", "--url", &url, "--token", "pos_x",
    ])
    .ends(1)
    .says("wasi:http/types")
    .says(reference);
}

#[test]
fn bindings_are_set_by_scope() {
    let (url, asked) = listening(
        StatusCode::OK,
        json!({"bindings": [{"scope": "organization"}]}),
    );
    let desk = Desk::new();
    let run =
        |arguments: &[&str]| desk.run(&[arguments, &["--url", &url, "--token", "pos_x"]].concat());
    let digest = "ab".repeat(32);
    let id = "0192f1c0-0000-7000-8000-000000000001";
    run(&["list"]).ends(0).says("organization");
    run(&["activate", &digest, "--organization"]).ends(0);
    run(&["activate", &digest, "--pair", id]).ends(0);
    run(&["rollback", "--connection", id]).ends(0);
    run(&["logs", &digest]).ends(0);
    run(&["activate", &digest]).ends(2).says("--organization");
    run(&["activate", "nonsense", "--organization"])
        .ends(2)
        .says("64 hexadecimal");
    let asked = asked.lock().expect("not poisoned");
    let asked: Vec<_> = (asked.iter())
        .map(|(method, path, _, body)| {
            let body = serde_json::from_slice(body).unwrap_or(Value::Null);
            (method.as_str().to_owned(), path.clone(), body)
        })
        .collect();
    let of =
        |method: &str, path: &str, body| (method.to_owned(), format!("/api/plugins{path}"), body);
    let expected = [
        of("GET", "", Value::Null),
        of(
            "POST",
            "/bindings",
            json!({"scope": "organization", "parts": [digest]}),
        ),
        of(
            "POST",
            "/bindings",
            json!({"scope": {"pair": id}, "parts": [digest]}),
        ),
        of(
            "POST",
            "/bindings/rollback",
            json!({"scope": {"connection": id}}),
        ),
        of("GET", &format!("/versions/{digest}/logs"), Value::Null),
    ];
    assert_eq!(asked, expected);
}

#[test]
fn every_command_teaches_with_an_example() {
    let desk = Desk::new();
    let commands = desk.run(&["--help"]).ends(0).stdout;
    for command in [
        "new", "check", "run", "test", "dev", "keygen", "sign", "push", "pull", "list", "activate",
        "rollback", "logs",
    ] {
        assert!(commands.contains(&format!("  {command} ")), "{commands}");
        let example = format!("  partneros plugins {command}");
        desk.run(&[command, "--help"]).ends(0).says(&example);
    }
}

#[test]
fn new_has_a_template_for_every_language() {
    let desk = Desk::new();
    for (language, source) in [
        ("rust", "src/lib.rs"),
        ("typescript", "src/mapper.ts"),
        ("javascript", "mapper.js"),
        ("python", "mapper.py"),
        ("go", "src/export_partneros_mapper_describe/describe.go"),
        ("c", "src/mapper.c"),
    ] {
        let name = format!("acme-{language}");
        desk.run(&["new", &name, "--language", language]).ends(0);
        let makefile = desk.read(&format!("{name}/Makefile"));
        assert!(makefile.contains(&format!("{name}.wasm")), "{makefile}");
        // Nothing of it is outside the folder.
        assert!(!makefile.contains("../"), "{makefile}");
        assert!(desk.path().join(&name).join(source).is_file(), "{language}");
        assert!(desk.path().join(&name).join("wit/types.wit").is_file());
        assert!(desk.path().join(&name).join("golden/check.json").is_file());
    }
}

#[test]
fn new_makes_a_plugin_whose_golden_files_are_read() {
    let desk = Desk::new().with("up.wasm", UPPERCASE).with("full/file", "");
    desk.run(&["new", "acme-mapper", "--language", "rust"])
        .ends(0)
        .says("cd acme-mapper")
        .says("partneros plugins test .");
    let manifest = desk.read("acme-mapper/Cargo.toml");
    assert!(manifest.contains("name = \"acme-mapper\""), "{manifest}");
    assert!(!manifest.contains("mapper-rust"), "{manifest}");
    // The contract is there as files, not as links that lead nowhere.
    let contract = desk.path().join("acme-mapper/wit");
    assert!(contract.symlink_metadata().expect("a folder").is_dir());
    assert!(
        desk.read("acme-mapper/wit/types.wit")
            .contains("partneros:mapper")
    );
    assert!(!desk.path().join("acme-mapper/build").exists());
    // The guest does something else than the template, so cases fail; but every file is read.
    desk.run(&["test", "acme-mapper", "--plugin", "up.wasm"])
        .ends(1)
        .says("transform.json");
    desk.run(&["new", "acme-mapper", "--language", "rust"])
        .ends(1)
        .says("not empty");
    desk.run(&["new", "x", "--language", "rust", "--dir", "full"])
        .ends(1)
        .says("not empty");
    desk.run(&["new", "../x", "--language", "rust"])
        .ends(1)
        .says("`../x`");
}
