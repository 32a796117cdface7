;; Grows a table until it gets no more.

(table $flood 0 funcref)
(func (export "partneros:mapper/transform@0.1.0#transform")
  (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (loop $more
    (br_if $more (i32.ne (table.grow $flood (ref.null func) (i32.const 1000)) (i32.const -1))))
  unreachable
  (i32.const 0x500))
