#include "text.h"

#include <stdlib.h>
#include <string.h>

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }

bool text_equal(text a, text b) {
  return a.length == b.length && (a.length == 0 || memcmp(a.at, b.at, a.length) == 0);
}

bool text_same_name(text a, text b) {
  size_t i = 0, j = 0;
  for (;;) {
    while (i < a.length && a.at[i] == '_') i++;
    while (j < b.length && b.at[j] == '_') j++;
    if (i == a.length || j == b.length) return i == a.length && j == b.length;
    if (lower(a.at[i++]) != lower(b.at[j++])) return false;
  }
}

text text_trim(text value) {
  while (value.length > 0 && is_blank(value.at[0])) {
    value.at++;
    value.length--;
  }
  while (value.length > 0 && is_blank(value.at[value.length - 1])) value.length--;
  return value;
}

text text_first_word(text value) {
  value = text_trim(value);
  size_t end = 0;
  while (end < value.length && !is_blank(value.at[end])) end++;
  return (text){value.at, end};
}

text text_rest(text value) {
  value = text_trim(value);
  size_t end = text_first_word(value).length;
  return text_trim((text){value.at + end, value.length - end});
}

bool text_number(text value, unsigned *number) {
  *number = 0;
  for (size_t i = 0; i < value.length; i++) {
    char c = value.at[i];
    if (c < '0' || c > '9') return false;
    *number = *number * 10 + (unsigned)(c - '0');
  }
  return true;
}

void *allocate(size_t count, size_t size) {
  // At least one byte, so that only a lack of memory gives null.
  void *memory = calloc(count > 0 ? count : 1, size);
  if (memory == NULL) abort();
  return memory;
}

text text_join(size_t count, const text parts[count]) {
  size_t length = 0;
  for (size_t i = 0; i < count; i++) length += parts[i].length;
  char *joined = allocate(length, 1);
  size_t end = 0;
  for (size_t i = 0; i < count; i++) {
    if (parts[i].length > 0) memcpy(joined + end, parts[i].at, parts[i].length);
    end += parts[i].length;
  }
  return (text){joined, length};
}
