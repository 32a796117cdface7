;; Wants a function that is in no interface.

(import "system" (func (param "command" string) (result s32)))
