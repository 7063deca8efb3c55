package rule

import (
	"time"

	"hma/hybrid/procedure/facts"
)

var mapiHTTPMailboxes = Rule{
	ID:     "mapi-http-mailboxes",
	Group:  Versions,
	Title:  "MAPI over HTTP is off for no mailbox",
	Why:    "A mailbox may say otherwise than the organisation. Outlook then stays on Outlook Anywhere and on passwords for it.",
	Repair: "let the mailbox follow the organisation",
	Source: "Protocols that work with Hybrid Modern Auth",
	Needs:  []facts.Source{facts.SourcePeople, facts.SourceProtocols},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		x := Finding{Severity: Fault, Summary: "MAPI over HTTP is off for mailboxes"}
		for _, p := range f.People {
			if p.NoMapiHTTP {
				x.Evidence = append(x.Evidence, Evidence{Label(&p), "MapiHttpEnabled", "False", "empty or True"})
				x.Commands = append(x.Commands, set("CASMailbox", Label(&p), "-MapiHttpEnabled $null"))
			}
		}
		return spoken(x)
	},
}
