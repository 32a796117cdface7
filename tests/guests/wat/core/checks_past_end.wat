;; Says that its list of problems is longer than its memory.

(data (i32.const 0x404) "\ff\ff\ff\00")
