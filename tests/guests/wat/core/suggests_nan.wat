;; Is as sure as a number that is none.

(data (i32.const 0x328) "\00\00\00\00\00\00\f8\7f")
