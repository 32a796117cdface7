;; Returns bytes that are no UTF-8.

(data (i32.const 0x160) "\ff\fe")
