//! Files that nobody should accept, made in code.

/// Every kind of such a file, by name, and a good component with much padding.
pub fn all() -> Vec<(&'static str, Vec<u8>)> {
    let good = crate::UPPERCASE;
    vec![
        ("component of a later layer", with_version(good, 0x0e, 1)),
        ("core module", core_module()),
        ("deep types", with_type_chain(100_000)),
        ("empty", Vec::new()),
        ("garbage", garbage()),
        (
            "garbage after the magic number",
            [MAGIC, &garbage()].concat(),
        ),
        ("large types", with_type_doubling(40)),
        ("locals", with_locals(20_000)),
        ("loops", with_loops(1_000, 1_000)),
        ("many components", with_components(1_000, 0)),
        ("many functions", with_functions(100_000)),
        ("many modules", with_modules(1_000)),
        ("many sections", with_custom_sections(good, 300_000, 0)),
        ("native code", elf()),
        ("nested blocks", with_nesting(100_000)),
        ("nested components", with_nested_components(10_000)),
        ("only padding", with_custom_sections(MAGIC, 39, 1 << 20)),
        ("padded components", with_components(30, 1 << 20)),
        (
            "padded past the limit",
            with_custom_sections(good, 41, 1 << 20),
        ),
        ("padding", with_custom_sections(good, 30, 1 << 20)),
        ("truncated", truncated(good).to_vec()),
        ("wide record", with_wide_record(200_000)),
    ]
}

/// Bytes without any structure, always the same.
pub fn garbage() -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..512).flat_map(|_| next()).collect()
}

/// The first half of a component.
pub fn truncated(component: &[u8]) -> &[u8] {
    component.split_at(component.len() / 2).0
}

/// A program for Linux, or the beginning of one.
pub fn elf() -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01\x00".to_vec();
    bytes.resize(512, 0);
    bytes
}

/// A core module with one function.
pub fn core_module() -> Vec<u8> {
    module(1, &function(0, 0, BLOCK))
}

/// A component around a function with this many locals.
pub fn with_locals(count: u32) -> Vec<u8> {
    component(&[module(1, &function(count, 0, BLOCK))])
}

/// A component around a function with this many blocks within one another.
pub fn with_nesting(depth: usize) -> Vec<u8> {
    component(&[module(1, &function(0, depth, BLOCK))])
}

/// A component around a function with this many locals, and this many loops within one another.
pub fn with_loops(locals: u32, depth: usize) -> Vec<u8> {
    component(&[module(1, &function(locals, depth, LOOP))])
}

/// A component around this many functions.
pub fn with_functions(count: u32) -> Vec<u8> {
    component(&[module(count, &function(0, 0, BLOCK))])
}

/// A component around this many core modules.
pub fn with_modules(count: usize) -> Vec<u8> {
    component(&vec![core_module(); count])
}

/// A component whose header says another version or layer.
pub fn with_version(component: &[u8], version: u8, layer: u8) -> Vec<u8> {
    let mut bytes = component.to_vec();
    bytes.splice(4..8, [version, 0, layer, 0]);
    bytes
}

/// The component with this many custom sections of this many zeros after it, as small as a file of them becomes when
/// it is compressed.
pub fn with_custom_sections(component: &[u8], count: usize, length: usize) -> Vec<u8> {
    let mut bytes = component.to_vec();
    let content = [b"\x01x".as_slice(), &vec![0; length]].concat();
    for _ in 0..count {
        section(&mut bytes, 0, &content);
    }
    bytes
}

/// A component around this many components, each with a custom section of this many zeros.
pub fn with_components(count: usize, length: usize) -> Vec<u8> {
    let inner = with_custom_sections(MAGIC, 1, length);
    let mut bytes = MAGIC.to_vec();
    for _ in 0..count {
        section(&mut bytes, COMPONENT, &inner);
    }
    bytes
}

