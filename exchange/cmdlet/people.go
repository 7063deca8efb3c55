package cmdlet

import (
	"strconv"
	"strings"

	"hma/exchange/org"
	"hma/wire/psobject"
)

// pageSize is how many people are read at a time, stockSize how many a Get shows unless told.
const (
	pageSize  = 500
	stockSize = 1000
)

// moreResults is the warning of a Get that stopped at its ResultSize.
const moreResults = "There are more results available than are currently displayed. To view them, increase the value for the ResultSize parameter."

// peopleParams are what the Get cmdlets of people share. A caller far away
// pages through everybody with -ResultSize N -Filter "Guid -gt '<last one>'": with a
// condition on Guid the order is that of the GUIDs, otherwise that of the names.
func peopleParams(more ...psobject.Parameter) []psobject.Parameter {
	return append([]psobject.Parameter{identity(false), param("ResultSize", "string"), param("Filter", "string")}, more...)
}

// viewer returns what a cmdlet shows of a recipient.
type viewer func(*org.Configuration, *org.Recipient) (psobject.Object, error)

// simply makes a viewer of one that asks for nothing more.
func simply(show func(*org.Configuration, *org.Recipient) psobject.Object) viewer {
	return func(cfg *org.Configuration, p *org.Recipient) (psobject.Object, error) { return show(cfg, p), nil }
}

// eachPerson puts out the people whom the call's parameters select and want admits.
func (c *call) eachPerson(want func(*org.Recipient) bool, show viewer) error {
	cfg, err := c.r.org.Configuration(c)
	if err != nil {
		return err
	}
	if identity := c.args.text("Identity"); identity != "" {
		list, err := c.r.org.Find(c, identity)
		if err != nil {
			return err
		}
		found := false
		for _, p := range list {
			if want(p) {
				found = true
				o, err := show(cfg, p)
				if err != nil {
					return err
				}
				c.put(o)
			}
		}
		if !found {
			return notFound(identity)
		}
		return nil
	}
	limit, err := resultSize(c.args.text("ResultSize"))
	if err != nil {
		return err
	}
	f, err := parseFilter(c.args.text("Filter"))
	if err != nil {
		return err
	}
	after, byGUID := f.after()
	var last *org.Recipient
	for shown := 0; ; {
		var page []*org.Recipient
		if byGUID {
			page, err = c.r.org.RecipientsByGUID(c, after, pageSize)
		} else {
			page, err = c.r.org.AllRecipients(c, last, pageSize)
		}
		if err != nil {
			return err
		}
		for _, p := range page {
			last, after = p, p.GUID
			if !want(p) {
				continue
			}
			o, err := show(cfg, p)
			if err != nil {
				return err
			}
			match, err := f.match(&o)
			if err != nil {
				return err
			}
			if !match {
				continue
			}
			if shown == limit {
				c.warn(moreResults)
				return nil
			}
			c.put(o)
			shown++
		}
		if len(page) < pageSize {
			return nil
		}
		if err := c.Err(); err != nil {
			return err
		}
	}
}

// resultSize reads -ResultSize: a number, Unlimited (here -1), or nothing.
func resultSize(text string) (int, error) {
	if text == "" {
		return stockSize, nil
	}
	if strings.EqualFold(text, "Unlimited") {
		return -1, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, invalid("ResultSize", "ResultSize is a number from 1 or Unlimited, not '%s'.", text)
	}
	return n, nil
}

// onePerson finds the one person whom a setter's identity names.
func (c *call) onePerson(want func(*org.Recipient) bool) (*org.Recipient, error) {
	return c.one(c.args.text("Identity"), want)
}

// one finds the one recipient whom an identity names.
func (c *call) one(identity string, want func(*org.Recipient) bool) (*org.Recipient, error) {
	list, err := c.r.org.Find(c, identity)
	if err != nil {
		return nil, err
	}
	var found *org.Recipient
	for _, p := range list {
		if !want(p) {
			continue
		}
		if found != nil {
			return nil, &failure{"'" + identity + "' names several people; use the GUID.", "InvalidArgument", "ManagementObjectAmbiguousException", identity}
		}
		found = p
	}
	if found == nil {
		return nil, notFound(identity)
	}
	return found, nil
}

