// The example mapper in C. `mapper-contract.md`, among the examples of the host, says what it does.
//
// The generated code gives back what these functions return, so each returned list and text is in memory of its own.
// Nothing else is given back: the host makes a fresh instance for each call.

#include "mapper.h"
#include "operation.h"

/// Generated names are long; these are the ones that occur often.
#define TYPE(name) PARTNEROS_MAPPER_TYPES_DATA_TYPE_##name
#define COLUMN(name) PARTNEROS_MAPPER_TYPES_COLUMN_##name
#define TO_HUBSPOT EXPORTS_PARTNEROS_MAPPER_TRANSFORM_DIRECTION_TO_HUBSPOT
typedef exports_partneros_mapper_transform_plan_t plan_t;
typedef exports_partneros_mapper_transform_rule_t rule_t;
typedef exports_partneros_mapper_transform_failure_t failure_t;
typedef exports_partneros_mapper_transform_problem_t problem_t;
typedef exports_partneros_mapper_suggest_suggestion_t suggestion_t;
typedef exports_partneros_mapper_suggest_candidate_t candidate_t;
typedef exports_partneros_mapper_suggest_reason_t reason_t;
typedef partneros_mapper_types_column_t column_t;

static text from_string(mapper_string_t string) {
  return (text){(const char *)string.ptr, string.len};
}

static mapper_string_t to_string(text value) {
  text copy = text_join(1, &value);
  return (mapper_string_t){(uint8_t *)copy.at, copy.length};
}

void exports_partneros_mapper_describe_describe(exports_partneros_mapper_describe_description_t *ret) {
  ret->name = to_string(TEXT("mapper-c"));
  ret->version = to_string(TEXT("0.1.0"));
  ret->summary = to_string(TEXT("Maps fields of equal names, and passes on or reformats text."));
  ret->options_schema = to_string(TEXT(
      "{\"type\":\"object\",\"properties\":{"
      "\"op\":{\"enum\":[\"rename\",\"trim\",\"map-choice\",\"date-format\",\"split-name\"]},"
      "\"map\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}},"
      "\"part\":{\"enum\":[\"first\",\"last\"]}}}"));
}

static suggestion_t suggestion(mapper_string_t field, mapper_string_t property) {
  reason_t *reason = allocate(1, sizeof *reason);
  reason->code = to_string(TEXT("same-name"));
  reason->message = to_string(TEXT("The names are the same but for case and underscores."));
  candidate_t *candidate = allocate(1, sizeof *candidate);
  *candidate = (candidate_t){to_string(from_string(property)), 1.0, {reason, 1}};
  return (suggestion_t){to_string(from_string(field)), {candidate, 1}};
}

bool exports_partneros_mapper_suggest_suggest(
    exports_partneros_mapper_suggest_object_schema_t *partneros,
    exports_partneros_mapper_suggest_object_schema_t *hubspot,
    exports_partneros_mapper_suggest_list_suggestion_t *ret, mapper_string_t *err) {
  (void)err;
  ret->len = 0;
  ret->ptr = allocate(partneros->fields.len, sizeof *ret->ptr);
  for (size_t i = 0; i < partneros->fields.len; i++) {
    mapper_string_t field = partneros->fields.ptr[i].name;
    for (size_t j = 0; j < hubspot->fields.len; j++) {
      mapper_string_t property = hubspot->fields.ptr[j].name;
      if (text_same_name(from_string(field), from_string(property))) {
        ret->ptr[ret->len++] = suggestion(field, property);
        break;
      }
    }
  }
  return true;
}

/// The kind of column that carries PartnerOS values of this type.
static uint8_t column_of(partneros_mapper_types_data_type_t type) {
  switch (type) {
    case TYPE(INTEGER): return COLUMN(INTEGER);
    case TYPE(NUMBER): return COLUMN(NUMBER);
    case TYPE(BOOLEAN): return COLUMN(BOOLEAN);
    case TYPE(MULTI_CHOICE): return COLUMN(TEXTS);
    default: return COLUMN(TEXT);
  }
}

/// Reads a rule; false with a fault if it cannot be carried out.
static bool read_rule(const plan_t *plan, const rule_t *rule, operation *read, fault *error) {
  bool to_hubspot = plan->direction == TO_HUBSPOT;
  if (!operation_read(from_string(rule->options), to_hubspot, read, error)) return false;
  // HubSpot's fields travel as text whatever their type says.
  uint8_t type = to_hubspot ? plan->inputs.ptr[rule->inputs.ptr[0]].data_type
                            : plan->outputs.ptr[rule->output].data_type;
  if (column_of(type) == COLUMN(TEXT)) return true;
  text message = TEXT("This mapper works on text, dates, choices and references.");
  *error = (fault){TEXT("unsupported-types"), message};
  return false;
}

