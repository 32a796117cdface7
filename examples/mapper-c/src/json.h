// Reads JSON, as far as a rule's options need it.
#pragma once

#include "text.h"

typedef enum { JSON_OTHER, JSON_STRING, JSON_OBJECT } json_kind;

/// A value. Numbers, arrays, booleans and null are checked and then only known to be something else.
typedef struct json {
  json_kind kind;
  /// What it is in the file, or for a string what it says.
  text value;
  /// The members of an object, in order.
  struct json_member *members;
  size_t count;
} json;

typedef struct json_member {
  text name;
  json value;
} json_member;

/// Reads a whole text; false if it is not JSON, or nested too deeply.
bool json_read(text source, json *value);

/// The last member of this name, or null.
const json *json_get(const json *object, text name);
