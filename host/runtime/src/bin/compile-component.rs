//! The compiler process by itself, as the runtime's tests start it.

use std::process::ExitCode;

fn main() -> ExitCode {
    partneros_runtime::compile_child_main()
}
