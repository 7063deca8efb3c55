package firewall

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"unicode/utf16"
)

const nftGood = `table inet filter {
	set office {
		type ipv4_addr
		flags interval
		elements = { 52.125.128.0/20,
			     52.127.96.0/23 }
	}
	chain web {
		ip saddr @office tcp dport { 80, 443 } accept
	}
	chain input {
		type filter hook input priority filter; policy drop;
		ct state vmap { established : accept, related : accept, invalid : drop }
		iif "lo" accept
		counter packets 4 bytes 240
		tcp dport 22 ip saddr 10.0.0.0/8 accept
		jump web
		log prefix "dropped: " drop
	}
}
`

const iptablesGood = `*nat
:PREROUTING ACCEPT [0:0]
-A PREROUTING -p tcp --dport 443 -j DNAT
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:web - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -m conntrack --ctstate INVALID -j DROP
-A INPUT -p tcp -m tcp --dport 443 -m comment --comment "mail, web" -j web
-A web -s 52.125.128.0/21 -j ACCEPT
-A web -s 52.125.136.0/255.255.248.0 -j ACCEPT
-A web -m iprange --src-range 52.127.96.0-52.127.97.255 -j ACCEPT
-A web -j RETURN
COMMIT
`

const netshGood = `
Rule Name:                            Mail
----------------------------------------------------------------------
Enabled:                              Yes
Direction:                            In
Profiles:                             Domain,Private,Public
LocalIP:                              Any
RemoteIP:                             52.125.128.0/20,52.127.96.0-52.127.97.255
Protocol:                             TCP
LocalPort:                            443
RemotePort:                           Any
Action:                               Allow
`

const jsonGood = `[{"DisplayName":"Mail","Enabled":1,"Direction":1,"Action":2,"Protocol":"TCP","LocalPort":["443","80"],"RemoteAddress":["52.125.128.0/20","52.127.96.0/255.255.254.0"]},
 {"DisplayName":"Out","Enabled":1,"Direction":2,"Action":4,"Protocol":"TCP","LocalPort":"Any","RemoteAddress":"Any"}]`

func TestAllows(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want Verdict
	}{
		"nft":                    {nftGood, Accept},
		"nft half":               {strings.Replace(nftGood, "52.125.128.0/20", "52.125.128.0/21", 1), Drop},
		"nft other port":         {strings.Replace(nftGood, "{ 80, 443 }", "8443", 1), Drop},
		"nft policy accepts":     {"table ip filter {\nchain input {\ntype filter hook input priority 0; policy accept;\n}\n}\n", Accept},
		"nft dropped before":     {strings.Replace(nftGood, "jump web", "ip saddr 52.125.140.0/24 drop\njump web", 1), Drop},
		"nft unreadable drop":    {strings.Replace(nftGood, "jump web", "meta mark 5 drop\njump web", 1), Unknown},
		"nft unreadable accept":  {strings.Replace(nftGood, "jump web", "meta mark 5 accept", 1), Drop},
		"nft all but":            {strings.Replace(nftGood, "ip saddr @office", "ip saddr != 10.0.0.0/8", 1), Accept},
		"nft gateway":            {strings.ReplaceAll(nftGood, "hook input", "hook forward"), Unknown},
		"nft other family":       {strings.Replace(nftGood, "table inet", "table ip6", 1), Unknown},
		"iptables":               {iptablesGood, Accept},
		"iptables hole":          {strings.Replace(iptablesGood, "52.125.136.0/255.255.248.0", "52.125.136.0/255.255.252.0", 1), Drop},
		"iptables range hole":    {strings.Replace(iptablesGood, "97.255", "97.254", 1), Drop},
		"iptables everybody":     {"*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m multiport --dports 25,443 -j ACCEPT\n", Accept},
		"iptables udp":           {"*filter\n:INPUT DROP [0:0]\n-A INPUT -p udp --dport 443 -j ACCEPT\n", Drop},
		"iptables not from":      {"*filter\n:INPUT ACCEPT [0:0]\n-A INPUT ! -s 52.0.0.0/8 -p tcp --dport 443 -j DROP\n", Accept},
		"iptables reject others": {"*filter\n:INPUT ACCEPT [0:0]\n-A INPUT ! -s 10.0.0.0/8 -p tcp --dport 443 -j REJECT --reject-with tcp-reset\n", Drop},
		"iptables set":           {"*filter\n:INPUT DROP [0:0]\n-A INPUT -m set --match-set blocked src -j DROP\n-A INPUT -p tcp --dport 443 -j ACCEPT\n", Unknown},
		"iptables gateway":       {"*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n-A FORWARD -d 192.0.2.1 -p tcp --dport 443 -j ACCEPT\n", Accept},
		"iptables loop":          {"*filter\n:INPUT DROP [0:0]\n:a - [0:0]\n-A INPUT -j a\n-A a -j a\n", Unknown},
		"netsh":                  {netshGood, Accept},
		"netsh disabled":         {strings.Replace(netshGood, "Yes", "No", 1), Drop},
		"netsh out":              {strings.Replace(netshGood, " In\n", " Out\n", 1), Drop},
		"netsh blocked":          {netshGood + strings.Replace(strings.Replace(netshGood, "52.125.128.0/20", "52.125.129.0/24", 1), "Allow", "Block", 1), Drop},
		"netsh local subnet":     {strings.Replace(netshGood, "52.125.128.0/20,52.127.96.0-52.127.97.255", "LocalSubnet", 1), Drop},
		"netsh any":              {strings.Replace(netshGood, "52.125.128.0/20,52.127.96.0-52.127.97.255", "Any", 1), Accept},
		"JSON":                   {jsonGood, Accept},
		"JSON words":             {`{"DisplayName":"Mail","Enabled":"True","Direction":"Inbound","Action":"Allow","Protocol":"TCP","LocalPort":"443","RemoteAddress":"Any"}`, Accept},
		"JSON disabled":          {strings.Replace(jsonGood, `"Enabled":1`, `"Enabled":2`, 1), Drop},
		"JSON, UTF-16":           {utf16le(jsonGood), Accept},
		"netsh with byte order":  {"\xef\xbb\xbf" + netshGood, Accept},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Parse([]byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			worst := Accept
			for _, p := range []string{"52.125.128.0/20", "52.127.96.0/23"} {
				v, text := r.Allows(netip.MustParsePrefix(p), 443)
				if v != Accept && text == "" {
					t.Errorf("%s: %d without a reason", p, v)
				}
				if v == Drop || v == Unknown && worst == Accept {
					worst = v
				}
			}
			if worst != c.want {
				t.Errorf("got %d, want %d", worst, c.want)
			}
		})
	}
}

func utf16le(text string) string {
	out := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(text)) {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return string(out)
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{"", "hello", "[]", "{}", "[1]", `{"DisplayName":"x"}`} {
		if _, err := Parse([]byte(text)); !errors.Is(err, ErrFormat) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := Parse(make([]byte, maxExport+1)); err == nil {
		t.Error("a long export is taken")
	}
	if _, err := Parse([]byte(strings.Repeat("Rule Name: x\n", maxRules+1))); err == nil {
		t.Error("many rules are taken")
	}
}

// FuzzParse: no export makes it fail in another way than with an error, and every question has an answer.
func FuzzParse(f *testing.F) {
	for _, text := range []string{nftGood, iptablesGood, netshGood, jsonGood} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := Parse(text)
		if err != nil {
			return
		}
		if v, why := r.Allows(netip.MustParsePrefix("52.125.128.0/20"), 443); v != Accept && why == "" {
			t.Errorf("%d without a reason", v)
		}
	})
}
