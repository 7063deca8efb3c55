package cmdlet

import (
	"fmt"
	"slices"
	"strings"

	"hma/exchange/org"
	"hma/wire/guid"
	"hma/wire/psobject"
)

const askPolicy = "rule: who would be refused modern authentication by a policy, and staged roll-out (New-AuthenticationPolicy)"

var protocols = []org.Protocol{org.ProtocolActiveSync, org.ProtocolAutodiscover, org.ProtocolImap, org.ProtocolMapi,
	org.ProtocolOfflineAddressBook, org.ProtocolPop, org.ProtocolRpc, org.ProtocolWebServices}

// authenticationPolicy: which protocols of a person refuse legacy or modern authentication.
func authenticationPolicy() []*cmdlet {
	var switches []psobject.Parameter
	for _, prefix := range []string{"BlockLegacyAuth", "BlockModernAuth"} {
		for _, p := range protocols {
			switches = append(switches, param(prefix+string(p), "switch"))
		}
	}
	return []*cmdlet{
		{psobject.Command{Name: "Get-AuthenticationPolicy", Synopsis: "Shows the authentication policies.", Asks: askPolicy,
			Params: []psobject.Parameter{identity(false)}}, getAuthenticationPolicy},
		{psobject.Command{Name: "New-AuthenticationPolicy", Synopsis: "Adds an authentication policy; without switches it allows everything.", Asks: askPolicy,
			Params: append([]psobject.Parameter{{Name: "Name", Type: "string", Mandatory: true, Position: new(0)}, confirm}, switches...)}, newAuthenticationPolicy},
		{psobject.Command{Name: "Set-AuthenticationPolicy", Synopsis: "Changes the switches of an authentication policy.", Asks: askPolicy,
			Params: append([]psobject.Parameter{identity(true), confirm}, switches...)}, setAuthenticationPolicy},
		{psobject.Command{Name: "Remove-AuthenticationPolicy", Synopsis: "Removes an authentication policy that applies to nobody.", Asks: askPolicy,
			Params: []psobject.Parameter{identity(true), confirm}}, removeAuthenticationPolicy},
	}
}

func policyDN(cfg *org.Configuration, p *org.AuthenticationPolicy) string {
	return "CN=" + p.Name + ",CN=Auth Policies,CN=Auth Configuration," + orgDN(cfg)
}

func findPolicy(cfg *org.Configuration, identity string) *org.AuthenticationPolicy {
	for _, p := range cfg.Policies {
		if is(identity, p.GUID, p.Name, policyDN(cfg, p)) {
			return p
		}
	}
	return nil
}

func showPolicy(cfg *org.Configuration, p *org.AuthenticationPolicy) psobject.Object {
	o := newObject("Microsoft.Exchange.Data.Directory.SystemConfiguration.AuthenticationPolicy")
	for _, proto := range protocols {
		o.add("BlockLegacyAuth"+string(proto), p.BlockLegacy[proto])
	}
	for _, proto := range protocols {
		o.add("BlockModernAuth"+string(proto), p.BlockModern[proto])
	}
	return o.tail(cfg, tail{version: "0.20 (15.0.0.0)", name: p.Name, dn: policyDN(cfg, p), identity: p.Name, guid: p.GUID,
		category: "ms-Exch-Auth-Policy", classes: []string{"top", "msExchAuthPolicy"}, stamp: p.Stamp}).Object
}

func getAuthenticationPolicy(c *call) error {
	cfg, err := c.r.org.Configuration(c)
	if err != nil {
		return err
	}
	if identity := c.args.text("Identity"); identity != "" {
		p := findPolicy(cfg, identity)
		if p == nil {
			return notFound(identity)
		}
		c.put(showPolicy(cfg, p))
		return nil
	}
	for _, p := range cfg.Policies {
		c.put(showPolicy(cfg, p))
	}
	return nil
}

