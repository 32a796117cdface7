;; Returns a result that is neither a success nor an error.

(data (i32.const 0x500) "\02")
