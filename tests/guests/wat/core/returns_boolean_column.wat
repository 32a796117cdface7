;; Returns a column of booleans, in bytes of neither 0 nor 1, where text belongs.

(data (i32.const 0x520) "\03\00\00\00\60\07\00\00\02\00\00\00")
(data (i32.const 0x760) "\01\02\01\ff")
