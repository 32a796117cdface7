"""The example mapper in Python. `mapper-contract.md`, among the examples of the host, says what it does.

Each interface of the contract is a class of that name. `wit_world` is generated from the WIT files while the component is
built; for an editor's sake `make bindings` writes it to `build/bindings`. "No value" is `None`.
"""

import datetime
import json
import re
from typing import Callable, List, Optional

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.describe import Description
from wit_world.exports.suggest import Candidate, Reason, Suggestion
from wit_world.exports.transform import Direction, Failure, Plan, Problem, Rule, Transformed
from wit_world.imports.types import (
    Column,
    Column_Boolean,
    Column_Integer,
    Column_Number,
    Column_Text,
    Column_Texts,
    DataType,
    ObjectSchema,
)

OPTIONS_SCHEMA = {
    "type": "object",
    "properties": {
        "op": {"enum": ["rename", "trim", "map-choice", "date-format", "split-name"]},
        "map": {"type": "object", "additionalProperties": {"type": "string"}},
        "part": {"enum": ["first", "last"]},
    },
}
BLANKS = " \t\n\r"
ISO = re.compile(r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})")
DAY_FIRST = re.compile(r"(?P<day>[0-9]{2})/(?P<month>[0-9]{2})/(?P<year>[0-9]{4})")
COLUMNS = {
    DataType.INTEGER: Column_Integer,
    DataType.NUMBER: Column_Number,
    DataType.BOOLEAN: Column_Boolean,
    DataType.MULTI_CHOICE: Column_Texts,
}

Operation = Callable[[str], Optional[str]]


class Describe(exports.Describe):
    def describe(self) -> Description:
        return Description(
            name="mapper-python",
            version="0.1.0",
            summary="Maps fields of equal names, and passes on or reformats text.",
            options_schema=json.dumps(OPTIONS_SCHEMA),
        )


class Suggest(exports.Suggest):
    def suggest(self, partneros: ObjectSchema, hubspot: ObjectSchema) -> List[Suggestion]:
        properties: dict[str, str] = {}
        for property in hubspot.fields:
            properties.setdefault(folded(property.name), property.name)
        reason = Reason("same-name", "The names are the same but for case and underscores.")
        return [
            Suggestion(field.name, [Candidate(properties[folded(field.name)], 1.0, [reason])])
            for field in partneros.fields
            if folded(field.name) in properties
        ]


class Transform(exports.Transform):
    def check(self, plan: Plan) -> List[Problem]:
        problems = []
        for position, rule in enumerate(plan.rules):
            try:
                operation(plan, rule)
            except Coded as error:
                problems.append(Problem(position, error.code, error.message))
        return problems

    def transform(self, plan: Plan, batch: List[Column]) -> Transformed:
        rows = len(batch[0].value) if batch else 0
        to_hubspot = plan.direction == Direction.TO_HUBSPOT
        columns = [
            (Column_Text if to_hubspot else column_of(output.data_type))([None] * rows)
            for output in plan.outputs
        ]
        failures = []
        for position, rule in enumerate(plan.rules):
            try:
                apply = operation(plan, rule)
            except Coded as error:
                raise Err(f"rule {position}: {error.message}") from error
            cells = columns[rule.output].value
            for row, value in enumerate(batch[rule.inputs[0]].value):
                if value is None:
                    continue
                try:
                    cells[row] = apply(value)
                except Coded as error:
                    failures.append(Failure(position, row, error.code, error.message))
        return Transformed(columns, failures)


class Coded(Exception):
    """An error that the host can tell apart by its code."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code
        self.message = message


def operation(plan: Plan, rule: Rule) -> Operation:
    """Reads a rule, and returns the function that changes one value."""
    options = read(rule.options) if rule.options else {}
    name = options.get("op", "rename")
    to_hubspot = plan.direction == Direction.TO_HUBSPOT
    match name:
        case "rename":
            apply = lambda value: value
        case "trim":
            apply = lambda value: value.strip(BLANKS) or None
        case "map-choice":
            apply = map_choice(options.get("map"), to_hubspot)
        case "date-format":
            apply = date_format(to_hubspot)
        case "split-name":
            apply = split_name(options.get("part"))
        case _:
            raise Coded("unknown-option", f"There is no operation {json.dumps(name)}.")
    # HubSpot's fields travel as text whatever their type says.
    typed = plan.inputs[rule.inputs[0]] if to_hubspot else plan.outputs[rule.output]
    if column_of(typed.data_type) is not Column_Text:
        raise Coded("unsupported-types", "This mapper works on text, dates, choices and references.")
    return apply


def read(options: str) -> dict:
    try:
        value = json.loads(options)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Coded("invalid-options", "The options are not a JSON object.")
    return value


def map_choice(choices: object, to_hubspot: bool) -> Operation:
    """The map is turned round for the way back; it goes both ways only if no two of its values are alike."""
    if not isinstance(choices, dict) or not all(isinstance(value, str) for value in choices.values()):
        raise Coded("invalid-options", "`map-choice` needs `map`, an object of strings.")
    back = {value: name for name, value in choices.items()}
    if len(back) < len(choices):
        raise Coded("invalid-options", "`map` gives a value twice, so it has no way back.")
    known = choices if to_hubspot else back

    def apply(value: str) -> str:
        if value not in known:
            raise Coded("unknown-choice", f"`{value}` is not among the choices.")
        return known[value]

    return apply


def date_format(to_hubspot: bool) -> Operation:
    read_form = ISO if to_hubspot else DAY_FIRST
    written = "{day}/{month}/{year}" if to_hubspot else "{year}-{month}-{day}"

    def apply(value: str) -> str:
        found = read_form.fullmatch(value)
        if not found:
            raise Coded("not-a-date", f"`{value}` is not a date.")
        parts = found.groupdict()
        try:
            datetime.date(int(parts["year"]), int(parts["month"]), int(parts["day"]))
        except ValueError as error:
            raise Coded("not-a-date", f"`{value}` is not a date.") from error
        return written.format(**parts)

    return apply


def split_name(part: object) -> Operation:
    if part not in ("first", "last"):
        raise Coded("invalid-options", "`split-name` needs `part`: `first` or `last`.")
    index = 0 if part == "first" else 1

    def apply(value: str) -> Optional[str]:
        words = re.split(f"[{BLANKS}]+", value.strip(BLANKS), maxsplit=1)
        return words[index] or None if index < len(words) else None

    return apply


def folded(name: str) -> str:
    letters = name.replace("_", "")
    return "".join(letter.lower() if letter.isascii() else letter for letter in letters)


def column_of(data_type: DataType) -> type:
    return COLUMNS.get(data_type, Column_Text)
