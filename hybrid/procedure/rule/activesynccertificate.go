package rule

import (
	"strings"
	"time"

	"hma/hybrid/procedure/facts"
)

var activeSyncCertificate = Rule{
	ID:     "activesync-client-certificate",
	Group:  Directories,
	Title:  "ActiveSync asks for no client certificate",
	Why:    "With ClientCertAuth Required the connection ends before a token is shown: neither a phone nor Exchange Online, which fetches the mail of Outlook for iOS and Android, has that certificate.",
	Repair: "set ClientCertAuth to Ignore or Accepted",
	Source: "Using Hybrid Modern Authentication with Outlook for iOS and Android",
	Needs:  []facts.Source{facts.SourceDirectories},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		var out []Finding
		for i := range f.Directories {
			if d := &f.Directories[i]; strings.EqualFold(d.ClientCertificate, "Required") {
				out = append(out, one(d.Identity+" asks for a client certificate",
					[]Evidence{{d.Identity, "ClientCertAuth", d.ClientCertificate, "Ignore or Accepted"}}, setDirectory(d, "-ClientCertAuth Ignore"))...)
			}
		}
		return out
	},
}
