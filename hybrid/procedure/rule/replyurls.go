package rule

import (
	"time"

	"hma/hybrid/procedure/facts"
)

var replyURLs = Rule{
	ID:     "reply-urls",
	Group:  Names,
	Title:  "Every OWA and ECP URL is a reply URL of Exchange in the tenant",
	Why:    "After the sign-in the cloud sends the browser back only to a registered reply URL; otherwise it shows AADSTS50011. It compares the path with its case and its last slash.",
	Repair: "append the missing URLs to the reply URLs of the Exchange service principal",
	Source: "Steps to enable Hybrid Modern Authentication for OWA and ECP",
	Needs:  []facts.Source{facts.SourceDirectories, facts.SourcePrincipal},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		x := Finding{Severity: Note, Kind: Pending, Summary: "not enabled yet: reply URLs are missing"}
		if browsersOn(f) {
			x = Finding{Severity: Fault, Summary: "OWA or ECP is on tokens and reply URLs are missing"}
		}
		var all []string
		addresses, anywhere := f.Addresses(), map[string]bool{}
		for i := range f.Tenants {
			t := &f.Tenants[i]
			have := facts.Replies(t.Principal.ReplyURLs)
			for _, a := range addresses {
				want := facts.ReplyURL(a.URL)
				if !a.Kind.Browser() || want == "" || have[facts.ReplyKey(want)] {
					continue
				}
				x.Evidence = append(x.Evidence, Evidence{a.Object, a.Property, a.URL, want + " in replyUrls" + in(f, t)})
				if !anywhere[facts.ReplyKey(want)] {
					anywhere[facts.ReplyKey(want)] = true
					all = append(all, want)
				}
			}
		}
		if all != nil {
			x.Commands = appendTo("ReplyUrls", "ReplyUrls", all...)
		}
		return spoken(x)
	},
}

// MissingReplyURLs returns the reply URLs that OWA and ECP need and the tenant does not have.
func MissingReplyURLs(f *facts.Facts, t *facts.Tenant) []string {
	have := facts.Replies(t.Principal.ReplyURLs)
	var missing []string
	for _, a := range f.Addresses() {
		if want := facts.ReplyURL(a.URL); a.Kind.Browser() && want != "" && !have[facts.ReplyKey(want)] {
			have[facts.ReplyKey(want)] = true
			missing = append(missing, want)
		}
	}
	return missing
}
