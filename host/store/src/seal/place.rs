//! Where sealed values belong: the columns that hold them, and what is authenticated along.

use partneros_domain::OrganizationId;
use uuid::Uuid;

use crate::error::SealProblem;
use crate::{Error, Result};

/// A column of sealed values, a BLOB that may be null.
///
/// Its table has `key` (the row's integer key), `organization` (a key of `organizations`, with `ON DELETE CASCADE`) and
/// `id` (a UUID, which is bound to the values). Re-sealing under a new data key finds the values by these.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SealedColumn {
    pub(crate) table: &'static str,
    pub(crate) name: &'static str,
    /// What a person does about a value that opens no more: completes "...; ".
    pub(crate) remedy: &'static str,
}

const RECONNECT: &str = "connect the portal again";
const ROTATE: &str = "replace the webhook's secret";

pub(crate) static ACCESS_TOKEN: SealedColumn = SealedColumn {
    table: "connections",
    name: "access_token",
    remedy: RECONNECT,
};
pub(crate) static REFRESH_TOKEN: SealedColumn = SealedColumn {
    table: "connections",
    name: "refresh_token",
    remedy: RECONNECT,
};
pub(crate) static REFRESH_PREVIOUS: SealedColumn = SealedColumn {
    table: "connections",
    name: "refresh_previous",
    remedy: RECONNECT,
};

/// The secrets of a webhook, which take turns.
pub(crate) static WEBHOOK_SECRETS: [SealedColumn; 2] = [
    SealedColumn {
        table: "webhooks",
        name: "secret_even",
        remedy: ROTATE,
    },
    SealedColumn {
        table: "webhooks",
        name: "secret_odd",
        remedy: ROTATE,
    },
];

/// Every sealed column there is. A column that is missing here would be left behind when data keys change, and is
/// caught by the tests of `sqlite::secret_columns`.
pub(crate) static SEALED_COLUMNS: [&SealedColumn; 5] = [
    &ACCESS_TOKEN,
    &REFRESH_TOKEN,
    &REFRESH_PREVIOUS,
    &WEBHOOK_SECRETS[0],
    &WEBHOOK_SECRETS[1],
];

/// Where one sealed value belongs; it opens nowhere else.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) organization: OrganizationId,
    pub(crate) column: &'static SealedColumn,
    /// The row's `id`.
    pub(crate) row: Uuid,
}

impl Place {
    /// What is authenticated along: fixed lengths first and the names last, so that no two places have the same bytes.
    pub(super) fn bound(self, form: u8) -> Vec<u8> {
        let SealedColumn { table, name, .. } = self.column;
        let mut bound = Vec::with_capacity(34 + table.len() + name.len());
        bound.push(form);
        bound.extend_from_slice(self.organization.0.as_bytes());
        bound.extend_from_slice(self.row.as_bytes());
        bound.extend_from_slice(table.as_bytes());
        bound.push(b'.');
        bound.extend_from_slice(name.as_bytes());
        bound
    }

    pub(crate) fn refused(self, problem: SealProblem) -> Error {
        Error::Sealed {
            table: self.column.table,
            column: self.column.name,
            row: self.row.to_string(),
            problem,
        }
    }

    pub(crate) fn changed(self) -> Error {
        self.refused(SealProblem::Changed {
            remedy: self.column.remedy,
        })
    }

    pub(super) fn text(self, opened: &[u8]) -> Result<secrecy::SecretString> {
        let text = str::from_utf8(opened).map_err(|_| self.changed())?;
        Ok(secrecy::SecretString::from(text))
    }
}
