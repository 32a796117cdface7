;; Says that its list of columns is so long that its size in bytes does not fit 32 bits.

(data (i32.const 0x508) "\ff\ff\ff\ff")
