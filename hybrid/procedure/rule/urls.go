package rule

import (
	"time"

	"hma/hybrid/procedure/facts"
)

var urlsPresent = Rule{
	ID:     "urls-present",
	Group:  Names,
	Title:  "Every virtual directory that clients call has its URLs",
	Why:    "Autodiscover tells clients these URLs. Without an external one nobody outside finds the door; Outlook for iOS and Android is served by ActiveSync's external URL alone.",
	Repair: "set the URLs that clients are to use",
	Source: "Add on-premises web service URLs as SPNs in Microsoft Entra ID",
	Needs:  []facts.Source{facts.SourceDirectories},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		missing := Finding{Severity: Fault, Summary: "virtual directories have no URL at all"}
		outside := Finding{Severity: Note, Summary: "virtual directories have no external URL"}
		for i := range f.Directories {
			d := &f.Directories[i]
			x := &outside
			switch {
			case d.Kind == facts.Autodiscover || d.ExternalURL != "":
				continue
			case d.InternalURL == "":
				x = &missing
			}
			x.Evidence = append(x.Evidence, Evidence{d.Identity, "ExternalUrl", "", "https://..."})
			x.Commands = append(x.Commands, setDirectory(d, "-ExternalUrl https://HOST/PATH"))
		}
		return append(spoken(missing), spoken(outside)...)
	},
}
