;; Returns half a thousand million cells, which are the same bytes in each of many columns.

(memory (export "memory") 800)
(func (export "partneros:mapper/transform@0.1.0#transform")
  (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (local $column i32)
  ;; Columns of ten million booleans, all at the same place.
  (local.set $column (i32.const 0x21000))
  (i32.store (i32.const 0x504) (i32.const 0x21000))
  (i32.store (i32.const 0x508) (i32.const 100))
  (loop $next
    (i32.store (local.get $column) (i32.const 3))
    (i32.store offset=4 (local.get $column) (i32.const 0x100000))
    (i32.store offset=8 (local.get $column) (i32.const 10000000))
    (local.set $column (i32.add (local.get $column) (i32.const 12)))
    (br_if $next (i32.lt_u (local.get $column) (i32.const 0x214b0))))
  (i32.const 0x500))
