package rule

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"hma/hybrid/procedure/facts"
	"hma/hybrid/procedure/firewall"
)

// autoDetectRanges are where Outlook for iOS and Android's AutoDetect service
// connects from, to TCP 443 (the how-to).
var autoDetectRanges = []netip.Prefix{netip.MustParsePrefix("52.125.128.0/20"), netip.MustParsePrefix("52.127.96.0/23")}

// autoDetectHosts are the names that a later edition of the how-to adds, behind the mail domain.
var autoDetectHosts = []string{"outlookmobile.com", "outlookmobile.us"}

// AllowList returns the rules that let the AutoDetect service in, in the words of the
// firewall's kind; "" for a kind that is not known.
func AllowList(kind firewall.Format) []string {
	var ranges []string
	for _, p := range autoDetectRanges {
		ranges = append(ranges, p.String())
	}
	switch kind {
	case firewall.NFT:
		return []string{"nft insert rule inet filter input ip saddr '{ " + strings.Join(ranges, ", ") + " }' tcp dport 443 accept"}
	case firewall.IPTables:
		var all []string
		for _, r := range ranges {
			all = append(all, "iptables -I INPUT -s "+r+" -p tcp --dport 443 -j ACCEPT")
		}
		return all
	case firewall.Windows:
		return []string{"New-NetFirewallRule -DisplayName 'Outlook AutoDetect' -Direction Inbound -Action Allow -Protocol TCP -LocalPort 443 -RemoteAddress " + strings.Join(ranges, ",")}
	}
	return nil
}

// Allowance are the commands that open a kind of firewall for what a rule wants.
type Allowance struct {
	Firewall string
	Commands []string
}

// Allow returns how each kind of firewall is opened for what the rule wants; nil for a rule about something else.
func (r *Rule) Allow() []Allowance {
	if r.ID != "autodetect" {
		return nil
	}
	var all []Allowance
	for _, kind := range []firewall.Format{firewall.NFT, firewall.IPTables, firewall.Windows} {
		all = append(all, Allowance{string(kind), AllowList(kind)})
	}
	return all
}

var autoDetect = Rule{
	ID:     "autodetect",
	Group:  WebAndPhone,
	Title:  "The AutoDetect service of Outlook for iOS and Android may connect",
	Why:    "Outlook for iOS and Android finds out through this service that modern authentication is offered; where it cannot connect, the app asks for a password.",
	Repair: "allow 52.125.128.0/20 and 52.127.96.0/23 to reach TCP 443; where a proxy allows by name, <mail domain>." + strings.Join(autoDetectHosts, " and <mail domain>."),
	Source: "Using Hybrid Modern Authentication with Outlook for iOS and Android",
	Needs:  []facts.Source{facts.SourceFirewall},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		if f.Firewall == nil {
			return []Finding{{Severity: Note, Kind: NotGiven, Summary: "not checked: nobody gave a firewall export"}}
		}
		rules, err := firewall.Parse(f.Firewall)
		if err != nil {
			x := Finding{Severity: NotChecked, Summary: "the firewall export could not be read", Evidence: []Evidence{{Object: "firewall export", Found: err.Error()}}}
			if errors.Is(err, firewall.ErrFormat) {
				x.Repair = "give nft list ruleset, iptables-save, netsh advfirewall firewall show rule name=all, or Get-NetFirewallRule as JSON"
			}
			return []Finding{x}
		}
		x := Finding{Severity: Fault, Summary: "the firewall does not let the AutoDetect service in", Commands: AllowList(rules.Format)}
		unknown := Finding{Severity: NotChecked, Summary: "a rule of the firewall decides that could not be read"}
		for _, want := range autoDetectRanges {
			switch v, text := rules.Allows(want, 443); v {
			case firewall.Drop:
				x.Evidence = append(x.Evidence, Evidence{fmt.Sprintf("firewall export (%s)", rules.Format), "TCP 443 from " + want.String(), "dropped by " + text, "accepted"})
			case firewall.Unknown:
				unknown.Evidence = append(unknown.Evidence, Evidence{fmt.Sprintf("firewall export (%s)", rules.Format), "TCP 443 from " + want.String(), text, "a rule that can be read"})
			}
		}
		return append(spoken(x), spoken(unknown)...)
	},
}
