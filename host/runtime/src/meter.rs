//! Counts the memory of one instance, over all of its memories, and refuses what is too much.

use wasmtime::ResourceLimiter;

/// The memory account of one store.
#[derive(Debug)]
pub struct Meter {
    bytes_max: usize,
    table_entries_max: usize,
    instances_max: usize,
    memories_max: usize,
    tables_max: usize,
    bytes: usize,
    bytes_peak: usize,
    refused: bool,
}

impl Meter {
    pub fn new(limits: &crate::CallLimits) -> Self {
        Self {
            bytes_max: limits.memory_bytes_max,
            table_entries_max: limits.table_entries_max,
            instances_max: limits.core_instances_max as usize,
            memories_max: limits.memories_max as usize,
            tables_max: limits.tables_max as usize,
            bytes: 0,
            bytes_peak: 0,
            refused: false,
        }
    }

    /// The most memory that was in use at once.
    pub fn bytes_peak(&self) -> u64 {
        self.bytes_peak as u64
    }

    /// Whether the guest was refused memory. It may have gone on without.
    pub fn refused(&self) -> bool {
        self.refused
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let bytes = self.bytes.saturating_add(desired.saturating_sub(current));
        if bytes > self.bytes_max {
            self.refused = true;
            return Ok(false);
        }
        self.bytes = bytes;
        self.bytes_peak = self.bytes_peak.max(bytes);
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let allowed = desired <= self.table_entries_max;
        self.refused |= !allowed;
        Ok(allowed)
    }

    fn instances(&self) -> usize {
        self.instances_max
    }

    fn tables(&self) -> usize {
        self.tables_max
    }

    fn memories(&self) -> usize {
        self.memories_max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_on_all_memories_together() {
        let mut meter = Meter::new(&crate::CallLimits {
            memory_bytes_max: 100,
            ..crate::CallLimits::default()
        });
        assert!(meter.memory_growing(0, 60, None).expect("answers"));
        assert!(!meter.memory_growing(0, 60, None).expect("answers"));
        assert!(meter.refused());
        assert!(meter.memory_growing(60, 100, None).expect("answers"));
        assert_eq!(meter.bytes_peak(), 100);
    }
}
