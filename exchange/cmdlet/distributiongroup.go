package cmdlet

import (
	"errors"
	"slices"
	"strings"

	"hma/exchange/org"
	"hma/wire/guid"
	"hma/wire/psobject"
)

const askGroups = "rule: one address for many, and rooms in lists that clients show (GetRoomLists)"

// distributionGroup: groups that mail is sent to, and lists of rooms.
func distributionGroup() []*cmdlet {
	shared := []psobject.Parameter{param("DisplayName", "string"), param("PrimarySmtpAddress", "string"), param("ManagedBy", "strings"),
		param("RequireSenderAuthenticationEnabled", "bool"), param("RoomList", "switch"), bypassManager, confirm}
	return []*cmdlet{
		{psobject.Command{Name: "Get-DistributionGroup", Synopsis: "Shows distribution groups and room lists.", Asks: askGroups,
			Params: peopleParams(psobject.Parameter{Name: "RecipientTypeDetails", Type: "strings", Values: []string{string(org.TypeDistributionGroup), string(org.TypeRoomList)}})},
			func(c *call) error { return c.eachPerson(c.detailed(isGroup), c.showGroup) }},
		{psobject.Command{Name: "New-DistributionGroup", Synopsis: "Makes a distribution group, or with -RoomList a list of rooms.", Asks: askGroups,
			Params: slices.Concat([]psobject.Parameter{{Name: "Name", Type: "string", Mandatory: true, Position: new(0)}, param("Alias", "string"), param("Members", "strings"),
				{Name: "Type", Type: "string", Values: []string{"Distribution"}}}, shared)}, newDistributionGroup},
		{psobject.Command{Name: "Set-DistributionGroup", Synopsis: "Changes a distribution group: its addresses, owners, and who may send to it.", Asks: askGroups,
			Params: slices.Concat([]psobject.Parameter{identity(true), param("EmailAddresses", "strings"), param("AcceptMessagesOnlyFromSendersOrMembers", "strings"),
				param("HiddenFromAddressListsEnabled", "bool"), param("Force", "switch")}, shared),
			Sets: map[string][]string{
				"Primary": append(groupSettings(shared), "PrimarySmtpAddress"), "Addresses": append(groupSettings(shared), "EmailAddresses"),
			}}, setDistributionGroup},
		{psobject.Command{Name: "Remove-DistributionGroup", Synopsis: "Removes a distribution group; its members stay.", Asks: askGroups,
			Params: []psobject.Parameter{identity(true), bypassManager, confirm}}, removeDistributionGroup},
	}
}

// bypassManager is taken as scripts write it: who runs a cmdlet here may change every group.
var bypassManager = param("BypassSecurityGroupManagerCheck", "switch")

// groupSettings are what both parameter sets of Set-DistributionGroup have.
func groupSettings(shared []psobject.Parameter) []string {
	names := []string{"Identity", "AcceptMessagesOnlyFromSendersOrMembers", "HiddenFromAddressListsEnabled", "Force"}
	for _, p := range shared {
		if p.Name != "PrimarySmtpAddress" {
			names = append(names, p.Name)
		}
	}
	return names
}

func isGroup(p *org.Recipient) bool { return p.Type.Group() }

// detailed narrows want by the call's RecipientTypeDetails.
func (c *call) detailed(want func(*org.Recipient) bool) func(*org.Recipient) bool {
	details := c.args.strings("RecipientTypeDetails")
	return func(p *org.Recipient) bool {
		return want(p) && (len(details) == 0 || slices.Contains(details, recipientDetails(p)))
	}
}

