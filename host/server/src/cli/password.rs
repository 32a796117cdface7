//! `partneros password`: a new password for somebody who forgot theirs; and how commands get a password.

use std::io::{BufRead as _, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, ensure};
use clap::Args;
use partneros_domain::EventType;
use partneros_store::{Audit as _, EventId, Members as _, NewEvent, Sessions as _};
use partneros_sync::{Environment as _, SYSTEM};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use crate::auth::{Email, NewPassword, Passwords};
use crate::config::Config;
use crate::environment::SystemEnvironment;
use crate::storage;

/// The longest first line of a password file, in bytes.
const PASSWORD_BYTES_MAX: u64 = 4_096;
/// What stands for standard input.
const STDIN: &str = "-";

#[derive(Debug, Args)]
pub(super) struct Password {
    /// The person's email address.
    #[arg(long)]
    email: Email,
    #[command(flatten)]
    password: PasswordSource,
}

/// Where a new password comes from.
#[derive(Debug, Args)]
pub(super) struct PasswordSource {
    /// Takes the password from the first line of this file, or of standard input for `-`, instead of asking for it.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl Password {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let store = storage::open(config)?;
        let email = self.email.as_str();
        let user = store.user_by_email(email).await?;
        let user = user.with_context(|| format!("nobody has an account as `{email}`"))?;
        let hash = self.password.hash(email, config).await?;
        store.set_password(user.id, &hash, None).await?;
        for (organization, _) in store.organizations_of_user(user.id).await? {
            let event = NewEvent {
                id: EventId(SystemEnvironment.new_id()),
                at: SystemEnvironment.now(),
                actor: SYSTEM.to_owned(),
                event: EventType::MemberPasswordChanged,
                subject: email.to_owned(),
                metadata: json!({"address": null}),
            };
            store.append_event(organization.id, event).await?;
        }
        println!("{email} has a new password and is signed out everywhere");
        Ok(())
    }
}

impl PasswordSource {
    /// The hash of a new password of this person.
    pub(super) async fn hash(&self, email: &str, config: &Config) -> anyhow::Result<SecretString> {
        let passwords = Passwords::new(&config.auth, &SystemEnvironment)?;
        let password = match &self.password_file {
            Some(file) => read(file)?,
            None => ask(email)?,
        };
        let password = NewPassword::new(password)?;
        let hash = passwords.hash(password, &SystemEnvironment).await;
        hash.map_err(|problem| {
            let said = problem.cause().unwrap_or(problem.message());
            anyhow!("{said}")
        })
    }
}

/// Asks for a password without showing it, twice.
fn ask(email: &str) -> anyhow::Result<SecretString> {
    let prompt = |text: String| {
        let answer = rpassword::prompt_password(text).map(SecretString::from);
        answer.context(
            "failed to ask for the password; give `--password-file`, or `-` for standard input",
        )
    };
    let password = prompt(format!("Password of {email}: "))?;
    let again = prompt("Once more: ".to_owned())?;
    ensure!(
        password.expose_secret() == again.expose_secret(),
        "the two passwords differ"
    );
    Ok(password)
}

/// The first line of a file, or of standard input.
fn read(file: &Path) -> anyhow::Result<SecretString> {
    let mut line = String::new();
    let read = if file.as_os_str() == STDIN {
        let mut input = std::io::stdin().lock().take(PASSWORD_BYTES_MAX);
        input.read_line(&mut line)
    } else {
        let open = std::fs::File::open(file);
        open.and_then(|open| {
            std::io::BufReader::new(open.take(PASSWORD_BYTES_MAX)).read_line(&mut line)
        })
    };
    read.with_context(|| format!("failed to read the password from `{}`", file.display()))?;
    let password = line.trim_end_matches(['\r', '\n']);
    Ok(password.to_owned().into())
}
