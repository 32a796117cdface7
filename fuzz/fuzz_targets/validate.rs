//! Arbitrary bytes: validation ends, with a verdict and without a panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use partneros_fuzz::RUNTIME;

fuzz_target!(|bytes: &[u8]| {
    if let Err(rejected) = RUNTIME.validate(bytes) {
        assert!(!rejected.problems.is_empty(), "refused without a reason");
    }
});
