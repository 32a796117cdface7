;; Has no name.

(data (i32.const 0x204) "\00\00\00\00")
