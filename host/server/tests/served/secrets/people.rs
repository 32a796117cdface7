//! People in the story: passwords, sessions, and links of invitations.

use serde_json::{Value as Json, json};

use super::Story;
use crate::process::{Answer, request};

const OWNER: &str = "ann@acme.example";
const INVITED: &str = "bob@acme.example";
const PASSWORDS: [&str; 4] = [
    "the owner's first horse 4411",
    "the owner's other horse 8e02",
    "what the operator set 90ac1",
    "the invited one's horse 77d1",
];
const WRONG_PASSWORD: &str = "nobody's horse at all 31f0";
const FORGED_SESSION: &str = "5e55105e55105e55105e55105e55105e55105e55105e55105e55105e55105e55";
const FORGED_INVITATION: &str = "1417e01417e01417e01417e01417e01417e01417e01417e01417e01417e01417";

/// Somebody who is signed in.
struct Session {
    token: String,
    csrf_token: String,
}

impl Session {
    fn asks(&self, story: &Story, method: &str, path: &str, body: &Json) -> Answer {
        let headers = format!(
            "Cookie: session_token={}\r\nX-Csrf-Token: {}\r\n",
            self.token, self.csrf_token
        );
        sent(story, method, path, &headers, body)
    }
}

/// A request without a token. What it answers is taken down by whoever asks, unless it hands something over.
fn sent(story: &Story, method: &str, path: &str, headers: &str, body: &Json) -> Answer {
    let headers =
        format!("{headers}Accept: application/json\r\nContent-Type: application/json\r\n");
    let address = &story.host().address;
    request(address, method, path, &headers, &body.to_string())
}

/// An owner is made, signs in, invites somebody and gets other passwords; what goes wrong with each does.
pub(super) fn come_and_go(story: &mut Story) {
    for password in PASSWORDS.iter().chain([&WRONG_PASSWORD]) {
        story.sought.add("password", password);
    }
    story.sought.add("session", FORGED_SESSION);
    story.sought.add("invitation", FORGED_INVITATION);
    let [first, other, operators, invited] = PASSWORDS;
    by_command(
        story,
        &["init", "--organization", "acme", "--email", OWNER],
        first,
    );

    refuses(story, OWNER, WRONG_PASSWORD);
    let ann = signs_in(story, OWNER, first);
    let cookie = format!("Cookie: session_token={FORGED_SESSION}\r\n");
    let answer = sent(story, "GET", "/api/members", &cookie, &Json::Null);
    story.says(&answer).json(401);
    joins(story, &ann, invited);

    let change = json!({"currentPassword": first, "newPassword": other});
    let answer = ann.asks(story, "POST", "/api/auth/password", &change);
    story.says(&answer).json(200);
    let short = json!({"currentPassword": other, "newPassword": "short"});
    let answer = ann.asks(story, "POST", "/api/auth/password", &short);
    story.says(&answer).json(400);
    refuses(story, OWNER, first);
    by_command(story, &["password", "--email", OWNER], operators);
    signs_in(story, OWNER, operators);
    signs_in(story, INVITED, invited);
}

fn by_command(story: &Story, command: &[&str], password: &str) {
    let mut arguments = command.to_vec();
    arguments.extend(["--password-file", "-"]);
    let output = story.home.answers(&arguments, password);
    assert!(output.status.success(), "{command:?}: {output:?}");
}

fn refuses(story: &mut Story, email: &str, password: &str) {
    let body = json!({"email": email, "password": password});
    let answer = sent(story, "POST", "/api/auth/sign-in/email", "", &body);
    story.says(&answer).json(401);
}

fn signs_in(story: &mut Story, email: &str, password: &str) -> Session {
    let body = json!({"email": email, "password": password});
    // This answer hands the session over.
    let answer = sent(story, "POST", "/api/auth/sign-in/email", "", &body);
    let csrf_token = answer.json(200)["session"]["csrfToken"].clone();
    let cookie = answer.header("set-cookie").expect("a cookie");
    let token = cookie.split(['=', ';']).nth(1).expect("a token");
    let session = Session {
        token: token.to_owned(),
        csrf_token: csrf_token.as_str().expect("a token").to_owned(),
    };
    story.sought.add("session", &session.token);
    story.sought.add("CSRF token", &session.csrf_token);
    session
}

/// Somebody is invited and accepts, after a token that is none.
fn joins(story: &mut Story, ann: &Session, password: &str) {
    let invite = json!({"email": INVITED, "role": "member"});
    // And this one the link.
    let made = ann
        .asks(story, "POST", "/api/invitations", &invite)
        .json(200);
    let link = made["link"].as_str().expect("a link");
    let (_, token) = link.split_once("#token=").expect("a token");
    story.sought.add("invitation", token);
    let listed = ann.asks(story, "GET", "/api/invitations", &Json::Null);
    story.says(&listed).json(200);
    for (token, status) in [(FORGED_INVITATION, 404), (token, 200), (token, 404)] {
        let body = json!({"token": token, "password": password});
        let answer = sent(story, "POST", "/api/invitations/accept", "", &body);
        story.says(&answer).json(status);
    }
}
