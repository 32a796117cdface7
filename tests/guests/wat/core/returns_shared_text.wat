;; Returns a gibibyte of text, which is the same mebibyte a thousand times.

(memory (export "memory") 48)
(data (i32.const 0x504) "\00\00\02\00\03\00\00\00")
(func (export "partneros:mapper/transform@0.1.0#transform")
  (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (local $cell i32)
  ;; A mebibyte of zeros, which is text, from 0x100000; a column of a thousand cells, each all of it.
  (local.set $cell (i32.const 0x21000))
  (i32.store (i32.const 0x20004) (i32.const 0x21000))
  (i32.store (i32.const 0x20008) (i32.const 1000))
  (loop $next
    (i32.store (local.get $cell) (i32.const 1))
    (i32.store offset=4 (local.get $cell) (i32.const 0x100000))
    (i32.store offset=8 (local.get $cell) (i32.const 0x100000))
    (local.set $cell (i32.add (local.get $cell) (i32.const 12)))
    (br_if $next (i32.lt_u (local.get $cell) (i32.const 0x23ee0))))
  (i32.const 0x500))