void exports_partneros_mapper_transform_check(
    plan_t *plan, exports_partneros_mapper_transform_list_problem_t *ret) {
  ret->len = 0;
  ret->ptr = allocate(plan->rules.len, sizeof *ret->ptr);
  for (size_t i = 0; i < plan->rules.len; i++) {
    operation read;
    fault error;
    if (!read_rule(plan, &plan->rules.ptr[i], &read, &error)) {
      ret->ptr[ret->len++] =
          (problem_t){(uint32_t)i, to_string(error.code), to_string(error.message)};
    }
  }
}

/// A column without values; zeroed options are "no value".
static column_t empty_column(uint8_t kind, size_t rows) {
  column_t column = {.tag = kind};
  switch (kind) {
    case COLUMN(TEXT):
      column.val.text.ptr = allocate(rows, sizeof *column.val.text.ptr);
      column.val.text.len = rows;
      break;
    case COLUMN(INTEGER):
      column.val.integer.ptr = allocate(rows, sizeof *column.val.integer.ptr);
      column.val.integer.len = rows;
      break;
    case COLUMN(NUMBER):
      column.val.number.ptr = allocate(rows, sizeof *column.val.number.ptr);
      column.val.number.len = rows;
      break;
    case COLUMN(BOOLEAN):
      column.val.boolean.ptr = allocate(rows, sizeof *column.val.boolean.ptr);
      column.val.boolean.len = rows;
      break;
    default:
      column.val.texts.ptr = allocate(rows, sizeof *column.val.texts.ptr);
      column.val.texts.len = rows;
  }
  return column;
}

/// Every column of a batch is as long as the first, and every kind of list has its length at the same place.
static size_t rows_of(const exports_partneros_mapper_transform_list_column_t *batch) {
  return batch->len == 0 ? 0 : batch->ptr[0].val.text.len;
}

static void transform_column(uint32_t rule, const operation *todo, const column_t *from, column_t *to,
                             exports_partneros_mapper_transform_list_failure_t *failures) {
  bool empty_is_a_value = todo->kind == RENAME || todo->kind == MAP_CHOICE;
  for (size_t row = 0; row < from->val.text.len; row++) {
    mapper_option_string_t cell = from->val.text.ptr[row];
    text result;
    fault error;
    if (!cell.is_some) continue;
    if (!operation_apply(todo, from_string(cell.val), &result, &error)) {
      failures->ptr[failures->len++] =
          (failure_t){rule, (uint32_t)row, to_string(error.code), to_string(error.message)};
    } else if (result.length > 0 || empty_is_a_value) {
      to->val.text.ptr[row] = (mapper_option_string_t){true, to_string(result)};
    }
  }
}

bool exports_partneros_mapper_transform_transform(
    plan_t *plan, exports_partneros_mapper_transform_list_column_t *batch,
    exports_partneros_mapper_transform_transformed_t *ret, mapper_string_t *err) {
  size_t rows = rows_of(batch);
  ret->columns.len = plan->outputs.len;
  ret->columns.ptr = allocate(plan->outputs.len, sizeof *ret->columns.ptr);
  for (size_t i = 0; i < plan->outputs.len; i++) {
    uint8_t kind =
        plan->direction == TO_HUBSPOT ? COLUMN(TEXT) : column_of(plan->outputs.ptr[i].data_type);
    ret->columns.ptr[i] = empty_column(kind, rows);
  }
  // Room for the worst case, in which every value fails.
  ret->failures.len = 0;
  ret->failures.ptr = allocate(plan->rules.len * rows, sizeof *ret->failures.ptr);
  for (size_t i = 0; i < plan->rules.len; i++) {
    const rule_t *rule = &plan->rules.ptr[i];
    operation todo;
    fault error;
    if (!read_rule(plan, rule, &todo, &error)) {
      *err = to_string(error.message);
      return false;
    }
    transform_column((uint32_t)i, &todo, &batch->ptr[rule->inputs.ptr[0]],
                     &ret->columns.ptr[rule->output], &ret->failures);
  }
  return true;
}
