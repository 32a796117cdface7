//! Whole syncs in simulation: the real engine, client, database and mapper, the simulated HubSpot's own handlers, one
//! thread, a clock that jumps, and chance from a seed. People edit, delete, archive, restore and merge at every moment of a
//! pass, a workflow rewrites what we wrote, answers are late or lost, processes end in the middle. Afterwards both sides must
//! agree, no edit may be gone, and nothing that nobody deleted.
//!
//! Invariant: a schedule does the same each time it is run. Whatever an engine's future waits for is a [`points`] point, a
//! sleep, or another task of the same thread.

mod calm;
pub mod database;
pub mod ledger;
mod life;
mod people;
mod plugins;
pub mod points;
mod portal;
pub mod process;
mod rare;
pub mod run;
pub mod schedule;
pub mod shrink;
pub mod template;
pub mod verdict;
pub mod wire;

pub use run::{Report, run};
pub use schedule::Schedule;
pub use template::Template;

/// What went wrong: an invariant that does not hold, or a simulation that could not be run.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
