//! How a connection stands after its portal was asked something: well, failing, or no longer let in.

use partneros_domain::{ConnectionId, OrganizationId, Timestamp};
use partneros_hubspot::Error as HubSpot;
use partneros_store::{Access, Connection, ConnectionStatus};

use crate::access::unopened;
use crate::engine::{Engine, describe};
use crate::error::Error;
use crate::mistakes::{Mistake, made};

impl Engine {
    /// Writes down what a connection's last use says about it; `failed` is what went wrong, if anything did. A portal that
    /// no longer lets us in opens the alert about it. Nothing is said of a connection that was connected anew since it was, when
    /// the use began, as of `connected_at`.
    pub async fn note_standing(
        &self,
        organization: OrganizationId,
        id: ConnectionId,
        connected_at: Timestamp,
        failed: Option<&Error>,
    ) -> Result<(), Error> {
        let store = &self.parts().store;
        let connection = store.connection(organization, id).await?;
        let Some(status) = standing(&connection, failed) else {
            return Ok(());
        };
        let message = failed.map(|error| describe(error));
        let now = self.parts().environment.now();
        let as_of = if made(Mistake::OldGrantJudged) {
            connection.connected_at
        } else {
            connected_at
        };
        let is_set = store
            .set_connection_status(organization, id, as_of, status, message.as_deref(), now)
            .await?;
        match (status, message) {
            _ if !is_set => Ok(()),
            (ConnectionStatus::ReauthRequired, Some(reason)) => {
                self.alert_revoked(organization, id, &reason).await
            }
            _ => Ok(()),
        }
    }
}

/// The status to be written down; none where nothing was learned.
fn standing(connection: &Connection, failed: Option<&Error>) -> Option<ConnectionStatus> {
    if connection.status == ConnectionStatus::Disconnected {
        return None;
    }
    let Some(error) = failed else {
        return (connection.status == ConnectionStatus::Error).then_some(ConnectionStatus::Active);
    };
    match error.hubspot()? {
        HubSpot::Cancelled => None,
        // A database that is busy or full says nothing of the connection; tokens that do not open do.
        tokens @ HubSpot::Tokens(_) if unopened(tokens).is_none() => None,
        HubSpot::ReauthRequired(_) => Some(ConnectionStatus::ReauthRequired),
        // There is nothing to renew a private app's token with: refused, it stays refused.
        HubSpot::Unauthorized(_) if connection.access == Access::PrivateApp => {
            Some(ConnectionStatus::ReauthRequired)
        }
        _ if connection.status == ConnectionStatus::ReauthRequired => None,
        _ => Some(ConnectionStatus::Error),
    }
}

#[cfg(test)]
mod tests {
    use partneros_hubspot::Refusal;

    use super::*;

    fn of(status: ConnectionStatus, access: Access) -> Connection {
        Connection {
            id: ConnectionId(uuid::Uuid::nil()),
            organization_id: OrganizationId(uuid::Uuid::nil()),
            portal_id: 7,
            status,
            access,
            connected_at: Timestamp::ZERO,
            scopes: Vec::new(),
            last_sync_at: None,
            last_error_at: None,
            last_error_message: None,
            created_at: Timestamp::ZERO,
        }
    }

    #[test]
    fn a_refused_token_ends_the_access_of_a_private_app_only() {
        let refused = || Error::Pull(HubSpot::Unauthorized(Refusal::default()));
        for (access, expected) in [
            (Access::PrivateApp, ConnectionStatus::ReauthRequired),
            (Access::OAuth, ConnectionStatus::Error),
        ] {
            let active = of(ConnectionStatus::Active, access);
            assert_eq!(standing(&active, Some(&refused())), Some(expected));
        }
    }

    #[test]
    fn a_success_ends_an_error_and_nothing_else() {
        for (status, expected) in [
            (ConnectionStatus::Active, None),
            (ConnectionStatus::Error, Some(ConnectionStatus::Active)),
            (ConnectionStatus::ReauthRequired, None),
            (ConnectionStatus::Disconnected, None),
        ] {
            assert_eq!(standing(&of(status, Access::OAuth), None), expected);
        }
    }

    #[test]
    fn what_was_ended_or_revoked_does_not_become_an_error() {
        let outage = Error::Pull(HubSpot::Unavailable(Refusal::default()));
        let revoked = Error::Pull(HubSpot::ReauthRequired(Refusal::default()));
        for (status, error, expected) in [
            (
                ConnectionStatus::Active,
                &outage,
                Some(ConnectionStatus::Error),
            ),
            (
                ConnectionStatus::Error,
                &outage,
                Some(ConnectionStatus::Error),
            ),
            (ConnectionStatus::ReauthRequired, &outage, None),
            (ConnectionStatus::Disconnected, &outage, None),
            (ConnectionStatus::Disconnected, &revoked, None),
            (ConnectionStatus::Active, &Error::Busy, None),
        ] {
            assert_eq!(standing(&of(status, Access::OAuth), Some(error)), expected);
        }
    }
}
