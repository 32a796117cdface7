// Package export_partneros_mapper_suggest proposes properties of the same name.
package export_partneros_mapper_suggest

import (
	"strings"

	. "wit_component/partneros_mapper_suggest"

	wit "go.bytecodealliance.org/pkg/wit/types"
)

func Suggest(partneros, hubspot ObjectSchema) wit.Result[[]Suggestion, string] {
	properties := make(map[string]string)
	for _, property := range hubspot.Fields {
		name := folded(property.Name)
		if _, taken := properties[name]; !taken {
			properties[name] = property.Name
		}
	}
	suggestions := []Suggestion{}
	for _, field := range partneros.Fields {
		if property, found := properties[folded(field.Name)]; found {
			reason := Reason{"same-name", "The names are the same but for case and underscores."}
			candidate := Candidate{property, 1, []Reason{reason}}
			suggestions = append(suggestions, Suggestion{field.Name, []Candidate{candidate}})
		}
	}
	return wit.Ok[[]Suggestion, string](suggestions)
}

// folded leaves out what does not count in a name: underscores, and the case of ASCII letters.
func folded(name string) string {
	return strings.Map(func(letter rune) rune {
		switch {
		case letter == '_':
			return -1
		case 'A' <= letter && letter <= 'Z':
			return letter - 'A' + 'a'
		default:
			return letter
		}
	}, name)
}