func (c *call) showGroup(cfg *org.Configuration, p *org.Recipient) (psobject.Object, error) {
	owners, err := c.identities(cfg, p.Group.ManagedBy)
	if err != nil {
		return psobject.Object{}, err
	}
	senders, err := c.identities(cfg, p.Group.AcceptFrom)
	if err != nil {
		return psobject.Object{}, err
	}
	return newObject("Microsoft.Exchange.Data.Directory.Management.DistributionGroup").
		add("GroupType", "Universal").add("SamAccountName", p.SAMAccount).add("IsDirSynced", p.Synchronised()).
		add("ManagedBy", owners).
		add("AcceptMessagesOnlyFromSendersOrMembers", senders).
		add("Alias", p.Alias).add("DisplayName", p.DisplayName).add("EmailAddresses", proxyAddresses(p)).
		add("ExternalDirectoryObjectId", blank(p.ObjectID)).add("HiddenFromAddressListsEnabled", p.HiddenFromAddressLists).
		add("LegacyExchangeDN", p.LegacyDN).add("PrimarySmtpAddress", p.PrimarySMTP).
		add("RecipientType", recipientType(p)).add("RecipientTypeDetails", recipientDetails(p)).
		add("RequireSenderAuthenticationEnabled", p.Group.InternalOnly).add("WindowsEmailAddress", p.PrimarySMTP).
		tail(cfg, personTail(cfg, p)).Object, nil
}

