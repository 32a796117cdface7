//! `partneros plugins dev`: build, check and test after each change, until Ctrl-C.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, bail};
use clap::Args;
use partneros_runtime::Runtime;

use super::host::{Answer, Host};
use super::push;
use super::watch::{INTERVAL, Snapshot};
use super::{component, golden, report, table, test};
use crate::config::Config;

/// Builds, checks and tests a plugin whenever its sources change, until Ctrl-C.
///
/// Sources are looked at twice a second, except folders of builds such as `build` and `target`. After a build the
/// component is checked as an upload would be, and put to the golden files in `golden`:
///
///   partneros plugins dev my-mapper
///   partneros plugins dev my-mapper --build 'npm run build'
///
/// With a name and a token, each component that passes is uploaded as well:
///
///   partneros plugins dev my-mapper --name my-mapper --token pos_...
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Dev {
    /// The plugin's folder.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The command that builds the component, run by the shell in the folder.
    #[arg(long, value_name = "COMMAND", default_value = "make")]
    build: String,
    /// The component [default: the only `*.wasm` in the folder, its `build` or its `dist`].
    #[arg(long, value_name = "FILE")]
    plugin: Option<PathBuf>,
    /// The component beneath a layer.
    #[arg(long, value_name = "FILE")]
    beneath: Option<PathBuf>,
    /// The plugin's name in the host; uploads what passes.
    #[arg(long)]
    name: Option<String>,
    /// Does it once; the exit code is 1 if something is wrong.
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    host: Host,
}

impl Dev {
    pub(super) async fn run(self, config: Config) -> anyhow::Result<()> {
        if !self.folder.is_dir() {
            bail!("there is no folder `{}`", self.folder.display());
        }
        if self.name.is_some() && !self.host.has_token() {
            bail!("`--name` uploads what passes, which needs `--token` or `PARTNEROS_TOKEN`");
        }
        let runtime = component::runtime(&config)?;
        if self.once {
            return self.round(&runtime).await;
        }
        // Ends the command at any point, also within a build.
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
            ended = self.watch(&runtime) => ended,
        }
    }

    async fn watch(&self, runtime: &Runtime) -> anyhow::Result<()> {
        // Whether the last round was caused by what the one before it wrote.
        let mut again = false;
        loop {
            let before = Snapshot::of(&self.folder);
            if let Err(error) = self.round(runtime).await {
                println!("FAIL {error:#}");
            }
            let mut seen = Snapshot::of(&self.folder);
            // A change during the round needs another one; a build that writes among its sources gets no third.
            if seen.changed(&before).is_some() && !again {
                again = true;
                continue;
            }
            again = false;
            println!("     watching `{}`, Ctrl-C ends", self.folder.display());
            loop {
                tokio::time::sleep(INTERVAL).await;
                let now = Snapshot::of(&self.folder);
                if let Some(changed) = now.changed(&seen) {
                    println!("\n     `{}` changed", changed.display());
                    break;
                }
                seen = now;
            }
        }
    }

    /// Builds, checks, tests and uploads once.
    async fn round(&self, runtime: &Runtime) -> anyhow::Result<()> {
        let (command, folder) = (self.build.clone(), self.folder.clone());
        let started = Instant::now();
        tokio::task::spawn_blocking(move || build(&command, &folder)).await??;
        println!("ok   build, {}", table::time(started.elapsed()));
        let file = match &self.plugin {
            Some(file) => file.clone(),
            None => component::find(&self.folder)?,
        };
        let bytes = component::read(&file)?;
        let (runtime, folder, beneath) =
            (runtime.clone(), self.folder.clone(), self.beneath.clone());
        tokio::task::spawn_blocking(move || tried(&runtime, &folder, &file, beneath.as_deref()))
            .await??;
        match &self.name {
            Some(name) => self.upload(name, bytes).await,
            None => Ok(()),
        }
    }

    async fn upload(&self, name: &str, bytes: Vec<u8>) -> anyhow::Result<()> {
        match push::upload(&self.host, name, bytes, None).await? {
            Answer::Done(json) => {
                println!("ok   {}", push::accepted(&json));
                Ok(())
            }
            Answer::Rejected { message, report } => {
                print!("{}", report::human(&report));
                bail!("the host did not accept it: {message}")
            }
        }
    }
}

/// Runs the build's command; what it wrote is only told when it fails.
fn build(command: &str, folder: &Path) -> anyhow::Result<()> {
    let output = Command::new("sh")
        .args(["-c", command])
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("failed to run `{command}`"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    bail!(
        "`{command}` ended with {}:\n{}",
        output.status,
        String::from_utf8_lossy(&text).trim_end()
    )
}

/// Checks the component and puts it to the golden files, if there are any.
fn tried(
    runtime: &Runtime,
    folder: &Path,
    file: &Path,
    beneath: Option<&Path>,
) -> anyhow::Result<()> {
    let started = Instant::now();
    let bytes = component::read(file)?;
    let under = beneath.map(component::read).transpose()?;
    let found = component::inspect(runtime, &bytes, under.as_deref())?;
    let size = table::bytes(bytes.len() as u64);
    match report::problems(&found).len() {
        0 => println!("ok   check, {}, {size}", table::time(started.elapsed())),
        count => {
            print!("{}", report::human(&found));
            bail!("check, {}", table::number_of(count, "problem"));
        }
    }
    let cases = test::golden_folder(folder);
    if cases == folder {
        println!("     there is no folder `golden` with cases to test");
        return Ok(());
    }
    let started = Instant::now();
    let plugin = component::load_over(runtime, file, beneath)?;
    let tally = test::run(&golden::load(&cases)?, &plugin, false, false)?;
    for failed in &tally.failed {
        println!("{failed}");
    }
    if !tally.failed.is_empty() {
        bail!("test, {}", tally.line());
    }
    println!(
        "ok   test, {}, {}",
        table::time(started.elapsed()),
        tally.line()
    );
    Ok(())
}
