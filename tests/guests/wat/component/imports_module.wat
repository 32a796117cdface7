;; Wants a core module of the host.

(import "payload" (core module))
