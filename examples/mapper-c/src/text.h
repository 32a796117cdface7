// Pieces of UTF-8 text, and what this mapper knows about text.
#pragma once

#include <stdbool.h>
#include <stddef.h>

/// A piece of text that somebody else owns; not terminated.
typedef struct {
  const char *at;
  size_t length;
} text;

/// A text out of a literal.
#define TEXT(literal) ((text){literal, sizeof(literal) - 1})

bool text_equal(text a, text b);

/// Equal but for underscores and the case of ASCII letters.
bool text_same_name(text a, text b);

/// Without blanks at both ends.
text text_trim(text value);

/// The first word.
text text_first_word(text value);

/// What follows the first word.
text text_rest(text value);

/// Writes what stands in ASCII digits to `number`; false if anything else does.
bool text_number(text value, unsigned *number);

/// Memory that is never given back: an instance lives for one call. Ends the instance when there is none.
void *allocate(size_t count, size_t size);

/// The texts, one behind the other, in memory of their own.
text text_join(size_t count, const text parts[count]);
