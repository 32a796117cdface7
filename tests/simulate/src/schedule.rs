//! What happens in a simulation besides the syncing: who does what, when. Made from a seed, or made smaller by hand.

use std::fmt;

use hubspot_sim::MergeMode;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::plugins::Bound;
use crate::rare;

/// Fields and properties that sync, with their policies and directions; see [`crate::template`].
pub const FIELDS: usize = 5;
/// Those that a workflow may rewrite: they flow to HubSpot.
const REWRITTEN: [usize; 3] = [1, 2, 4];
const STEPS: std::ops::RangeInclusive<usize> = 6..=22;

/// When a step is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// So many milliseconds after the step before.
    After(u64),
    /// When the first process stands at a point this far ahead: in the middle of a pass.
    AtPoint(u64),
}

/// What happens. Entities and values are chosen by number from those that there are by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A person in HubSpot sets a property, or clears it.
    TheirEdit {
        entity: usize,
        field: usize,
        clear: bool,
    },
    /// Someone edits a record.
    OurEdit {
        entity: usize,
        field: usize,
        clear: bool,
    },
    /// A person in HubSpot makes an object.
    TheirNew,
    /// Someone makes a record.
    OurNew,
    /// A person in HubSpot archives an object.
    TheirArchive { entity: usize },
    /// A person in HubSpot restores an object.
    TheirRestore { entity: usize },
    /// A person in HubSpot merges two objects.
    TheirMerge { primary: usize, other: usize },
    /// Someone deletes a record.
    OurDelete { entity: usize },
    /// Someone edits the field that a workflow rewrites so often in a row, each time after it was pushed.
    Tug { entity: usize, turns: usize },
    /// A person in HubSpot associates a contact with an object, which HubSpot counts; the modified date stays.
    Associate { entity: usize },
    /// HubSpot moves an object's modified date; no value that syncs changes.
    Bump { entity: usize },
    /// A person in HubSpot sets the same property of so many objects in one instant.
    Import { count: usize, field: usize },
    /// A person in HubSpot imports so many new objects in one instant.
    Flood { count: usize },
    /// A process ends so many points from now, and begins again a while later.
    Crash { process: usize, points: u64 },
    /// Someone edits a record, the first process ends right after it has sent that and before it hears an answer, and
    /// before it begins again someone edits the same field, on this side or the other.
    Unanswered {
        entity: usize,
        field: usize,
        theirs: bool,
    },
    /// Someone makes a record, the first process ends right after it has made its object, and before it begins again someone
    /// renames the record.
    UnansweredNew,
    /// From now on HubSpot's answers fail with this chance in a thousand, for each kind of failure.
    Trouble { per_mille: u32 },
    /// HubSpot refuses so many of the next writes as a whole.
    Conflicts { times: u32 },
    /// The access tokens that are out end now.
    ExpireTokens,
    /// A person in HubSpot removes the app from the portal: every token dies.
    Uninstall,
    /// An admin connects the portal, again.
    Connect,
    /// A person in HubSpot archives a property, or brings it back with the values it had.
    Property { field: usize, there: bool },
    /// Someone sets a field to a value on which the mapper fails.
    Overlong {
        entity: usize,
        field: usize,
        theirs: bool,
    },
    /// Someone sets a field to a value on which the moody mapper crashes.
    Poison {
        entity: usize,
        field: usize,
        theirs: bool,
    },
    /// From now on a field on which the mapper fails is skipped, not its whole record.
    SkipFields,
    /// From now on what was bound before maps what the mapper fails on.
    LastGood,
    /// An admin binds a mapper.
    Bind { mapper: Bound },
    /// A person in HubSpot removes every other option of the enumeration, or adds them again.
    Options { there: bool },
    /// The settings are saved once more, with another policy for a field.
    Policy { field: usize, policy: usize },
    /// Somebody asks for everything to be looked at again.
    Full,
}

/// A step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// When.
    #[serde(flatten)]
    pub when: When,
    /// What.
    pub what: What,
}

/// HubSpot's habits in a simulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Habits {
    /// Milliseconds until search shows a new object.
    pub create_lag_ms: i64,
    /// Milliseconds until search finds a changed object by its new values.
    pub update_lag_ms: i64,
    /// 0: refresh tokens stay, 1: they change, 2: none is answered.
    pub refresh: u8,
    /// Whether writing what is there moves the modified date.
    pub unchanged_writes_bump: bool,
    /// Milliseconds that HubSpot's clock is ahead of ours.
    pub ahead_ms: i64,
    /// Whether the objects that there are at the beginning are old enough for the cursor to pass them at once.
    pub old_objects: bool,
    /// Which id is left of a merge.
    pub merge: MergeMode,
    /// The field that a workflow rewrites whenever the host has written it.
    pub rewrites: Option<usize>,
    /// Whether HubSpot fills something in by itself after a while.
    pub enriches: bool,
}

