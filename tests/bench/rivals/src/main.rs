//! The mapping of the example mapper in other engines, each as its own documentation would have it embedded.
//!
//! Reads companies, as a line of JSON, and answers what each engine makes of them. Then, for each line that names an
//! engine, it answers the CPU time a record in nanoseconds. So the caller takes turns between these engines and its own, and
//! compares like with like. Ends with its input.
//!
//! An engine is set up once, keeps its instance or context between calls, and has the mapping in its program: neither a plan
//! nor options are read. All of that is in its favour.

mod extism;
mod lua;
mod quickjs;
mod record;
mod rhai;

use std::collections::BTreeMap;
use std::io::{BufRead as _, Write as _};

use anyhow::Context as _;
use rustix::time::{ClockId, clock_gettime};

use crate::record::{Company, Partner};

/// How much CPU time one turn takes at least.
const TURN_S: f64 = 0.05;

/// A way to run the mapping.
trait Engine {
    /// Maps a batch.
    fn map(&mut self, companies: &[Company]) -> anyhow::Result<Vec<Partner>>;
}

fn main() -> anyhow::Result<()> {
    let guest = std::env::args_os()
        .nth(1)
        .context("failed to start: name the guest of extism")?;
    let guest = std::fs::read(guest).context("failed to read the guest of extism")?;
    let mut engines: BTreeMap<&str, Box<dyn Engine>> = BTreeMap::new();
    engines.insert("extism", Box::new(extism::Extism::new(&guest)?));
    engines.insert("mlua", Box::new(lua::Lua::new()?));
    engines.insert("rhai", Box::new(rhai::Rhai::new()?));
    engines.insert("rquickjs", Box::new(quickjs::QuickJs::new()?));

    let mut lines = std::io::stdin().lock().lines();
    let mut output = std::io::stdout();
    let companies = lines.next().context("failed to read the companies")??;
    let companies: Vec<Company> = serde_json::from_str(&companies)?;
    let mut answers = BTreeMap::new();
    for (name, engine) in &mut engines {
        let answer = engine.map(&companies);
        answers.insert(*name, answer.with_context(|| format!("failed in {name}"))?);
    }
    writeln!(output, "{}", serde_json::to_string(&answers)?)?;
    for name in lines {
        let name = name?;
        let engine = engines
            .get_mut(name.as_str())
            .with_context(|| format!("there is no engine `{name}`"))?;
        writeln!(output, "{}", nanos(engine.as_mut(), &companies)?)?;
        output.flush()?;
    }
    Ok(())
}

/// CPU time a record.
fn nanos(engine: &mut dyn Engine, companies: &[Company]) -> anyhow::Result<f64> {
    let before = cpu_seconds();
    let mut records = 0;
    loop {
        records += std::hint::black_box(engine.map(companies)?).len();
        let spent = cpu_seconds() - before;
        if spent >= TURN_S {
            return Ok(spent * 1e9 / records as f64);
        }
    }
}

fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
