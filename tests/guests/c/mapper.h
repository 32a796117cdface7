// The exports that a guest in C needs, and answers that behave for those it leaves alone.
//
// A guest adds `transform`, and whatever else it does wrong.

#include <stddef.h>
#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(name)))
#define TRANSFORM EXPORT("partneros:mapper/transform@0.1.0#transform")
#define PLAN int32_t a, int32_t b, int32_t c, int32_t d, int32_t e, int32_t f, int32_t g, int32_t h, int32_t i
#define PLAN_AND_BATCH PLAN, int32_t j, int32_t k

// A list, or a text.
struct list {
    const void *start;
    uint32_t length;
};

// Whatever begins with a tag and holds a list.
struct tagged {
    uint8_t tag;
    struct list payload;
};

struct transformed {
    uint8_t tag;
    struct list columns;
    struct list failures;
};

struct description {
    struct list name, version, summary, options_schema;
};

static uint8_t heap[16384];
static uint32_t heap_used;

EXPORT("cabi_realloc")
void *cabi_realloc(void *old, uint32_t old_length, uint32_t alignment, uint32_t length) {
    heap_used = (heap_used + alignment - 1) / alignment * alignment;
    if (length > sizeof heap - heap_used) __builtin_trap();
    uint8_t *new = heap + heap_used;
    heap_used += length;
    for (uint32_t at = 0; at < old_length; at++) new[at] = ((uint8_t *)old)[at];
    return new;
}

EXPORT("partneros:mapper/describe@0.1.0#describe")
const struct description *describe(void) {
    static const struct description answer = {{"test-guest", 10}, {"1.0.0", 5}, {"A guest in C.", 13}, {NULL, 0}};
    return &answer;
}

EXPORT("partneros:mapper/suggest@0.1.0#suggest")
const struct tagged *suggest(PLAN_AND_BATCH, int32_t l) {
    static const struct tagged answer = {0, {NULL, 0}};
    return &answer;
}

EXPORT("partneros:mapper/transform@0.1.0#check")
const struct list *check(PLAN) {
    static const struct list answer = {NULL, 0};
    return &answer;
}
