//! The example mapper in Rust against other engines that run its mapping, on the same records, in turns.
//!
//! The engines are in `tests/bench/rivals`, a project and a process of their own. Both sides begin with the records in
//! memory and end with the results in memory, and count the CPU time of the thread that maps.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, ensure};
use partneros_runtime::{Runtime, RuntimeConfig};
use sdk_examples::Language;

use crate::example::{self, Partner};
use crate::measure::{Values, middle};
use crate::transform::nanos;

const ROUNDS: usize = 15;
/// About as much as a turn of another engine takes.
const CALLS: usize = 100;

/// The engines, with their figures.
const ENGINES: [(&str, &str); 4] = [
    ("extism", "vs_extism"),
    ("rquickjs", "vs_rquickjs"),
    ("mlua", "vs_mlua"),
    ("rhai", "vs_rhai"),
];

/// Measures both sides.
pub fn measure() -> anyhow::Result<Values> {
    let Some(component) = example::component(Language::Rust)? else {
        return Ok(Vec::new());
    };
    let build = build()?;
    let runtime = Runtime::new(RuntimeConfig::default()).context("failed to start the runtime")?;
    let mapper = runtime.load(&component)?;
    let (plan, batch) = (example::plan()?, example::batch());
    let ours = || anyhow::Ok(mapper.transform(&plan, batch.clone())?.value);
    let expected = example::partners(ours()?)?;
    let mut rivals = Rivals::start(&build)?;
    for (engine, partners) in rivals.answers()? {
        ensure!(partners == expected, "{engine} maps something else");
    }
    let mut of_ours = Vec::new();
    let mut of_engines = ENGINES.map(|_| Vec::new());
    for _ in 0..ROUNDS {
        of_ours.push(nanos(CALLS, ours)?);
        for ((engine, _), times) in ENGINES.iter().zip(&mut of_engines) {
            times.push(rivals.turn(engine)?);
        }
    }
    let ours = middle(of_ours);
    eprintln!("rivals: the example mapper takes {ours:.0} ns a record");
    let mut values = Values::new();
    for ((engine, figure), times) in ENGINES.into_iter().zip(of_engines) {
        let theirs = middle(times);
        eprintln!("rivals: {engine} takes {theirs:.0} ns a record");
        values.push((figure, theirs / ours));
    }
    Ok(values)
}

/// Builds the engines unless they are built, and returns the folder.
fn build() -> anyhow::Result<PathBuf> {
    let bench = Path::new(env!("CARGO_MANIFEST_DIR"));
    let build = sdk_examples::workspace().join("target/rivals");
    eprintln!("rivals: building the other engines, which takes minutes the first time");
    let mut variable = std::ffi::OsString::from("BUILD=");
    variable.push(&build);
    let status = Command::new("make")
        .arg("-C")
        .arg(bench.join("rivals"))
        .arg(variable)
        .env_remove("MAKEFLAGS")
        .stdin(Stdio::null())
        // Standard output is for figures.
        .stdout(std::io::stderr())
        .status()
        .context("failed to start `make`")?;
    ensure!(status.success(), "`make` in `tests/bench/rivals` failed");
    Ok(build)
}

/// The other engines in their process, which ends when this is dropped.
struct Rivals {
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
}

impl Rivals {
    fn start(build: &Path) -> anyhow::Result<Self> {
        let mut child = Command::new(build.join("release/rivals"))
            .arg(build.join("wasm32-wasip2/release/rivals_guest.wasm"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("failed to start the other engines")?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let output = output.context("the other engines have no output")?;
        Ok(Self {
            child,
            input,
            output: BufReader::new(output).lines(),
        })
    }

    /// What each engine makes of the companies.
    fn answers(&mut self) -> anyhow::Result<BTreeMap<String, Vec<Partner>>> {
        let answers = self.ask(&serde_json::to_string(&example::companies())?)?;
        Ok(serde_json::from_str(&answers)?)
    }

    /// CPU time a record of one engine.
    fn turn(&mut self, engine: &str) -> anyhow::Result<f64> {
        Ok(self.ask(engine)?.parse()?)
    }

    fn ask(&mut self, line: &str) -> anyhow::Result<String> {
        if let Some(input) = &mut self.input {
            writeln!(input, "{line}").context("failed to reach the other engines")?;
        }
        let answer = self.output.next().context("the other engines ended")?;
        Ok(answer?)
    }
}

impl Drop for Rivals {
    fn drop(&mut self) {
        drop(self.input.take());
        // It ends by itself now; waiting only keeps it from outliving us.
        let _ = self.child.wait();
    }
}
