//! What happens in few schedules only. Each kind has dice of its own, so that a further kind changes nothing about what a seed
//! meant before.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::plugins::Bound;
use crate::schedule::{FIELDS, Schedule, Step, What, When};
use crate::template::CHOICE;

/// How often the app is removed from the portal.
const UNINSTALLED: f64 = 0.1;
/// How often it is connected again while the schedule lasts; otherwise that happens afterwards.
const CONNECTED: f64 = 0.7;

/// How often a property is archived.
const PROPERTY_ARCHIVED: f64 = 0.1;
/// How often it is brought back while the schedule lasts; otherwise that happens afterwards.
const PROPERTY_RESTORED: f64 = 0.7;

/// How often the database is in a file, which takes its time.
const ON_DISK: f64 = 0.02;
/// How often many objects are imported.
const FLOODED: f64 = 0.1;
/// How many: several times what is on a page, and what HubSpot's wall leaves of a search.
const FLOOD: std::ops::RangeInclusive<usize> = 7..=20;

/// How often the mapper fails on values.
const OVERLONG: f64 = 0.1;
/// How many are set then.
const OVERLONG_VALUES: std::ops::RangeInclusive<usize> = 1..=4;

/// How often a mapper of the organization's own is bound, which crashes now and then.
const MOODY: f64 = 0.1;
/// How often one that crashes always takes its place for a while.
const BROKEN: f64 = 0.3;
/// How often the host's own maps again while the schedule lasts.
const UNBOUND: f64 = 0.3;
/// How many values the moody mapper crashes on are set.
const POISONS: std::ops::RangeInclusive<usize> = 0..=3;

/// How often an enumeration loses options.
const OPTIONS_REMOVED: f64 = 0.1;
/// How often it gets them back while the schedule lasts; otherwise that happens afterwards.
const OPTIONS_ADDED: f64 = 0.7;
/// How often people choose one of them then.
const CHOICES: std::ops::RangeInclusive<usize> = 2..=6;

/// How often HubSpot refuses whole batches.
const CONFLICTS: f64 = 0.1;
/// How many in a row: fewer than it takes to split a batch, or more.
const CONFLICTS_TIMES: std::ops::RangeInclusive<u32> = 1..=5;

/// Adds what happens seldom to the schedule of a seed.
pub(crate) fn strew(schedule: &mut Schedule, seed: u64) {
    access(schedule, &mut dice(seed, 1));
    properties(schedule, &mut dice(seed, 2));
    schedule.on_disk = dice(seed, 3).random_bool(ON_DISK);
    flood(schedule, &mut dice(seed, 4));
    overlong(schedule, &mut dice(seed, 5));
    options(schedule, &mut dice(seed, 6));
    conflicts(schedule, &mut dice(seed, 7));
    plugins(schedule, &mut dice(seed, 8));
}

fn dice(seed: u64, kind: u64) -> StdRng {
    StdRng::seed_from_u64(seed.rotate_left(32) ^ kind)
}

fn access(schedule: &mut Schedule, dice: &mut StdRng) {
    if !dice.random_bool(UNINSTALLED) {
        return;
    }
    let at = insert(schedule, dice, 0, What::Uninstall);
    if dice.random_bool(CONNECTED) {
        insert(schedule, dice, at + 1, What::Connect);
    }
}

fn properties(schedule: &mut Schedule, dice: &mut StdRng) {
    if !dice.random_bool(PROPERTY_ARCHIVED) {
        return;
    }
    // A record must have a name.
    let field = dice.random_range(1..FIELDS);
    let set = |there| What::Property { field, there };
    let at = insert(schedule, dice, 0, set(false));
    if dice.random_bool(PROPERTY_RESTORED) {
        insert(schedule, dice, at + 1, set(true));
    }
}

fn flood(schedule: &mut Schedule, dice: &mut StdRng) {
    if !dice.random_bool(FLOODED) {
        return;
    }
    let count = dice.random_range(FLOOD);
    let at = insert(schedule, dice, 0, What::Flood { count });
    let field = dice.random_range(0..FIELDS);
    insert(schedule, dice, at + 1, What::Import { count, field });
}

fn overlong(schedule: &mut Schedule, dice: &mut StdRng) {
    if !dice.random_bool(OVERLONG) {
        return;
    }
    for _ in 0..dice.random_range(OVERLONG_VALUES) {
        let what = What::Overlong {
            entity: dice.random_range(0..16),
            field: dice.random_range(0..FIELDS),
            theirs: dice.random(),
        };
        insert(schedule, dice, 0, what);
    }
    if dice.random() {
        insert(schedule, dice, 0, What::SkipFields);
    }
}

fn plugins(schedule: &mut Schedule, dice: &mut StdRng) {
    if !dice.random_bool(MOODY) {
        return;
    }
    let bind = |mapper| What::Bind { mapper };
    let mut at = insert(schedule, dice, 0, bind(Bound::Moody));
    if dice.random_bool(BROKEN) {
        at = insert(schedule, dice, at + 1, bind(Bound::Broken));
    }
    if dice.random_bool(UNBOUND) {
        insert(schedule, dice, at + 1, bind(Bound::Default));
    }
    for _ in 0..dice.random_range(POISONS) {
        let what = What::Poison {
            entity: dice.random_range(0..16),
            field: dice.random_range(0..FIELDS),
            theirs: dice.random(),
        };
        insert(schedule, dice, 0, what);
    }
    match dice.random_range(0..3) {
        0 => drop(insert(schedule, dice, 0, What::SkipFields)),
        1 => drop(insert(schedule, dice, 0, What::LastGood)),
        _ => {}
    }
}

fn options(schedule: &mut Schedule, dice: &mut StdRng) {
    if !dice.random_bool(OPTIONS_REMOVED) {
        return;
    }
    for _ in 0..dice.random_range(CHOICES) {
        let (entity, clear) = (dice.random_range(0..16), dice.random_bool(0.1));
        let field = CHOICE;
        let what = if dice.random() {
            What::OurEdit {
                entity,
                field,
                clear,
            }
        } else {
            What::TheirEdit {
                entity,
                field,
                clear,
            }
        };
        insert(schedule, dice, 0, what);
    }
    let at = insert(schedule, dice, 0, What::Options { there: false });
    if dice.random_bool(OPTIONS_ADDED) {
        insert(schedule, dice, at + 1, What::Options { there: true });
    }
}

fn conflicts(schedule: &mut Schedule, dice: &mut StdRng) {
    if dice.random_bool(CONFLICTS) {
        let times = dice.random_range(CONFLICTS_TIMES);
        insert(schedule, dice, 0, What::Conflicts { times });
    }
}

/// Inserts a step behind so many others, and says where.
fn insert(schedule: &mut Schedule, dice: &mut StdRng, from: usize, what: What) -> usize {
    let at = dice.random_range(from..=schedule.steps.len());
    let when = When::draw(dice);
    schedule.steps.insert(at, Step { when, what });
    at
}
