package cmdlet

import (
	"errors"
	"slices"
	"strings"

	"hma/exchange/org"
	"hma/wire/guid"
	"hma/wire/psobject"
)

const askTrustees = "issue: delegation (full access, send as, send on behalf)"

// mailboxPermission: who else may open a whole mailbox.
func mailboxPermission() []*cmdlet {
	rights := psobject.Parameter{Name: "AccessRights", Type: "strings", Mandatory: true, Values: []string{fullAccess}}
	user := psobject.Parameter{Name: "User", Type: "string", Mandatory: true, Position: new(1)}
	inherit := psobject.Parameter{Name: "InheritanceType", Type: "string", Values: []string{"All"}}
	return []*cmdlet{
		{psobject.Command{Name: "Get-MailboxPermission", Synopsis: "Shows who may open a mailbox.", Asks: askTrustees,
			Params: []psobject.Parameter{identity(true), param("User", "string")}}, getMailboxPermission},
		{psobject.Command{Name: "Add-MailboxPermission", Synopsis: "Lets a person or the members of a group open a mailbox and do everything in it.", Asks: askTrustees,
			Params: []psobject.Parameter{identity(true), user, rights, inherit, param("AutoMapping", "bool"), confirm}}, addMailboxPermission},
		{psobject.Command{Name: "Remove-MailboxPermission", Synopsis: "Takes that away.", Asks: askTrustees,
			Params: []psobject.Parameter{identity(true), user, rights, inherit, confirm}}, removeMailboxPermission},
	}
}

const fullAccess = "FullAccess"

// anybody admits every recipient: people and groups are trustees alike.
func anybody(*org.Recipient) bool { return true }

func getMailboxPermission(c *call) error {
	return c.eachTrustee(hasMailbox, func(p *org.Recipient) []guid.GUID { return p.FullAccess }, func(user, identity string) psobject.Object {
		rights := []string{fullAccess}
		if user == self {
			rights = append(rights, "ReadPermission")
		}
		return newObject("Microsoft.Exchange.Management.RecipientTasks.MailboxAcePresentationObject").
			add("AccessRights", rights).add("Deny", false).add("InheritanceType", "All").add("User", user).
			add("Identity", identity).add("IsInherited", false).Object
	})
}

func addMailboxPermission(c *call) error {
	return c.changeTrustees(hasMailbox, func(p *org.Recipient, who *org.Recipient) {
		p.FullAccess = with(p.FullAccess, who.GUID)
		// Clients open what is mapped to a person, and nothing through a group.
		if mapped := !c.args.has("AutoMapping") || c.args.bool("AutoMapping"); mapped && !who.Type.Group() {
			p.AutoMapped = with(p.AutoMapped, who.GUID)
		} else {
			p.AutoMapped = without(p.AutoMapped, who.GUID)
		}
	}, getMailboxPermission)
}

func removeMailboxPermission(c *call) error {
	return c.changeTrustees(hasMailbox, func(p *org.Recipient, who *org.Recipient) {
		p.FullAccess, p.AutoMapped = without(p.FullAccess, who.GUID), without(p.AutoMapped, who.GUID)
	}, nil)
}

func with(list []guid.GUID, id guid.GUID) []guid.GUID { return append(without(list, id), id) }

func without(list []guid.GUID, id guid.GUID) []guid.GUID {
	return slices.DeleteFunc(slices.Clone(list), func(other guid.GUID) bool { return other == id })
}

// self is how a permission names the account whose mailbox it is.
const self = `NT AUTHORITY\SELF`

// eachTrustee puts out the trustees of the recipient of the call's identity, itself first, or of them the call's User.
func (c *call) eachTrustee(want func(*org.Recipient) bool, list func(*org.Recipient) []guid.GUID, show func(user, identity string) psobject.Object) error {
	p, err := c.onePerson(want)
	if err != nil {
		return err
	}
	cfg, err := c.r.org.Configuration(c)
	if err != nil {
		return err
	}
	only := guid.GUID{}
	if user := c.args.text("User"); user != "" && !strings.EqualFold(user, self) {
		who, err := c.one(user, anybody)
		if err != nil {
			return err
		}
		only = who.GUID
	}
	identity := personTail(cfg, p).identity
	if only.IsNil() {
		c.put(show(self, identity))
		if c.args.has("User") {
			return nil
		}
	}
	for _, id := range list(p) {
		who, err := c.r.org.ByGUID(c, id)
		switch {
		case errors.Is(err, org.ErrNotFound) || !only.IsNil() && only != id:
			continue // whoever is gone may nothing
		case err != nil:
			return err
		}
		c.put(show(cfg.Org.NetBIOS()+`\`+who.SAMAccount, identity))
	}
	return nil
}

// changeTrustees changes what the call's User may do with the recipient of its
// identity, and puts out what get shows of that.
func (c *call) changeTrustees(want func(*org.Recipient) bool, change func(p, who *org.Recipient), get func(*call) error) error {
	who, err := c.one(c.args.text("User"), anybody)
	if err != nil {
		return err
	}
	err = c.updatePerson(want, func(p *org.Recipient) error {
		change(p, who)
		return nil
	})
	if err != nil || c.whatIf() || get == nil {
		return err
	}
	return get(c)
}
