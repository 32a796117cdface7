;; Says that its list of columns is at an odd address.

(data (i32.const 0x504) "\21\05\00\00")
