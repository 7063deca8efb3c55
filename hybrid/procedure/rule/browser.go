package rule

import (
	"slices"
	"time"

	"hma/hybrid/procedure/facts"
)

var replyURLs = Rule{
	ID:     "reply-urls",
	Title:  "Every OWA and ECP URL is a reply URL of Exchange in the tenant",
	Why:    "After the sign-in the cloud sends the browser back only to a registered reply URL; otherwise it shows AADSTS50011.",
	Repair: "append the missing URLs to the reply URLs of the Exchange service principal",
	Source: "Steps to enable Hybrid Modern Authentication for OWA and ECP",
	Needs:  []facts.Source{facts.SourceDirectories, facts.SourcePrincipal},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		severity, summary := Note, "not enabled yet: reply URLs are missing"
		for _, d := range f.Directories {
			if d.Kind.Browser() && d.Live.OAuth {
				severity, summary = Fault, "OWA or ECP is on tokens and reply URLs are missing"
			}
		}
		var evidence []Evidence
		for _, a := range f.Addresses() {
			if !a.Kind.Browser() {
				continue
			}
			if want := facts.ReplyURL(a.URL); want != "" && !facts.ReplyRegistered(f.Principal.ReplyURLs, want) {
				evidence = append(evidence, Evidence{a.Object, a.Property, a.URL, want + " in replyUrls"})
			}
		}
		if evidence == nil {
			return nil
		}
		return []Finding{{Severity: severity, Summary: summary, Evidence: evidence}}
	},
}

// MissingReplyURLs returns the reply URLs that OWA and ECP need and the tenant does not have.
func MissingReplyURLs(f *facts.Facts) []string {
	var missing []string
	for _, a := range f.Addresses() {
		if !a.Kind.Browser() {
			continue
		}
		want := facts.ReplyURL(a.URL)
		if want != "" && !facts.ReplyRegistered(f.Principal.ReplyURLs, want) && !slices.Contains(missing, want) {
			missing = append(missing, want)
		}
	}
	return missing
}

var browserMethods = Rule{
	ID:     "owa-ecp-methods",
	Title:  "OWA and ECP take tokens and nothing else",
	Why:    "Adfs, Basic, Forms and Digest must be off before OAuth is on, on OWA and ECP of every server; where only a part is done, people cannot sign in or are asked twice.",
	Repair: "per server: OWA off the four methods, ECP off them, ECP on OAuth, OWA on OAuth",
	Source: "Steps to enable Hybrid Modern Authentication for OWA and ECP",
	Needs:  []facts.Source{facts.SourceServers, facts.SourceDirectories},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		var on, off, broken []Evidence
		for _, s := range f.Servers {
			for _, kind := range []facts.Kind{facts.Owa, facts.Ecp} {
				d := f.Directory(s.Name, kind)
				if d == nil {
					continue // oauth-virtual-directories says so
				}
				e := Evidence{d.Identity, "authentication methods", show(&d.Live, kind), "{OAuth}"}
				switch oauth, legacy := d.Live.OAuth && d.AD.OAuth, d.Live.Legacy(); {
				case oauth && !legacy:
					on = append(on, e)
				case !d.Live.OAuth && legacy:
					off = append(off, e)
				default:
					broken = append(broken, e)
				}
			}
		}
		switch {
		case broken != nil:
			return []Finding{{Severity: Fault, Summary: "OWA or ECP is between the two ways to sign in", Evidence: broken}}
		case on != nil && off != nil:
			return []Finding{{Severity: Fault, Summary: "only a part of OWA and ECP is on tokens", Evidence: off}}
		case off != nil:
			return []Finding{{Severity: Note, Summary: "not enabled yet: OWA and ECP take passwords", Evidence: off}}
		}
		return nil
	},
}
