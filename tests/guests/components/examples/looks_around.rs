//! Answers with what it finds of the machine: environment, files, clocks, randomness.

use std::hash::{BuildHasher, RandomState};
use std::time::{Instant, SystemTime};

use guest_components::{Column, Mapper, Plan, Transformed, texts};

#[derive(Debug)]
pub struct Guest;

impl Mapper for Guest {
    fn transform(plan: &Plan, batch: Vec<Column>) -> Result<Transformed, String> {
        let found = look_around();
        Ok(Transformed {
            columns: texts(plan, &batch, |_| found.clone()),
            failures: Vec::new(),
        })
    }
}

guest_components::export_mapper!(Guest);

#[expect(
    clippy::disallowed_methods,
    reason = "this guest is about what the clocks tell it"
)]
fn look_around() -> String {
    let started = Instant::now();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    [
        format!("arguments {:?}", std::env::args().collect::<Vec<_>>()),
        format!("environment {:?}", std::env::vars().collect::<Vec<_>>()),
        format!(
            "files {:?}",
            std::fs::read_dir("/").map(Iterator::count).is_ok()
        ),
        format!("seconds {:?}", now.map(|now| now.as_secs())),
        format!("passed {:?}", started.elapsed()),
        format!("random {:x}", wasip2::random::random::get_random_u64()),
        format!("hash {:x}", RandomState::new().hash_one("x")),
        format!("input {:?}", std::io::read_to_string(std::io::stdin())),
    ]
    .join("; ")
}
