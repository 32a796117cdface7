;; Wants ten mebibytes for every argument.

(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
  (if (i32.eq (memory.grow (i32.const 160)) (i32.const -1)) (then unreachable))
  (i32.shl (i32.sub (memory.size) (i32.const 160)) (i32.const 16)))
