package firewall

import (
	"strings"
)

// parseIPTables reads iptables-save(8): the filter table alone.
func parseIPTables(text string) (*Ruleset, error) {
	r := &Ruleset{Format: IPTables, chains: map[string]*chain{}}
	filter := false
	n := 0
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "*"):
			filter = line == "*filter"
		case !filter || line == "" || line[0] == '#':
		case line[0] == ':':
			fields := strings.Fields(line[1:])
			if len(fields) < 2 {
				continue
			}
			r.chains[fields[0]] = &chain{policy: verdict(fields[1])}
		case strings.HasPrefix(line, "-A "):
			words := split(line)
			if c := r.chains[words[1]]; c != nil {
				if n++; n > maxRules {
					break
				}
				c.rules = append(c.rules, iptablesRule(line, words[2:]))
			}
		}
	}
	// A gateway's connections go through FORWARD, a host's through INPUT.
	hook := "INPUT"
	if c := r.chains["FORWARD"]; c != nil && mentions(c) {
		hook = "FORWARD"
	}
	if r.chains[hook] != nil {
		r.hooks = []string{hook}
	}
	return r, nil
}

// mentions tells whether a chain has a rule for the port that matters, or jumps to one that may.
func mentions(c *chain) bool {
	for _, x := range c.rules {
		if !x.never && x.ports != nil && x.port(443) {
			return true
		}
	}
	return false
}

func verdict(word string) Verdict {
	switch strings.ToUpper(word) {
	case "ACCEPT":
		return Accept
	case "DROP", "REJECT":
		return Drop
	}
	return Unknown
}

// split splits a line into words; a quoted one stays whole.
func split(line string) []string {
	var words []string
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 1 {
			words = append(words, part)
		} else {
			words = append(words, strings.Fields(part)...)
		}
	}
	return append(words, "", "") // so that an option always has a value
}

func iptablesRule(line string, words []string) rule {
	r := rule{text: line}
	not := false
	for i := 0; i < len(words)-2; i++ {
		word, value := words[i], words[i+1]
		took := true
		switch word {
		case "!":
			not = true
			continue
		case "-s", "--source":
			p, ok := prefixes(value)
			r.from, r.not, r.unsure = p, not, r.unsure || !ok
			if not && !ok {
				r.not = false
			}
		case "--src-range":
			p, ok := prefixes(value)
			r.from, r.not, r.unsure = p, not && ok, r.unsure || !ok
		case "-p", "--protocol":
			r.never = r.never || (value == "tcp" || value == "all") == not
		case "--dport", "--dports", "--destination-port", "--destination-ports":
			for text := range strings.SplitSeq(value, ",") {
				p, ok := portRange(text)
				r.unsure = r.unsure || !ok || not
				r.ports = append(r.ports, p)
			}
			if not {
				r.ports = nil
			}
		case "-i", "--in-interface":
			r.never = r.never || value == "lo" && !not
			r.unsure = r.unsure || value != "lo"
		case "--ctstate", "--state":
			r.never = r.never || !strings.Contains(strings.ToUpper(value), "NEW") != not
		case "-m", "--match":
			r.unsure = r.unsure || !strings.Contains(" tcp udp icmp multiport conntrack state comment iprange ", " "+value+" ")
		case "--comment", "--reject-with", "-d", "--destination", "-o", "--out-interface": // the server's side, and words
		case "-j", "--jump", "-g", "--goto":
			switch v := verdict(value); {
			case v != Unknown:
				r.does = v
			case value == "RETURN":
				r.ends = true
			case value == "LOG" || value == "NFLOG" || value == "MARK" || value == "CONNMARK":
				r.never = true // goes on
				return r
			default:
				r.jump = value
			}
		case "--tcp-flags":
			r.never, took = true, true // not of a plain new connection
			i++
		case "--syn":
			took = false
		default:
			r.unsure, took = true, strings.HasPrefix(word, "-")
		}
		if took {
			i++
		}
		not = false
	}
	return r
}
