//! Reads a file once, measures it, and collects the names of its imports and exports.
//!
//! Compile time and memory grow with the number of functions and with what the compiler has to carry
//! through them, the locals at every depth of nesting, and not with the size of the file; so these are
//! measured before anything else happens. Takes time in proportion to the file and hardly any memory.

use wasmparser::{BinaryReaderError, Encoding, FunctionBody, Operator, Parser, Payload};

use super::producers::Producers;
use super::{Rejection, RejectionCode};
use crate::config::UploadLimits;

/// What a file holds at its outermost level.
#[derive(Debug, Default)]
pub struct Scan {
    pub imports: Vec<String>,
    pub exports: Vec<String>,
    /// What made the file, as its custom sections say.
    pub tools: Producers,
    pub modules: usize,
    pub functions: usize,
    /// Limits that are met.
    pub problems: Vec<Rejection>,
}

/// Reads the file. Fails with the one problem that makes it unreadable.
pub fn scan(bytes: &[u8], limits: &UploadLimits) -> Result<Scan, Rejection> {
    if bytes.len() > limits.component_bytes_max {
        let message = format!(
            "has {} bytes, `component_bytes_max` is {}",
            bytes.len(),
            limits.component_bytes_max
        );
        return Err(Rejection::new(RejectionCode::TooLarge, "file", message));
    }
    check_header(bytes)?;
    let mut scan = Scan::default();
    let measures = read(bytes, &mut scan).map_err(|error| malformed(&error))?;
    scan.problems = measures.problems(limits);
    (scan.modules, scan.functions) = (measures.modules, measures.functions);
    Ok(scan)
}

/// The report of a file that breaks WebAssembly's rules.
pub fn malformed(error: &BinaryReaderError) -> Rejection {
    let place = format!("byte {}", error.offset());
    Rejection::new(
        RejectionCode::Malformed,
        place,
        format!("does not validate: {}", error.message()),
    )
}

fn check_header(bytes: &[u8]) -> Result<(), Rejection> {
    let message = if Parser::is_component(bytes) {
        return Ok(());
    } else if bytes.is_empty() {
        "is empty"
    } else if Parser::is_core_wasm(bytes) {
        "is a core module; build it for `wasm32-wasip2` or wrap it into a component"
    } else if bytes.starts_with(b"\x7fELF") {
        "is native code; upload the component it was compiled from"
    } else {
        "does not begin as a component does"
    };
    Err(Rejection::new(
        RejectionCode::NotAComponent,
        "file",
        message,
    ))
}

#[derive(Debug, Default)]
struct Measures {
    modules: usize,
    components: usize,
    functions: usize,
    weight: usize,
    // Each the largest of all functions.
    locals: usize,
    function_bytes: usize,
    nesting: usize,
    loop_nesting: usize,
    function_weight: usize,
}

fn read(bytes: &[u8], scan: &mut Scan) -> Result<Measures, BinaryReaderError> {
    let mut measures = Measures::default();
    // How many modules and components are open; 1 in the outermost component.
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::Version { encoding, .. } => {
                depth += 1;
                match encoding {
                    Encoding::Module => measures.modules += 1,
                    Encoding::Component => measures.components += usize::from(depth > 1),
                }
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CodeSectionEntry(body) => measures.function(&body)?,
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    scan.imports.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    scan.exports.push(export?.name.name.to_owned());
                }
            }
            Payload::CustomSection(section) => scan.tools.read(&section),
            _ => {}
        }
    }
    Ok(measures)
}

impl Measures {
    fn function(&mut self, body: &FunctionBody<'_>) -> Result<(), BinaryReaderError> {
        let mut locals = 0_usize;
        for group in body.get_locals_reader()? {
            let (count, _) = group?;
            locals = locals.saturating_add(count as usize);
        }
        let Depth { blocks, loops } = depth(body)?;
        let weight = locals.saturating_mul(blocks);
        self.functions += 1;
        self.weight = self.weight.saturating_add(weight);
        self.locals = self.locals.max(locals);
        self.function_bytes = self.function_bytes.max(body.range().len());
        self.nesting = self.nesting.max(blocks);
        self.loop_nesting = self.loop_nesting.max(loops);
        self.function_weight = self.function_weight.max(weight);
        Ok(())
    }

    fn problems(&self, limits: &UploadLimits) -> Vec<Rejection> {
        let file = [
            (
                self.modules,
                limits.modules_max,
                "modules_max",
                "core modules",
            ),
            (
                self.components,
                limits.components_max,
                "components_max",
                "inner components",
            ),
            (
                self.functions,
                limits.functions_max,
                "functions_max",
                "functions",
            ),
            (
                self.weight,
                limits.weight_max,
                "weight_max",
                "locals times nested blocks",
            ),
        ];
        let function = [
            (self.locals, limits.locals_max, "locals_max", "locals"),
            (
                self.function_bytes,
                limits.function_bytes_max,
                "function_bytes_max",
                "bytes",
            ),
            (
                self.nesting,
                limits.nesting_max,
                "nesting_max",
                "nested blocks",
            ),
            (
                self.loop_nesting,
                limits.loop_nesting_max,
                "loop_nesting_max",
                "nested loops",
            ),
            (
                self.function_weight,
                limits.function_weight_max,
                "function_weight_max",
                "locals times nested blocks",
            ),
        ];
        let file = file.map(|measured| ("file", measured));
        let function = function.map(|measured| ("largest function", measured));
        let measured = file.into_iter().chain(function);
        measured
            .filter(|(_, (found, allowed, ..))| found > allowed)
            .map(|(place, (found, allowed, limit, what))| {
                let message = format!("has {found} {what}, `{limit}` is {allowed}");
                Rejection::new(RejectionCode::TooLarge, place, message)
            })
            .collect()
    }
}

/// How deep a function nests.
struct Depth {
    blocks: usize,
    loops: usize,
}

fn depth(body: &FunctionBody<'_>) -> Result<Depth, BinaryReaderError> {
    let mut deepest = Depth {
        blocks: 0,
        loops: 0,
    };
    // For each open block, the loops around it and itself.
    let mut open: Vec<usize> = Vec::new();
    for operator in body.get_operators_reader()? {
        let around = open.last().copied().unwrap_or(0);
        match operator? {
            Operator::Block { .. } | Operator::If { .. } | Operator::TryTable { .. } => {
                open.push(around);
            }
            Operator::Loop { .. } => open.push(around + 1),
            Operator::End => {
                open.pop();
            }
            _ => continue,
        }
        deepest.blocks = deepest.blocks.max(open.len());
        deepest.loops = deepest.loops.max(open.last().copied().unwrap_or(0));
    }
    Ok(deepest)
}
