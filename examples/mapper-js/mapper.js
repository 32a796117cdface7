// The example mapper in JavaScript. `mapper-contract.md`, among the examples of the host, says what it does.
//
// Each interface of the contract is an object of functions. A variant is `{ tag, val }`, an enumeration is text, and
// "no value" is `undefined`. What a function throws becomes the error of its `result`.

const OPTIONS_SCHEMA = {
  type: "object",
  properties: {
    op: { enum: ["rename", "trim", "map-choice", "date-format", "split-name"] },
    map: { type: "object", additionalProperties: { type: "string" } },
    part: { enum: ["first", "last"] },
  },
};

export const describe = {
  describe: () => ({
    name: "mapper-js",
    version: "0.1.0",
    summary: "Maps fields of equal names, and passes on or reformats text.",
    optionsSchema: JSON.stringify(OPTIONS_SCHEMA),
  }),
};

export const suggest = {
  suggest(partneros, hubspot) {
    const suggestions = [];
    for (const field of partneros.fields) {
      const wanted = folded(field.name);
      const property = hubspot.fields.find(({ name }) => folded(name) === wanted);
      if (property !== undefined) {
        const message = "The names are the same but for case and underscores.";
        const candidate = {
          property: property.name,
          confidence: 1,
          reasons: [{ code: "same-name", message }],
        };
        suggestions.push({ field: field.name, candidates: [candidate] });
      }
    }
    return suggestions;
  },
};

export const transform = {
  check(plan) {
    return plan.rules.flatMap((rule, position) => {
      try {
        operation(plan, rule);
        return [];
      } catch (error) {
        return [{ rule: position, code: coded(error).code, message: error.message }];
      }
    });
  },

  transform(plan, batch) {
    const rows = batch.length === 0 ? 0 : batch[0].val.length;
    const columns = plan.outputs.map((output) => ({
      tag: plan.direction === "to-hubspot" ? "text" : columnOf(output.dataType),
      val: new Array(rows).fill(undefined),
    }));
    const failures = [];
    plan.rules.forEach((rule, position) => {
      const apply = accepted(plan, rule, position);
      const cells = columns[rule.output].val;
      batch[rule.inputs[0]].val.forEach((value, row) => {
        if (value === undefined || value === null) return;
        try {
          cells[row] = apply(value);
        } catch (error) {
          failures.push({ rule: position, row, code: coded(error).code, message: error.message });
        }
      });
    });
    return { columns, failures };
  },
};

/** An error that the host can tell apart by its code. */
class Coded extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** Lets only the errors pass that have a code; anything else is a mistake in this file. */
function coded(error) {
  if (error instanceof Coded) return error;
  throw error;
}

function accepted(plan, rule, position) {
  try {
    return operation(plan, rule);
  } catch (error) {
    // The contract's error is text, so text is what is thrown.
    throw `rule ${position}: ${coded(error).message}`;
  }
}

/** Reads a rule, and returns the function that changes one value; its answer `undefined` is "no value". */
function operation(plan, rule) {
  const options = rule.options === "" ? {} : object(rule.options);
  const name = options.op === undefined ? "rename" : options.op;
  if (typeof name !== "string" || !Object.hasOwn(OPERATIONS, name)) {
    throw new Coded("unknown-option", `There is no operation ${JSON.stringify(name)}.`);
  }
  const apply = OPERATIONS[name](options, plan.direction);
  // HubSpot's fields travel as text whatever their type says.
  const typed =
    plan.direction === "to-hubspot" ? plan.inputs[rule.inputs[0]] : plan.outputs[rule.output];
  if (columnOf(typed.dataType) !== "text") {
    throw new Coded("unsupported-types", "This mapper works on text, dates, choices and references.");
  }
  return apply;
}

/** From the options and the direction to the function for one value. */
const OPERATIONS = {
  rename: () => (value) => value,

  trim: () => (value) => filled(trim(value)),

  "map-choice"(options, direction) {
    const choices = choiceMap(options.map, direction);
    return (value) => {
      const choice = choices.get(value);
      if (choice === undefined) {
        throw new Coded("unknown-choice", `\`${value}\` is not among the choices.`);
      }
      return choice;
    };
  },

  "date-format": (_, direction) => (value) => {
    const [form, parts] =
      direction === "to-hubspot"
        ? [/^(?<year>[0-9]{4})-(?<month>[0-9]{2})-(?<day>[0-9]{2})$/, ["day", "month", "year"]]
        : [/^(?<day>[0-9]{2})\/(?<month>[0-9]{2})\/(?<year>[0-9]{4})$/, ["year", "month", "day"]];
    const groups = form.exec(value)?.groups;
    if (groups === undefined || !isDay(+groups.year, +groups.month, +groups.day)) {
      throw new Coded("not-a-date", `\`${value}\` is not a date.`);
    }
    return parts.map((part) => groups[part]).join(direction === "to-hubspot" ? "/" : "-");
  },

  "split-name"({ part }) {
    if (part !== "first" && part !== "last") {
      throw new Coded("invalid-options", "`split-name` needs `part`: `first` or `last`.");
    }
    return (value) => {
      const name = trim(value);
      const end = name.search(BLANK);
      if (part === "first") return filled(end < 0 ? name : name.slice(0, end));
      return filled(end < 0 ? "" : trim(name.slice(end)));
    };
  },
};

function object(text) {
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (!isObject(value)) throw new Coded("invalid-options", "The options are not a JSON object.");
  return value;
}

/** The map of `map-choice`, turned round for the way back; it goes both ways only if no two values are alike. */
function choiceMap(map, direction) {
  if (!isObject(map) || !Object.values(map).every((value) => typeof value === "string")) {
    throw new Coded("invalid-options", "`map-choice` needs `map`, an object of strings.");
  }
  const forth = new Map(Object.entries(map));
  const back = new Map(Array.from(forth, ([name, value]) => [value, name]));
  if (back.size < forth.size) {
    throw new Coded("invalid-options", "`map` gives a value twice, so it has no way back.");
  }
  return direction === "to-hubspot" ? forth : back;
}

const BLANK = /[ \t\n\r]/;

function trim(text) {
  return text.replace(/^[ \t\n\r]+/, "").replace(/[ \t\n\r]+$/, "");
}

function filled(text) {
  return text === "" ? undefined : text;
}

function isDay(year, month, day) {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  return year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1];
}

function folded(name) {
  return name.replaceAll("_", "").replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function columnOf(dataType) {
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
