;; Wants files of a WASI that is to come.

(import "wasi:filesystem/types@0.3.0" (instance))
