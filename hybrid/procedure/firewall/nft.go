package firewall

import (
	"net/netip"
	"strings"
)

// parseNFT reads nft list ruleset (nft(8)): tables, base chains with hook input or
// forward, chains that they jump to, and named sets of addresses and ports.
func parseNFT(text string) (*Ruleset, error) {
	r := &Ruleset{Format: NFT, chains: map[string]*chain{}}
	sets := map[string]string{}
	var table, name, set string
	var in *chain
	var forward, input []string
	usable := true // of a family that carries IPv4
	for line := range strings.Lines(joined(text)) {
		line = strings.TrimSpace(strings.SplitN(line, "#", 2)[0])
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case words[0] == "table" && len(words) >= 3:
			table, usable = words[1]+" "+words[2], words[1] == "ip" || words[1] == "inet"
		case words[0] == "set" && len(words) >= 2:
			set = table + "/" + words[1]
		case words[0] == "chain" && len(words) >= 2:
			name, in = table+"/"+words[1], &chain{}
			if usable {
				r.chains[name] = in
			}
		case line == "}":
			switch {
			case set != "":
				set = ""
			case in != nil:
				in = nil
			}
		case set != "":
			if _, elements, ok := strings.Cut(line, "elements = "); ok {
				sets[set] = strings.Trim(elements, "{} ")
			}
		case in != nil && words[0] == "type" && len(words) > 1:
			_, policy, _ := strings.Cut(line, "policy ")
			if in.policy = verdict(strings.Trim(policy, "; ")); in.policy == Unknown {
				in.policy = Accept
			}
			switch {
			case !usable || words[1] != "filter":
			case strings.Contains(line, "hook input"):
				input = append(input, name)
			case strings.Contains(line, "hook forward"):
				forward = append(forward, name)
			}
		case in != nil && len(in.rules) <= maxRules:
			in.rules = append(in.rules, nftRule(line, table, sets))
		}
	}
	r.hooks = input
	for _, h := range forward {
		if mentions(r.chains[h]) {
			r.hooks = forward
		}
	}
	return r, nil
}

// joined puts braces that go over several lines on one, but for those of tables, chains and sets.
func joined(text string) string {
	var b strings.Builder
	depth := 0
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		first, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if depth == 0 && (first == "table" || first == "chain" || first == "set" || first == "map" || strings.TrimSpace(line) == "}") {
			b.WriteString(line + "\n")
			continue
		}
		depth = max(0, depth+strings.Count(line, "{")-strings.Count(line, "}"))
		b.WriteString(line)
		if depth == 0 {
			b.WriteByte('\n')
		} else {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// nftRule reads one rule. { a, b } is one word.
func nftRule(line, table string, sets map[string]string) rule {
	r := rule{text: line}
	words := nftWords(line)
	value := func(i int) (list string, not bool) {
		if words[i] == "!=" {
			i, not = i+1, true
		} else if words[i] == "==" {
			i++
		}
		if name, named := strings.CutPrefix(words[i], "@"); named {
			return sets[table+"/"+name], not
		}
		return words[i], not
	}
	step := func(i int) int {
		if words[i] == "!=" || words[i] == "==" {
			return 1
		}
		return 0
	}
	for i := 0; i < len(words)-3; i++ {
		switch pair := words[i] + " " + words[i+1]; {
		case pair == "ip saddr":
			list, not := value(i + 2)
			r.not, r.from = not, []netip.Prefix{}
			for text := range strings.SplitSeq(list, ",") {
				p, ok := prefixes(text)
				r.from, r.unsure = append(r.from, p...), r.unsure || !ok
			}
			i += 2 + step(i+2)
		case pair == "tcp dport" || pair == "th dport":
			list, not := value(i + 2)
			for text := range strings.SplitSeq(list, ",") {
				p, ok := portRange(text)
				r.ports, r.unsure = append(r.ports, p), r.unsure || !ok
			}
			if not {
				r.ports, r.unsure = nil, true
			}
			i += 2 + step(i+2)
		case pair == "udp dport" || words[i] == "ip6" || words[i] == "icmp" || words[i] == "icmpv6":
			r.never = true
			return r
		case pair == "ip protocol" || pair == "meta l4proto":
			list, not := value(i + 2)
			r.never = r.never || strings.Contains(list, "tcp") == not
			i += 2 + step(i+2)
		case pair == "ct state":
			list, not := value(i + 2)
			if list == "vmap" {
				r.never = !strings.Contains(words[i+3], "new")
				r.unsure = !r.never
				return r
			}
			r.never = r.never || strings.Contains(list, "new") == not
			i += 2 + step(i+2)
		case words[i] == "iif" || words[i] == "iifname":
			list, not := value(i + 1)
			lo := strings.Trim(list, `"`) == "lo"
			r.never = r.never || lo && !not
			r.unsure = r.unsure || !lo
			i += 1 + step(i+1)
		case pair == "ip daddr" || pair == "meta nfproto":
			i += 2 + step(i+2)
		case words[i] == "counter":
			if words[i+1] == "packets" {
				i += 4
			}
		case words[i] == "comment":
			i++
		case words[i] == "log":
			for i+1 < len(words)-3 && verdict(words[i+1]) == Unknown && words[i+1] != "jump" && words[i+1] != "goto" {
				i++
			}
		case words[i] == "accept" || words[i] == "drop":
			r.does = verdict(words[i])
		case words[i] == "reject":
			r.does = Drop
			return r
		case words[i] == "return":
			r.ends = true
		case words[i] == "jump" || words[i] == "goto":
			r.jump = table + "/" + words[i+1]
			i++
		default:
			r.unsure = true
		}
	}
	if r.does == Unknown && r.jump == "" && !r.ends {
		r.never = true // it counts or logs, and goes on
	}
	return r
}

// nftWords splits a rule into words, what stands in braces being one; three empty
// ones follow, so that a condition always has its value.
func nftWords(line string) []string {
	var words []string
	for line != "" {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "{") {
			inside, rest, _ := strings.Cut(line[1:], "}")
			words, line = append(words, inside), rest
			continue
		}
		if strings.HasPrefix(line, `"`) {
			inside, rest, _ := strings.Cut(line[1:], `"`)
			words, line = append(words, `"`+inside+`"`), rest
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		if word != "" {
			words = append(words, word)
		}
		line = rest
	}
	return append(words, "", "", "")
}
