;; Returns a cell that neither is there nor is not.

(data (i32.const 0x700) "\02")
