;; Makes resources of its own until it gets no more.

(type $resource (resource (rep i32)))
(core func $new (canon resource.new $resource))
(core module $flood
  (import "" "new" (func $new (param i32) (result i32)))
  (func $start (loop $again (drop (call $new (i32.const 1))) (br $again)))
  (start $start))
(core instance (instantiate $flood (with "" (instance (export "new" (func $new))))))
