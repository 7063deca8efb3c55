package cmdlet

import (
	"math"
	"slices"
	"strings"

	"hma/exchange/org"
	"hma/wire/guid"
	"hma/wire/psobject"
)

// mailbox: addresses and sync state of the people with a mailbox.
func mailbox() []*cmdlet {
	return []*cmdlet{
		{psobject.Command{Name: "Get-Mailbox", Synopsis: "Shows mailboxes; page with -ResultSize and -Filter \"Guid -gt '<last one>'\".",
			Asks: askSync + "; rule: an address or UPN that two people share", Params: peopleParams(psobject.Parameter{Name: "RecipientTypeDetails", Type: "strings", Values: []string{"UserMailbox", "LinkedMailbox",
				string(org.TypeShared), string(org.TypeRoom), string(org.TypeEquipment)}})},
			func(c *call) error { return c.eachPerson(c.detailed(hasMailbox), c.showMailbox) }},
		{psobject.Command{Name: "New-Mailbox", Synopsis: "Makes a shared mailbox, a room or a piece of equipment, as which nobody signs in.", Asks: askGroups,
			Params: []psobject.Parameter{{Name: "Name", Type: "string", Mandatory: true, Position: new(0)}, param("Alias", "string"), param("DisplayName", "string"),
				param("PrimarySmtpAddress", "string"), param("Shared", "switch"), param("Room", "switch"), param("Equipment", "switch"), param("ResourceCapacity", "int"), confirm},
			Sets: map[string][]string{"Shared": newMailboxSet("Shared"), "Room": newMailboxSet("Room", "ResourceCapacity"), "Equipment": newMailboxSet("Equipment", "ResourceCapacity")}}, newMailbox},
		{psobject.Command{Name: "Set-Mailbox", Synopsis: "Changes a mailbox's addresses, type, limits and who may send on its behalf.", Asks: "rule: an address or UPN that two people share",
			Params: append([]psobject.Parameter{identity(true), param("PrimarySmtpAddress", "string"), param("EmailAddresses", "strings"),
				param("HiddenFromAddressListsEnabled", "bool"), {Name: "Type", Type: "string", Values: mailboxTypes}, param("ResourceCapacity", "int"), param("GrantSendOnBehalfTo", "strings"), param("Force", "switch"), confirm}, limitParams()...),
			Sets: map[string][]string{"Primary": setMailboxSet("PrimarySmtpAddress"), "Addresses": setMailboxSet("EmailAddresses")}}, setMailbox},
	}
}

// mailboxTypes are the values of Set-Mailbox -Type, in the order of the recipients' types.
var mailboxTypes = []string{"Regular", "Shared", "Room", "Equipment"}

var mailboxKinds = []org.RecipientType{org.TypeUser, org.TypeShared, org.TypeRoom, org.TypeEquipment}

func newMailboxSet(more ...string) []string {
	return append([]string{"Name", "Alias", "DisplayName", "PrimarySmtpAddress", "Confirm"}, more...)
}

func setMailboxSet(address string) []string {
	set := []string{"Identity", address, "HiddenFromAddressListsEnabled", "Type", "ResourceCapacity", "GrantSendOnBehalfTo", "Force", "Confirm"}
	for _, p := range limitParams() {
		set = append(set, p.Name)
	}
	return set
}

func newMailbox(c *call) error {
	i := slices.IndexFunc(mailboxTypes, c.args.bool)
	if i < 0 {
		return invalid("Shared", "Say -Shared, -Room or -Equipment: people are made by the directory that synchronisation reads.")
	}
	m := org.NewMailbox(mailboxKinds[i], "", c.args.text("Name"))
	if err := c.newRecipient(&m); err != nil {
		return err
	}
	m.UPN = m.PrimarySMTP
	if err := c.setCapacity(&m); err != nil {
		return err
	}
	c.object = m.DisplayName
	if c.whatIf() {
		c.would(m.DisplayName)
		return nil
	}
	made, err := c.r.org.CreateRecipient(c, m)
	if err != nil {
		return err
	}
	cfg, err := c.r.org.Configuration(c)
	if err != nil {
		return err
	}
	o, err := c.showMailbox(cfg, made)
	if err != nil {
		return err
	}
	c.put(o)
	return nil
}

