//! People in tests of the API: members of Acme and of the other organization, and their sessions.

use partneros_domain::{InvitationId, MemberId, OrganizationId, Role, UserId};
use partneros_store::{Joining, Member, Members as _, NewInvitation, User};
use partneros_sync::Environment as _;
use serde_json::json;

use crate::api::fixture::{Answer, Client, TestApi};
use crate::auth::NewPassword;

/// Everybody's password.
pub const PASSWORD: &str = "correct horse";

impl TestApi {
    /// A member of Acme.
    pub async fn person(&self, email: &str, role: Role) -> Member {
        self.joins(self.acme().organization, email, role).await
    }

    /// A member of the other organization.
    pub async fn joins_other(&self, email: &str, role: Role) -> Member {
        self.joins(self.other().organization, email, role).await
    }

    /// The session of a new member of Acme, whose address is their role.
    pub async fn session(&self, role: Role) -> Client<'_> {
        let email = format!("{role}@acme.example");
        self.person(&email, role).await;
        self.sign_in(&email).await
    }

    /// A new session of somebody.
    pub async fn sign_in(&self, email: &str) -> Client<'_> {
        let body = json!({"email": email, "password": PASSWORD});
        let answer = self.anyone().post("/api/auth/sign-in/email", body).await;
        self.signed_in(&answer)
    }

    /// Whoever got this answer when they signed in.
    pub fn signed_in(&self, answer: &Answer) -> Client<'_> {
        assert_eq!(answer.status, 200, "{}", answer.json);
        let cookie = answer.header("set-cookie").split(';').next().unwrap();
        let csrf_token = answer.json["session"]["csrfToken"].as_str().unwrap();
        self.client(vec![
            ("cookie", cookie.to_owned()),
            ("x-csrf-token", csrf_token.to_owned()),
        ])
    }

    async fn joins(&self, organization: OrganizationId, email: &str, role: Role) -> Member {
        let (store, environment) = (&self.store, self.environment.as_ref());
        let mut hash = [0; 32];
        environment.random(&mut hash);
        let now = environment.now();
        let invitation = NewInvitation {
            id: InvitationId(environment.new_id()),
            email: email.to_owned(),
            role,
            invited_by: "a test".to_owned(),
            hash,
            created_at: now,
            expires_at: now.plus_millis(1),
        };
        store
            .put_invitation(organization, &invitation)
            .await
            .unwrap();
        let joining = match store.user_by_email(email).await.unwrap() {
            Some(user) => Joining::Known(user.id),
            None => Joining::New(self.user(email).await),
        };
        let id = MemberId(environment.new_id());
        let joined = store.accept_invitation(&hash, id, joining, now).await;
        joined.unwrap()
    }

    async fn user(&self, email: &str) -> User {
        let environment = self.environment.as_ref();
        let password = NewPassword::new(PASSWORD.into()).unwrap();
        let hashed = self.state.auth.passwords.hash(password, environment).await;
        User {
            id: UserId(environment.new_id()),
            email: email.to_owned(),
            password_hash: hashed.unwrap(),
        }
    }
}
