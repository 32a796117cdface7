//! Whether the process lives and whether it can serve, for supervisors and load balancers.

pub mod live;
pub mod ready;
