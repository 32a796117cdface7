//! The three-way decision for one field: what changed on which side since the last agreement, and what follows.
//!
//! A pure function of [`Facts`]. It never looks at values: whether a side changed is judged in that side's own space
//! against the base ([`crate::Base`]), so a lossy transform or a portal that rewrites what it is sent is no change.

use serde::{Deserialize, Serialize};

use crate::mapping::{ConflictPolicy, Direction};
use crate::time::Timestamp;

/// One of the two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// This host's records.
    PartnerOs,
    /// The portal.
    HubSpot,
}

/// What is known of one field of one link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// PartnerOS's value differs from the base.
    pub partneros_changed: bool,
    /// HubSpot's value differs from the base.
    pub hubspot_changed: bool,
    /// Both values are the same after the transform.
    pub equal: bool,
    /// When the PartnerOS record was last edited by someone other than the sync.
    pub partneros_edited_at: Timestamp,
    /// When HubSpot says its object was last modified.
    pub hubspot_modified_at: Timestamp,
}

/// Which rule settled a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConflictRule {
    /// The mapping's policy names the winner.
    Policy,
    /// The later edit won.
    Newest,
    /// The direction lets values flow one way only.
    Direction,
    /// An admin discarded a mass change that the brake had stopped.
    Discarded,
}

/// What to do with one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Nothing changed.
    Keep,
    /// Both sides hold the same: remember it as the new base.
    Agree,
    /// One side changed: carry its value over.
    Carry {
        /// The side that is written.
        to: Side,
    },
    /// One side changed, but the direction does not let its value flow: leave both as they are.
    Held {
        /// The side whose change stays where it is.
        changed: Side,
    },
    /// Both sides changed to different values.
    Conflict {
        /// The side whose value stays; the other side is written.
        winner: Side,
        /// Why.
        rule: ConflictRule,
    },
}

/// Decides one field.
pub fn decide(direction: Direction, policy: ConflictPolicy, facts: &Facts) -> Decision {
    match (facts.partneros_changed, facts.hubspot_changed) {
        (false, false) => Decision::Keep,
        _ if facts.equal => Decision::Agree,
        (true, false) if direction.writes_hubspot() => Decision::Carry { to: Side::HubSpot },
        (true, false) => Decision::Held {
            changed: Side::PartnerOs,
        },
        (false, true) if direction.writes_partneros() => Decision::Carry {
            to: Side::PartnerOs,
        },
        (false, true) => Decision::Held {
            changed: Side::HubSpot,
        },
        (true, true) => {
            let (winner, rule) = settle(direction, policy, facts);
            Decision::Conflict { winner, rule }
        }
    }
}

