//! Reads a file once, measures it, and collects the names of its imports and exports.
//!
//! Compile time and memory grow with the number of functions, with the square of a function's locals and
//! with code that is nested or long, not with the size of the file; so these are measured before
//! anything else happens. Takes time in proportion to the file and hardly any memory.

use wasmparser::{BinaryReaderError, Encoding, FunctionBody, Operator, Parser, Payload};

use super::{Rejection, RejectionCode};
use crate::config::UploadLimits;

/// What a file holds at its outermost level.
#[derive(Debug, Default)]
pub struct Scan {
    pub imports: Vec<String>,
    pub exports: Vec<String>,
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
    locals: u32,
    function_bytes: usize,
    nesting: usize,
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
            _ => {}
        }
    }
    Ok(measures)
}

impl Measures {
    fn function(&mut self, body: &FunctionBody<'_>) -> Result<(), BinaryReaderError> {
        self.functions += 1;
        self.function_bytes = self.function_bytes.max(body.range().len());
        let mut locals = 0_u32;
        for group in body.get_locals_reader()? {
            let (count, _) = group?;
            locals = locals.saturating_add(count);
        }
        self.locals = self.locals.max(locals);
        let mut nesting = 0_usize;
        for operator in body.get_operators_reader()? {
            match operator? {
                Operator::Block { .. }
                | Operator::Loop { .. }
                | Operator::If { .. }
                | Operator::TryTable { .. } => nesting += 1,
                Operator::End => nesting = nesting.saturating_sub(1),
                _ => continue,
            }
            self.nesting = self.nesting.max(nesting);
        }
        Ok(())
    }

    fn problems(&self, limits: &UploadLimits) -> Vec<Rejection> {
        let measured = [
            (
                self.modules,
                limits.modules_max,
                "modules_max",
                "file",
                "core modules",
            ),
            (
                self.components,
                limits.components_max,
                "components_max",
                "file",
                "inner components",
            ),
            (
                self.functions,
                limits.functions_max,
                "functions_max",
                "file",
                "functions",
            ),
            (
                self.locals as usize,
                limits.locals_max as usize,
                "locals_max",
                "largest function",
                "locals",
            ),
            (
                self.function_bytes,
                limits.function_bytes_max,
                "function_bytes_max",
                "largest function",
                "bytes of code",
            ),
            (
                self.nesting,
                limits.nesting_max,
                "nesting_max",
                "deepest function",
                "blocks within one another",
            ),
        ];
        measured
            .into_iter()
            .filter(|(found, allowed, ..)| found > allowed)
            .map(|(found, allowed, limit, place, what)| {
                let message = format!("has {found} {what}, `{limit}` is {allowed}");
                Rejection::new(RejectionCode::TooLarge, place, message)
            })
            .collect()
    }
}
