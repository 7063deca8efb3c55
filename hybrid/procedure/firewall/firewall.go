package firewall

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf16"
)

// Limits on an export and on what a question may cost.
const (
	maxExport = 8 << 20
	maxRules  = 20_000
	maxSplits = 4096 // parts into which a range falls that rules cut up
	maxDepth  = 16   // jumps from chain to chain
	maxSteps  = 5_000_000
)

// ErrFormat: the text is none of the exports that Parse knows.
var ErrFormat = errors.New("is no nft, iptables-save or Windows firewall export")

// Verdict is what becomes of a connection.
type Verdict int

// The verdicts. Unknown: a rule decides that could not be read.
const (
	Unknown Verdict = iota
	Accept
	Drop
)

// Format is the kind of an export.
type Format string

// The formats.
const (
	NFT      Format = "nft"
	IPTables Format = "iptables"
	Windows  Format = "Windows"
)

// Ruleset is an export as far as it decides about connections from outside.
type Ruleset struct {
	Format Format
	chains map[string]*chain
	// hooks are the chains that connections to this machine, and through it, begin in.
	hooks []string
}

type chain struct {
	rules  []rule
	policy Verdict // Unknown: it returns to the chain that jumped to it
}

// rule is one rule: what it matches, and what it does then.
type rule struct {
	text string
	from []netip.Prefix // sources; nil is any
	not  bool           // any source but from
	// ports are TCP ports; nil is any.
	ports []ports
	// never matches a new TCP connection from outside over IPv4: another protocol, the loopback interface, an established connection.
	never bool
	// unsure has conditions that could not be read.
	unsure bool
	does   Verdict
	jump   string // to another chain
	ends   bool   // return
}

type ports struct{ low, high int }

func (r *rule) port(p int) bool {
	if r.ports == nil {
		return true
	}
	for _, x := range r.ports {
		if x.low <= p && p <= x.high {
			return true
		}
	}
	return false
}

// Parse reads an export; a byte order mark and UTF-16 are taken, as Windows
// writes them. ErrFormat when it is none; other errors name the limit that it passes.
func Parse(text []byte) (*Ruleset, error) {
	if len(text) > maxExport {
		return nil, fmt.Errorf("firewall export: longer than %d MiB", maxExport>>20)
	}
	text = plain(text)
	trimmed := bytes.TrimSpace(text)
	var r *Ruleset
	var err error
	switch {
	case bytes.HasPrefix(trimmed, []byte("[")) || bytes.HasPrefix(trimmed, []byte("{")):
		r, err = parseJSON(trimmed)
	case bytes.Contains(text, []byte("*filter")):
		r, err = parseIPTables(string(text))
	case bytes.Contains(text, []byte("table ")) && bytes.Contains(text, []byte("chain ")):
		r, err = parseNFT(string(text))
	case bytes.Contains(text, []byte("Rule Name:")):
		r, err = parseNetsh(string(text))
	default:
		return nil, ErrFormat
	}
	if err != nil {
		return nil, fmt.Errorf("firewall export: %w", err)
	}
	n := 0
	for _, c := range r.chains {
		n += len(c.rules)
	}
	if n > maxRules {
		return nil, fmt.Errorf("firewall export: more than %d rules", maxRules)
	}
	return r, nil
}

// plain returns text as UTF-8 without byte order mark.
func plain(text []byte) []byte {
	if len(text) < 2 || text[0] != 0xff || text[1] != 0xfe {
		return bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	}
	units := make([]uint16, len(text)/2-1)
	for i := range units {
		units[i] = uint16(text[2*i+2]) | uint16(text[2*i+3])<<8
	}
	return []byte(string(utf16.Decode(units)))
}

// Allows tells what becomes of new TCP connections to the port from every address
// of the range. A part that is dropped makes all of it Drop, one that is unknown
// Unknown; text is the rule that decided so, or the policy.
func (r *Ruleset) Allows(from netip.Prefix, port int) (v Verdict, text string) {
	q := question{r: r, port: port}
	worst, why := Accept, ""
	for _, hook := range r.hooks {
		v, text := q.decide(hook, from.Masked())
		if v == Drop {
			return Drop, text
		}
		if v == Unknown {
			worst, why = v, text
		}
	}
	if len(r.hooks) == 0 {
		return Unknown, "no chain for connections from outside"
	}
	return worst, why
}

// question is one question to a ruleset, with what it has cost.
type question struct {
	r             *Ruleset
	port          int
	splits, steps int
}

// decide walks a chain, and halves the range where a rule's sources cut it.
func (q *question) decide(name string, from netip.Prefix) (Verdict, string) {
	v, text, cut := q.walk(name, from, 0)
	if !cut {
		if v == Unknown && text == "" {
			return Drop, name + " has no rule for it"
		}
		return v, text
	}
	if q.splits++; q.splits > maxSplits || from.Bits() >= from.Addr().BitLen() {
		return Unknown, text
	}
	low := netip.PrefixFrom(from.Addr(), from.Bits()+1)
	high := netip.PrefixFrom(upper(low), from.Bits()+1)
	worst, why := Accept, ""
	for _, half := range []netip.Prefix{low, high} {
		v, text := q.decide(name, half)
		if v == Drop {
			return v, text
		}
		if v == Unknown {
			worst, why = v, text
		}
	}
	return worst, why
}