// setCapacity sets how many people a resource is for.
func (c *call) setCapacity(p *org.Recipient) error {
	if !c.args.has("ResourceCapacity") {
		return nil
	}
	n, _ := c.args["ResourceCapacity"].(int64)
	if p.Resource == nil || n < 0 || n > math.MaxInt32 {
		return invalid("ResourceCapacity", "'%s' holds people only when it is a room or a piece of equipment, and not fewer than none.", p.DisplayName)
	}
	p.Resource.Capacity = int(n)
	return nil
}

func (c *call) showMailbox(cfg *org.Configuration, p *org.Recipient) (psobject.Object, error) {
	behalf, err := c.identities(cfg, p.SendOnBehalf)
	if err != nil {
		return psobject.Object{}, err
	}
	server := ""
	if len(cfg.Servers) > 0 {
		server = cfg.Servers[0].Name
	}
	return showArchive(showLimits(newObject("Microsoft.Exchange.Data.Directory.Management.Mailbox"), p), p).
		add("ExchangeGuid", p.MailboxGUID.String()).add("ServerName", blank(server)).add("SamAccountName", p.SAMAccount).
		add("UserPrincipalName", p.UPN).add("AccountDisabled", !p.Enabled).
		add("IsLinked", p.MasterAccountSID != "").add("LinkedMasterAccount", blank(p.LinkedMasterAccount)).
		add("IsDirSynced", p.Synchronised()).add("ImmutableId", blank(p.ImmutableID)).add("ExternalDirectoryObjectId", blank(p.ObjectID)).
		add("Alias", p.Alias).add("DisplayName", p.DisplayName).add("EmailAddresses", proxyAddresses(p)).
		add("GrantSendOnBehalfTo", behalf).
		add("HiddenFromAddressListsEnabled", p.HiddenFromAddressLists).add("LegacyExchangeDN", p.LegacyDN).
		add("PrimarySmtpAddress", blank(p.PrimarySMTP)).add("RecipientType", recipientType(p)).add("RecipientTypeDetails", recipientDetails(p)).
		add("WindowsEmailAddress", blank(p.PrimarySMTP)).tail(cfg, personTail(cfg, p)).Object, nil
}

// addressList reads EmailAddresses: SMTP: marks the primary address, and without a
// mark the first one is it, as Set-Mailbox does.
func addressList(given []string) (primary string, all []string, err error) {
	for _, a := range given {
		kind, address, ok := strings.Cut(a, ":")
		if !ok {
			kind, address = "smtp", a
		}
		if !strings.EqualFold(kind, "smtp") || !validAddress(address) {
			return "", nil, invalid("EmailAddresses", "'%s' is no SMTP address.", a)
		}
		if kind == "SMTP" {
			if primary != "" {
				return "", nil, invalid("EmailAddresses", "Only one address can be the primary one (SMTP:).")
			}
			primary = address
		}
		all = append(all, address)
	}
	if len(all) == 0 {
		return "", nil, invalid("EmailAddresses", "A mailbox needs an address.")
	}
	if primary == "" {
		primary = all[0]
	}
	return primary, all, nil
}

