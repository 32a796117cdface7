;; Says that its list of columns is longer than its memory.

(data (i32.const 0x508) "\ff\ff\ff\0f")
