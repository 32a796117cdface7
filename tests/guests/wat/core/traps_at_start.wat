;; Crashes before anything is called.

(func $start unreachable)
(start $start)
