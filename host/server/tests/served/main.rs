//! Keys, secrets and operations, with the binary as people run it.

mod commands;
mod contract;
mod crashes;
mod disk;
mod journal;
mod operations;
mod process;
mod secrets;
mod sought;
