;; Returns an infinite number.

(data (i32.const 0x748) "\00\00\00\00\00\00\f0\7f")
