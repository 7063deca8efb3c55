package firewall

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
)

// The one chain of Windows Firewall: what blocks comes before what allows, and the default blocks.
const inbound = "inbound rules"

// windowsRule is a rule of Windows Firewall with the fields that both exports have.
type windowsRule struct {
	Name, Enabled, Direction, Action, Protocol string
	Addresses, Ports                           []string
}

func windowsRuleset(list []windowsRule) *Ruleset {
	c := &chain{policy: Drop}
	for _, does := range []Verdict{Drop, Accept} {
		for _, w := range list {
			if r := w.rule(); r.does == does {
				c.rules = append(c.rules, r)
			}
		}
	}
	return &Ruleset{Format: Windows, chains: map[string]*chain{inbound: c}, hooks: []string{inbound}}
}

func (w *windowsRule) rule() rule {
	r := rule{text: cmp.Or(w.Name, "a rule without a name"), does: Drop}
	switch strings.ToLower(w.Action) {
	case "allow", "2":
		r.does = Accept
	}
	word := func(text string, words ...string) bool {
		for _, x := range words {
			if strings.EqualFold(text, x) {
				return true
			}
		}
		return false
	}
	r.never = !word(w.Enabled, "yes", "true", "1", "") || !word(w.Direction, "in", "inbound", "1", "") || !word(w.Protocol, "tcp", "6", "any", "256", "")
	for _, a := range w.Addresses {
		switch {
		case word(a, "any", "*", ""):
			r.from = nil
		case word(a, "localsubnet", "localsubnet4", "localsubnet6", "dns", "dhcp", "wins", "defaultgateway", "intranet", "playtodevice"):
			if r.from == nil {
				r.from = []netip.Prefix{} // not of the internet
			}
		default:
			p, ok := prefixes(a)
			r.from, r.unsure = append(r.from, p...), r.unsure || !ok
			if r.from == nil {
				r.from = []netip.Prefix{}
			}
		}
	}
	for _, text := range w.Ports {
		if word(text, "any", "*", "") {
			r.ports = nil
			break
		}
		p, ok := portRange(text)
		if !ok && !word(text, "rpc", "rpc-epmap", "rpcepmap", "teredo", "ply2disc", "mdns", "cortana") {
			r.unsure = true
		}
		if !ok {
			p = ports{-1, -1} // another service's
		}
		r.ports = append(r.ports, p)
	}
	return r
}

// parseNetsh reads netsh advfirewall firewall show rule name=all.
func parseNetsh(text string) (*Ruleset, error) {
	var list []windowsRule
	field := ""
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(line, ":")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if ok && key == "Rule Name" {
			if len(list) >= maxRules {
				return nil, fmt.Errorf("more than %d rules", maxRules)
			}
			list = append(list, windowsRule{Name: value})
			continue
		}
		if len(list) == 0 {
			continue
		}
		w := &list[len(list)-1]
		if !ok { // a list goes on in the next line
			key, value = field, strings.TrimSpace(line)
		}
		field = key
		switch key {
		case "Enabled":
			w.Enabled = value
		case "Direction":
			w.Direction = value
		case "Action":
			w.Action = value
		case "Protocol":
			w.Protocol = value
		case "RemoteIP":
			w.Addresses = append(w.Addresses, listed(value)...)
		case "LocalPort":
			w.Ports = append(w.Ports, listed(value)...)
		}
	}
	return windowsRuleset(list), nil
}

func listed(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}

// parseJSON reads Get-NetFirewallRule with its address and port filters as JSON:
// objects with DisplayName, Enabled, Direction, Action, Protocol, RemoteAddress and
// LocalPort, whose values may be words or the numbers that ConvertTo-Json makes of them.
func parseJSON(text []byte) (*Ruleset, error) {
	if text[0] == '{' {
		text = append(append([]byte{'['}, text...), ']') // a list of one
	}
	var objects []map[string]any
	if err := json.Unmarshal(text, &objects); err != nil {
		return nil, ErrFormat
	}
	var list []windowsRule
	for _, o := range objects {
		by := map[string]any{}
		for k, v := range o {
			by[strings.ToLower(k)] = v
		}
		one := func(name string) string {
			if v := by[name]; v != nil {
				return fmt.Sprint(v)
			}
			return ""
		}
		many := func(name string) []string {
			if a, ok := by[name].([]any); ok {
				var out []string
				for _, v := range a {
					out = append(out, fmt.Sprint(v))
				}
				return out
			}
			return listed(one(name))
		}
		w := windowsRule{Name: one("displayname"), Enabled: one("enabled"), Direction: one("direction"), Action: one("action"), Protocol: one("protocol"),
			Addresses: many("remoteaddress"), Ports: many("localport")}
		if w.Name == "" {
			w.Name = one("name")
		}
		if w.Action == "" {
			return nil, ErrFormat
		}
		list = append(list, w)
	}
	if list == nil {
		return nil, ErrFormat
	}
	return windowsRuleset(list), nil
}
