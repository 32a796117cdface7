//! What a fresh instance of the default mapper costs.

use crate::host::load_mapper;
use crate::measure::{Values, middle};
use crate::process::thread_cpu_seconds;

const ROUNDS: usize = 25;
const CALLS: u32 = 100;

/// CPU time of a store, an instance and the call of `describe`, which returns a few short texts and its options' schema.
pub fn instantiate() -> anyhow::Result<Values> {
    let mapper = load_mapper()?;
    let mut micros = Vec::with_capacity(ROUNDS);
    for _ in 0..=ROUNDS {
        let before = thread_cpu_seconds();
        for _ in 0..CALLS {
            mapper.describe()?;
        }
        let spent = thread_cpu_seconds() - before;
        micros.push(spent * 1e6 / f64::from(CALLS));
    }
    // The first round warms up.
    micros.remove(0);
    Ok(vec![("instantiate_us", middle(micros))])
}
