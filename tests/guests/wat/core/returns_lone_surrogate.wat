;; Returns half a pair of UTF-16 surrogates as UTF-8 would not.

(data (i32.const 0x160) "\ed\a0\80")
