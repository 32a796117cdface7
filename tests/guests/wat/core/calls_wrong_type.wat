;; Calls a function as if it were of another type.

(type $other (func (result i64)))
(table $functions funcref (elem $real))
(func $real)
(func (export "partneros:mapper/transform@0.1.0#transform")
  (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (drop (call_indirect $functions (type $other) (i32.const 0)))
  (i32.const 0x500))
