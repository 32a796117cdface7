// Calls itself with a large frame each time, until its stack grows down through address 0.

#include "mapper.h"

__attribute__((noinline)) static uint32_t descend(volatile uint32_t depth) {
    volatile uint32_t frame[1024];
    frame[depth % 1024] = depth;
    return depth == 0 ? 0 : descend(depth + 1) + frame[0];
}

TRANSFORM const struct transformed *transform(PLAN_AND_BATCH) {
    static struct transformed answer;
    answer.columns.length = descend(1);
    return &answer;
}
