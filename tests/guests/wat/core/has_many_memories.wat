;; Has a memory more than there may be.

(memory 0)
(memory 0)
(memory 0)
(memory 0)
(memory 0)
(memory 0)
(memory 0)
(memory 0)
