package psobject

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Object is one object that a cmdlet puts out or takes in.
type Object struct {
	// Type is the .NET type name that a real server reports, for example
	// "Microsoft.Exchange.Data.Directory.SystemConfiguration.AuthServer".
	Type string `json:"type"`
	// Properties are in display order.
	Properties []Property `json:"properties"`
}

// Property is one named value of an Object. Value is nil (prints nothing), a
// string, a bool, an int64, a time.Time or a []string (multi-valued: prints
// {a, b}); a parameter of a setter may be an Edit too. Nothing else travels.
type Property struct {
	Name  string
	Value any
}

// Edit is the value @{Add=...; Remove=...} of a multi-valued parameter: the entries that
// join the list and those that leave it. The other entries stay.
type Edit struct {
	Add    []string `json:"add,omitempty"`
	Remove []string `json:"remove,omitempty"`
}

// Get returns the value of the property called name in any case, and whether there is one.
func (o *Object) Get(name string) (any, bool) {
	for i := range o.Properties {
		if strings.EqualFold(o.Properties[i].Name, name) {
			return o.Properties[i].Value, true
		}
	}
	return nil, false
}

// String returns the named property as text, "" when it is absent or null.
func (o *Object) String(name string) string {
	switch v, _ := o.Get(name); v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		return Text(v)
	}
}

// Bool returns the named property when it is a true Boolean.
func (o *Object) Bool(name string) bool {
	v, _ := o.Get(name)
	b, _ := v.(bool)
	return b
}

// Strings returns the named multi-valued property; a single string is a list of one.
func (o *Object) Strings(name string) []string {
	switch v, _ := o.Get(name); v := v.(type) {
	case []string:
		return v
	case string:
		return []string{v}
	}
	return nil
}

// Text returns a value as the console shows it: True and False, {a, b}, nothing for null.
func Text(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		if v {
			return "True"
		}
		return "False"
	case int64:
		return fmt.Sprint(v)
	case time.Time:
		return v.Format("1/2/2006 3:04:05 PM")
	case []string:
		return "{" + strings.Join(v, ", ") + "}"
	case Edit:
		return "System.Collections.Hashtable"
	}
	return fmt.Sprint(value)
}

// wireProperty keeps the type beside the value: JSON alone cannot tell a time from a string.
type wireProperty struct {
	Name string     `json:"name"`
	Null bool       `json:"null,omitempty"`
	Text *string    `json:"text,omitempty"`
	Bool *bool      `json:"bool,omitempty"`
	Int  *int64     `json:"int,omitempty"`
	Time *time.Time `json:"time,omitempty"`
	List *[]string  `json:"list,omitempty"`
	Edit *Edit      `json:"edit,omitempty"`
}

// MarshalJSON implements json.Marshaler; a value of another type is an error.
func (p Property) MarshalJSON() ([]byte, error) {
	w := wireProperty{Name: p.Name}
	switch v := p.Value.(type) {
	case nil:
		w.Null = true
	case string:
		w.Text = &v
	case bool:
		w.Bool = &v
	case int64:
		w.Int = &v
	case time.Time:
		w.Time = new(v.UTC())
	case []string:
		if v == nil {
			v = []string{}
		}
		w.List = &v
	case Edit:
		w.Edit = &v
	default:
		return nil, fmt.Errorf("property %s: a %T does not travel", p.Name, p.Value)
	}
	return json.Marshal(w)
}

// UnmarshalJSON implements json.Unmarshaler.
func (p *Property) UnmarshalJSON(data []byte) error {
	var w wireProperty
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	*p = Property{Name: w.Name}
	switch {
	case w.Text != nil:
		p.Value = *w.Text
	case w.Bool != nil:
		p.Value = *w.Bool
	case w.Int != nil:
		p.Value = *w.Int
	case w.Time != nil:
		p.Value = *w.Time
	case w.List != nil:
		p.Value = *w.List
	case w.Edit != nil:
		p.Value = *w.Edit
	}
	return nil
}
