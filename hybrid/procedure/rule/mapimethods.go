package rule

import (
	"slices"
	"strings"
	"time"

	"hma/hybrid/procedure/facts"
)

var mapiMethods = Rule{
	ID:     "mapi-methods",
	Group:  Directories,
	Title:  "MAPI's three lists of authentication methods agree",
	Why:    "IISAuthenticationMethods is what the door takes; the internal and the external list are what Autodiscover goes by. Where they differ, Outlook is told of a method that the door refuses.",
	Repair: "set IISAuthenticationMethods again, which sets all three",
	Source: "Verify virtual directories are properly configured",
	Needs:  []facts.Source{facts.SourceDirectories},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		var out []Finding
		for i := range f.Directories {
			d := &f.Directories[i]
			if d.Kind != facts.Mapi || d.AD.Internal == nil && d.AD.External == nil {
				continue
			}
			var evidence []Evidence
			for property, list := range map[string][]string{"InternalAuthenticationMethods": d.AD.Internal, "ExternalAuthenticationMethods": d.AD.External} {
				if !sameWords(list, d.AD.IIS) {
					evidence = append(evidence, Evidence{d.Identity, property, "{" + strings.Join(list, ", ") + "}", show(&d.AD, d.Kind)})
				}
			}
			slices.SortFunc(evidence, func(a, b Evidence) int { return strings.Compare(a.Property, b.Property) })
			out = append(out, one("the lists of "+d.Identity+" differ", evidence, setDirectory(d, "-IISAuthenticationMethods "+strings.Join(d.AD.IIS, ",")))...)
		}
		return out
	},
}

// sameWords compares two lists as sets, without case.
func sameWords(a, b []string) bool {
	fold := func(list []string) []string {
		out := make([]string, len(list))
		for i, s := range list {
			out[i] = strings.ToLower(s)
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	return slices.Equal(fold(a), fold(b))
}
