;; Writes all its memory again and again, by one instruction each time.

(func (export "partneros:mapper/transform@0.1.0#transform")
  (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (drop (memory.grow (i32.const 900)))
  (loop $again
    (memory.fill (i32.const 0) (i32.const 1) (i32.shl (i32.const 900) (i32.const 16)))
    (br $again))
  (i32.const 0x500))