/// A whole simulation. As text it is JSON, as the files in `regressions` are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// Decides every delay and every failure.
    pub chance: u64,
    /// Processes that sync.
    pub processes: usize,
    /// Whether the pair mirrors deletions.
    pub mirrors: bool,
    /// Whether the database is in a file, which each process opens for itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub on_disk: bool,
    /// HubSpot's habits.
    pub habits: Habits,
    /// The steps.
    pub steps: Vec<Step>,
}

impl Schedule {
    /// Whether anybody changes HubSpot's schema.
    pub(crate) fn changes_schema(&self) -> bool {
        let changes =
            |step: &Step| matches!(step.what, What::Property { .. } | What::Options { .. });
        self.steps.iter().any(changes)
    }

    /// The schedule of a seed.
    pub fn of_seed(seed: u64) -> Self {
        let mut dice = StdRng::seed_from_u64(seed);
        let processes = if dice.random_bool(0.25) { 2 } else { 1 };
        let habits = Habits {
            create_lag_ms: dice.random_range(0..30_000),
            update_lag_ms: dice.random_range(0..20_000),
            refresh: dice.random_range(0..3),
            unchanged_writes_bump: dice.random(),
            ahead_ms: dice.random_range(-40_000..40_000),
            old_objects: dice.random(),
            merge: if dice.random() {
                MergeMode::NewId
            } else {
                MergeMode::KeepPrimary
            },
            rewrites: dice
                .random_bool(0.2)
                .then(|| REWRITTEN[dice.random_range(0..REWRITTEN.len())]),
            enriches: dice.random_bool(0.2),
        };
        let mirrors = dice.random();
        let count = dice.random_range(STEPS);
        let steps = (0..count).map(|_| Step::draw(&mut dice, processes));
        let mut steps: Vec<_> = steps.collect();
        if habits.rewrites.is_some() {
            let what = What::Tug {
                entity: dice.random_range(0..16),
                turns: dice.random_range(2..7),
            };
            let when = When::After(dice.random_range(0..30_000));
            let at = dice.random_range(0..=steps.len());
            steps.insert(at, Step { when, what });
        }
        let mut schedule = Self {
            chance: dice.random(),
            processes,
            mirrors,
            on_disk: false,
            habits,
            steps,
        };
        rare::strew(&mut schedule, seed);
        schedule
    }
}

impl When {
    pub(crate) fn draw(dice: &mut StdRng) -> Self {
        match dice.random_range(0..10) {
            0..6 => Self::AtPoint(dice.random_range(1..60)),
            6..8 => Self::After(dice.random_range(0..50)),
            _ => Self::After(dice.random_range(0..60_000)),
        }
    }
}

impl Step {
    fn draw(dice: &mut StdRng, processes: usize) -> Self {
        let when = When::draw(dice);
        let entity = dice.random_range(0..16);
        let field = dice.random_range(0..FIELDS);
        let clear = dice.random_bool(0.1);
        let what = match dice.random_range(0..124) {
            0..28 => What::TheirEdit {
                entity,
                field,
                clear,
            },
            28..56 => What::OurEdit {
                entity,
                field,
                clear,
            },
            56..64 => What::TheirNew,
            64..72 => What::OurNew,
            72..75 => What::Bump { entity },
            75..77 => What::Import {
                count: dice.random_range(2..6),
                field,
            },
            77..87 => What::Crash {
                process: dice.random_range(0..processes),
                points: dice.random_range(1..80),
            },
            87..92 => What::Trouble {
                per_mille: dice.random_range(0..40),
            },
            92..95 => What::ExpireTokens,
            95..98 => What::Policy {
                field,
                policy: dice.random_range(0..3),
            },
            98..100 => What::Full,
            100..104 => What::TheirArchive { entity },
            104..108 => What::TheirRestore { entity },
            108..112 => What::OurDelete { entity },
            112..116 => What::TheirMerge {
                primary: entity,
                other: dice.random_range(0..16),
            },
            116..118 => What::UnansweredNew,
            118..120 => What::Associate { entity },
            _ => What::Unanswered {
                entity,
                field,
                theirs: dice.random_bool(0.3),
            },
        };
        Self { when, what }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            chance,
            processes,
            mirrors,
            on_disk,
            habits,
            steps,
        } = self;
        let on_disk = if *on_disk { "\"on_disk\":true," } else { "" };
        let habits = json(habits)?;
        writeln!(
            f,
            "{{\"chance\":{chance},\"processes\":{processes},\"mirrors\":{mirrors},{on_disk}"
        )?;
        write!(f, "\"habits\":{habits},\n\"steps\":[")?;
        for (at, step) in steps.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}\n  {}", json(step)?)?;
        }
        writeln!(f, "\n]}}")
    }
}

fn json(part: &impl Serialize) -> Result<String, fmt::Error> {
    serde_json::to_string(part).map_err(|_| fmt::Error)
}
