//! Whole plans and batches, and every example of the guide.

mod checks;
mod hostile;
mod outcomes;
mod readme;
