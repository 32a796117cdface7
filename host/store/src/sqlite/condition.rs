//! The condition of the database.

use super::Sqlite;
use crate::Condition;

impl Condition for Sqlite {
    fn trouble(&self) -> Option<String> {
        self.pool.trouble()
    }
}
