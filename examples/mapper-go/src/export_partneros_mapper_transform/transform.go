// Package export_partneros_mapper_transform is what the mapper does to values.
//
// `mapper-contract.md`, among the examples of the host, says what that is.
package export_partneros_mapper_transform

import (
	"fmt"

	. "wit_component/partneros_mapper_transform"
	types "wit_component/partneros_mapper_types"

	wit "go.bytecodealliance.org/pkg/wit/types"
)

func Check(plan Plan) []Problem {
	problems := []Problem{}
	for position, rule := range plan.Rules {
		if _, fault := readRule(plan, rule); fault != nil {
			problems = append(problems, Problem{uint32(position), fault.code, fault.message})
		}
	}
	return problems
}

func Transform(plan Plan, batch []Column) wit.Result[Transformed, string] {
	rows := 0
	if len(batch) > 0 {
		rows = length(batch[0])
	}
	// The columns of text are filled below, through slices that share their memory.
	columns := make([]Column, len(plan.Outputs))
	for position, output := range plan.Outputs {
		columns[position] = emptyColumn(plan, output, rows)
	}
	failures := []Failure{}
	for position, rule := range plan.Rules {
		apply, fault := readRule(plan, rule)
		if fault != nil {
			message := fmt.Sprintf("rule %d: %s", position, fault.message)
			return wit.Err[Transformed, string](message)
		}
		cells := columns[rule.Output].Text()
		for row, value := range batch[rule.Inputs[0]].Text() {
			if value.IsNone() {
				continue
			}
			result, fault := apply(value.Some())
			switch {
			case fault != nil:
				failure := Failure{uint32(position), uint32(row), fault.code, fault.message}
				failures = append(failures, failure)
			case result != nil:
				cells[row] = wit.Some(*result)
			}
		}
	}
	return wit.Ok[Transformed, string](Transformed{columns, failures})
}

// readRule reads a rule, or says why it cannot be carried out.
func readRule(plan Plan, rule Rule) (operation, *fault) {
	toHubspot := plan.Direction == DirectionToHubspot
	apply, fault := readOptions(rule.Options, toHubspot)
	if fault != nil {
		return nil, fault
	}
	// HubSpot's fields travel as text whatever their type says.
	typed := plan.Outputs[rule.Output]
	if toHubspot {
		typed = plan.Inputs[rule.Inputs[0]]
	}
	if columnOf(typed.DataType) != types.ColumnText {
		return nil, failed("unsupported-types", "This mapper works on text, dates, choices and references.")
	}
	return apply, nil
}

// columnOf gives the kind of column that carries PartnerOS values of this type.
func columnOf(dataType types.DataType) uint8 {
	switch dataType {
	case types.DataTypeInteger:
		return types.ColumnInteger
	case types.DataTypeNumber:
		return types.ColumnNumber
	case types.DataTypeBoolean:
		return types.ColumnBoolean
	case types.DataTypeMultiChoice:
		return types.ColumnTexts
	default:
		return types.ColumnText
	}
}

// emptyColumn makes a column of the kind that the contract asks for; an option's zero value is "no value".
func emptyColumn(plan Plan, output FieldSchema, rows int) Column {
	kind := uint8(types.ColumnText)
	if plan.Direction == DirectionToPartneros {
		kind = columnOf(output.DataType)
	}
	switch kind {
	case types.ColumnInteger:
		return types.MakeColumnInteger(make([]wit.Option[int64], rows))
	case types.ColumnNumber:
		return types.MakeColumnNumber(make([]wit.Option[float64], rows))
	case types.ColumnBoolean:
		return types.MakeColumnBoolean(make([]wit.Option[bool], rows))
	case types.ColumnTexts:
		return types.MakeColumnTexts(make([]wit.Option[[]string], rows))
	default:
		return types.MakeColumnText(make([]wit.Option[string], rows))
	}
}

func length(column Column) int {
	switch column.Tag() {
	case types.ColumnInteger:
		return len(column.Integer())
	case types.ColumnNumber:
		return len(column.Number())
	case types.ColumnBoolean:
		return len(column.Boolean())
	case types.ColumnTexts:
		return len(column.Texts())
	default:
		return len(column.Text())
	}
}
