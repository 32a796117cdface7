#include "json.h"

#include <stdint.h>
#include <string.h>

/// How deep values may be nested, which bounds the stack.
enum { DEPTH_MAX = 64 };

typedef struct {
  const char *at;
  const char *end;
} reader;

static bool read_value(reader *r, json *value, int depth);

static void skip_blanks(reader *r) {
  while (r->at < r->end && strchr(" \t\n\r", *r->at) != NULL && *r->at != '\0') r->at++;
}

/// Takes this character, if it comes next.
static bool take(reader *r, char c) {
  if (r->at == r->end || *r->at != c) return false;
  r->at++;
  return true;
}

static bool take_word(reader *r, text word) {
  if ((size_t)(r->end - r->at) < word.length || memcmp(r->at, word.at, word.length) != 0) return false;
  r->at += word.length;
  return true;
}

static bool take_digits(reader *r) {
  const char *start = r->at;
  while (r->at < r->end && *r->at >= '0' && *r->at <= '9') r->at++;
  return r->at > start;
}

static bool read_number(reader *r) {
  take(r, '-');
  if (!take(r, '0') && !take_digits(r)) return false;
  if (take(r, '.') && !take_digits(r)) return false;
  if (take(r, 'e') || take(r, 'E')) {
    if (!take(r, '+')) take(r, '-');
    return take_digits(r);
  }
  return true;
}

/// The four digits of `\u`.
static bool read_unit(reader *r, uint32_t *unit) {
  *unit = 0;
  for (int i = 0; i < 4; i++) {
    if (r->at == r->end) return false;
    char c = *r->at++;
    uint32_t digit;
    if (c >= '0' && c <= '9') digit = (uint32_t)(c - '0');
    else if (c >= 'a' && c <= 'f') digit = (uint32_t)(c - 'a' + 10);
    else if (c >= 'A' && c <= 'F') digit = (uint32_t)(c - 'A' + 10);
    else return false;
    *unit = *unit * 16 + digit;
  }
  return true;
}

static char *write_utf8(char *out, uint32_t point) {
  if (point < 0x80) {
    *out++ = (char)point;
  } else if (point < 0x800) {
    *out++ = (char)(0xC0 | point >> 6);
    *out++ = (char)(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    *out++ = (char)(0xE0 | point >> 12);
    *out++ = (char)(0x80 | (point >> 6 & 0x3F));
    *out++ = (char)(0x80 | (point & 0x3F));
  } else {
    *out++ = (char)(0xF0 | point >> 18);
    *out++ = (char)(0x80 | (point >> 12 & 0x3F));
    *out++ = (char)(0x80 | (point >> 6 & 0x3F));
    *out++ = (char)(0x80 | (point & 0x3F));
  }
  return out;
}

/// What follows a backslash; null if it is not an escape. Never longer than the escape itself.
static char *read_escape(reader *r, char *out) {
  static const char names[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
  if (r->at == r->end) return NULL;
  char c = *r->at++;
  if (c != 'u') {
    const char *name = c == '\0' ? NULL : strchr(names, c);
    if (name == NULL) return NULL;
    *out = meanings[name - names];
    return out + 1;
  }
  uint32_t high, low;
  if (!read_unit(r, &high)) return NULL;
  if (high < 0xD800 || high > 0xDFFF) return write_utf8(out, high);
  // Half of a pair: the other half has to follow.
  if (high > 0xDBFF || !take(r, '\\') || !take(r, 'u') || !read_unit(r, &low)) return NULL;
  if (low < 0xDC00 || low > 0xDFFF) return NULL;
  return write_utf8(out, 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00));
}

static bool read_string(reader *r, text *value) {
  if (!take(r, '"')) return false;
  char *start = allocate((size_t)(r->end - r->at), 1), *out = start;
  while (r->at < r->end) {
    char c = *r->at++;
    if (c == '"') {
      *value = (text){start, (size_t)(out - start)};
      return true;
    }
    if (c == '\\') {
      out = read_escape(r, out);
      if (out == NULL) return false;
    } else if ((unsigned char)c < 0x20) {
      return false;
    } else {
      *out++ = c;
    }
  }
  return false;
}

static bool read_member(reader *r, json_member *member, int depth) {
  skip_blanks(r);
  if (!read_string(r, &member->name)) return false;
  skip_blanks(r);
  return take(r, ':') && read_value(r, &member->value, depth);
}

static bool read_object(reader *r, json *value, int depth) {
  value->kind = JSON_OBJECT;
  skip_blanks(r);
  if (take(r, '}')) return true;
  size_t room = 0;
  do {
    if (value->count == room) {
      room = room == 0 ? 4 : room * 2;
      json_member *members = allocate(room, sizeof *members);
      if (value->count > 0) memcpy(members, value->members, value->count * sizeof *members);
      value->members = members;
    }
    if (!read_member(r, &value->members[value->count++], depth)) return false;
    skip_blanks(r);
  } while (take(r, ','));
  return take(r, '}');
}

static bool read_array(reader *r, int depth) {
  skip_blanks(r);
  if (take(r, ']')) return true;
  do {
    json item;
    if (!read_value(r, &item, depth)) return false;
    skip_blanks(r);
  } while (take(r, ','));
  return take(r, ']');
}

static bool read_value(reader *r, json *value, int depth) {
  *value = (json){.kind = JSON_OTHER};
  skip_blanks(r);
  const char *start = r->at;
  bool read;
  if (depth == DEPTH_MAX || r->at == r->end) {
    read = false;
  } else if (*r->at == '"') {
    value->kind = JSON_STRING;
    return read_string(r, &value->value);
  } else if (take(r, '{')) {
    read = read_object(r, value, depth + 1);
  } else if (take(r, '[')) {
    read = read_array(r, depth + 1);
  } else {
    read = take_word(r, TEXT("true")) || take_word(r, TEXT("false")) ||
           take_word(r, TEXT("null")) || read_number(r);
  }
  value->value = (text){start, (size_t)(r->at - start)};
  return read;
}

bool json_read(text source, json *value) {
  reader r = {source.at, source.at + source.length};
  if (!read_value(&r, value, 0)) return false;
  skip_blanks(&r);
  return r.at == r.end;
}

const json *json_get(const json *object, text name) {
  for (size_t i = object->count; i > 0; i--) {
    if (text_equal(object->members[i - 1].name, name)) return &object->members[i - 1].value;
  }
  return NULL;
}
