//! The binary as people run it: command line, configuration, start, signals.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

fn partneros(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_partneros"));
    command
        .current_dir(directory)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .args(arguments);
    command
}

fn run(directory: &Path, arguments: &[&str]) -> Output {
    partneros(directory, arguments)
        .output()
        .expect("the binary starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A served host that is killed when the test ends.
struct Served {
    child: Child,
    address: String,
}

impl Served {
    fn start(directory: &Path) -> Self {
        let mut child = partneros(directory, &["serve", "--listen", "127.0.0.1:0"])
            .env("PARTNEROS_LOG__FORMAT", "json")
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let stderr = child.stderr.take().expect("standard error is piped");
        let mut lines = BufReader::new(stderr).lines();
        let address = loop {
            let line = lines
                .next()
                .expect("the host says where it serves")
                .expect("text");
            let event: serde_json::Value = serde_json::from_str(&line).expect("a JSON line");
            if event["message"] == "serving" {
                break event["address"].as_str().expect("an address").to_owned();
            }
        };
        // Keeps the pipe from filling up.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }

    fn get(&self, path: &str, token: Option<&str>) -> (u16, String) {
        let authorization = token.map(|token| format!("Authorization: Bearer {token}"));
        let headers: Vec<_> = authorization.as_deref().into_iter().collect();
        self.send(&format!("GET {path}"), &headers, "")
    }

    fn post(&self, path: &str, headers: &[&str], body: &str) -> (u16, String) {
        let length = format!("Content-Length: {}", body.len());
        let headers = [headers, &["Content-Type: application/json", &length]].concat();
        self.send(&format!("POST {path}"), &headers, body)
    }

    fn send(&self, what: &str, headers: &[&str], body: &str) -> (u16, String) {
        use std::io::{Read as _, Write as _};
        let mut stream = std::net::TcpStream::connect(&self.address).expect("the host listens");
        let mut request = format!("{what} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
        for header in headers {
            request.push_str(header);
            request.push_str("\r\n");
        }
        write!(stream, "{request}\r\n{body}").expect("the request is sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let status = answer
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        (status.expect("a status"), answer)
    }

    fn terminate(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        let sent = Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .expect("kill runs");
        assert!(sent.success());
        self.child.wait().expect("the host ends").code()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Already ended where the test terminated it.
        let _ = self.child.kill();
    }
}

fn host_with_token() -> (TempDir, String) {
    let directory = tempfile::tempdir().expect("a directory");
    let created = run(directory.path(), &["organizations", "create", "acme"]);
    assert!(created.status.success(), "{}", text(&created.stderr));
    let token = run(
        directory.path(),
        &["tokens", "create", "--organization", "acme"],
    );
    assert!(token.status.success(), "{}", text(&token.stderr));
    let token = text(&token.stdout).trim().to_owned();
    (directory, token)
}

#[test]
fn serves_with_a_token_and_ends_cleanly_on_sigterm() {
    let (directory, token) = host_with_token();
    let host = Served::start(directory.path());
    assert_eq!(host.get("/healthz", None).0, 200);
    assert_eq!(host.get("/readyz", None).0, 200);
    assert_eq!(host.get("/api/records/partners", None).0, 401);
    let (status, body) = host.get("/api/records/partners", Some(&token));
    assert_eq!(status, 200, "{body}");
    assert_eq!(host.terminate(), Some(0));
}

#[test]
fn the_key_and_the_database_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let (directory, _) = host_with_token();
    for file in ["key", "partneros.db"] {
        let path = directory.path().join(".partneros").join(file);
        let mode = std::fs::metadata(&path)
            .expect("the file exists")
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "{file} has mode {mode:o}");
    }
}

#[test]
fn a_token_is_shown_once_and_kept_as_a_hash() {
    let (directory, token) = host_with_token();
    assert!(token.starts_with("pos_"));
    let listed = run(
        directory.path(),
        &["tokens", "list", "--organization", "acme"],
    );
    assert!(!text(&listed.stdout).contains(&token));
    for entry in std::fs::read_dir(directory.path().join(".partneros")).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            let bytes = std::fs::read(&path).expect("a file");
            assert!(!text(&bytes).contains(&token), "{}", path.display());
        }
    }
}

#[test]
fn a_token_may_do_what_its_role_may_and_is_listed_with_it() {
    let (directory, _) = host_with_token();
    let viewer = ["--role", "viewer", "--expires-in", "2d", "--name", "look"];
    let create = [&["tokens", "create", "--organization", "acme"][..], &viewer].concat();
    let created = run(directory.path(), &create);
    assert!(created.status.success(), "{}", text(&created.stderr));
    let token = text(&created.stdout).trim().to_owned();
    let host = Served::start(directory.path());
    assert_eq!(host.get("/api/records/partners", Some(&token)).0, 200);
    assert_eq!(host.get("/api/audit-events", Some(&token)).0, 403);
    let listed = run(
        directory.path(),
        &["tokens", "list", "--organization", "acme"],
    );
    let listed = text(&listed.stdout);
    let lines: Vec<_> = listed.lines().collect();
    assert!(
        lines[0].contains("  admin   never expires  not used yet  cli"),
        "{listed}"
    );
    assert!(lines[1].contains("  viewer  expires 20"), "{listed}");
    assert!(
        lines[1].contains("  used 20") && lines[1].ends_with("  look"),
        "{listed}"
    );
}

/// Makes an organization and its owner, with the password on standard input.
fn init(directory: &Path, password: &str) -> Output {
    let arguments = [
        "init",
        "--organization",
        "acme",
        "--email",
        "Ann@acme.example",
    ];
    with_password(directory, &arguments, password)
}

/// Runs a command that reads a password from standard input.
fn with_password(directory: &Path, arguments: &[&str], password: &str) -> Output {
    use std::io::Write as _;
    let mut child = partneros(directory, &[arguments, &["--password-file", "-"]].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut input = child.stdin.take().expect("standard input is piped");
    // One that refuses before it asks does not read it.
    let _ = writeln!(input, "{password}");
    drop(input);
    child.wait_with_output().expect("the binary ends")
}

#[test]
fn the_first_owner_signs_in() {
    let directory = tempfile::tempdir().expect("a directory");
    let refused = init(directory.path(), "short");
    assert!(
        text(&refused.stderr).contains("8 to 256"),
        "{}",
        text(&refused.stderr)
    );
    let made = init(directory.path(), "correct horse");
    assert!(made.status.success(), "{}", text(&made.stderr));
    assert!(
        text(&made.stdout).contains("partneros serve"),
        "{}",
        text(&made.stdout)
    );
    let again = init(directory.path(), "correct horse");
    assert!(
        text(&again.stderr).contains("has members already"),
        "{}",
        text(&again.stderr)
    );

    let host = Served::start(directory.path());
    let body = r#"{"email": "ann@acme.example", "password": "correct horse"}"#;
    let path = "/api/auth/sign-in/email";
    let (status, answer) = host.post(path, &["Origin: https://evil.example"], body);
    assert_eq!(status, 403, "{answer}");
    let (status, answer) = host.post(path, &[], body);
    assert_eq!(status, 200, "{answer}");
    let cookie = cookie_of(&answer);
    let (status, answer) = host.send("GET /api/members", &[&cookie], "");
    assert_eq!(status, 200, "{answer}");
    assert!(answer.contains(r#""role":"owner""#), "{answer}");
    let (_, events) = host.send("GET /api/audit-events", &[&cookie], "");
    assert!(events.contains(r#""address":"127.0.0.1""#), "{events}");
    let (status, answer) = host.post("/api/auth/sign-out", &[&cookie], "");
    assert_eq!(status, 403, "{answer}");

    let forgotten = ["password", "--email", "ann@acme.example"];
    let set = with_password(directory.path(), &forgotten, "another horse");
    assert!(set.status.success(), "{}", text(&set.stderr));
    assert_eq!(host.send("GET /api/members", &[&cookie], "").0, 401);
    assert_eq!(host.post(path, &[], body).0, 401);
    let body = body.replace("correct", "another");
    let (status, answer) = host.post(path, &[], &body);
    assert_eq!(status, 200, "{answer}");
    let (_, events) = host.send("GET /api/audit-events", &[&cookie_of(&answer)], "");
    assert!(events.contains("member.password_changed"), "{events}");
    let nobody = ["password", "--email", "bob@acme.example"];
    let set = with_password(directory.path(), &nobody, "another horse");
    assert!(text(&set.stderr).contains("bob@acme.example"));
}

/// The header that sends the session's cookie back.
fn cookie_of(answer: &str) -> String {
    let cookie = answer
        .lines()
        .find_map(|line| line.strip_prefix("set-cookie: "))
        .and_then(|line| line.split(';').next());
    format!("Cookie: {}", cookie.expect("a cookie"))
}

#[test]
fn mistakes_are_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let cases: [(&[&str], &str); 5] = [
        (
            &[
                "tokens",
                "create",
                "--organization",
                "acme",
                "--role",
                "partner",
            ],
            "`partner`",
        ),
        (
            &[
                "tokens",
                "create",
                "--organization",
                "acme",
                "--expires-in",
                "soon",
            ],
            "`soon`",
        ),
        (&["tokens", "create", "--organization", "nobody"], "nobody"),
        (&["--config", "missing.toml", "serve"], "missing.toml"),
        (&["serve", "--listen", "nowhere"], "nowhere"),
    ];
    for (arguments, named) in cases {
        let output = run(directory.path(), arguments);
        assert!(!output.status.success());
        assert!(
            text(&output.stderr).contains(named),
            "{}",
            text(&output.stderr)
        );
    }
    std::fs::write(
        directory.path().join("partneros.toml"),
        "[sync]\nwokers = 1\n",
    )
    .expect("a file");
    let output = run(directory.path(), &["organizations", "list"]);
    assert!(
        text(&output.stderr).contains("wokers"),
        "{}",
        text(&output.stderr)
    );
}
