package cmdlet

import (
	"testing"

	"hma/wire/psobject"
)

// FuzzFilter checks that every text is a filter that can be asked or a refusal, and that neither panics.
func FuzzFilter(f *testing.F) {
	for _, seed := range []string{"*", "Name -eq 'x'", `Guid -gt "00000000-0000-0000-0000-000000000000" -and On -ne $true`, "List -like 'a*'", "Name -eq 'it''s'"} {
		f.Add(seed)
	}
	o := &psobject.Object{Properties: []psobject.Property{{Name: "Name", Value: "x"}, {Name: "On", Value: true}, {Name: "List", Value: []string{"ab"}},
		{Name: "Guid", Value: "11111111-0000-0000-0000-000000000000"}, {Name: "None", Value: nil}}}
	f.Fuzz(func(t *testing.T, text string) {
		filter, err := parseFilter(text)
		if err != nil {
			if _, ok := err.(*failure); !ok {
				t.Fatalf("%q: %v is not meant for a caller", text, err)
			}
			return
		}
		filter.after()
		if _, err := filter.match(o); err != nil {
			if _, ok := err.(*failure); !ok {
				t.Fatalf("%q: %v is not meant for a caller", text, err)
			}
		}
	})
}
