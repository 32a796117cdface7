//! Components with bytes changed, cut out, doubled or taken from one another: validation ends, and what it lets
//! through compiles, and runs within its limits.

#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary, Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use partneros_fuzz::{RUNTIME, call};

/// The largest component that is mutated; the small ones have the same structure and are much faster.
const COMPONENT_BYTES_MAX: usize = 16 * 1024;

#[derive(Debug, Arbitrary)]
enum Mutation {
    Flip {
        at: u16,
        bits: u8,
    },
    Truncate {
        at: u16,
    },
    Cut {
        at: u16,
        length: u8,
    },
    Repeat {
        at: u16,
        length: u8,
        times: u8,
    },
    Splice {
        at: u16,
        from: u8,
        start: u16,
        length: u16,
    },
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(component) = mutant(&mut Unstructured::new(bytes)) else {
        return;
    };
    if RUNTIME.validate(&component).is_ok()
        && let Ok(plugin) = RUNTIME.load(&component)
    {
        call(&plugin);
    }
});

fn mutant(input: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let small: Vec<_> = test_guests::ALL
        .iter()
        .map(|(_, bytes)| *bytes)
        .filter(|bytes| bytes.len() <= COMPONENT_BYTES_MAX)
        .collect();
    let mut component = input.choose(&small)?.to_vec();
    for _ in 0..input.int_in_range(1..=8)? {
        mutate(&mut component, Mutation::arbitrary(input)?, &small);
    }
    Ok(component)
}

fn mutate(component: &mut Vec<u8>, mutation: Mutation, others: &[&[u8]]) {
    if component.is_empty() {
        return;
    }
    let within = |bytes: &[u8], at: u16| usize::from(at) % bytes.len();
    let range = |bytes: &[u8], at: u16, length: usize| {
        let start = within(bytes, at);
        start..bytes.len().min(start + length)
    };
    match mutation {
        Mutation::Flip { at, bits } => {
            let at = within(component, at);
            component[at] ^= bits;
        }
        Mutation::Truncate { at } => component.truncate(within(component, at)),
        Mutation::Cut { at, length } => {
            component.drain(range(component, at, length.into()));
        }
        Mutation::Repeat { at, length, times } => {
            let range = range(component, at, length.into());
            let repeated = component[range.clone()].repeat(times.into());
            component.splice(range.end..range.end, repeated);
        }
        Mutation::Splice {
            at,
            from,
            start,
            length,
        } => {
            let other = others[usize::from(from) % others.len()];
            let taken = &other[range(other, start, length.into())];
            component.splice(range(component, at, taken.len()), taken.iter().copied());
        }
    }
}
