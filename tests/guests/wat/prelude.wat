;; A mapper that behaves, of one answer for each function, laid out by hand.
;;
;; Every paragraph stands alone, and is left out where a guest has an export of the same name. A guest
;; that lies overwrites a part of an answer with data of its own, which comes after the data here:
;;
;; 0x200 describe: name, version, summary, options schema (pointer and length of each)
;; 0x300 suggest: tag; suggestions. 0x310 suggestion: field, candidates. 0x320 candidate: property,
;;       confidence, reasons. 0x340 reason: code, message
;; 0x400 check: problems, none of them
;; 0x500 transform: tag; columns at 0x504, failures at 0x50c. 0x520, 0x52c, 0x538 column: tag;
;;       cells. 0x600 failure: rule, row, code, message
;; 0x700, 0x720 cell of text: tag; text. 0x740 cell of numbers: tag; number

(memory (export "memory") 2)

;; Hands out what nobody uses, and frees nothing.
(global $free (mut i32) (i32.const 0x1000))
(func (export "cabi_realloc") (param $old i32) (param $old_len i32) (param $align i32) (param $len i32) (result i32)
  (local $new i32)
  (local.set $new
    (i32.and
      (i32.add (global.get $free) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
  (global.set $free (i32.add (local.get $new) (local.get $len)))
  (if (i32.gt_u (global.get $free) (i32.shl (memory.size) (i32.const 16)))
    (then (drop (memory.grow (i32.add (i32.shr_u (local.get $len) (i32.const 16)) (i32.const 1))))))
  (memory.copy (local.get $new) (local.get $old) (local.get $old_len))
  (local.get $new))

(func (export "partneros:mapper/describe@0.1.0#describe") (result i32)
  (i32.const 0x200))

(func (export "partneros:mapper/suggest@0.1.0#suggest")
  (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (i32.const 0x300))

(func (export "partneros:mapper/transform@0.1.0#check")
  (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (i32.const 0x400))

(func (export "partneros:mapper/transform@0.1.0#transform")
  (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (i32.const 0x500))

(data (i32.const 0x100) "test-guest")
(data (i32.const 0x110) "1.0.0")
(data (i32.const 0x120) "A component for tests.")
(data (i32.const 0x140) "name")
(data (i32.const 0x150) "same-name")
(data (i32.const 0x160) "Acme")
(data (i32.const 0x200) "\00\01\00\00\0a\00\00\00\10\01\00\00\05\00\00\00\20\01\00\00\16\00\00\00\00\00\00\00\00\00\00\00")
(data (i32.const 0x300) "\00\00\00\00\10\03\00\00\01\00\00\00")
(data (i32.const 0x310) "\40\01\00\00\04\00\00\00\20\03\00\00\01\00\00\00")
(data (i32.const 0x320) "\40\01\00\00\04\00\00\00\00\00\00\00\00\00\f0\3f\40\03\00\00\01\00\00\00")
(data (i32.const 0x340) "\50\01\00\00\09\00\00\00\50\01\00\00\09\00\00\00")
(data (i32.const 0x400) "\10\04\00\00\00\00\00\00")
(data (i32.const 0x500) "\00\00\00\00\20\05\00\00\03\00\00\00\00\06\00\00\00\00\00\00")
(data (i32.const 0x520) "\00\00\00\00\00\07\00\00\02\00\00\00\00\00\00\00\20\07\00\00\02\00\00\00\02\00\00\00\40\07\00\00\02\00\00\00")
(data (i32.const 0x600) "\00\00\00\00\00\00\00\00\50\01\00\00\09\00\00\00\50\01\00\00\09\00\00\00")
(data (i32.const 0x700) "\01\00\00\00\60\01\00\00\04\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00")
(data (i32.const 0x720) "\01\00\00\00\60\01\00\00\04\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00")
(data (i32.const 0x740) "\01\00\00\00\00\00\00\00\00\00\00\00\00\00\28\40\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00")
