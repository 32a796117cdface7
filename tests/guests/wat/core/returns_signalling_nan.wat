;; Returns a number that is none, with something in the bits that should say nothing.

(data (i32.const 0x748) "\ad\de\00\00\00\00\f4\7f")
