package lab

// A person of the lab before anything is made of it.
type person struct {
	name, given, surname string
	alias                string
	admin                bool
	// builtin is the Administrator of the domain: isCriticalSystemObject, never synchronised.
	builtin bool
}

// people are the lab's: plain users, one synchronised administrator, and the built-in one.
var people = []person{
	{name: "Alice Novak", given: "Alice", surname: "Novak", alias: "alice"},
	{name: "Björn Lindqvist", given: "Björn", surname: "Lindqvist", alias: "bjorn"},
	{name: "Chen Wei", given: "Wei", surname: "Chen", alias: "chen"},
	{name: "Dana Okafor", given: "Dana", surname: "Okafor", alias: "dana"},
	{name: "Inês Duarte", given: "Inês", surname: "Duarte", alias: "ines", admin: true},
	{name: "Administrator", alias: "administrator", admin: true, builtin: true},
}

var serverNames = []string{"EX1", "EX2"}

// Names of the lab. The tenant's id, like every GUID and password, is made at the first start.
const (
	domain       = "contoso.com"
	tenantDomain = "contoso.onmicrosoft.com"
	mailHost     = "mail.contoso.com"
	discoverHost = "autodiscover.contoso.com"
)
