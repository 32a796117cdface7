//! Splits a plan by the plugin of each rule, and joins what the plugins answer.
//!
//! A pair's plan is carried out by its mapper, but a single rule may name another plugin. Each plugin sees a plan of its
//! own, with the inputs that its rules read and nothing else. Rules and outputs of a pair's plan stand at the same
//! positions, so a plugin's answer is put in place by the positions of its rules.

use partneros_domain::plan::{Plan, Problem, Rule};
use partneros_domain::{Column, RulePlugin};
use partneros_runtime::PreparedPlan;

use crate::error::Error;

/// Makes the column of an input for some rows of a batch. Batches are made from what they come from, as often as they
/// are needed, so that the common case copies nothing.
pub type Cells<'a> = dyn Fn(usize, &[usize]) -> Column + 'a;

/// A plan, by plugin.
#[derive(Debug, Clone)]
pub struct SplitPlan {
    /// What each plugin is to do. None of them is empty.
    pub parts: Vec<Part>,
    /// How many outputs the whole plan has.
    pub outputs: usize,
}

/// What one plugin is to do.
#[derive(Debug, Clone)]
pub struct Part {
    /// The plugin that the rules name; none is the pair's mapper.
    pub plugin: Option<RulePlugin>,
    /// The plan as the plugin sees it.
    pub plan: PreparedPlan,
    /// Where each of its inputs stands in the whole plan.
    pub inputs: Vec<usize>,
    /// Where each of its rules, and so each of its outputs, stands in the whole plan.
    pub rules: Vec<usize>,
}

impl SplitPlan {
    /// Splits a plan whose rules name these plugins, in order.
    pub fn new(plan: &Plan, plugins: &[Option<RulePlugin>]) -> Result<Self, Error> {
        let mut distinct: Vec<Option<RulePlugin>> = Vec::new();
        for plugin in plugins {
            if !distinct.contains(plugin) {
                distinct.push(*plugin);
            }
        }
        let part = |plugin: Option<RulePlugin>| {
            let named = plugins.iter().enumerate();
            let of_plugin = named.filter(|(_, named)| **named == plugin);
            Part::new(plan, plugin, of_plugin.map(|(rule, _)| rule).collect())
        };
        Ok(Self {
            parts: distinct.into_iter().map(part).collect::<Result<_, _>>()?,
            outputs: plan.outputs.len(),
        })
    }
}

impl Part {
    fn new(whole: &Plan, plugin: Option<RulePlugin>, rules: Vec<usize>) -> Result<Self, Error> {
        let mut inputs: Vec<usize> = Vec::new();
        let mut plan = Plan {
            direction: whole.direction,
            inputs: Vec::new(),
            outputs: Vec::new(),
            rules: Vec::with_capacity(rules.len()),
            extra: whole.extra.clone(),
        };
        for rule in rules.iter().filter_map(|rule| whole.rules.get(*rule)) {
            let mut own = Vec::with_capacity(rule.inputs.len());
            for input in &rule.inputs {
                let input = *input as usize;
                let known = inputs.iter().position(|known| *known == input);
                own.push(known.unwrap_or_else(|| {
                    inputs.push(input);
                    plan.inputs.extend(whole.inputs.get(input).cloned());
                    inputs.len() - 1
                }) as u32);
            }
            let output = whole.outputs.get(rule.output as usize).cloned();
            plan.rules.push(Rule {
                inputs: own,
                output: plan.outputs.len() as u32,
                options: rule.options.clone(),
            });
            plan.outputs.extend(output);
        }
        Ok(Self {
            plugin,
            plan: PreparedPlan::new(plan).map_err(Error::InvalidPlan)?,
            inputs,
            rules,
        })
    }

    /// The same part with one of its rules only.
    pub fn only(&self, rule: usize) -> Result<Self, Error> {
        let part = Self::new(self.plan.plan(), self.plugin, vec![rule])?;
        Ok(Self {
            inputs: part
                .inputs
                .iter()
                .filter_map(|own| self.inputs.get(*own).copied())
                .collect(),
            rules: self.rules.get(rule).copied().into_iter().collect(),
            ..part
        })
    }

    /// The part's batch of these rows.
    pub fn batch(&self, cells: &Cells<'_>, rows: &[usize]) -> Vec<Column> {
        self.inputs
            .iter()
            .map(|input| cells(*input, rows))
            .collect()
    }

    /// A problem with one of its rules, as one with the whole plan's.
    pub fn problem(&self, problem: Problem) -> Problem {
        Problem {
            rule: self.rule(problem.rule),
            ..problem
        }
    }

    /// Where a rule of the part stands in the whole plan.
    pub fn rule(&self, own: u32) -> u32 {
        self.rules
            .get(own as usize)
            .map_or(own, |rule| *rule as u32)
    }
}

#[cfg(test)]
mod tests {
    use partneros_domain::plan::TransformDirection;
    use partneros_domain::{DataType, FieldSchema};

    use super::*;

    fn whole() -> Plan {
        let field = |name: &str| FieldSchema::new(name, name, DataType::Text);
        let rule = |inputs: &[u32], output: u32| Rule {
            inputs: inputs.to_vec(),
            output,
            options: String::new(),
        };
        Plan {
            direction: TransformDirection::ToPartnerOs,
            inputs: ["a", "b", "c"].map(field).to_vec(),
            outputs: ["x", "y", "z"].map(field).to_vec(),
            rules: vec![rule(&[0], 0), rule(&[1, 2], 1), rule(&[2], 2)],
            extra: Vec::new(),
        }
    }

    fn names(fields: &[FieldSchema]) -> Vec<&str> {
        fields.iter().map(|field| field.name.as_str()).collect()
    }

    #[test]
    fn a_plugin_sees_its_own_rules_and_their_inputs() {
        let expression = Some(RulePlugin::Expression);
        let split = SplitPlan::new(&whole(), &[None, expression, None]).unwrap();
        let [mapper, other] = &split.parts[..] else {
            panic!("two parts");
        };
        assert_eq!(names(&mapper.plan.plan().inputs), ["a", "c"]);
        assert_eq!((&mapper.inputs, &mapper.rules), (&vec![0, 2], &vec![0, 2]));
        assert_eq!(names(&other.plan.plan().inputs), ["b", "c"]);
        assert_eq!(names(&other.plan.plan().outputs), ["y"]);
        assert_eq!(other.plan.plan().rules[0].inputs, [0, 1]);
        assert_eq!(other.rule(0), 1);
    }

    #[test]
    fn one_rule_of_a_part_keeps_its_place() {
        let split = SplitPlan::new(&whole(), &[None, None, None]).unwrap();
        let last = split.parts[0].only(2).unwrap();
        assert_eq!((&last.inputs, &last.rules), (&vec![2], &vec![2]));
        assert_eq!(names(&last.plan.plan().outputs), ["z"]);
    }

    #[test]
    fn nothing_to_do_is_no_part() {
        let plan = Plan {
            rules: Vec::new(),
            outputs: Vec::new(),
            ..whole()
        };
        assert!(SplitPlan::new(&plan, &[]).unwrap().parts.is_empty());
    }
}
