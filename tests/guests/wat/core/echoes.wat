;; Answers with the bytes that its arguments spell, wherever they are: whatever the host can be told, this tells it.
;;
;; The first entry of the plan's `extra`, and for suggestions the name of the PartnerOS object, are read as the bytes from
;; 0x300 or 0x500 on, two letters from `a` to `p` each. Without such an entry the answer is a good one.

(func $spell (param $from i32) (param $len i32) (param $to i32)
  (local $end i32)
  (local.set $end (i32.add (local.get $from) (i32.and (local.get $len) (i32.const -2))))
  (loop $next
    (if (i32.lt_u (local.get $from) (local.get $end))
      (then
        (i32.store8 (local.get $to)
          (i32.or
            (i32.shl (i32.sub (i32.load8_u (local.get $from)) (i32.const 97)) (i32.const 4))
            (i32.sub (i32.load8_u offset=1 (local.get $from)) (i32.const 97))))
        (local.set $to (i32.add (local.get $to) (i32.const 1)))
        (local.set $from (i32.add (local.get $from) (i32.const 2)))
        (br $next)))))

(func $spell_extra (param $extra i32) (param $len i32) (param $to i32)
  (if (local.get $len)
    (then
      (call $spell
        (i32.load offset=8 (local.get $extra))
        (i32.load offset=12 (local.get $extra))
        (local.get $to)))))

(func (export "partneros:mapper/suggest@0.1.0#suggest")
  (param $name i32) (param $len i32) (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (if (i32.eqz (i32.and (i32.sub (i32.load8_u (local.get $name)) (i32.const 97)) (i32.const 0xfe)))
    (then (call $spell (local.get $name) (local.get $len) (i32.const 0x300))))
  (i32.const 0x300))

(func (export "partneros:mapper/transform@0.1.0#check")
  (param i32 i32 i32 i32 i32 i32 i32) (param $extra i32) (param $len i32) (result i32)
  (call $spell_extra (local.get $extra) (local.get $len) (i32.const 0x400))
  (i32.const 0x400))

(func (export "partneros:mapper/transform@0.1.0#transform")
  (param i32 i32 i32 i32 i32 i32 i32) (param $extra i32) (param $len i32) (param i32 i32) (result i32)
  (call $spell_extra (local.get $extra) (local.get $len) (i32.const 0x500))
  (i32.const 0x500))