// editPolicy applies the given switches; only what is true is kept.
func (c *call) editPolicy(p *org.AuthenticationPolicy) {
	set := func(m *map[org.Protocol]bool, proto org.Protocol, on bool) {
		if !on {
			delete(*m, proto)
			return
		}
		if *m == nil {
			*m = make(map[org.Protocol]bool)
		}
		(*m)[proto] = true
	}
	for _, proto := range protocols {
		if name := "BlockLegacyAuth" + string(proto); c.args.has(name) {
			set(&p.BlockLegacy, proto, c.args.bool(name))
		}
		if name := "BlockModernAuth" + string(proto); c.args.has(name) {
			set(&p.BlockModern, proto, c.args.bool(name))
		}
		if p.BlockLegacy[proto] && p.BlockModern[proto] {
			c.warn("The policy '%s' blocks legacy and modern authentication of %s: nobody it applies to can use that protocol.", p.Name, proto)
		}
	}
}

func newAuthenticationPolicy(c *call) error {
	p := org.AuthenticationPolicy{GUID: guid.New(), Name: strings.TrimSpace(c.args.text("Name"))}
	if len(p.Name) > 64 {
		return invalid("Name", "The name of an authentication policy has 1 to 64 characters.")
	}
	_, err := c.edit(func() string { return p.Name }, func(cfg *org.Configuration) error {
		if err := c.needs(cfg, "BlockLegacyAuth", blockLegacySince); err != nil {
			return err
		}
		if err := c.needs(cfg, "BlockModernAuth", blockModernSince); err != nil {
			return err
		}
		made := p
		c.editPolicy(&made)
		return cfg.AddAuthenticationPolicy(made)
	})
	if err != nil || c.whatIf() {
		return err
	}
	cfg, err := c.r.org.Configuration(c)
	if err != nil {
		return err
	}
	if made := cfg.Policy(p.GUID); made != nil {
		c.put(showPolicy(cfg, made))
	}
	return nil
}

func setAuthenticationPolicy(c *call) error {
	identity := c.args.text("Identity")
	return c.change(func() string { return identity }, func(cfg *org.Configuration) error {
		if err := c.needs(cfg, "BlockLegacyAuth", blockLegacySince); err != nil {
			return err
		}
		if err := c.needs(cfg, "BlockModernAuth", blockModernSince); err != nil {
			return err
		}
		p := findPolicy(cfg, identity)
		if p == nil {
			return notFound(identity)
		}
		c.editPolicy(p)
		return nil
	})
}

// removeAuthenticationPolicy refuses to remove a policy that applies to somebody: without it, what it
// blocks would be open to them.
func removeAuthenticationPolicy(c *call) error {
	identity := c.args.text("Identity")
	cfg, err := c.r.org.Configuration(c)
	if err != nil {
		return err
	}
	p := findPolicy(cfg, identity)
	if p == nil {
		return notFound(identity)
	}
	refused := func(format string, args ...any) error {
		return &failure{fmt.Sprintf(format, args...), "InvalidOperation", "InvalidOperationException", p.Name}
	}
	count, first, err := c.assigned(func(r *org.Recipient) bool { return r.AuthenticationPolicy == p.GUID })
	if err != nil {
		return err
	}
	switch {
	case count == 1:
		return refused("The policy '%s' applies to 1 person, %s; give them another one first (Set-User -AuthenticationPolicy).", p.Name, first)
	case count > 1:
		return refused("The policy '%s' applies to %d people, %s among them; give them another one first (Set-User -AuthenticationPolicy).", p.Name, count, first)
	}
	return c.change(func() string { return p.Name }, func(cfg *org.Configuration) error {
		if cfg.Org.DefaultAuthenticationPolicy == p.GUID {
			return refused("The policy '%s' is the organisation's default; choose another one first (Set-OrganizationConfig -DefaultAuthenticationPolicy).", p.Name)
		}
		cfg.Policies = slices.DeleteFunc(cfg.Policies, func(other *org.AuthenticationPolicy) bool { return other.GUID == p.GUID })
		return nil
	})
}

// assigned counts the people who have a policy of their own, and names the first of them.
func (c *call) assigned(has func(*org.Recipient) bool) (count int, first string, err error) {
	for after := (guid.GUID{}); ; {
		page, err := c.r.org.RecipientsByGUID(c, after, pageSize)
		if err != nil {
			return 0, "", err
		}
		for _, r := range page {
			after = r.GUID
			if !has(r) {
				continue
			}
			if count++; count == 1 {
				first = r.DisplayName
			}
		}
		if len(page) < pageSize {
			return count, first, nil
		}
	}
}
