;; Has a memory in each of more instances than there may be memories.

(core module $memory (memory 1))
(core instance (instantiate $memory))
(core instance (instantiate $memory))
(core instance (instantiate $memory))
(core instance (instantiate $memory))
(core instance (instantiate $memory))
(core instance (instantiate $memory))
(core instance (instantiate $memory))
(core instance (instantiate $memory))
(core instance (instantiate $memory))
