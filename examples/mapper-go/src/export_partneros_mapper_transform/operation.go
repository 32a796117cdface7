package export_partneros_mapper_transform

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

const (
	blanks   = " \t\n\r"
	iso      = "2006-01-02"
	dayFirst = "02/01/2006"
)

// An operation changes one value; nil is "no value".
type operation func(value string) (*string, *fault)

// A fault is an error that the host can tell apart by its code.
type fault struct {
	code    string
	message string
}

func failed(code, format string, arguments ...any) *fault {
	return &fault{code, fmt.Sprintf(format, arguments...)}
}

// readOptions reads a rule's options, or says why they cannot be used.
func readOptions(text string, toHubspot bool) (operation, *fault) {
	options := map[string]any{}
	if text != "" {
		// JSON's null is no error, and leaves no map.
		if err := json.Unmarshal([]byte(text), &options); err != nil || options == nil {
			return nil, failed("invalid-options", "The options are not a JSON object.")
		}
	}
	name, given := options["op"]
	if !given {
		name = "rename"
	}
	switch name {
	case "rename":
		return func(value string) (*string, *fault) { return &value, nil }, nil
	case "trim":
		return func(value string) (*string, *fault) {
			return filled(strings.Trim(value, blanks)), nil
		}, nil
	case "map-choice":
		return mapChoice(options["map"], toHubspot)
	case "date-format":
		if toHubspot {
			return dateFormat(iso, dayFirst), nil
		}
		return dateFormat(dayFirst, iso), nil
	case "split-name":
		return splitName(options["part"])
	default:
		return nil, failed("unknown-option", "There is no operation `%v`.", name)
	}
}

// mapChoice turns the map round for the way back; it goes both ways only if no two of its values are alike.
func mapChoice(given any, toHubspot bool) (operation, *fault) {
	object, ok := given.(map[string]any)
	if !ok {
		return nil, failed("invalid-options", "`map-choice` needs `map`, an object of strings.")
	}
	forth, back := map[string]string{}, map[string]string{}
	for name, value := range object {
		choice, ok := value.(string)
		if !ok {
			return nil, failed("invalid-options", "`map-choice` needs `map`, an object of strings.")
		}
		forth[name], back[choice] = choice, name
	}
	if len(back) < len(forth) {
		return nil, failed("invalid-options", "`map` gives a value twice, so it has no way back.")
	}
	choices := back
	if toHubspot {
		choices = forth
	}
	return func(value string) (*string, *fault) {
		choice, known := choices[value]
		if !known {
			return nil, failed("unknown-choice", "`%s` is not among the choices.", value)
		}
		return &choice, nil
	}, nil
}

func dateFormat(from, to string) operation {
	return func(value string) (*string, *fault) {
		day, err := time.Parse(from, value)
		if err != nil || day.Year() < 1 {
			return nil, failed("not-a-date", "`%s` is not a date.", value)
		}
		written := day.Format(to)
		return &written, nil
	}
}

func splitName(part any) (operation, *fault) {
	if part != "first" && part != "last" {
		return nil, failed("invalid-options", "`split-name` needs `part`: `first` or `last`.")
	}
	return func(value string) (*string, *fault) {
		name := strings.Trim(value, blanks)
		end := strings.IndexAny(name, blanks)
		if end < 0 {
			end = len(name)
		}
		if part == "first" {
			return filled(name[:end]), nil
		}
		return filled(strings.Trim(name[end:], blanks)), nil
	}, nil
}

func filled(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
