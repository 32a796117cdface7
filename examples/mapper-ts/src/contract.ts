// The types of `partneros:mapper@0.1.0`, as a JavaScript component sees them. The files in `wit/` say what each means.
//
// "No value" is `undefined`. What an exported function throws becomes the error of its `result`; text, for this contract.

export type DataType =
  | "text"
  | "integer"
  | "number"
  | "boolean"
  | "date"
  | "datetime"
  | "choice"
  | "multi-choice"
  | "reference";

export interface FieldSchema {
  name: string;
  label: string;
  description: string;
  dataType: DataType;
  choices: { value: string; label: string }[];
  readOnly: boolean;
  required: boolean;
  unique: boolean;
  extra: [string, string][];
}

export interface ObjectSchema {
  name: string;
  label: string;
  fields: FieldSchema[];
}

export type Column =
  | { tag: "text"; val: (string | undefined)[] }
  | { tag: "integer"; val: (bigint | undefined)[] }
  | { tag: "number"; val: (number | undefined)[] }
  | { tag: "boolean"; val: (boolean | undefined)[] }
  | { tag: "texts"; val: (string[] | undefined)[] };

export interface Description {
  name: string;
  version: string;
  summary: string;
  optionsSchema: string;
}

export interface Reason {
  code: string;
  message: string;
}

export interface Candidate {
  property: string;
  confidence: number;
  reasons: Reason[];
}

export interface Suggestion {
  field: string;
  candidates: Candidate[];
}

export type Direction = "to-hubspot" | "to-partneros";

export interface Rule {
  inputs: Uint32Array;
  output: number;
  options: string;
}

export interface Plan {
  direction: Direction;
  inputs: FieldSchema[];
  outputs: FieldSchema[];
  rules: Rule[];
  extra: [string, string][];
}

export interface Problem {
  rule: number;
  code: string;
  message: string;
}

export interface Failure {
  rule: number;
  row: number;
  code: string;
  message: string;
}

export interface Transformed {
  columns: Column[];
  failures: Failure[];
}

/** World `mapper`: what the main module exports, a constant for each interface. */
export interface Mapper {
  describe: { describe(): Description };
  suggest: { suggest(partneros: ObjectSchema, hubspot: ObjectSchema): Suggestion[] };
  transform: {
    check(plan: Plan): Problem[];
    transform(plan: Plan, batch: Column[]): Transformed;
  };
}
