;; Wants a function that the interface it names does not have.

(import "wasi:clocks/wall-clock@0.2.6" (instance (export "set" (func (param "seconds" u64)))))
