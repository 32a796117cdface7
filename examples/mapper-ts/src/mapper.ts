// The example mapper in TypeScript. `mapper-contract.md`, among the examples of the host, says what it does.

import { coded } from "./coded";
import type { Column, Failure, FieldSchema, Mapper, Plan, Rule } from "./contract";
import { kindOf, operation, type Operation } from "./operation";
import { folded } from "./text";

const OPTIONS_SCHEMA = {
  type: "object",
  properties: {
    op: { enum: ["rename", "trim", "map-choice", "date-format", "split-name"] },
    map: { type: "object", additionalProperties: { type: "string" } },
    part: { enum: ["first", "last"] },
  },
};

export const describe: Mapper["describe"] = {
  describe: () => ({
    name: "mapper-ts",
    version: "0.1.0",
    summary: "Maps fields of equal names, and passes on or reformats text.",
    optionsSchema: JSON.stringify(OPTIONS_SCHEMA),
  }),
};

export const suggest: Mapper["suggest"] = {
  suggest(partneros, hubspot) {
    const message = "The names are the same but for case and underscores.";
    const reasons = [{ code: "same-name", message }];
    return partneros.fields.flatMap((field) => {
      const wanted = folded(field.name);
      const property = hubspot.fields.find(({ name }) => folded(name) === wanted);
      if (property === undefined) return [];
      const candidates = [{ property: property.name, confidence: 1, reasons }];
      return [{ field: field.name, candidates }];
    });
  },
};

export const transform: Mapper["transform"] = {
  check(plan) {
    return plan.rules.flatMap((rule, position) => {
      try {
        operation(plan, rule);
        return [];
      } catch (error) {
        const { code, message } = coded(error);
        return [{ rule: position, code, message }];
      }
    });
  },

  transform(plan, batch) {
    const rows = batch[0]?.val.length ?? 0;
    const columns = plan.outputs.map((output) => emptyColumn(plan, output, rows));
    const failures: Failure[] = [];
    plan.rules.forEach((rule, position) => {
      const apply = accepted(plan, rule, position);
      const [source, target] = [batch[rule.inputs[0] ?? 0], columns[rule.output]];
      // `operation` has seen to it that both are text.
      if (source?.tag !== "text" || target?.tag !== "text") return;
      source.val.forEach((value, row) => {
        if (value === undefined) return;
        try {
          target.val[row] = apply(value);
        } catch (error) {
          const { code, message } = coded(error);
          failures.push({ rule: position, row, code, message });
        }
      });
    });
    return { columns, failures };
  },
};

function accepted(plan: Plan, rule: Rule, position: number): Operation {
  try {
    return operation(plan, rule);
  } catch (error) {
    // The contract's error is text, so text is what is thrown.
    throw `rule ${position}: ${coded(error).message}`;
  }
}

/** A column of the kind that the contract asks for, without values. */
function emptyColumn(plan: Plan, output: FieldSchema, rows: number): Column {
  const tag = plan.direction === "to-hubspot" ? "text" : kindOf(output.dataType);
  return { tag, val: new Array(rows).fill(undefined) };
}
