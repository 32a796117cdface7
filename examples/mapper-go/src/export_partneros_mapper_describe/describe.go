// Package export_partneros_mapper_describe says who the mapper is.
package export_partneros_mapper_describe

import . "wit_component/partneros_mapper_describe"

const optionsSchema = `{
  "type": "object",
  "properties": {
    "op": { "enum": ["rename", "trim", "map-choice", "date-format", "split-name"] },
    "map": { "type": "object", "additionalProperties": { "type": "string" } },
    "part": { "enum": ["first", "last"] }
  }
}`

func Describe() Description {
	return Description{
		Name:          "mapper-go",
		Version:       "0.1.0",
		Summary:       "Maps fields of equal names, and passes on or reformats text.",
		OptionsSchema: optionsSchema,
	}
}
