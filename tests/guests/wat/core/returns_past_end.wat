;; Returns an answer that is not in its memory.

(func (export "partneros:mapper/transform@0.1.0#transform")
  (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)

  (i32.const 0xfffffff0))
