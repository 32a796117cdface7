//! Keeps the end of what a guest writes to standard output and standard error.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// How much a guest may write at once.
const WRITE_BYTES_MAX: usize = 64 * 1024;

/// A bounded buffer that forgets its beginning. Clones share it.
#[derive(Debug, Clone)]
pub struct Log {
    bytes_max: usize,
    bytes: Arc<Mutex<VecDeque<u8>>>,
}

impl Log {
    pub fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            bytes: Arc::default(),
        }
    }

    /// What is kept, as text.
    pub fn tail(&self) -> String {
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let text = bytes.make_contiguous();
        // The beginning may be the rest of a character that was cut.
        let cut = text.iter().take_while(|byte| **byte & 0xc0 == 0x80).count();
        String::from_utf8_lossy(text.get(cut..).unwrap_or_default()).into_owned()
    }

    fn append(&self, written: &[u8]) {
        let kept = written.len().saturating_sub(self.bytes_max);
        let kept = written.get(kept..).unwrap_or_default();
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let excess = (bytes.len() + kept.len()).saturating_sub(self.bytes_max);
        bytes.drain(..excess);
        bytes.extend(kept);
    }
}

impl IsTerminal for Log {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Log {
    /// For WASI 0.3, which is not linked.
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for Log {
    async fn ready(&mut self) {}
}

#[async_trait]
impl OutputStream for Log {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.append(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_is_kept() {
        let log = Log::new(5);
        log.append(b"abc");
        log.append(b"def");
        assert_eq!(log.tail(), "bcdef");
        log.append(b"0123456789");
        assert_eq!(log.tail(), "56789");
    }

    #[test]
    fn a_character_cut_in_two_is_left_out() {
        let log = Log::new(3);
        log.append("aöb".as_bytes());
        assert_eq!(log.tail(), "öb");
        log.append(b"c");
        assert_eq!(log.tail(), "bc");
    }
}