// updatePerson changes the one person and warns when nothing was new.
func (c *call) updatePerson(want func(*org.Recipient) bool, fn func(*org.Recipient) error) error {
	p, err := c.onePerson(want)
	if err != nil {
		return err
	}
	c.object = p.DisplayName
	if c.whatIf() {
		name := p.DisplayName
		if err := fn(p); err != nil {
			return err
		}
		c.would(name)
		return nil
	}
	changed, err := c.r.org.UpdateRecipient(c, p.GUID, fn)
	if err == nil && !changed {
		c.unmodified(p.DisplayName)
	}
	return err
}

// free refuses a name that makes two people one for a token: somebody else's UPN or address.
func (c *call) free(p *org.Recipient, name string) error {
	for _, find := range []func() ([]*org.Recipient, error){
		func() ([]*org.Recipient, error) { return c.r.org.ByUPN(c, name) },
		func() ([]*org.Recipient, error) { return c.r.org.BySMTP(c, name) },
	} {
		list, err := find()
		if err != nil {
			return err
		}
		for _, other := range list {
			if other.GUID != p.GUID {
				return &failure{"The name '" + name + "' is already used by '" + other.DisplayName + "'.", "InvalidOperation", "ProxyAddressExistsException", name}
			}
		}
	}
	return nil
}

// isAccount admits those that have an account, be it disabled: everybody but groups.
func isAccount(p *org.Recipient) bool { return !p.Type.Group() }

func hasMailbox(p *org.Recipient) bool { return !p.MailboxGUID.IsNil() }

func personDN(cfg *org.Configuration, p *org.Recipient) string {
	return "CN=" + p.DisplayName + ",CN=Users," + domainDN(cfg)
}

// personTail is the tail of everything that shows a person; Identity is the canonical name.
func personTail(cfg *org.Configuration, p *org.Recipient) tail {
	t := tail{version: "0.20 (15.0.0.0)", name: p.DisplayName, dn: personDN(cfg, p), identity: cfg.Org.Domain + "/Users/" + p.DisplayName,
		guid: p.GUID, category: "Person", classes: []string{"top", "person", "organizationalPerson", "user"}, stamp: p.Stamp}
	if p.Type.Group() {
		t.version, t.category, t.classes = "0.10 (14.0.100.0)", "Group", []string{"top", "group"}
	}
	return t
}

// proxyAddresses are the addresses as the directory has them: SMTP: for the primary one, smtp: for the others.
func proxyAddresses(p *org.Recipient) []string {
	var list []string
	for i, a := range p.Addresses {
		if i == 0 {
			list = append(list, "SMTP:"+a)
		} else {
			list = append(list, "smtp:"+a)
		}
	}
	return list
}

// validAddress is a plain check: one @ with something on both sides, no spaces or controls.
func validAddress(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	return ok && local != "" && domain != "" && len(s) <= 320 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }) &&
		!strings.Contains(domain, "@")
}

// recipientDetails is RecipientTypeDetails.
func recipientDetails(p *org.Recipient) string {
	switch {
	case p.Type != org.TypeUser:
		return string(p.Type)
	case hasMailbox(p) && p.MasterAccountSID != "":
		return "LinkedMailbox"
	case isRemote(p):
		return "RemoteUserMailbox"
	case !hasMailbox(p) && !p.Enabled:
		return "DisabledUser"
	}
	return recipientType(p)
}

func recipientType(p *org.Recipient) string {
	switch {
	case p.Type.Group():
		return string(org.TypeDistributionGroup)
	case hasMailbox(p):
		return "UserMailbox"
	case isRemote(p):
		return "MailUser"
	}
	return "User"
}
