//! Passwords: their rules, and hashing them with argon2id.
//!
//! Hashing takes tens of milliseconds and megabytes on purpose, so it happens on blocking threads, a few at a time.
//! Invariant: checking a password takes the same work whether there is such a user or not.

use std::sync::Arc;

use argon2::password_hash::Error as HashError;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use axum::http::StatusCode;
use partneros_store::User;
use partneros_sync::Environment;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;

use super::config::AuthConfig;
use crate::problem::Problem;

/// The shortest password, in characters.
const CHARS_MIN: usize = 8;
/// The longest password, in characters.
const CHARS_MAX: usize = 256;

/// A password to be: it keeps the rules.
#[derive(Debug, Clone)]
pub struct NewPassword(SecretString);

/// A password that does not keep the rules.
#[derive(Debug, thiserror::Error)]
#[error("failed to use the password: it must have {CHARS_MIN} to {CHARS_MAX} characters")]
pub struct InvalidPassword;

/// Costs that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("failed to use `auth.hash_memory_kib` and `auth.hash_passes`: {0}")]
pub struct InvalidCost(String);

/// Hashes and checks passwords.
#[derive(Debug)]
pub struct Passwords {
    argon2: Argon2<'static>,
    /// The hash of a password that nobody has, checked where there is no user.
    nobodys: SecretString,
    /// Room for hashing, and for waiting for it.
    room: Arc<Semaphore>,
    slots: Arc<Semaphore>,
}

impl From<InvalidPassword> for Problem {
    fn from(error: InvalidPassword) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_password", &error)
    }
}

impl NewPassword {
    /// The password, if it keeps the rules.
    pub fn new(text: SecretString) -> Result<Self, InvalidPassword> {
        let chars = text.expose_secret().chars().count();
        if (CHARS_MIN..=CHARS_MAX).contains(&chars) {
            Ok(Self(text))
        } else {
            Err(InvalidPassword)
        }
    }
}

impl Passwords {
    /// Ready to hash at the configured cost.
    pub fn new(config: &AuthConfig, environment: &dyn Environment) -> Result<Self, InvalidCost> {
        let params = Params::new(config.hash_memory_kib, config.hash_passes, 1, None);
        let params = params.map_err(|error| InvalidCost(error.to_string()))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut random = [0; 32];
        environment.random(&mut random);
        let nobodys = hash(&argon2, &random, &salt(environment));
        let slots = config.hashes_max.max(1);
        Ok(Self {
            argon2,
            nobodys: nobodys.map_err(|error| InvalidCost(error.to_string()))?,
            room: Arc::new(Semaphore::new(slots + config.hashes_waiting_max)),
            slots: Arc::new(Semaphore::new(slots)),
        })
    }

    /// The hash to keep of a password, with its parameters and salt.
    pub async fn hash(
        &self,
        password: NewPassword,
        environment: &dyn Environment,
    ) -> Result<SecretString, Problem> {
        let salt = salt(environment);
        let hashed = self.work(move |argon2| {
            let password = password.0.expose_secret().as_bytes();
            hash(&argon2, password, &salt)
        });
        hashed.await?.map_err(failed)
    }

    /// Whether it is the user's password; it is nobody's where there is no user.
    pub async fn is_of(
        &self,
        password: SecretString,
        user: Option<&User>,
    ) -> Result<bool, Problem> {
        let kept = user
            .map_or(&self.nobodys, |user| &user.password_hash)
            .clone();
        let known = user.is_some();
        // One that is too long to be anybody's is not worth the work of hashing all of it.
        let password = NewPassword::new(password).ok();
        let checked = self.work(move |argon2| {
            let password = password
                .as_ref()
                .map_or("", |password| password.0.expose_secret());
            argon2.verify_password(password.as_bytes(), kept.expose_secret())
        });
        match checked.await? {
            Ok(()) => Ok(known),
            Err(HashError::PasswordInvalid) => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(Argon2<'static>) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let Ok(room) = Arc::clone(&self.room).try_acquire_owned() else {
            let message =
                "failed because too many passwords are being checked; try again in a while";
            return Err(Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "busy",
                &message,
            ));
        };
        let slot = Arc::clone(&self.slots).acquire_owned().await;
        let argon2 = self.argon2.clone();
        let done = tokio::task::spawn_blocking(move || {
            let done = work(argon2);
            drop((slot, room));
            done
        });
        done.await
            .map_err(|error| Problem::internal(format!("the work on a password was lost: {error}")))
    }
}

