// What a rule's options ask for, and how it is done.

import { Coded } from "./coded";
import type { DataType, Direction, Plan, Rule } from "./contract";
import { firstWord, isDay, rest, trim } from "./text";

/** Changes one value; `undefined` is "no value". Throws a {@link Coded} for a value that it cannot change. */
export type Operation = (value: string) => string | undefined;

type Options = Record<string, unknown>;

const OPERATIONS = new Map<unknown, (options: Options, direction: Direction) => Operation>([
  ["rename", () => (value) => value],
  ["trim", () => (value) => filled(trim(value))],
  ["map-choice", mapChoice],
  ["date-format", dateFormat],
  ["split-name", splitName],
]);

/** Reads a rule. Throws a {@link Coded} for one that cannot be carried out. */
export function operation(plan: Plan, rule: Rule): Operation {
  const options = rule.options === "" ? {} : parsed(rule.options);
  const name = options.op === undefined ? "rename" : options.op;
  const make = OPERATIONS.get(name);
  if (make === undefined) {
    throw new Coded("unknown-option", `There is no operation ${JSON.stringify(name)}.`);
  }
  const apply = make(options, plan.direction);
  // HubSpot's fields travel as text whatever their type says.
  const typed =
    plan.direction === "to-hubspot" ? plan.inputs[rule.inputs[0] ?? 0] : plan.outputs[rule.output];
  if (typed === undefined || kindOf(typed.dataType) !== "text") {
    throw new Coded("unsupported-types", "This mapper works on text, dates, choices and references.");
  }
  return apply;
}

/** The kind of column that carries PartnerOS values of this type. */
export function kindOf(dataType: DataType) {
  switch (dataType) {
    case "integer":
    case "number":
    case "boolean":
      return dataType;
    case "multi-choice":
      return "texts";
    default:
      return "text";
  }
}

function parsed(text: string): Options {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Falls through: `undefined` is no object either.
  }
  if (!isObject(value)) throw new Coded("invalid-options", "The options are not a JSON object.");
  return value;
}

/** The map is turned round for the way back; it goes both ways only if no two of its values are alike. */
function mapChoice({ map }: Options, direction: Direction): Operation {
  if (!isObject(map)) throw noMap();
  const forth = new Map<string, string>();
  const back = new Map<string, string>();
  for (const [name, value] of Object.entries(map)) {
    if (typeof value !== "string") throw noMap();
    forth.set(name, value);
    back.set(value, name);
  }
  if (back.size < forth.size) {
    throw new Coded("invalid-options", "`map` gives a value twice, so it has no way back.");
  }
  const choices = direction === "to-hubspot" ? forth : back;
  return (value) => {
    const choice = choices.get(value);
    if (choice === undefined) {
      throw new Coded("unknown-choice", `\`${value}\` is not among the choices.`);
    }
    return choice;
  };
}

function noMap(): Coded {
  return new Coded("invalid-options", "`map-choice` needs `map`, an object of strings.");
}

function dateFormat(_: Options, direction: Direction): Operation {
  return (value) => {
    const [year, month, day] =
      direction === "to-hubspot"
        ? parts(/^([0-9]{4})-([0-9]{2})-([0-9]{2})$/, value)
        : parts(/^([0-9]{2})\/([0-9]{2})\/([0-9]{4})$/, value).reverse();
    if (!isDay(Number(year), Number(month), Number(day))) {
      throw new Coded("not-a-date", `\`${value}\` is not a date.`);
    }
    return direction === "to-hubspot" ? `${day}/${month}/${year}` : `${year}-${month}-${day}`;
  };
}

/** The groups of the form, or none when the text has another. */
function parts(form: RegExp, text: string): string[] {
  return form.exec(text)?.slice(1) ?? [];
}

function splitName({ part }: Options): Operation {
  switch (part) {
    case "first":
      return (value) => filled(firstWord(value));
    case "last":
      return (value) => filled(rest(value));
    default:
      throw new Coded("invalid-options", "`split-name` needs `part`: `first` or `last`.");
  }
}

function filled(text: string): string | undefined {
  return text === "" ? undefined : text;
}

function isObject(value: unknown): value is Options {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
