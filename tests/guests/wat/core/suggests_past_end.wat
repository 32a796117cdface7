;; Says that its list of candidates is longer than its memory.

(data (i32.const 0x31c) "\ff\ff\ff\00")