fn settle(direction: Direction, policy: ConflictPolicy, facts: &Facts) -> (Side, ConflictRule) {
    match direction {
        Direction::PartnerOsToHubSpot => (Side::PartnerOs, ConflictRule::Direction),
        Direction::HubSpotToPartnerOs => (Side::HubSpot, ConflictRule::Direction),
        Direction::Bidirectional => match policy {
            ConflictPolicy::PartnerOsWins => (Side::PartnerOs, ConflictRule::Policy),
            ConflictPolicy::CrmWins => (Side::HubSpot, ConflictRule::Policy),
            ConflictPolicy::NewestWins if facts.hubspot_modified_at > facts.partneros_edited_at => {
                (Side::HubSpot, ConflictRule::Newest)
            }
            ConflictPolicy::NewestWins => (Side::PartnerOs, ConflictRule::Newest),
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DIRECTIONS: [Direction; 3] = [
        Direction::Bidirectional,
        Direction::PartnerOsToHubSpot,
        Direction::HubSpotToPartnerOs,
    ];
    const POLICIES: [ConflictPolicy; 3] = [
        ConflictPolicy::PartnerOsWins,
        ConflictPolicy::CrmWins,
        ConflictPolicy::NewestWins,
    ];

    /// One field on two sides with a lossy transform: HubSpot's side keeps lower case only.
    #[derive(Debug, Clone, PartialEq)]
    struct World {
        partneros: String,
        hubspot: String,
        base: Option<(String, String)>,
        edited_at: Timestamp,
        modified_at: Timestamp,
    }

    impl World {
        fn facts(&self) -> Facts {
            let (base_partneros, base_hubspot) = self.base.clone().unwrap_or_default();
            Facts {
                partneros_changed: self.partneros != base_partneros,
                hubspot_changed: self.hubspot != base_hubspot,
                equal: self.partneros == self.hubspot
                    || self.partneros.to_lowercase() == self.hubspot,
                partneros_edited_at: self.edited_at,
                hubspot_modified_at: self.modified_at,
            }
        }

        /// One pass as the engine makes it. Returns which sides were written.
        fn step(&mut self, direction: Direction, policy: ConflictPolicy) -> Vec<Side> {
            match decide(direction, policy, &self.facts()) {
                Decision::Keep | Decision::Held { .. } => return Vec::new(),
                Decision::Agree => {}
                Decision::Carry { to } => return self.carry(to),
                Decision::Conflict {
                    winner: Side::PartnerOs,
                    ..
                } => return self.carry(Side::HubSpot),
                Decision::Conflict {
                    winner: Side::HubSpot,
                    ..
                } => return self.carry(Side::PartnerOs),
            }
            self.base = Some((self.partneros.clone(), self.hubspot.clone()));
            Vec::new()
        }

        fn carry(&mut self, to: Side) -> Vec<Side> {
            match to {
                Side::HubSpot => self.hubspot = self.partneros.to_lowercase(),
                Side::PartnerOs => self.partneros = self.hubspot.clone(),
            }
            self.base = Some((self.partneros.clone(), self.hubspot.clone()));
            vec![to]
        }
    }

    fn world() -> impl Strategy<Value = World> {
        let text = || "[abAB]{0,2}";
        let base = proptest::option::of((text(), text()));
        (text(), "[ab]{0,2}", base, 0..3i64, 0..3i64).prop_map(
            |(partneros, hubspot, base, edited_at, modified_at)| World {
                partneros,
                hubspot,
                base,
                edited_at: Timestamp(edited_at),
                modified_at: Timestamp(modified_at),
            },
        )
    }

    proptest! {
        #[test]
        fn one_pass_agrees_and_the_next_writes_nothing(
            mut world in world(), direction in 0..3usize, policy in 0..3usize,
        ) {
            let (direction, policy) = (DIRECTIONS[direction], POLICIES[policy]);
            let before = world.facts();
            let changed = before.partneros_changed || before.hubspot_changed;
            world.step(direction, policy);
            let settled = world.clone();
            prop_assert!(world.step(direction, policy).is_empty());
            prop_assert_eq!(&world, &settled);
            let after = settled.facts();
            let held = matches!(decide(direction, policy, &after), Decision::Held { .. });
            prop_assert!(!changed || after.equal || held, "{:?}", settled);
        }

        #[test]
        fn only_the_allowed_side_is_written(
            mut world in world(), direction in 0..3usize, policy in 0..3usize,
        ) {
            let direction = DIRECTIONS[direction];
            for side in world.step(direction, POLICIES[policy]) {
                match side {
                    Side::HubSpot => prop_assert!(direction.writes_hubspot()),
                    Side::PartnerOs => prop_assert!(direction.writes_partneros()),
                }
            }
        }

        #[test]
        fn a_conflict_is_settled_by_the_policy(world in world(), policy in 0..3usize) {
            let (facts, policy) = (world.facts(), POLICIES[policy]);
            let decision = decide(Direction::Bidirectional, policy, &facts);
            if let Decision::Conflict { winner, .. } = decision {
                prop_assert!(facts.partneros_changed && facts.hubspot_changed && !facts.equal);
                let expected = match policy {
                    ConflictPolicy::PartnerOsWins => Side::PartnerOs,
                    ConflictPolicy::CrmWins => Side::HubSpot,
                    ConflictPolicy::NewestWins => {
                        let newer = facts.hubspot_modified_at > facts.partneros_edited_at;
                        if newer { Side::HubSpot } else { Side::PartnerOs }
                    }
                };
                prop_assert_eq!(winner, expected);
            }
        }
    }
}
