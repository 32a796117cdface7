;; Says that its name ends after its memory does.

(data (i32.const 0x204) "\ff\ff\ff\7f")