// upper is the first address of the other half.
func upper(low netip.Prefix) netip.Addr {
	bytes := low.Addr().AsSlice()
	bit := low.Bits() - 1
	bytes[bit/8] |= 1 << (7 - bit%8)
	a, _ := netip.AddrFromSlice(bytes)
	return a
}

// walk runs the rules in order for the whole range; cut tells that a rule matches only a part of it.
// Unknown without text: no rule decided, and the chain has no policy.
func (q *question) walk(name string, from netip.Prefix, depth int) (v Verdict, text string, cut bool) {
	c := q.r.chains[name]
	if c == nil || depth > maxDepth {
		return Unknown, "chain " + name + " is missing, or jumps go too deep", false
	}
	for i := range c.rules {
		x := &c.rules[i]
		if q.steps++; q.steps > maxSteps {
			return Unknown, "the rules jump about too much", false
		}
		if x.never || !x.port(q.port) {
			continue
		}
		whole, some := x.match(from)
		if !some {
			continue
		}
		if !whole {
			return Unknown, x.text, true
		}
		if x.unsure {
			if x.does == Accept {
				continue // it may match less than it seems to: not counted on
			}
			return Unknown, x.text, false
		}
		switch {
		case x.ends:
			return Unknown, "", false
		case x.jump != "":
			if v, text, cut := q.walk(x.jump, from, depth+1); v != Unknown || text != "" || cut {
				return v, text, cut
			}
		case x.does != Unknown:
			return x.does, x.text, false
		}
	}
	if c.policy == Unknown {
		return Unknown, "", false
	}
	return c.policy, "the policy of " + name, false
}

// match tells whether the rule's sources cover the whole range, or some of it.
func (r *rule) match(from netip.Prefix) (whole, some bool) {
	if r.from == nil {
		return true, true
	}
	for _, p := range r.from {
		if p.Overlaps(from) {
			some = true
			whole = whole || p.Bits() <= from.Bits()
		}
	}
	if r.not {
		return !some, !whole
	}
	return whole, some
}

// prefixes reads one source: an address, a prefix, a range, or an address with a mask.
func prefixes(text string) ([]netip.Prefix, bool) {
	text = strings.TrimSpace(text)
	if p, err := netip.ParsePrefix(text); err == nil {
		return []netip.Prefix{p.Masked()}, true
	}
	if a, err := netip.ParseAddr(text); err == nil {
		return []netip.Prefix{netip.PrefixFrom(a, a.BitLen())}, true
	}
	if base, mask, ok := strings.Cut(text, "/"); ok {
		a, errA := netip.ParseAddr(base)
		m, errM := netip.ParseAddr(mask)
		if errA != nil || errM != nil || !a.Is4() || !m.Is4() {
			return nil, false
		}
		bits := 0
		four := m.As4()
		for _, b := range four {
			for ; b&0x80 != 0; b <<= 1 {
				bits++
			}
		}
		p, err := a.Prefix(bits)
		return []netip.Prefix{p}, err == nil
	}
	low, high, ok := strings.Cut(text, "-")
	if !ok {
		return nil, false
	}
	a, errA := netip.ParseAddr(strings.TrimSpace(low))
	b, errB := netip.ParseAddr(strings.TrimSpace(high))
	if errA != nil || errB != nil || a.BitLen() != b.BitLen() || b.Less(a) {
		return nil, false
	}
	return between(a, b), true
}

// between returns the prefixes that make up the addresses from a to b.
func between(a, b netip.Addr) []netip.Prefix {
	var all []netip.Prefix
	for {
		bits := a.BitLen()
		for bits > 0 {
			p, err := a.Prefix(bits - 1)
			if err != nil || p.Addr() != a || b.Less(last(p)) {
				break
			}
			bits--
		}
		p := netip.PrefixFrom(a, bits)
		all = append(all, p)
		end := last(p)
		if end == b || !end.Less(b) {
			return all
		}
		a = end.Next()
	}
}

// last is the last address of a prefix.
func last(p netip.Prefix) netip.Addr {
	raw := p.Addr().AsSlice()
	for bit := p.Bits(); bit < p.Addr().BitLen(); bit++ {
		raw[bit/8] |= 1 << (7 - bit%8)
	}
	a, _ := netip.AddrFromSlice(raw)
	return a
}

// portRange reads 443, 80-443, 80:443 or a service's name that matters.
func portRange(text string) (ports, bool) {
	text = strings.TrimSpace(text)
	switch strings.ToLower(text) {
	case "https", "iphttpsin", "iphttps":
		return ports{443, 443}, true
	case "http":
		return ports{80, 80}, true
	}
	low, high, found := strings.Cut(strings.ReplaceAll(text, ":", "-"), "-")
	a, errA := strconv.Atoi(strings.TrimSpace(low))
	b := a
	var errB error
	if found {
		b, errB = strconv.Atoi(strings.TrimSpace(high))
	}
	return ports{a, b}, errA == nil && errB == nil && a >= 0 && a <= b && b <= 65535
}
