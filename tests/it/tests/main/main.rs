//! Whole-host scenarios, one module a subject.

mod main_job;
