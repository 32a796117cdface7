//! Records that are kept without a HubSpot object because theirs is gone.
//!
//! Such a record is not pushed. It is linked again when its object is restored, finds another by the pair's match key, or has a
//! new one made when somebody releases it.

pub mod list;
pub mod release;
