//! The binary: commands, a served host with everything it logs, and requests to it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use partneros_store::{KeyRing, Options, Sqlite};
use serde_json::Value as Json;
use tempfile::TempDir;

/// A user who owns nothing.
const NOBODY: u32 = 65_534;

/// A directory in which commands run, and everything that they printed.
#[derive(Debug)]
pub struct Home {
    directory: TempDir,
    variables: Vec<(&'static str, String)>,
    printed: Mutex<String>,
}

impl Home {
    pub fn new() -> Self {
        Self {
            directory: tempfile::tempdir().expect("a directory"),
            variables: Vec::new(),
            printed: Mutex::default(),
        }
    }

    /// Sets a variable for what runs from now on.
    pub fn set(&mut self, name: &'static str, value: &str) {
        self.variables.retain(|(known, _)| *known != name);
        self.variables.push((name, value.to_owned()));
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn data(&self, file: &str) -> PathBuf {
        self.path().join(".partneros").join(file)
    }

    /// A look past the program.
    pub fn sql(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.data("partneros.db")).expect("a database")
    }

    /// The store, as another process has it.
    pub fn store(&self) -> Sqlite {
        let ring = KeyRing::load(&self.data("key")).expect("a key ring");
        Sqlite::open(&self.data("partneros.db"), ring, Options::default()).expect("a database")
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_partneros"));
        self.prepare(&mut command);
        command.args(arguments);
        command
    }

    /// The same, in place of a shell that has run this before.
    pub fn command_after(&self, script: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("sh");
        self.prepare(&mut command);
        let script = format!("{script}; exec \"$0\" \"$@\"");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_partneros")]);
        command.args(arguments);
        command
    }

    /// The same by a user whom file permissions bind: another than root, who gets the directory for it.
    pub fn command_of_nobody(&self, arguments: &[&str]) -> Command {
        let program = self.path().join("partneros");
        // Where the binary was built may be root's own.
        std::fs::copy(env!("CARGO_BIN_EXE_partneros"), &program).expect("room for a copy");
        let mut command = Command::new(program);
        self.prepare(&mut command);
        command.args(arguments);
        if std::fs::metadata("/proc/self").expect("a process").uid() == 0 {
            for path in [
                self.path().to_owned(),
                self.data(""),
                self.data("partneros.db"),
                self.data("key"),
            ] {
                std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).expect("root may");
            }
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    fn prepare(&self, command: &mut Command) {
        command
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
    }

    /// Runs a command to its end with this on its standard input.
    pub fn answers(&self, arguments: &[&str], typed: &str) -> Output {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut stdin = child.stdin.take().expect("standard input is piped");
        // A command that does not ask may have ended already.
        let _ = stdin.write_all(typed.as_bytes());
        drop(stdin);
        let output = child.wait_with_output().expect("it ends");
        let mut printed = self.printed.lock().expect("no panic");
        printed.push_str(&text(&output.stdout));
        printed.push_str(&text(&output.stderr));
        output
    }

    /// What a command prints that must succeed.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = self.answers(arguments, "");
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
        text(&output.stdout)
    }

    /// What a command complains about that must fail.
    #[track_caller]
    pub fn fails(&self, arguments: &[&str]) -> String {
        let output = self.answers(arguments, "");
        assert!(!output.status.success(), "{arguments:?}");
        text(&output.stderr)
    }

    /// Makes an organization and returns a token for it, which counts as printed to nobody.
    pub fn organization(&self, name: &str) -> String {
        self.run(&["organizations", "create", name]);
        let token = self.command(&["tokens", "create", "--organization", name]);
        let token = { token }.output().expect("the binary starts");
        text(&token.stdout).trim().to_owned()
    }

    pub fn printed(&self) -> String {
        self.printed.lock().expect("no panic").clone()
    }
}

/// A served host that is killed when the test ends.
#[derive(Debug)]
pub struct Served {
    child: Child,
    pub address: String,
    logged: Arc<Mutex<String>>,
}

impl Served {
    pub fn start(home: &Home) -> Self {
        Self::by(home.command(&["serve"]))
    }

    /// Serves by a command of the test's own.
    pub fn by(mut command: Command) -> Self {
        let mut child = command
            .env("PARTNEROS_LISTEN", "127.0.0.1:0")
            .env("PARTNEROS_LOG__FORMAT", "json")
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let stderr = child.stderr.take().expect("standard error is piped");
        let logged = Arc::new(Mutex::new(String::new()));
        let mut lines = BufReader::new(stderr).lines().map_while(Result::ok);
        let address = loop {
            let line = lines.next().expect("the host says where it serves");
            logged.lock().expect("no panic").push_str(&line);
            let event: Json = serde_json::from_str(&line).unwrap_or(Json::Null);
            if event["message"] == "serving" {
                break event["address"].as_str().expect("an address").to_owned();
            }
        };
        let writer = Arc::clone(&logged);
        std::thread::spawn(move || {
            for line in lines {
                let mut logged = writer.lock().expect("no panic");
                logged.push_str(&line);
                logged.push('\n');
            }
        });
        Self {
            child,
            address,
            logged,
        }
    }

    /// Sends a request with a token, and a body unless it is null.
    pub fn asks(&self, method: &str, path: &str, token: &str, body: &Json) -> Answer {
        let mut headers = format!("Accept: application/json\r\nAuthorization: Bearer {token}\r\n");
        let mut text = String::new();
        if !body.is_null() {
            text = body.to_string();
            headers.push_str("Content-Type: application/json\r\n");
        }
        request(&self.address, method, path, &headers, &text)
    }

    pub fn logged(&self) -> String {
        self.logged.lock().expect("no panic").clone()
    }

    /// Ends it as a deployment does.
    pub fn terminate(mut self) -> String {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status();
        assert!(sent.expect("kill runs").success());
        let ended = self.child.wait().expect("the host ends");
        assert_eq!(ended.code(), Some(0));
        self.logged()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Already ended where the test terminated it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An answer over HTTP.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Status line, headers and body.
    pub text: String,
}

impl Answer {
    #[track_caller]
    pub fn json(&self, status: u16) -> Json {
        assert_eq!(self.status, status, "{}", self.text);
        let body = self
            .text
            .split_once("\r\n\r\n")
            .map_or("", |(_, body)| body);
        serde_json::from_str(body).expect("JSON")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let (head, _) = self.text.split_once("\r\n\r\n")?;
        head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// One request on a connection of its own.
pub fn request(address: &str, method: &str, path: &str, headers: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
    .expect("the request is sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let text = text(&answer);
    let status = text
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    Answer {
        status: status.expect("a status"),
        text,
    }
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
