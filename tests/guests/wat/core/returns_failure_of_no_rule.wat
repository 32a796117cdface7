;; Fails at a rule that the plan does not have.

(data (i32.const 0x510) "\01\00\00\00")
(data (i32.const 0x600) "\ff\ff\ff\ff")
