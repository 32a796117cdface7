;; Returns a slash in more bytes than UTF-8 allows.

(data (i32.const 0x160) "\c0\af")
