;; Says that a text ends after its memory does.

(data (i32.const 0x704) "\f0\ff\01\00\00\01\00\00")
