//! Whole-host scenarios, one module a subject.

mod bad_mappers;
mod directions;
mod main_job;
mod random;
mod schema;
mod tokens;
mod trouble;
