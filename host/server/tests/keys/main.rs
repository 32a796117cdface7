//! Keys and secrets, with the binary as people run it.

mod commands;
mod process;
mod secrets;
mod sought;
