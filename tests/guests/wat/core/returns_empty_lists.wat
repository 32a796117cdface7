;; Returns millions of cells that hold nothing, each of which still takes room in the host.

(memory (export "memory") 800)
(data (i32.const 0x520) "\04\00\00\00\00\00\10\00\00\09\3d\00")
