//! The compiler in a process of its own: it works, and what a component does to it stays there.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use partneros_runtime::{
    CompileError, CompilerConfig, LoadError, Runtime, RuntimeConfig, UploadLimits,
};
use tempfile::TempDir;
use test_guests::{REMEMBERS, UPPERCASE};

use crate::{batch, limits, load, number, plan, section, texts};

const COMPILER: &str = env!("CARGO_BIN_EXE_compile-component");

fn compiler() -> CompilerConfig {
    CompilerConfig {
        program: Some(COMPILER.into()),
        ..CompilerConfig::default()
    }
}

/// A runtime that lets everything through to the compiler.
fn runtime(compiler: CompilerConfig, cache_dir: Option<PathBuf>) -> Runtime {
    let config = RuntimeConfig {
        call: limits(),
        upload: UploadLimits {
            locals_max: usize::MAX,
            nesting_max: usize::MAX,
            loop_nesting_max: usize::MAX,
            function_bytes_max: usize::MAX,
            function_weight_max: usize::MAX,
            weight_max: usize::MAX,
            ..UploadLimits::default()
        },
        compiler,
        cache_dir,
        ..RuntimeConfig::default()
    };
    Runtime::new(config).expect("the runtime starts")
}

/// A good guest that carries a module of 20 KB which takes half a minute and 2 GB to compile.
fn hostile() -> Vec<u8> {
    let mut guest = UPPERCASE.to_vec();
    section(&mut guest, 1, &costly_module(1_000));
    guest
}

/// A module of one function with as many loops within one another as it has locals: each local changes in the innermost,
/// so at the head of each loop the compiler has to tell where each local may have come from.
fn costly_module(count: u32) -> Vec<u8> {
    const I32: u8 = 0x7f;
    let mut body = vec![1];
    number(&mut body, count);
    body.push(I32);
    for _ in 0..count {
        // loop
        body.extend([0x03, 0x40]);
    }
    for local in 0..count {
        // local = local + 1
        body.push(0x20);
        number(&mut body, local);
        body.extend([0x41, 1, 0x6a, 0x21]);
        number(&mut body, local);
    }
    for local in 0..count {
        // again if local; end
        body.push(0x20);
        number(&mut body, local);
        body.extend([0x0d, 0, 0x0b]);
    }
    body.push(0x0b);
    let mut code = vec![1];
    number(&mut code, body.len() as u32);
    code.extend(body);
    let mut module = b"\0asm\x01\0\0\0".to_vec();
    // One type, without parameters and results, and one function of it.
    section(&mut module, 1, &[1, 0x60, 0, 0]);
    section(&mut module, 3, &[1, 0]);
    section(&mut module, 10, &code);
    module
}

fn failure(runtime: &Runtime, bytes: &[u8]) -> CompileError {
    match runtime.load(bytes).expect_err("does not load") {
        LoadError::Compile { source, .. } => source,
        other => panic!("another error: {other}"),
    }
}

fn works(runtime: &Runtime, bytes: &[u8]) {
    let plugin = load(runtime, bytes);
    plugin.transform(&plan(), batch()).expect("an answer");
}

/// Children of this process that ended and were not waited for.
fn zombies() -> usize {
    let own = std::process::id().to_string();
    let processes = fs::read_dir("/proc").expect("is readable");
    processes
        .filter_map(|process| fs::read_to_string(process.ok()?.path().join("stat")).ok())
        .filter(|stat| {
            // The state and the parent come after the name, which may hold anything.
            let fields = stat.rsplit(") ").next().unwrap_or_default();
            let mut fields = fields.split(' ');
            fields.next() == Some("Z") && fields.next() == Some(own.as_str())
        })
        .count()
}

#[test]
fn a_good_guest_is_compiled_by_the_child() {
    let directory = TempDir::new().expect("a directory");
    let runtime = runtime(compiler(), Some(directory.path().to_owned()));
    let plugin = load(&runtime, UPPERCASE);
    let answer = plugin.transform(&plan(), batch()).expect("an answer").value;
    assert_eq!(answer.columns[0], texts(&[Some("ACME"), Some("GLOBEX")]));
    assert!(plugin.compile_time().is_some());
    assert!(plugin.compiled_bytes() > UPPERCASE.len());
    let entries = fs::read_dir(directory.path()).expect("is readable");
    assert_eq!(
        entries.count(),
        1,
        "the code is in the cache, and nothing else"
    );
}

