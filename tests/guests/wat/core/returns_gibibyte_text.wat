;; Says that a text is a gibibyte long, in a memory of two pages.

(data (i32.const 0x704) "\00\00\00\00\00\00\00\40")
