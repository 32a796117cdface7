;; Returns a column of a kind that does not exist.

(data (i32.const 0x520) "\05")
