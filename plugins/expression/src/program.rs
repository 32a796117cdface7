//! Reads an expression into a syntax tree, within limits, and says where it is wrong.
//!
//! CEL's hand-written parser is used rather than the generated one behind `Program::compile`: a
//! batch runs in a fresh instance, and the generated parser builds its tables again in each of them
//! and would make most of the component. Its API is not covered by semver, so the version of `cel`
//! is exact; a test holds its trees against those of the generated parser.

use cel::ParseError;
use cel::common::ast::IdedExpr;
use cel::parser::PrattParser;
use mapper_values::text::shown;

use crate::options::Issue;

/// The longest expression, in bytes. Longer ones are refused as `expression-too-long`; a table of
/// many values belongs into the choices of a field.
pub const EXPRESSION_BYTES_MAX: usize = 4_000;

/// How deeply brackets may nest. Each level takes the parser several calls; deeper ones are refused
/// as `expression-too-complex`.
const NESTING_MAX: u16 = 32;

/// How many mistakes the parser steps over before it gives up. Only the first is reported, since the
/// later ones often follow from it.
const ERRORS_MAX: u32 = 1;

/// The most question marks. The parser goes one deeper for each conditional of a chain and does not
/// count them; more are refused as `expression-too-complex`.
const CONDITIONALS_MAX: usize = 100;

/// Reads an expression.
pub fn parse(source: &str) -> Result<IdedExpr, Issue> {
    if source.len() > EXPRESSION_BYTES_MAX {
        let message = format!(
            "the expression has {} bytes, at most {EXPRESSION_BYTES_MAX} are allowed",
            source.len()
        );
        return Err(Issue::new("expression-too-long", message));
    }
    let conditionals = source.bytes().filter(|byte| *byte == b'?').count();
    if nesting(source) > usize::from(NESTING_MAX) || conditionals > CONDITIONALS_MAX {
        return Err(too_complex());
    }
    PrattParser::new()
        .max_recursion_depth(NESTING_MAX + 1)
        .error_recovery_limit(ERRORS_MAX)
        .parse(source)
        .map_err(|errors| {
            let mut errors = errors.errors.iter();
            // Only limits have no place; where the parser stopped for one, the rest is missing.
            let is_limit = |error: &ParseError| error.msg.contains("recursion limit");
            match errors.clone().find(|error| error.pos.0 > 0) {
                Some(error) if !errors.any(is_limit) => syntax_error(source, error),
                _ => too_complex(),
            }
        })
}

/// The issue of an expression that is too deep to evaluate.
pub fn too_complex() -> Issue {
    Issue::new(
        "expression-too-complex",
        "the expression nests too deeply or chains too many operators; make it simpler",
    )
}

/// How deeply brackets and prefix operators nest, roughly: text in quotes counts too, which only
/// matters to expressions that are full of brackets. The parser itself counts brackets as well, but
/// no prefix operators.
fn nesting(source: &str) -> usize {
    let (mut open, mut most, mut run) = (0_usize, 0, 0_usize);
    for byte in source.bytes() {
        match byte {
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        run = match byte {
            b'!' | b'-' => run + 1,
            b' ' | b'\t' | b'\n' | b'\r' => run,
            _ => 0,
        };
        most = most.max(open).max(run);
    }
    most
}

/// A sentence with the place, from 1, and what stands there.
fn syntax_error(source: &str, error: &ParseError) -> Issue {
    let (line, column) = (error.pos.0.unsigned_abs(), error.pos.1.unsigned_abs());
    let message = error.msg.trim_start_matches("Syntax error: ");
    let text = source.lines().nth(line - 1).unwrap_or_default();
    let rest = text.get(column.saturating_sub(1)..).unwrap_or_default();
    // Columns are bytes in the parser and characters to people.
    let column = text
        .get(..column.saturating_sub(1))
        .map_or(column, |before| before.chars().count() + 1);
    let place = if rest.trim().is_empty() {
        "at the end".to_owned()
    } else {
        format!("at `{}`", shown(rest).trim_end())
    };
    let message = format!("line {line}, column {column}: {message}, {place}");
    Issue::new("syntax-error", message)
}
