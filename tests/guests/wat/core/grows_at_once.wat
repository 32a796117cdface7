;; Asks for all the memory there can be, and does not go on without.

(func (export "partneros:mapper/transform@0.1.0#transform")
  (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (if (i32.eq (memory.grow (i32.const 0xfffd)) (i32.const -1)) (then unreachable))
  (i32.const 0x500))
