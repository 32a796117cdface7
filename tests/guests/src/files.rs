//! Files that nobody should accept, made in code.

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

const BLOCK: u8 = 0x02;
const LOOP: u8 = 0x03;

fn component(modules: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = b"\0asm\x0d\x00\x01\x00".to_vec();
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
