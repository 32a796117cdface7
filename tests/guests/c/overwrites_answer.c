// Returns an answer that it then cleans up too early: what the host reads is what was written over it.

#include "mapper.h"

TRANSFORM const struct transformed *transform(PLAN_AND_BATCH) {
    struct transformed *answer = cabi_realloc(NULL, 0, 4, sizeof *answer);
    volatile uint8_t *freed = (volatile uint8_t *)answer;
    answer->tag = 0;
    for (uint32_t at = 0; at < sizeof *answer; at++) freed[at] = 0xdd;
    return answer;
}
