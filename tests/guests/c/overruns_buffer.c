// Writes past the end of a buffer, over everything that comes after it, to the end of its memory and further.

#include "mapper.h"

TRANSFORM const struct transformed *transform(PLAN_AND_BATCH) {
    for (volatile uint8_t *at = heap;; at++) *at = 0x41;
}
