//! The guests that are written in C, which no library stands between: a file in `c`, compiled to a core module.
//!
//! Where there is no clang that knows WebAssembly, they are left out; the build warns of it, and the
//! tests say which.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::sources;

const FLAGS: [&str; 11] = [
    "--target=wasm32",
    "-std=c11",
    "-O1",
    "-ffreestanding",
    "-fno-builtin",
    "-nostdlib",
    "-Wall",
    "-Werror",
    "-Wl,--no-entry",
    // The stack grows down to address 0, so that its end is noticed.
    "-Wl,--stack-first",
    "-Wl,-z,stack-size=65536",
];

/// The core module of each guest, by name; none without a compiler.
pub fn guests(out: &Path) -> Result<Vec<(String, Option<Vec<u8>>)>> {
    println!("cargo::rerun-if-env-changed=CLANG");
    println!("cargo::rerun-if-env-changed=PATH");
    let clang = std::env::var("CLANG").unwrap_or_else(|_| "clang".to_owned());
    let sources = sources("c", "c")?;
    if !works(&clang, out) {
        println!(
            "cargo::warning=`{clang}` builds nothing for wasm32: {} guests in C are left out of the tests; \
             install clang and lld (Debian: apt-get install clang lld), or set CLANG",
            sources.len()
        );
        return Ok(sources.into_keys().map(|name| (name, None)).collect());
    }
    let build = |(name, source): (String, PathBuf)| {
        let module = out.join(format!("{name}.core.wasm"));
        let output = compile(&clang, &source, &module)
            .output()
            .with_context(|| format!("run `{clang}`"))?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "compile the guest `{name}`: {said}"
        );
        Ok((name, Some(fs::read(module)?)))
    };
    sources.into_iter().map(build).collect()
}

/// Whether the compiler, and the linker that it calls, are there and know WebAssembly.
fn works(clang: &str, out: &Path) -> bool {
    let source = out.join("probe.c");
    let written = fs::write(&source, "int probe;\n").is_ok();
    let output = compile(clang, &source, &out.join("probe.wasm")).output();
    written && output.is_ok_and(|output| output.status.success())
}

fn compile(clang: &str, source: &Path, module: &Path) -> Command {
    let mut command = Command::new(clang);
    command.args(FLAGS).arg(source).arg("-o").arg(module);
    command
}