/// Components within one another.
pub fn with_nested_components(depth: usize) -> Vec<u8> {
    // From the inside out, each the end of the next.
    let mut reversed: Vec<u8> = MAGIC.iter().rev().copied().collect();
    for _ in 0..depth {
        let mut header = MAGIC.to_vec();
        header.push(COMPONENT);
        number(
            &mut header,
            u32::try_from(reversed.len()).unwrap_or(u32::MAX),
        );
        reversed.extend(header.iter().rev());
    }
    reversed.reverse();
    reversed
}

/// A component with a list of lists of lists.
pub fn with_type_chain(depth: u32) -> Vec<u8> {
    with_types(depth, |types, previous| {
        types.push(0x70);
        index(types, previous);
    })
}

/// A component with a pair of pairs of pairs: its types double in size with each step.
pub fn with_type_doubling(depth: u32) -> Vec<u8> {
    with_types(depth, |types, previous| {
        types.extend([0x6f, 2]);
        index(types, previous);
        index(types, previous);
    })
}

/// A component with a record of this many fields.
pub fn with_wide_record(fields: u32) -> Vec<u8> {
    let mut types = vec![1, 0x72];
    number(&mut types, fields);
    for field in 0..fields {
        let name = format!("f{field}");
        types.push(name.len() as u8);
        types.extend(name.bytes());
        types.push(STRING);
    }
    let mut bytes = MAGIC.to_vec();
    section(&mut bytes, TYPES, &types);
    bytes
}

/// A component with a string, and this many types that are each made of the one before.
fn with_types(count: u32, add: impl Fn(&mut Vec<u8>, u32)) -> Vec<u8> {
    let mut types = Vec::new();
    number(&mut types, count + 1);
    types.push(STRING);
    for previous in 0..count {
        add(&mut types, previous);
    }
    let mut bytes = MAGIC.to_vec();
    section(&mut bytes, TYPES, &types);
    bytes
}

/// What a component begins with, and all of an empty one.
const MAGIC: &[u8] = b"\0asm\x0d\x00\x01\x00";

// Sections of a component.
const COMPONENT: u8 = 4;
const TYPES: u8 = 7;

/// The type `string`.
const STRING: u8 = 0x73;

const BLOCK: u8 = 0x02;
const LOOP: u8 = 0x03;

fn component(modules: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    for module in modules {
        section(&mut bytes, 1, module);
    }
    bytes
}

fn module(functions: u32, function: &[u8]) -> Vec<u8> {
    let mut bytes = b"\0asm\x01\x00\x00\x00".to_vec();
    // One type: no parameters, no results.
    section(&mut bytes, 1, &[1, 0x60, 0, 0]);
    let mut types = Vec::new();
    number(&mut types, functions);
    let mut code = types.clone();
    types.resize(types.len() + functions as usize, 0);
    section(&mut bytes, 3, &types);
    for _ in 0..functions {
        code.extend_from_slice(function);
    }
    section(&mut bytes, 10, &code);
    bytes
}

/// A function's code, with its length before it.
fn function(locals: u32, nesting: usize, opening: u8) -> Vec<u8> {
    let mut body = Vec::new();
    if locals == 0 {
        body.push(0);
    } else {
        body.push(1);
        number(&mut body, locals);
        body.push(0x7f);
    }
    for _ in 0..nesting {
        body.extend([opening, 0x40]);
    }
    body.resize(body.len() + nesting + 1, 0x0b);
    let mut bytes = Vec::new();
    number(&mut bytes, u32::try_from(body.len()).unwrap_or(u32::MAX));
    bytes.extend(body);
    bytes
}

fn section(bytes: &mut Vec<u8>, id: u8, content: &[u8]) {
    bytes.push(id);
    number(bytes, u32::try_from(content.len()).unwrap_or(u32::MAX));
    bytes.extend_from_slice(content);
}

/// LEB128, the number format of WebAssembly.
fn number(bytes: &mut Vec<u8>, mut number: u32) {
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}

/// The position of a type: the same with a sign, which must not be set.
fn index(bytes: &mut Vec<u8>, index: u32) {
    number(bytes, index);
    if let Some(last) = bytes.last_mut().filter(|last| **last & 0x40 != 0) {
        *last |= 0x80;
        bytes.push(0);
    }
}
