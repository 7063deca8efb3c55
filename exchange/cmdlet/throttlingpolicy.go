package cmdlet

import (
	"fmt"
	"strconv"
	"strings"

	"hma/exchange/org"
	"hma/wire/guid"
	"hma/wire/psobject"
)

const askThrottling = "issue: throttling with back-off (EwsMaxConcurrency)"

// throttlingPolicy: how much of the servers one person uses at a time.
func throttlingPolicy() []*cmdlet {
	scope := psobject.Parameter{Name: "ThrottlingPolicyScope", Type: "string", Values: []string{string(org.ThrottlingRegular), string(org.ThrottlingOrganization)}}
	return []*cmdlet{
		{psobject.Command{Name: "Get-ThrottlingPolicy", Synopsis: "Shows the throttling policies, the built-in one first.", Asks: askThrottling,
			Params: []psobject.Parameter{identity(false)}}, getThrottlingPolicy},
		{psobject.Command{Name: "New-ThrottlingPolicy", Synopsis: "Adds a throttling policy, for some people or for everybody who has none.", Asks: askThrottling,
			Params: []psobject.Parameter{{Name: "Name", Type: "string", Mandatory: true, Position: new(0)}, param("EwsMaxConcurrency", "string"), scope, confirm}}, newThrottlingPolicy},
		{psobject.Command{Name: "Set-ThrottlingPolicy", Synopsis: "Changes a throttling policy.", Asks: askThrottling,
			Params: []psobject.Parameter{identity(true), param("Name", "string"), param("EwsMaxConcurrency", "string"), confirm}}, func(c *call) error {
			return throttlings.update(c, func(_ *org.Configuration, p *org.ThrottlingPolicy) error { return c.editThrottling(p) })
		}},
		{psobject.Command{Name: "Remove-ThrottlingPolicy", Synopsis: "Removes a throttling policy that nobody has.", Asks: askThrottling,
			Params: []psobject.Parameter{identity(true), confirm}}, removeThrottlingPolicy},
		{psobject.Command{Name: "Get-ThrottlingPolicyAssociation", Synopsis: "Shows which throttling policies people have of their own.", Asks: askThrottling,
			Params: peopleParams()}, func(c *call) error { return c.eachPerson(hasMailbox, simply(showThrottlingAssociation)) }},
		{psobject.Command{Name: "Set-ThrottlingPolicyAssociation", Synopsis: "Gives a person a throttling policy; $null takes it away.", Asks: askThrottling,
			Params: []psobject.Parameter{identity(true), param("ThrottlingPolicy", "string"), confirm}}, setThrottlingAssociation},
	}
}

func throttlingDN(cfg *org.Configuration, p *org.ThrottlingPolicy) string {
	return "CN=" + p.Name + ",CN=Global Settings," + orgDN(cfg)
}

const throttlingType = "Microsoft.Exchange.Data.Directory.SystemConfiguration.ThrottlingPolicy"

var throttlings = &noun[org.ThrottlingPolicy]{
	list: func(cfg *org.Configuration) *[]*org.ThrottlingPolicy { return &cfg.Throttling },
	named: func(cfg *org.Configuration, p *org.ThrottlingPolicy, identity string) bool {
		return is(identity, p.GUID, p.Name, throttlingDN(cfg, p))
	},
	name: func(p *org.ThrottlingPolicy) string { return p.Name },
	show: func(cfg *org.Configuration, p *org.ThrottlingPolicy) psobject.Object {
		return newObject(throttlingType).add("EwsMaxConcurrency", concurrency(p.EwsMaxConcurrency)).
			add("ThrottlingPolicyScope", string(p.Scope)).add("IsServiceAccount", false).
			tail(cfg, tail{version: "0.10 (14.0.100.0)", name: p.Name, dn: throttlingDN(cfg, p), identity: p.Name, guid: p.GUID,
				category: "ms-Exch-Throttling-Policy", classes: []string{"top", "msExchGenericPolicy", "msExchThrottlingPolicy"}, stamp: p.Stamp}).Object
	},
}

