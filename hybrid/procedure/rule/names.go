package rule

import (
	"slices"
	"strings"
	"time"

	"hma/hybrid/procedure/facts"
)

var names = Rule{
	ID:     "upn-and-address",
	Group:  People,
	Title:  "People sign in with their mail address",
	Why:    "Clients know the mail address and offer it to the cloud as the name. Where the name is another, people are asked for it or are not found; the server itself goes by the SID, so a name that differs between the halves does no harm there.",
	Repair: "make the UPN equal to the primary address, or tell people the name that the cloud knows them by",
	Source: "Steps to follow to configure and enable Hybrid Modern Auth",
	Needs:  []facts.Source{facts.SourcePeople, facts.SourceMailboxes, facts.SourceUsers},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		x := Finding{Severity: Note, Summary: "names differ from mail addresses"}
		for _, p := range f.People {
			switch name := p.Cloud; {
			case !p.Synced || p.SMTP == "":
			case !slices.Contains(p.Addresses, strings.ToLower(name)):
				x.Evidence = append(x.Evidence, Evidence{Label(&p), "userPrincipalName in the tenant", name, p.SMTP})
				x.Commands = append(x.Commands, set("User", Label(&p), "-UserPrincipalName "+p.SMTP))
			case !strings.EqualFold(p.UPN, name):
				x.Evidence = append(x.Evidence, Evidence{Label(&p), "userPrincipalName", p.UPN, name + " as in the tenant"})
				x.Commands = append(x.Commands, set("User", Label(&p), "-UserPrincipalName "+name))
			}
		}
		return spoken(x)
	},
}
