//! Columns both ways, and answers on their way from a guest. Everything moves, nothing is copied.

use partneros_domain as domain;
use partneros_domain::plan as domain_plan;

use super::bindings::exports::partneros::mapper::{describe, suggest, transform};
use super::bindings::partneros::mapper::types::Column;

impl From<domain::Column> for Column {
    fn from(column: domain::Column) -> Self {
        match column {
            domain::Column::Text(cells) => Self::Text(cells),
            domain::Column::Integer(cells) => Self::Integer(cells),
            domain::Column::Number(cells) => Self::Number(cells),
            domain::Column::Boolean(cells) => Self::Boolean(cells),
            domain::Column::Texts(cells) => Self::Texts(cells),
        }
    }
}

impl From<Column> for domain::Column {
    fn from(column: Column) -> Self {
        match column {
            Column::Text(cells) => Self::Text(cells),
            Column::Integer(cells) => Self::Integer(cells),
            Column::Number(cells) => Self::Number(cells),
            Column::Boolean(cells) => Self::Boolean(cells),
            Column::Texts(cells) => Self::Texts(cells),
        }
    }
}

impl From<transform::Transformed> for domain_plan::Transformed {
    fn from(transformed: transform::Transformed) -> Self {
        let failure = |failure: transform::Failure| domain_plan::Failure {
            rule: failure.rule,
            row: failure.row,
            code: failure.code,
            message: failure.message,
        };
        Self {
            columns: transformed.columns.into_iter().map(Into::into).collect(),
            failures: transformed.failures.into_iter().map(failure).collect(),
        }
    }
}

impl From<transform::Problem> for domain_plan::Problem {
    fn from(problem: transform::Problem) -> Self {
        Self {
            rule: problem.rule,
            code: problem.code,
            message: problem.message,
        }
    }
}

impl From<describe::Description> for domain::Description {
    fn from(description: describe::Description) -> Self {
        Self {
            name: description.name,
            version: description.version,
            summary: description.summary,
            options_schema: description.options_schema,
        }
    }
}

impl From<suggest::Suggestion> for domain::Suggestion {
    fn from(suggestion: suggest::Suggestion) -> Self {
        Self {
            field: suggestion.field,
            candidates: suggestion.candidates.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<suggest::Candidate> for domain::Candidate {
    fn from(candidate: suggest::Candidate) -> Self {
        let reason = |reason: suggest::Reason| domain::Reason {
            code: reason.code,
            message: reason.message,
        };
        Self {
            property: candidate.property,
            confidence: candidate.confidence,
            reasons: candidate.reasons.into_iter().map(reason).collect(),
        }
    }
}
