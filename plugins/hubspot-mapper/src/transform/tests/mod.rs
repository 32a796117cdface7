//! Tests of whole plans.

mod options;
mod pairs;
mod plans;
mod round_trip;
