;; Never gets to where it can be called.

(func $start (loop $again (br $again)))
(start $start)
