package wizard

import (
	"fmt"
	"strings"

	"hma/wire/psobject"
)

// with is a parameter of a cmdlet.
func with(name string, value any) psobject.Property {
	return psobject.Property{Name: name, Value: value}
}

// Text returns a call as one types it in a management shell.
func Text(call psobject.Invocation) string {
	var b strings.Builder
	b.WriteString(call.Cmdlet)
	for _, p := range call.Parameters {
		b.WriteString(" -" + p.Name + " " + literal(p.Value))
	}
	return b.String()
}

// literal writes a value in PowerShell.
func literal(value any) string {
	switch v := value.(type) {
	case nil:
		return "$null"
	case bool:
		return "$" + strings.ToLower(psobject.Text(v))
	case string:
		return "'" + strings.ReplaceAll(v, "'", "''") + "'"
	case []string:
		if len(v) == 0 {
			return "@()"
		}
		list := make([]string, len(v))
		for i, s := range v {
			list[i] = literal(s)
		}
		return strings.Join(list, ",")
	case psobject.Edit:
		var parts []string
		if len(v.Add) > 0 {
			parts = append(parts, "Add="+literal(v.Add))
		}
		if len(v.Remove) > 0 {
			parts = append(parts, "Remove="+literal(v.Remove))
		}
		return "@{" + strings.Join(parts, "; ") + "}"
	}
	return fmt.Sprint(value)
}
