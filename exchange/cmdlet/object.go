package cmdlet

import (
	"strings"
	"time"

	"hma/exchange/org"
	"hma/wire/guid"
	"hma/wire/psobject"
)

// object builds a psobject.Object in display order.
type object struct{ psobject.Object }

func newObject(typ string) *object { return &object{psobject.Object{Type: typ}} }

func (o *object) add(name string, value any) *object {
	if list, ok := value.([]string); ok && list == nil {
		value = []string{}
	}
	o.Properties = append(o.Properties, psobject.Property{Name: name, Value: value})
	return o
}

// blank is a text that prints nothing when it is empty, as null does.
func blank(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// tail is what the tail of a configuration object says.
type tail struct {
	version  string // ExchangeVersion
	name     string // Name, unless the object has shown it before
	dn       string
	identity string
	guid     guid.GUID
	category string   // the object's schema class, for example ms-Exch-Auth-Auth-Server
	classes  []string // objectClass
	state    string   // ObjectState: Changed where IIS was read, else Unchanged
	stamp    org.Stamp
}

// tail adds the properties that all configuration objects end with.
func (o *object) tail(c *org.Configuration, t tail) *object {
	o.add("AdminDisplayName", nil).add("ExchangeVersion", t.version)
	if t.name != "" {
		o.add("Name", t.name)
	}
	o.add("DistinguishedName", t.dn).add("Identity", t.identity).add("Guid", t.guid.String())
	o.add("ObjectCategory", c.Org.Domain+"/Configuration/Schema/"+t.category).add("ObjectClass", t.classes)
	o.add("WhenChanged", when(t.stamp.WhenChanged)).add("WhenCreated", when(t.stamp.WhenCreated))
	o.add("WhenChangedUTC", when(t.stamp.WhenChanged)).add("WhenCreatedUTC", when(t.stamp.WhenCreated))
	state := t.state
	if state == "" {
		state = "Unchanged"
	}
	return o.add("OrganizationId", nil).add("Id", t.identity).add("OriginatingServer", "dc1."+c.Org.Domain).
		add("IsValid", true).add("ObjectState", state)
}

// when is a time as an object holds it: null while there is none.
func when(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC()
}

// domainDN returns DC=contoso,DC=com.
func domainDN(c *org.Configuration) string {
	return "DC=" + strings.ReplaceAll(c.Org.Domain, ".", ",DC=")
}

// orgDN returns the distinguished name of the organisation's container.
func orgDN(c *org.Configuration) string {
	return "CN=" + c.Org.Name + ",CN=Microsoft Exchange,CN=Services,CN=Configuration," + domainDN(c)
}

// serverDN returns the distinguished name of a server.
func serverDN(c *org.Configuration, name string) string {
	return "CN=" + name + ",CN=Servers,CN=Exchange Administrative Group (FYDIBOHF23SPDLT),CN=Administrative Groups," + orgDN(c)
}

// is tells whether an identity names an object by one of its names, its distinguished name or its GUID.
func is(identity string, id guid.GUID, names ...string) bool {
	for _, n := range names {
		if n != "" && strings.EqualFold(identity, n) {
			return true
		}
	}
	g, err := guid.Parse(identity)
	return err == nil && g == id
}
