#include "operation.h"

#define FAIL(fault_code, fault_message) (*error = (fault){TEXT(fault_code), TEXT(fault_message)}, false)

/// Fails with a value in the sentence.
static bool fail_on(fault *error, text code, text before, text value, text after) {
  text parts[] = {before, value, after};
  *error = (fault){code, text_join(3, parts)};
  return false;
}

/// It goes both ways only if no two of its values are alike.
static bool read_map(const json *map, operation *read, fault *error) {
  if (map == NULL || map->kind != JSON_OBJECT) {
    return FAIL("invalid-options", "`map-choice` needs `map`, an object of strings.");
  }
  for (size_t i = 0; i < map->count; i++) {
    const json *value = &map->members[i].value;
    if (value->kind != JSON_STRING) {
      return FAIL("invalid-options", "`map-choice` needs `map`, an object of strings.");
    }
    for (size_t j = 0; j < i; j++) {
      if (text_equal(map->members[j].value.value, value->value)) {
        return FAIL("invalid-options", "`map` gives a value twice, so it has no way back.");
      }
    }
  }
  read->kind = MAP_CHOICE;
  read->map = map;
  return true;
}

static bool read_part(const json *part, operation *read, fault *error) {
  bool is_text = part != NULL && part->kind == JSON_STRING;
  if (is_text && text_equal(part->value, TEXT("first"))) {
    read->kind = FIRST_NAME;
  } else if (is_text && text_equal(part->value, TEXT("last"))) {
    read->kind = LAST_NAME;
  } else {
    return FAIL("invalid-options", "`split-name` needs `part`: `first` or `last`.");
  }
  return true;
}

bool operation_read(text options, bool to_hubspot, operation *read, fault *error) {
  *read = (operation){.kind = RENAME, .to_hubspot = to_hubspot};
  if (options.length == 0) return true;
  // The map of an operation points into it, so it stays.
  json *object = allocate(1, sizeof *object);
  if (!json_read(options, object) || object->kind != JSON_OBJECT) {
    return FAIL("invalid-options", "The options are not a JSON object.");
  }
  const json *op = json_get(object, TEXT("op"));
  if (op == NULL) return true;
  if (op->kind == JSON_STRING) {
    if (text_equal(op->value, TEXT("rename"))) return true;
    if (text_equal(op->value, TEXT("trim"))) return read->kind = TRIM, true;
    if (text_equal(op->value, TEXT("date-format"))) return read->kind = DATE_FORMAT, true;
    if (text_equal(op->value, TEXT("map-choice"))) {
      return read_map(json_get(object, TEXT("map")), read, error);
    }
    if (text_equal(op->value, TEXT("split-name"))) {
      return read_part(json_get(object, TEXT("part")), read, error);
    }
  }
  return fail_on(error, TEXT("unknown-option"), TEXT("There is no operation `"), op->value, TEXT("`."));
}

static bool map_choice(const operation *todo, text value, text *result, fault *error) {
  for (size_t i = 0; i < todo->map->count; i++) {
    text name = todo->map->members[i].name, choice = todo->map->members[i].value.value;
    if (text_equal(value, todo->to_hubspot ? name : choice)) {
      *result = todo->to_hubspot ? choice : name;
      return true;
    }
  }
  return fail_on(error, TEXT("unknown-choice"), TEXT("`"), value, TEXT("` is not among the choices."));
}

static bool is_day(unsigned year, unsigned month, unsigned day) {
  static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  if (year < 1 || month < 1 || month > 12) return false;
  return day >= 1 && day <= days[month - 1] + (month == 2 && leap);
}

static bool date_format(const operation *todo, text value, text *result, fault *error) {
  // Where year, month and day stand in `2026-03-05` and in `05/03/2026`.
  const size_t *from = todo->to_hubspot ? (size_t[]){0, 5, 8} : (size_t[]){6, 3, 0};
  char separator = todo->to_hubspot ? '-' : '/';
  if (value.length == 10) {
    text year = {value.at + from[0], 4}, month = {value.at + from[1], 2}, day = {value.at + from[2], 2};
    bool separated = todo->to_hubspot ? value.at[4] == separator && value.at[7] == separator
                                      : value.at[2] == separator && value.at[5] == separator;
    unsigned y, m, d;
    if (separated && text_number(year, &y) && text_number(month, &m) && text_number(day, &d) &&
        is_day(y, m, d)) {
      text slash = TEXT("/"), dash = TEXT("-");
      *result = todo->to_hubspot ? text_join(5, (text[]){day, slash, month, slash, year})
                                 : text_join(5, (text[]){year, dash, month, dash, day});
      return true;
    }
  }
  return fail_on(error, TEXT("not-a-date"), TEXT("`"), value, TEXT("` is not a date."));
}

bool operation_apply(const operation *todo, text value, text *result, fault *error) {
  switch (todo->kind) {
    case RENAME: *result = value; return true;
    case TRIM: *result = text_trim(value); return true;
    case FIRST_NAME: *result = text_first_word(value); return true;
    case LAST_NAME: *result = text_rest(value); return true;
    case MAP_CHOICE: return map_choice(todo, value, result, error);
    case DATE_FORMAT: return date_format(todo, value, result, error);
  }
  return false;
}
