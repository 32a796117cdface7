;; Holds a component that crashes while it starts.

(component $inner
  (core module $traps (func $start unreachable) (start $start))
  (core instance (instantiate $traps)))
(instance (instantiate $inner))
