//! A plan that was checked and brought into the form of each version of the contract at most once, to be used for many batches.

use std::sync::{Arc, OnceLock};

use partneros_domain::plan::Plan;

use crate::since_0_1;
#[cfg(feature = "test-contract")]
use crate::since_0_2;

/// A [`Plan`] whose positions are known to be in range. Cheap to clone.
#[derive(Debug, Clone)]
pub struct PreparedPlan(Arc<Prepared>);

#[derive(Debug)]
struct Prepared {
    plan: Plan,
    since_0_1: OnceLock<since_0_1::Plan>,
    #[cfg(feature = "test-contract")]
    since_0_2: OnceLock<since_0_2::Plan>,
}

/// A plan that contradicts itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("prepare a plan: rule {rule} {problem}")]
pub struct InvalidPlan {
    /// Position of the rule.
    pub rule: usize,
    /// What is wrong, to be read after the rule: "has no input".
    pub problem: String,
}

impl PreparedPlan {
    /// Checks the positions in the plan's rules.
    pub fn new(plan: Plan) -> Result<Self, InvalidPlan> {
        check(&plan)?;
        Ok(Self(Arc::new(Prepared {
            plan,
            since_0_1: OnceLock::new(),
            #[cfg(feature = "test-contract")]
            since_0_2: OnceLock::new(),
        })))
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.0.plan
    }

    pub(crate) fn since_0_1(&self) -> &since_0_1::Plan {
        let Prepared {
            plan, since_0_1, ..
        } = &*self.0;
        since_0_1.get_or_init(|| plan.into())
    }

    #[cfg(feature = "test-contract")]
    pub(crate) fn since_0_2(&self) -> &since_0_2::Plan {
        let Prepared {
            plan, since_0_2, ..
        } = &*self.0;
        since_0_2.get_or_init(|| plan.into())
    }
}

fn check(plan: &Plan) -> Result<(), InvalidPlan> {
    let mut written = vec![false; plan.outputs.len()];
    for (position, rule) in plan.rules.iter().enumerate() {
        let invalid = |problem: String| {
            Err(InvalidPlan {
                rule: position,
                problem,
            })
        };
        if rule.inputs.is_empty() {
            return invalid("has no input".to_owned());
        }
        if let Some(input) =
            (rule.inputs.iter()).find(|input| **input as usize >= plan.inputs.len())
        {
            let count = plan.inputs.len();
            return invalid(format!("reads input {input}, the plan has {count}"));
        }
        match written.get_mut(rule.output as usize) {
            None => {
                let (output, count) = (rule.output, plan.outputs.len());
                return invalid(format!("writes output {output}, the plan has {count}"));
            }
            Some(true) => {
                return invalid(format!(
                    "writes output {}, as an earlier rule does",
                    rule.output
                ));
            }
            Some(written) => *written = true,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use partneros_domain::plan::{Rule, TransformDirection};
    use partneros_domain::{DataType, FieldSchema};

    use super::*;

    /// The inputs and the output of each rule.
    type Rules = &'static [(&'static [u32], u32)];

    fn problem(rules: Rules) -> Option<String> {
        let field = FieldSchema::new("field", "Field", DataType::Text);
        let plan = Plan {
            direction: TransformDirection::ToHubSpot,
            inputs: vec![field.clone(), field.clone()],
            outputs: vec![field.clone(), field],
            rules: rules
                .iter()
                .map(|(inputs, output)| Rule {
                    inputs: inputs.to_vec(),
                    output: *output,
                    options: String::new(),
                })
                .collect(),
            extra: Vec::new(),
        };
        PreparedPlan::new(plan).err().map(|error| error.to_string())
    }

    #[test]
    fn positions_must_be_in_range() {
        assert_eq!(problem(&[(&[0, 1], 1), (&[1], 0)]), None);
        let cases: [(Rules, &str); 4] = [
            (&[(&[], 0)], "rule 0 has no input"),
            (&[(&[2], 0)], "rule 0 reads input 2, the plan has 2"),
            (&[(&[0], 2)], "rule 0 writes output 2, the plan has 2"),
            (
                &[(&[0], 1), (&[1], 1)],
                "rule 1 writes output 1, as an earlier rule does",
            ),
        ];
        for (rules, expected) in cases {
            let expected = format!("prepare a plan: {expected}");
            assert_eq!(problem(rules), Some(expected));
        }
    }
}
