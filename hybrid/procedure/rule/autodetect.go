package rule

import (
	"net/netip"
	"strings"
	"time"

	"hma/hybrid/procedure/facts"
)

// autoDetectRanges are where Outlook for iOS and Android's AutoDetect service
// connects from, to TCP 443 (the how-to).
var autoDetectRanges = []netip.Prefix{netip.MustParsePrefix("52.125.128.0/20"), netip.MustParsePrefix("52.127.96.0/23")}

var autoDetect = Rule{
	ID:     "autodetect",
	Group:  WebAndPhone,
	Title:  "The AutoDetect service of Outlook for iOS and Android may connect",
	Why:    "Outlook for iOS and Android finds out through this service that modern authentication is offered; where it cannot connect, the app asks for a password.",
	Repair: "allow 52.125.128.0/20 and 52.127.96.0/23 to reach TCP 443",
	Source: "Using Hybrid Modern Authentication with Outlook for iOS and Android",
	Needs:  []facts.Source{facts.SourceFirewall},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		if f.Firewall == nil {
			return []Finding{{Severity: Note, Kind: NotGiven, Summary: "not checked: nobody gave a firewall export"}}
		}
		var allowed []netip.Prefix
		for word := range strings.FieldsFuncSeq(string(f.Firewall), func(r rune) bool { return strings.ContainsRune(" \t\r\n,;\"'", r) }) {
			if p, err := netip.ParsePrefix(word); err == nil {
				allowed = append(allowed, p)
			}
		}
		var missing []Evidence
		for _, want := range autoDetectRanges {
			covered := false
			for _, p := range allowed {
				covered = covered || p.Bits() <= want.Bits() && p.Contains(want.Addr())
			}
			if !covered {
				missing = append(missing, Evidence{"firewall export", "allowed ranges", "no entry covers it", want.String()})
			}
		}
		if missing == nil {
			return nil
		}
		return []Finding{{Severity: Note, Summary: "the firewall export does not allow the AutoDetect service", Evidence: missing}}
	},
}
