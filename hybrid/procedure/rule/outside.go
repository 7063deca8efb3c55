package rule

import (
	"time"

	"hma/hybrid/procedure/facts"
)

var outsideHMA = Rule{
	ID:     "outside-hma",
	Group:  People,
	Title:  "Protocols outside Hybrid Modern Authentication",
	Why:    "Outlook Anywhere (RPC over HTTP), IMAP and POP take no tokens on-premises: a password still opens them.",
	Repair: "turn them off, or block them with an authentication policy, where nobody needs them",
	Source: "Protocols that work with Hybrid Modern Auth",
	judge: func(*facts.Facts, time.Time) []Finding {
		return []Finding{{Severity: Note, Summary: "Outlook Anywhere, IMAP and POP stay on passwords"}}
	},
}
