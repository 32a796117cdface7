;; Divides by zero.

(func (export "partneros:mapper/transform@0.1.0#transform")
  (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (drop (i32.div_u (i32.const 1) (i32.const 0)))
  (i32.const 0x500))
