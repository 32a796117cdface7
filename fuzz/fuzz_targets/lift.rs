//! Arbitrary bytes as the answer of a guest: lifting them ends, with an answer that fits or an error.
//!
//! The first byte chooses the function; the others are laid over the guest's memory from its answer on.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some((function, answer)) = bytes.split_first() {
        partneros_fuzz::echo(*function, answer);
    }
});
