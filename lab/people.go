package lab

import "hma/exchange/org"

// A person of the lab before anything is made of it.
type person struct {
	name, given, surname string
	alias                string
	admin                bool
	// builtin is the Administrator of the domain: isCriticalSystemObject, never synchronised.
	builtin bool
}

// tenant is a tenant of the lab and the people whose accounts are in it. The organisation
// is the first one's; the others are companies whose mailboxes it hosts.
type tenant struct {
	id      string // of a snapshot's; "": made at the first start
	name    string
	domain  string
	initial string
	people  []person
}

// tenants are the lab's: plain users and a synchronised administrator each, and the built-in one.
// The ids, like every GUID and password, are made at the first start.
var tenants = []tenant{
	{name: "Contoso", domain: "contoso.com", initial: "contoso.onmicrosoft.com", people: []person{
		{name: "Alice Novak", given: "Alice", surname: "Novak", alias: "alice"},
		{name: "Björn Lindqvist", given: "Björn", surname: "Lindqvist", alias: "bjorn"},
		{name: "Chen Wei", given: "Wei", surname: "Chen", alias: "chen"},
		{name: "Dana Okafor", given: "Dana", surname: "Okafor", alias: "dana"},
		{name: "Inês Duarte", given: "Inês", surname: "Duarte", alias: "ines", admin: true},
		{name: "Administrator", alias: "administrator", admin: true, builtin: true},
	}},
	{name: "Fabrikam", domain: "fabrikam.com", initial: "fabrikam.onmicrosoft.com", people: []person{
		{name: "Frida Berg", given: "Frida", surname: "Berg", alias: "frida"},
		{name: "Gus Hale", given: "Gus", surname: "Hale", alias: "gus", admin: true},
	}},
	{name: "Tailspin Toys", domain: "tailspintoys.com", initial: "tailspintoys.onmicrosoft.com", people: []person{
		{name: "Tess Umar", given: "Tess", surname: "Umar", alias: "tess"},
		{name: "Hugo Roux", given: "Hugo", surname: "Roux", alias: "hugo", admin: true},
	}},
}

// member is a person with the tenant that the account is in.
type member struct {
	person
	tenant int // in tenants
}

// upn is the name that the person signs in with at the cloud, and the mail address.
func (m member) upn() string { return m.alias + "@" + tenants[m.tenant].domain }

// people are everybody of the lab, tenant by tenant.
func (t *topology) people() []member {
	var all []member
	for i, tenant := range t.inHybrid() {
		for _, p := range tenant.people {
			all = append(all, member{p, i})
		}
	}
	return all
}

// shared are the mailboxes of the organisation that are nobody's: what they are, and how many a room is for.
var shared = []struct {
	kind     org.RecipientType
	name     string
	alias    string
	capacity int
}{
	{org.TypeShared, "Contoso Info", "info", 0},
	{org.TypeRoom, "Room Danube", "danube", 8},
	{org.TypeRoom, "Room Vltava", "vltava", 20},
}

// groups are its groups, with their members by alias.
var groups = []struct {
	kind    org.RecipientType
	name    string
	alias   string
	members []string
}{
	{org.TypeDistributionGroup, "Sales", "sales", []string{"alice", "bjorn"}},
	{org.TypeRoomList, "Meeting Rooms", "rooms", []string{"danube", "vltava"}},
}

// Names of the lab.
const (
	domain       = "contoso.com"
	mailHost     = "mail.contoso.com"
	discoverHost = "autodiscover.contoso.com"
	// downloadHost is for OWA's attachments, once download domains are turned on.
	downloadHost = "download.contoso.com"
	// accountForest is the forest in which the people of a resource forest's mailboxes have their accounts.
	accountForest        = "corp.contoso.com"
	accountForestNetBIOS = "CORP"
)
