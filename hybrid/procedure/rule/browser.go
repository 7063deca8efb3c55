package rule

import (
	"time"

	"hma/hybrid/procedure/facts"
)

// state is how OWA or ECP signs people in.
type state int

const (
	passwords state = iota
	tokens
	between
)

// browserState returns how a virtual directory of OWA or ECP signs people in.
func browserState(d *facts.Directory) state {
	switch oauth, legacy := d.Live.OAuth && d.AD.OAuth, d.Live.Legacy(); {
	case oauth && !legacy:
		return tokens
	case !d.Live.OAuth && legacy:
		return passwords
	}
	return between
}

var browserMethods = Rule{
	ID:     "owa-ecp-methods",
	Group:  Directories,
	Title:  "OWA and ECP take tokens and nothing else",
	Why:    "Adfs, Basic, Forms and Digest must be off before OAuth is on, on OWA and ECP of every server; where only a part is done, people cannot sign in or are asked twice.",
	Repair: "per server: OWA off the four methods, ECP off them, ECP on OAuth, OWA on OAuth",
	Source: "Steps to enable Hybrid Modern Authentication for OWA and ECP",
	Needs:  []facts.Source{facts.SourceServers, facts.SourceDirectories},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		var found [3][]Evidence
		var commands []string
		for _, kind := range []facts.Kind{facts.Owa, facts.Ecp} {
			for i := range f.Directories {
				if d := &f.Directories[i]; d.Kind == kind {
					s := browserState(d)
					found[s] = append(found[s], Evidence{d.Identity, "authentication methods", show(&d.Live, kind), "{OAuth}"})
					if s != tokens {
						commands = append(commands, setDirectory(d, "-AdfsAuthentication $false -BasicAuthentication $false -FormsAuthentication $false -DigestAuthentication $false"))
					}
				}
			}
		}
		for _, kind := range []facts.Kind{facts.Ecp, facts.Owa} {
			for i := range f.Directories {
				if d := &f.Directories[i]; d.Kind == kind && browserState(d) != tokens {
					commands = append(commands, setDirectory(d, "-OAuthAuthentication $true"))
				}
			}
		}
		switch {
		case found[between] != nil:
			return one("OWA or ECP is between the two ways to sign in", found[between], commands...)
		case found[tokens] != nil && found[passwords] != nil:
			return one("only a part of OWA and ECP is on tokens", found[passwords], commands...)
		case found[passwords] != nil:
			return spoken(Finding{Severity: Note, Kind: Pending, Summary: "not enabled yet: OWA and ECP take passwords", Evidence: found[passwords], Commands: commands})
		}
		return nil
	},
}
