// What a rule's options ask for, and how it is done.
#pragma once

#include "json.h"

typedef enum { RENAME, TRIM, MAP_CHOICE, DATE_FORMAT, FIRST_NAME, LAST_NAME } operation_kind;

typedef struct {
  operation_kind kind;
  bool to_hubspot;
  /// For `MAP_CHOICE`: an object of strings, no two of them alike.
  const json *map;
} operation;

/// An error that the host can tell apart by its code.
typedef struct {
  text code;
  text message;
} fault;

/// Reads a rule's options; false with a fault if they cannot be used.
bool operation_read(text options, bool to_hubspot, operation *read, fault *error);

/// Changes one value; false with a fault if it cannot be changed. An empty result of any operation but
/// `RENAME` and `MAP_CHOICE` is "no value".
bool operation_apply(const operation *todo, text value, text *result, fault *error);
