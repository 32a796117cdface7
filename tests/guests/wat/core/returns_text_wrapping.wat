;; Says that a text begins at the last address and ends at the first.

(data (i32.const 0x704) "\ff\ff\ff\ff\02\00\00\00")
