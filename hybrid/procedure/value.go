package procedure

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"hma/wire/psobject"
)

// Value is a property's value: nil, a bool, a string or a []string.
type Value struct{ V any }

// MarshalJSON implements json.Marshaler.
func (v Value) MarshalJSON() ([]byte, error) { return json.Marshal(v.V) }

// UnmarshalJSON implements json.Unmarshaler; a number or an object is an error.
func (v *Value) UnmarshalJSON(data []byte) error {
	var raw any
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	switch x := raw.(type) {
	case nil, bool, string:
		v.V = x
		return nil
	case []any:
		list := make([]string, len(x))
		for i, e := range x {
			s, ok := e.(string)
			if !ok {
				return fmt.Errorf("a value may hold text only, not %T", e)
			}
			list[i] = s
		}
		v.V = list
		return nil
	}
	return fmt.Errorf("a value may not be a %T", raw)
}

// Strings returns the list, nil for any other value.
func (v Value) Strings() []string {
	list, _ := v.V.([]string)
	return list
}

// String returns the value as the console shows it.
func (v Value) String() string { return psobject.Text(v.V) }

// equal compares two values; the order and case of a list's entries do not count.
func (v Value) equal(o Value) bool {
	if a, ok := v.V.([]string); ok {
		b, ok := o.V.([]string)
		return ok && slices.Equal(folded(a), folded(b))
	}
	return v.V == o.V
}

func folded(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = strings.ToLower(s)
	}
	slices.Sort(out)
	return out
}