fn hash(argon2: &Argon2<'_>, password: &[u8], salt: &[u8]) -> Result<SecretString, HashError> {
    let hash = argon2.hash_password_with_salt(password, salt)?;
    Ok(hash.to_string().into())
}

fn salt(environment: &dyn Environment) -> [u8; argon2::RECOMMENDED_SALT_LEN] {
    let mut salt = [0; argon2::RECOMMENDED_SALT_LEN];
    environment.random(&mut salt);
    salt
}

fn failed(error: HashError) -> Problem {
    Problem::internal(format!("failed to hash a password: {error}"))
}

#[cfg(test)]
mod tests {
    use partneros_domain::UserId;

    use super::*;
    use crate::environment::SystemEnvironment;

    fn cheap() -> AuthConfig {
        AuthConfig {
            hash_memory_kib: 8,
            hash_passes: 1,
            hashes_max: 1,
            hashes_waiting_max: 0,
            ..AuthConfig::default()
        }
    }

    fn user(password_hash: SecretString) -> User {
        User {
            id: UserId(SystemEnvironment.new_id()),
            email: "ann@acme.example".to_owned(),
            password_hash,
        }
    }

    #[tokio::test]
    async fn a_password_is_its_users_and_nobody_elses() {
        let passwords = Passwords::new(&cheap(), &SystemEnvironment).unwrap();
        let password = NewPassword::new("correct horse".into()).unwrap();
        let hash = passwords
            .hash(password.clone(), &SystemEnvironment)
            .await
            .unwrap();
        let again = passwords.hash(password, &SystemEnvironment).await.unwrap();
        assert!(
            hash.expose_secret()
                .starts_with("$argon2id$v=19$m=8,t=1,p=1$")
        );
        assert_ne!(
            hash.expose_secret(),
            again.expose_secret(),
            "each has its salt"
        );
        let ann = user(hash);
        for (text, right) in [
            ("correct horse", true),
            ("correct horsE", false),
            ("", false),
        ] {
            let answer = passwords.is_of(text.into(), Some(&ann)).await.unwrap();
            assert_eq!(answer, right, "{text}");
        }
        assert!(!passwords.is_of("correct horse".into(), None).await.unwrap());
        let long = "x".repeat(1 << 20);
        assert!(!passwords.is_of(long.into(), Some(&ann)).await.unwrap());
    }

    #[tokio::test]
    async fn a_hash_of_another_cost_keeps_working() {
        let passwords = Passwords::new(&cheap(), &SystemEnvironment).unwrap();
        let password = NewPassword::new("correct horse".into()).unwrap();
        let ann = user(passwords.hash(password, &SystemEnvironment).await.unwrap());
        let dearer = AuthConfig {
            hash_memory_kib: 16,
            ..cheap()
        };
        let dearer = Passwords::new(&dearer, &SystemEnvironment).unwrap();
        assert!(
            dearer
                .is_of("correct horse".into(), Some(&ann))
                .await
                .unwrap()
        );
    }

    #[tokio::test]
    async fn what_does_not_fit_in_the_queue_is_told() {
        let passwords = Passwords::new(&cheap(), &SystemEnvironment).unwrap();
        let held = Arc::clone(&passwords.room).try_acquire_owned().unwrap();
        let refused = passwords
            .is_of("correct horse".into(), None)
            .await
            .unwrap_err();
        assert_eq!(refused.code(), "busy");
        drop(held);
        passwords.is_of("correct horse".into(), None).await.unwrap();
    }

    #[test]
    fn the_rules_count_characters() {
        for (text, sound) in [
            ("1234567", false),
            ("12345678", true),
            ("öööööööö", true),
            (&"x".repeat(256), true),
            (&"x".repeat(257), false),
        ] {
            assert_eq!(NewPassword::new(text.into()).is_ok(), sound, "{text}");
        }
    }

    #[test]
    fn a_cost_that_cannot_be_is_named() {
        let nothing = AuthConfig {
            hash_passes: 0,
            ..AuthConfig::default()
        };
        let error = Passwords::new(&nothing, &SystemEnvironment).unwrap_err();
        assert!(error.to_string().contains("auth.hash_passes"), "{error}");
    }
}
