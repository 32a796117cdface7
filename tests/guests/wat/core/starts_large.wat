;; Needs more memory than there is before anything is called.

(memory (export "memory") 2000)
