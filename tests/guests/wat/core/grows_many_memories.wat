;; Asks for memory in four memories, each less than the limit.

(memory $b 0)
(memory $c 0)
(memory $d 0)
(func (export "partneros:mapper/transform@0.1.0#transform")
  (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (if (i32.or
        (i32.or (i32.eq (memory.grow (i32.const 400)) (i32.const -1))
                (i32.eq (memory.grow $b (i32.const 400)) (i32.const -1)))
        (i32.or (i32.eq (memory.grow $c (i32.const 400)) (i32.const -1))
                (i32.eq (memory.grow $d (i32.const 400)) (i32.const -1))))
    (then unreachable))
  (i32.const 0x500))