// editAddresses returns what the mailbox's addresses become by an Edit, in the form that addressList reads.
func editAddresses(p *org.Recipient, e psobject.Edit) ([]string, error) {
	bare := func(s string) string {
		if kind, address, ok := strings.Cut(s, ":"); ok && strings.EqualFold(kind, "smtp") {
			return address
		}
		return s
	}
	var remove, next []string
	for _, s := range e.Remove {
		if strings.EqualFold(bare(s), p.PrimarySMTP) {
			return nil, invalid("EmailAddresses", "'%s' is the primary address of '%s'; give it another one first.", p.PrimarySMTP, p.DisplayName)
		}
		remove = append(remove, bare(s))
	}
	primary := p.PrimarySMTP
	for _, s := range e.Add {
		if strings.HasPrefix(s, "SMTP:") {
			primary = bare(s)
		}
	}
	next = append(next, "SMTP:"+primary)
	for _, s := range slices.Concat(p.Addresses, e.Add) {
		if s = bare(s); !containsFold(remove, s) && !containsFold(next, "SMTP:"+s) {
			next = append(next, "smtp:"+s)
		}
	}
	return next, nil
}

func setMailbox(c *call) error {
	behalf, err := c.list("GrantSendOnBehalfTo", anybody)
	if err != nil {
		return err
	}
	if err := c.keeps("GrantSendOnBehalfTo", hasMailbox, func(p *org.Recipient) []guid.GUID { return p.SendOnBehalf }, behalf); err != nil {
		return err
	}
	return c.updateAddresses(hasMailbox, func(p *org.Recipient) error {
		if i := slices.Index(mailboxTypes, c.args.text("Type")); i >= 0 {
			p.SetType(mailboxKinds[i])
		}
		if err := c.limits(p); err != nil {
			return err
		}
		p.SendOnBehalf = behalf(p.SendOnBehalf)
		return c.setCapacity(p)
	})
}

// keeps refuses, unless told by -Force, a whole list of recipients that leaves somebody out who is on the one that of returns.
func (c *call) keeps(parameter string, want func(*org.Recipient) bool, of func(*org.Recipient) []guid.GUID, next func([]guid.GUID) []guid.GUID) error {
	if _, edit := c.args[parameter].(psobject.Edit); edit || !c.args.has(parameter) {
		return nil
	}
	p, err := c.onePerson(want)
	if err != nil {
		return err
	}
	cfg, err := c.r.org.Configuration(c)
	if err != nil {
		return err
	}
	old, err := c.identities(cfg, of(p))
	if err != nil {
		return err
	}
	left, err := c.identities(cfg, next(of(p)))
	if err != nil {
		return err
	}
	return shrink(c.args, p.DisplayName, parameter, old, left)
}

// updateAddresses changes the addresses of the one recipient, what shows it, and what fn changes.
func (c *call) updateAddresses(want func(*org.Recipient) bool, fn func(*org.Recipient) error) error {
	p, err := c.onePerson(want)
	if err != nil {
		return err
	}
	var primary string
	var all []string
	switch {
	case c.args.has("EmailAddresses"):
		given := c.args.strings("EmailAddresses")
		if edit, ok := c.args["EmailAddresses"].(psobject.Edit); ok {
			if given, err = editAddresses(p, edit); err != nil {
				return err
			}
		}
		if primary, all, err = addressList(given); err != nil {
			return err
		}
	case c.args.has("PrimarySmtpAddress"):
		if primary = c.args.text("PrimarySmtpAddress"); !validAddress(primary) {
			return invalid("PrimarySmtpAddress", "'%s' is no SMTP address.", primary)
		}
		all = []string{primary}
	}
	for _, a := range all {
		if err := c.free(p, a); err != nil {
			return err
		}
	}
	return c.updatePerson(want, func(p *org.Recipient) error {
		if c.args.has("EmailAddresses") {
			if _, edit := c.args["EmailAddresses"].(psobject.Edit); !edit {
				if err := shrink(c.args, p.DisplayName, "EmailAddresses", p.Addresses, all); err != nil {
					return err
				}
			}
			p.PrimarySMTP, p.Addresses = primary, all
		}
		if c.args.has("PrimarySmtpAddress") {
			p.PrimarySMTP = primary // the former one stays as a secondary address
		}
		c.setSwitch("HiddenFromAddressListsEnabled", &p.HiddenFromAddressLists)
		return fn(p)
	})
}
