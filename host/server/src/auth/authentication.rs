//! Checking whether somebody is who they say: by their password, within the limits on attempts.

use partneros_domain::EventType;
use partneros_store::User;
use partneros_sync::SYSTEM;
use secrecy::SecretString;
use serde_json::json;

use super::peer::Peer;
use crate::problem::Problem;
use crate::state::AppState;

/// The user with this address, in lower case, if the password is theirs. Takes the same time whether there is one.
pub async fn authenticate(
    state: &AppState,
    peer: Peer,
    email: &str,
    password: SecretString,
) -> Result<Option<User>, Problem> {
    let now = state.environment.now();
    let attempt = state.auth.attempts.on_account(email, peer.0, now)?;
    let user = state.store.user_by_email(email).await?;
    if state.auth.passwords.is_of(password, user.as_ref()).await? {
        state.auth.attempts.was_right(attempt);
        return Ok(user);
    }
    if let Some(user) = user {
        // Nobody waits for it, or they could tell by the time it takes that there is such a user.
        let noted = note_failure(state.clone(), peer, user);
        drop(state.jobs.see_through(noted));
    }
    Ok(None)
}

/// Tells the organizations of a user something about their account.
pub async fn note(
    state: &AppState,
    user: &User,
    actor: &str,
    event: EventType,
    peer: Peer,
) -> Result<(), Problem> {
    for (organization, _) in state.store.organizations_of_user(user.id).await? {
        let metadata = json!({"address": peer.0});
        state
            .engine
            .note(organization.id, actor, event, &user.email, metadata)
            .await?;
    }
    Ok(())
}

async fn note_failure(state: AppState, peer: Peer, user: User) {
    if let Err(problem) = note(&state, &user, SYSTEM, EventType::MemberSignInFailed, peer).await {
        let error = problem.cause().unwrap_or(problem.message());
        tracing::warn!(error, "an event was not written");
    }
}
