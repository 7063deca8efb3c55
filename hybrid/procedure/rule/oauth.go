package rule

import (
	"strings"
	"time"

	"hma/hybrid/procedure/facts"
)

var oauthMethods = Rule{
	ID:     "oauth-virtual-directories",
	Title:  "OAuth is on at every virtual directory that mail clients use",
	Why:    "A virtual directory without OAuth sends no Bearer challenge and takes no token; clients that meet it fall back to passwords or fail.",
	Repair: "turn OAuth on at the virtual directory",
	Source: "Verify virtual directories are properly configured",
	Needs:  []facts.Source{facts.SourceServers, facts.SourceDirectories},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		var out []Finding
		for _, s := range f.Servers {
			for _, kind := range facts.Kinds {
				d := f.Directory(s.Name, kind)
				if d == nil {
					out = append(out, Finding{Severity: Fault, Summary: s.Name + " has no " + string(kind) + " virtual directory",
						Repair:   "create it with New-" + string(kind) + "VirtualDirectory",
						Evidence: []Evidence{{s.Name, string(kind) + "VirtualDirectory", "none", "one"}}})
					continue
				}
				if kind.Browser() {
					continue // owa-ecp-methods judges these two
				}
				var evidence []Evidence
				if !d.AD.TakesOAuth(kind) {
					evidence = append(evidence, Evidence{d.Identity, "authentication methods (directory)", show(&d.AD, kind), "OAuth among them"})
				}
				if !d.Live.TakesOAuth(kind) {
					evidence = append(evidence, Evidence{d.Identity, "authentication methods (running)", show(&d.Live, kind), "OAuth among them"})
				}
				if evidence != nil {
					out = append(out, Finding{Severity: Fault, Summary: "OAuth is missing on " + d.Identity, Evidence: evidence})
				}
			}
		}
		return out
	},
}

// show prints the methods of a virtual directory as an administrator knows them.
func show(m *facts.Methods, kind facts.Kind) string {
	switch kind {
	case facts.Mapi:
		return "{" + strings.Join(m.IIS, ", ") + "}"
	case facts.ActiveSync:
		return "internal {" + strings.Join(m.Internal, ", ") + "}, external {" + strings.Join(m.External, ", ") + "}"
	}
	var on []string
	for _, x := range []struct {
		on   bool
		name string
	}{{m.Adfs, "Adfs"}, {m.Basic, "Basic"}, {m.Forms, "Forms"}, {m.Digest, "Digest"}, {m.Windows, "Windows"}, {m.OAuth, "OAuth"}} {
		if x.on {
			on = append(on, x.name)
		}
	}
	return "{" + strings.Join(on, ", ") + "}"
}