// concurrency shows a limit: a number, Unlimited, or nothing where another policy decides.
func concurrency(limit *int) any {
	switch {
	case limit == nil:
		return nil
	case *limit == 0:
		return unlimited
	}
	return strconv.Itoa(*limit)
}

// maxConcurrency bounds EwsMaxConcurrency: past it a limit is none.
const maxConcurrency = 1_000_000

func (c *call) editThrottling(p *org.ThrottlingPolicy) error {
	c.setText("Name", &p.Name)
	if len(p.Name) > 64 {
		return invalid("Name", "The name of a throttling policy has 1 to 64 characters.")
	}
	if !c.args.has("EwsMaxConcurrency") {
		return nil
	}
	switch text := c.args.text("EwsMaxConcurrency"); {
	case text == "":
		p.EwsMaxConcurrency = nil
	case strings.EqualFold(text, unlimited):
		p.EwsMaxConcurrency = new(0)
	default:
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxConcurrency {
			return invalid("EwsMaxConcurrency", "EwsMaxConcurrency is a number from 1 to %d or Unlimited, not '%s'.", maxConcurrency, text)
		}
		p.EwsMaxConcurrency = &n
	}
	return nil
}

// getThrottlingPolicy shows what applies where no policy was made, too.
func getThrottlingPolicy(c *call) error {
	if c.args.text("Identity") == "" {
		c.put(newObject(throttlingType).add("EwsMaxConcurrency", strconv.Itoa(org.DefaultEwsMaxConcurrency)).
			add("ThrottlingPolicyScope", "Global").add("IsServiceAccount", false).add("Name", "GlobalThrottlingPolicy").add("Identity", "GlobalThrottlingPolicy").Object)
	}
	return throttlings.get(c)
}

func newThrottlingPolicy(c *call) error {
	p := org.ThrottlingPolicy{GUID: guid.New(), Scope: org.ThrottlingRegular}
	if c.args.has("ThrottlingPolicyScope") {
		p.Scope = org.ThrottlingScope(c.args.text("ThrottlingPolicyScope"))
	}
	if err := c.editThrottling(&p); err != nil {
		return err
	}
	return throttlings.create(c, p.GUID, p)
}

func removeThrottlingPolicy(c *call) error {
	cfg, err := c.r.org.Configuration(c)
	if err != nil {
		return err
	}
	p, err := throttlings.find(cfg, c.args.text("Identity"))
	if err != nil {
		return err
	}
	count, first, err := c.assigned(func(r *org.Recipient) bool { return r.ThrottlingPolicy == p.GUID })
	if err != nil {
		return err
	}
	if count > 0 {
		return &failure{fmt.Sprintf("The policy '%s' applies to %d people, %s among them; give them another one first (Set-ThrottlingPolicyAssociation).", p.Name, count, first),
			"InvalidOperation", "InvalidOperationException", p.Name}
	}
	return throttlings.remove(c)
}

func showThrottlingAssociation(cfg *org.Configuration, p *org.Recipient) psobject.Object {
	policy := any(nil)
	if own, err := throttlings.find(cfg, p.ThrottlingPolicy.String()); err == nil {
		policy = own.Name
	}
	who := personTail(cfg, p).identity
	return newObject("Microsoft.Exchange.Data.Directory.Management.ThrottlingPolicyAssociation").
		add("ObjectId", who).add("ThrottlingPolicyId", policy).add("Name", p.DisplayName).
		add("Identity", who).add("Guid", p.GUID.String()).add("IsValid", true).add("ObjectState", "Changed").Object
}

func setThrottlingAssociation(c *call) error {
	policy := guid.Nil
	if name := c.args.text("ThrottlingPolicy"); name != "" {
		cfg, err := c.r.org.Configuration(c)
		if err != nil {
			return err
		}
		p, err := throttlings.find(cfg, name)
		if err != nil {
			return err
		}
		policy = p.GUID
	}
	return c.updatePerson(hasMailbox, func(p *org.Recipient) error {
		if c.args.has("ThrottlingPolicy") {
			p.ThrottlingPolicy = policy
		}
		return nil
	})
}