// identities are the canonical names of recipients; one that is gone has none.
func (c *call) identities(cfg *org.Configuration, ids []guid.GUID) ([]string, error) {
	var names []string
	for _, id := range ids {
		p, err := c.r.org.ByGUID(c, id)
		if errors.Is(err, org.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		names = append(names, personTail(cfg, p).identity)
	}
	return names, nil
}

// list returns what the call's parameter makes of a list of recipients, whom want admits: another list, or
// the same one with some more or without some.
func (c *call) list(parameter string, want func(*org.Recipient) bool) (func([]guid.GUID) []guid.GUID, error) {
	edit, ok := c.args[parameter].(psobject.Edit)
	if !ok {
		whole, err := c.named(c.args.strings(parameter), want)
		return func(old []guid.GUID) []guid.GUID {
			if !c.args.has(parameter) {
				return old
			}
			return whole
		}, err
	}
	add, err := c.named(edit.Add, want)
	if err != nil {
		return nil, err
	}
	remove, err := c.named(edit.Remove, want)
	return func(old []guid.GUID) []guid.GUID {
		var list []guid.GUID
		for _, id := range slices.Concat(old, add) {
			if !slices.Contains(list, id) && !slices.Contains(remove, id) {
				list = append(list, id)
			}
		}
		return list
	}, err
}

// named returns the GUIDs of the recipients of the identities, whom want admits.
func (c *call) named(identities []string, want func(*org.Recipient) bool) ([]guid.GUID, error) {
	var ids []guid.GUID
	for _, identity := range identities {
		p, err := c.one(identity, want)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(ids, p.GUID) {
			ids = append(ids, p.GUID)
		}
	}
	return ids, nil
}

// hasAddress admits everybody whom mail can be sent to.
func hasAddress(p *org.Recipient) bool { return p.PrimarySMTP != "" }

func newDistributionGroup(c *call) error {
	kind := org.TypeDistributionGroup
	if c.args.bool("RoomList") {
		kind = org.TypeRoomList
	}
	g := org.NewGroup(kind, "", c.args.text("Name"))
	if err := c.newRecipient(&g); err != nil {
		return err
	}
	owners, err := c.named(c.args.strings("ManagedBy"), isAccount)
	if err != nil {
		return err
	}
	if !c.args.has("ManagedBy") {
		owner, err := c.one(c.caller.Name, isAccount)
		if _, nobody := errors.AsType[*failure](err); err != nil && !nobody {
			return err
		}
		if err == nil {
			owners = []guid.GUID{owner.GUID} // whoever makes a group owns it
		}
	}
	members, err := c.named(c.args.strings("Members"), hasAddress)
	if err != nil {
		return err
	}
	g.Group.ManagedBy = owners
	c.setSwitch("RequireSenderAuthenticationEnabled", &g.Group.InternalOnly)
	c.object = g.DisplayName
	if c.whatIf() {
		c.would(g.DisplayName)
		return nil
	}
	made, err := c.r.org.CreateRecipient(c, g)
	if err != nil {
		return err
	}
	if len(members) > 0 {
		if _, err := c.r.org.ChangeMembers(c, made.GUID, members, nil); err != nil {
			return err
		}
	}
	cfg, err := c.r.org.Configuration(c)
	if err != nil {
		return err
	}
	o, err := c.showGroup(cfg, made)
	if err != nil {
		return err
	}
	c.put(o)
	return nil
}

// newRecipient fills in the names and addresses that New-Mailbox and New-DistributionGroup share: the alias is the
// name without what no address holds, the address is the alias in the default domain, and the account is the alias unless that is taken.
func (c *call) newRecipient(r *org.Recipient) error {
	if strings.TrimSpace(r.DisplayName) == "" {
		return invalid("Name", "A recipient needs a name.")
	}
	cfg, err := c.r.org.Configuration(c)
	if err != nil {
		return err
	}
	if r.Alias = c.args.text("Alias"); r.Alias == "" {
		r.Alias = strings.Map(func(x rune) rune {
			if x >= 'a' && x <= 'z' || x >= 'A' && x <= 'Z' || x >= '0' && x <= '9' || strings.ContainsRune("-_.", x) {
				return x
			}
			return -1
		}, r.DisplayName)
	}
	if r.PrimarySMTP = c.args.text("PrimarySmtpAddress"); r.PrimarySMTP == "" {
		domain := cfg.Org.Domain
		for _, d := range cfg.AcceptedDomains {
			if d.Default {
				domain = d.DomainName
			}
		}
		r.PrimarySMTP = r.Alias + "@" + domain
	}
	r.Addresses = []string{r.PrimarySMTP}
	if !validAddress(r.PrimarySMTP) || r.Alias == "" {
		return invalid("PrimarySmtpAddress", "'%s' is no SMTP address.", r.PrimarySMTP)
	}
	if err := c.free(r, r.PrimarySMTP); err != nil {
		return err
	}
	r.SAMAccount = r.Alias
	taken, err := c.r.org.Find(c, r.SAMAccount)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(taken, func(p *org.Recipient) bool { return strings.EqualFold(p.SAMAccount, r.SAMAccount) }) {
		r.SAMAccount += "-" + r.GUID.String()[:8]
	}
	c.setText("DisplayName", &r.DisplayName)
	return nil
}

func setDistributionGroup(c *call) error {
	owners, err := c.list("ManagedBy", isAccount)
	if err != nil {
		return err
	}
	senders, err := c.list("AcceptMessagesOnlyFromSendersOrMembers", hasAddress)
	if err != nil {
		return err
	}
	if err := c.keeps("ManagedBy", isGroup, func(p *org.Recipient) []guid.GUID { return p.Group.ManagedBy }, owners); err != nil {
		return err
	}
	// An empty list would open the group to everybody.
	if err := c.keeps("AcceptMessagesOnlyFromSendersOrMembers", isGroup, func(p *org.Recipient) []guid.GUID { return p.Group.AcceptFrom }, senders); err != nil {
		return err
	}
	if c.args.bool("RoomList") {
		if err := c.onlyRooms(); err != nil {
			return err
		}
	}
	return c.updateAddresses(isGroup, func(p *org.Recipient) error {
		p.Group.ManagedBy, p.Group.AcceptFrom = owners(p.Group.ManagedBy), senders(p.Group.AcceptFrom)
		if c.args.bool("RoomList") {
			p.Type = org.TypeRoomList
		}
		c.setText("DisplayName", &p.DisplayName)
		c.setSwitch("RequireSenderAuthenticationEnabled", &p.Group.InternalOnly)
		return nil
	})
}

// onlyRooms refuses to make a room list of a group with other members than rooms and room lists.
func (c *call) onlyRooms() error {
	g, err := c.onePerson(isGroup)
	if err != nil {
		return err
	}
	for after := guid.Nil; ; {
		page, err := c.r.org.Members(c, g.GUID, after, pageSize)
		if err != nil {
			return err
		}
		for _, p := range page {
			if after = p.GUID; p.Type != org.TypeRoom && p.Type != org.TypeRoomList {
				return &failure{"'" + p.DisplayName + "' is no room, and a member of '" + g.DisplayName + "'.", "InvalidOperation", "InvalidOperationException", g.DisplayName}
			}
		}
		if len(page) < pageSize {
			return nil
		}
	}
}

func removeDistributionGroup(c *call) error {
	g, err := c.onePerson(isGroup)
	if err != nil {
		return err
	}
	c.object = g.DisplayName
	if c.whatIf() {
		c.would(g.DisplayName)
		return nil
	}
	return c.r.org.RemoveGroup(c, g.GUID)
}