#[test]
fn the_child_makes_the_same_code_as_this_process() {
    let [inside, outside] = [None, Some(COMPILER.into())].map(|program| {
        let directory = TempDir::new().expect("a directory");
        let compiler = CompilerConfig {
            program,
            ..CompilerConfig::default()
        };
        works(
            &runtime(compiler, Some(directory.path().to_owned())),
            UPPERCASE,
        );
        let mut entries = fs::read_dir(directory.path()).expect("is readable");
        let entry = entries.next().expect("an entry").expect("is readable");
        (
            entry.file_name(),
            fs::read(entry.path()).expect("is readable"),
        )
    });
    assert_eq!(inside.0, outside.0);
    assert!(inside.1 == outside.1, "the code differs");
}

#[test]
fn a_hostile_component_runs_out_of_memory_and_only_the_child_does() {
    let memory_bytes_max = 400 << 20;
    let compiler = CompilerConfig {
        memory_bytes_max,
        threads_max: 1,
        ..compiler()
    };
    let directory = TempDir::new().expect("a directory");
    let runtime = runtime(compiler, Some(directory.path().to_owned()));
    let error = failure(&runtime, &hostile());
    assert_eq!(error, CompileError::OutOfMemory { memory_bytes_max });
    let entries = fs::read_dir(directory.path()).expect("is readable");
    assert_eq!(entries.count(), 0, "something was left behind");
    works(&runtime, UPPERCASE);
}

#[test]
fn a_hostile_component_runs_out_of_time() {
    let compiler = CompilerConfig {
        time_ms_max: 300,
        ..compiler()
    };
    let error = failure(&runtime(compiler, None), &hostile());
    let expected = CompileError::OutOfTime {
        limit: "time_ms_max",
        allowed: 300,
    };
    assert_eq!(error, expected);
}

#[test]
fn a_hostile_component_runs_out_of_processor_time() {
    let compiler = CompilerConfig {
        cpu_seconds_max: 1,
        memory_bytes_max: 16 << 30,
        ..compiler()
    };
    let error = failure(&runtime(compiler, None), &hostile());
    let expected = CompileError::OutOfTime {
        limit: "cpu_seconds_max",
        allowed: 1,
    };
    assert_eq!(error, expected);
}

#[test]
fn code_that_is_too_large_is_not_taken() {
    let compiler = CompilerConfig {
        code_bytes_max: 10_000,
        ..compiler()
    };
    let error = failure(&runtime(compiler, None), UPPERCASE);
    let expected = CompileError::TooLarge {
        code_bytes_max: 10_000,
    };
    assert_eq!(error, expected);
}

#[test]
fn padding_is_carried_along() {
    let mut padded = UPPERCASE.to_vec();
    let mut padding = b"\x03pad".to_vec();
    padding.resize(32 << 20, 0);
    section(&mut padded, 0, &padding);
    works(&runtime(compiler(), None), &padded);
}

#[test]
fn a_compiler_that_is_none_is_not_believed() {
    let with = |program: &str| {
        let compiler = CompilerConfig {
            program: Some(program.into()),
            ..CompilerConfig::default()
        };
        failure(&runtime(compiler, None), REMEMBERS)
    };
    let missing = with("/nowhere/compile-component");
    assert!(
        matches!(&missing, CompileError::Unavailable { reason } if reason.contains("/nowhere")),
        "{missing}"
    );
    let expected = CompileError::Crashed {
        reason: "its output is damaged".to_owned(),
    };
    // It hands the component back, as if an upload could be machine code.
    assert_eq!(with("/bin/cat"), expected);
    let failed = with("/bin/false");
    assert!(matches!(failed, CompileError::Crashed { .. }), "{failed}");
}

#[test]
fn no_child_is_left_unwaited_for() {
    let compiler = CompilerConfig {
        time_ms_max: 100,
        ..compiler()
    };
    let runtime = runtime(compiler, None);
    for _ in 0..3 {
        failure(&runtime, &hostile());
    }
    // The children of other tests end at any moment, and are waited for soon after.
    let deadline = Instant::now() + Duration::from_secs(30);
    while zombies() > 0 {
        assert!(Instant::now() < deadline, "a child was not waited for");
        std::thread::yield_now();
    }
}
