package rule

import (
	"slices"
	"strings"
	"time"

	"hma/hybrid/procedure/facts"
)

var oauthMethods = Rule{
	ID:     "oauth-virtual-directories",
	Group:  Directories,
	Title:  "OAuth is on at every virtual directory that mail clients use",
	Why:    "A virtual directory without OAuth sends no Bearer challenge and takes no token; clients that meet it fall back to passwords or fail.",
	Repair: "turn OAuth on at the virtual directory",
	Source: "Verify virtual directories are properly configured",
	Needs:  []facts.Source{facts.SourceServers, facts.SourceDirectories},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		there := map[string]*facts.Directory{}
		key := func(server string, kind facts.Kind) string { return strings.ToLower(server) + "/" + string(kind) }
		for i := range f.Directories {
			d := &f.Directories[i]
			there[key(d.Server, d.Kind)] = d
		}
		var out []Finding
		for _, s := range f.Servers {
			for _, kind := range facts.Kinds {
				d := there[key(s.Name, kind)]
				if d == nil {
					out = append(out, Finding{Severity: Fault, Summary: s.Name + " has no " + string(kind) + " virtual directory",
						Repair:   "create it with New-" + string(kind) + "VirtualDirectory",
						Commands: []string{"New-" + string(kind) + "VirtualDirectory -Server " + quote(s.Name)},
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
				out = append(out, one("OAuth is missing on "+d.Identity, evidence, setDirectory(d, withOAuth(d)))...)
			}
		}
		return out
	},
}

// withOAuth are the parameters that add OAuth to what a virtual directory takes.
func withOAuth(d *facts.Directory) string {
	add := func(property string, have []string) string {
		return "-" + property + " " + strings.Join(append(slices.Clone(have), "OAuth"), ",")
	}
	switch d.Kind {
	case facts.Mapi:
		return add("IISAuthenticationMethods", d.Live.IIS)
	case facts.ActiveSync:
		var parts []string
		for property, have := range map[string][]string{"InternalAuthenticationMethods": d.Live.Internal, "ExternalAuthenticationMethods": d.Live.External} {
			if len(have) > 0 && !slices.Contains(have, "OAuth") {
				parts = append(parts, add(property, have))
			}
		}
		slices.Sort(parts)
		return strings.Join(parts, " ")
	}
	return "-OAuthAuthentication $true"
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
