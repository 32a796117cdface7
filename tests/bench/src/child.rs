//! Runs tasks in processes of their own: this program again, with the task as an argument.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::de::DeserializeOwned;
use url::Url;

use crate::task::Task;

/// A server, such as a portal, in a process of its own; it ends when dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Its address.
    pub url: Url,
}

impl Server {
    /// Starts a server and waits until it serves.
    pub fn start(task: &Task) -> anyhow::Result<Self> {
        let mut child = command(task)?
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("failed to start a server")?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let url = line.trim().parse().context("the server did not start")?;
        Ok(Self { child, url })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // It ends by itself now; waiting only keeps it from outliving us.
        let _ = self.child.wait();
    }
}

/// Runs a measured program to its end.
pub fn measure<T: DeserializeOwned>(task: &Task) -> anyhow::Result<T> {
    let output = command(task)?
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("failed to start a measured program")?;
    ensure!(output.status.success(), "a measured program failed");
    serde_json::from_slice(&output.stdout).context("failed to read what a program used")
}

/// Runs a program and kills it after a while.
pub fn kill_after(task: &Task, while_alive: Duration) -> anyhow::Result<()> {
    let mut child = command(task)?
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .context("failed to start a program")?;
    std::thread::sleep(while_alive);
    child.kill().context("failed to kill a program")?;
    let ended = child.wait()?;
    ensure!(
        !ended.success(),
        "the program was done before it was killed"
    );
    Ok(())
}

fn command(task: &Task) -> anyhow::Result<Command> {
    let program = std::env::current_exe().context("failed to find this program's file")?;
    let mut command = Command::new(program);
    command.arg("--task").arg(serde_json::to_string(task)?);
    Ok(command)
}
