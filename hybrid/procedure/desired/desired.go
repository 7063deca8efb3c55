package desired

import (
	"cmp"
	"slices"
	"strings"

	"hma/hybrid/procedure/facts"
)

// Version is the version of the file.
const Version = 1

// State is a configuration, or what a file wants of one.
type State struct {
	// File is the name of the file that it was read from, "" for what an organisation has.
	File string
	// Objects are in the order of the file: by noun, then as Exchange lists them.
	Objects []Object
}

// Object is one object: its noun is that of the cmdlets that get and set it.
type Object struct {
	Noun string
	// Name is the object's identity; "" for the organisation, of which there is one.
	Name       string
	Properties []Property
	// Line is where a file has it, 0 without one.
	Line int
}

// Property is a property with its value: nil (none), a bool, a string or a []string.
type Property struct {
	Name  string
	Value any
	Line  int
}

// The nouns, in the order of the file.
const (
	Organization         = "OrganizationConfig"
	AuthenticationPolicy = "AuthenticationPolicy"
	AuthServer           = "AuthServer"
	ClientAccessService  = "ClientAccessService"
	ServicePrincipal     = "ServicePrincipal" // Exchange's in each tenant, under the tenant's name
	User                 = "User"
)

// Directory returns the noun of a kind of virtual directory.
func Directory(k facts.Kind) string { return string(k) + "VirtualDirectory" }

// Others is the name of the object that stands for every user whom the file does not name.
const Others = "everybody else"

// The lists of Exchange's service principal, as Graph calls them.
const (
	Names     = "servicePrincipalNames"
	ReplyURLs = "replyUrls"
)

// form is what values a property may have.
type form int

const (
	formSwitch form = iota // true or false
	formText               // text, or null for none
	formList               // texts, in no order
)

// noun is one section of the file.
type noun struct {
	name string
	// says is the comment over the section.
	says       string
	properties []known
}

// known is a property that a noun has.
type known struct {
	name string
	form form
}

// switches, texts and lists name properties of a form.
func switches(names ...string) []known { return ofForm(formSwitch, names) }
func texts(names ...string) []known    { return ofForm(formText, names) }
func lists(names ...string) []known    { return ofForm(formList, names) }

func ofForm(f form, names []string) []known {
	all := make([]known, len(names))
	for i, n := range names {
		all[i] = known{n, f}
	}
	return all
}

// PolicySwitches are the switches of an authentication policy.
var PolicySwitches = func() (all []string) {
	for _, way := range []string{"BlockLegacyAuth", "BlockModernAuth"} {
		for _, protocol := range facts.PolicyProtocols {
			all = append(all, way+protocol)
		}
	}
	return all
}()

// nouns are what a file may hold.
var nouns = func() []noun {
	urls := texts("InternalUrl", "ExternalUrl")
	methods := map[facts.Kind][]known{
		facts.Autodiscover: switches("OAuthAuthentication", "BasicAuthentication", "DigestAuthentication", "WindowsAuthentication"),
		facts.Mapi:         slices.Concat(urls, lists("IISAuthenticationMethods")),
		facts.WebServices:  slices.Concat(urls, switches("OAuthAuthentication", "BasicAuthentication", "DigestAuthentication", "WindowsAuthentication")),
		facts.ActiveSync:   slices.Concat(urls, lists("InternalAuthenticationMethods", "ExternalAuthenticationMethods"), switches("BasicAuthEnabled"), texts("ClientCertAuth")),
		facts.Oab:          slices.Concat(urls, switches("OAuthAuthentication", "BasicAuthentication", "WindowsAuthentication")),
	}
	browser := slices.Concat(urls, switches("OAuthAuthentication", "AdfsAuthentication", "BasicAuthentication", "DigestAuthentication", "FormsAuthentication", "WindowsAuthentication"))
	methods[facts.Ecp] = browser
	methods[facts.Owa] = slices.Concat(browser, texts("InternalDownloadHostName", "ExternalDownloadHostName"))

	all := []noun{
		{Organization, "The switches of the organisation.",
			slices.Concat(switches("OAuth2ClientProfileEnabled", "MapiHttpEnabled"), texts("DefaultAuthenticationPolicy"), switches("EnableDownloadDomains"))},
		{AuthenticationPolicy, "What each authentication policy blocks.", switches(PolicySwitches...)},
		{AuthServer, "The authorization servers that Exchange trusts; {tenant} is the tenant's id.",
			slices.Concat(texts("Type", "AuthorizationEndpoint", "AuthMetadataUrl", "ApplicationIdentifier"), lists("DomainName"), switches("Enabled", "IsDefaultAuthorizationEndpoint"))},
		{ClientAccessService, "Where domain members find Autodiscover, by server.", texts("AutoDiscoverServiceInternalUri")},
	}
	for _, k := range facts.Kinds {
		all = append(all, noun{Directory(k), "How " + string(k.Protocol()) + " is reached and signed in to, by server.", methods[k]})
	}
	return append(all,
		noun{ServicePrincipal, "Exchange in each tenant: the names it has tokens for, and where browsers are sent back to.", lists(Names, ReplyURLs)},
		noun{User, "Who has an authentication policy of his own.", texts("AuthenticationPolicy")})
}()

func nounOf(name string) *noun {
	i := slices.IndexFunc(nouns, func(n noun) bool { return n.name == name })
	if i < 0 {
		return nil
	}
	return &nouns[i]
}

func (n *noun) known(property string) *known {
	i := slices.IndexFunc(n.properties, func(k known) bool { return k.name == property })
	if i < 0 {
		return nil
	}
	return &n.properties[i]
}

// Index finds objects by noun and name, whatever the name's case.
type Index map[string]*Object

// Index returns the index of the state's objects.
func (s *State) Index() Index {
	x := make(Index, len(s.Objects))
	for i := range s.Objects {
		o := &s.Objects[i]
		x[key(o.Noun, o.Name)] = o
	}
	return x
}

// Find returns the object, or nil.
func (x Index) Find(noun, name string) *Object { return x[key(noun, name)] }

func key(noun, name string) string { return noun + " " + strings.ToLower(name) }

// Get returns the property of the name; ok is false when the object has none, as when it is nil.
func (o *Object) Get(name string) (p Property, ok bool) {
	if o == nil {
		return p, false
	}
	i := slices.IndexFunc(o.Properties, func(p Property) bool { return p.Name == name })
	if i < 0 {
		return p, false
	}
	return o.Properties[i], true
}

// Address is the object as a person would say it.
func (o *Object) Address() string {
	switch o.Noun {
	case Organization:
		return "organisation"
	case AuthenticationPolicy:
		return "authentication policy " + o.Name
	case AuthServer:
		return "AuthServer " + o.Name
	case ClientAccessService:
		return "server " + o.Name
	case ServicePrincipal:
		return "service principal of Exchange in " + o.Name
	}
	return o.Name
}

// Of returns the state of the organisation that the facts are about: of a virtual directory
// what its directory holds, which is what its server runs unless the two differ.
func Of(f *facts.Facts) *State {
	s := &State{}
	add := func(noun, name string, values ...any) {
		o := Object{Noun: noun, Name: name}
		for i, k := range nounOf(noun).properties {
			v := values[i]
			if text, isText := v.(string); isText && text == "" {
				v = nil
			}
			if list, isList := v.([]string); isList {
				v = sorted(list)
			}
			o.Properties = append(o.Properties, Property{Name: k.name, Value: v})
		}
		s.Objects = append(s.Objects, o)
	}
	g := f.Organization
	add(Organization, "", g.OAuth2ClientProfileEnabled, g.MapiHTTPEnabled, g.DefaultAuthenticationPolicy, g.DownloadDomains)
	for _, p := range f.Policies {
		var values []any
		for _, blocked := range [][]string{p.BlockLegacy, p.BlockModern} {
			for _, protocol := range facts.PolicyProtocols {
				values = append(values, slices.Contains(blocked, protocol))
			}
		}
		add(AuthenticationPolicy, p.Name, values...)
	}
	for i := range f.AuthServers {
		a := &f.AuthServers[i]
		metadata := a.AuthMetadataURL
		if t := tenantOf(f, a); t != nil {
			metadata = strings.ReplaceAll(metadata, t.Organization.ID, "{tenant}")
		}
		add(AuthServer, AuthServerName(f, a), a.Type, a.AuthorizationEndpoint, metadata, a.ApplicationIdentifier, a.DomainName, a.Enabled, a.IsDefaultAuthorizationEndpoint)
	}
	for _, c := range f.Services {
		add(ClientAccessService, c.Server, c.AutoDiscoverServiceInternalURI)
	}
	for _, k := range facts.Kinds {
		for i := range f.Directories {
			if d := &f.Directories[i]; d.Kind == k {
				add(Directory(k), d.Identity, valuesOf(d)...)
			}
		}
	}
	for _, t := range f.Tenants {
		add(ServicePrincipal, t.Name, t.Principal.ServicePrincipalNames, t.Principal.ReplyURLs)
	}
	var users []*facts.Person
	for i := range f.People {
		if p := &f.People[i]; p.Policy != "" {
			users = append(users, p)
		}
	}
	slices.SortFunc(users, func(a, b *facts.Person) int { return strings.Compare(UserName(a), UserName(b)) })
	for _, p := range users {
		add(User, UserName(p), p.Policy)
	}
	add(User, Others, "")
	return s
}

// AuthServerName is the name of an AuthServer's object. Exchange's own ends with an id that Exchange Online gave
// ("EvoSts - GUID"), which no other organisation has: that of a known tenant has the tenant's domain instead.
func AuthServerName(f *facts.Facts, a *facts.AuthServer) string {
	name := portable(f, a)
	for i := range f.AuthServers {
		if other := &f.AuthServers[i]; other != a && (strings.EqualFold(name, other.Name) || strings.EqualFold(name, portable(f, other))) {
			return a.Name // the tenant has two of the kind
		}
	}
	return name
}

func portable(f *facts.Facts, a *facts.AuthServer) string {
	t := tenantOf(f, a)
	if t == nil {
		return a.Name
	}
	kind, _, _ := strings.Cut(a.Name, " - ")
	return kind + " - " + t.Name
}

// tenantOf returns the tenant whose tokens the AuthServer is for, nil when it is not known.
func tenantOf(f *facts.Facts, a *facts.AuthServer) *facts.Tenant {
	i := slices.IndexFunc(f.Tenants, func(t facts.Tenant) bool {
		return t.Organization.ID != "" && strings.EqualFold(t.Organization.ID, a.Realm)
	})
	if i < 0 {
		return nil
	}
	return &f.Tenants[i]
}

// UserName is the name of a person's object.
func UserName(p *facts.Person) string { return cmp.Or(p.UPN, p.Account) }

// valuesOf are the properties of a virtual directory in the order of its noun.
func valuesOf(d *facts.Directory) []any {
	ad := &d.AD
	switch d.Kind {
	case facts.Autodiscover:
		return []any{ad.OAuth, ad.Basic, ad.Digest, ad.Windows}
	case facts.Mapi:
		return []any{d.InternalURL, d.ExternalURL, ad.IIS}
	case facts.WebServices:
		return []any{d.InternalURL, d.ExternalURL, ad.OAuth, ad.Basic, ad.Digest, ad.Windows}
	case facts.ActiveSync: // its Basic is IIS's alone
		return []any{d.InternalURL, d.ExternalURL, ad.Internal, ad.External, d.Live.Basic, d.ClientCertificate}
	case facts.Oab:
		return []any{d.InternalURL, d.ExternalURL, ad.OAuth, ad.Basic, ad.Windows}
	}
	values := []any{d.InternalURL, d.ExternalURL, ad.OAuth, ad.Adfs, ad.Basic, ad.Digest, ad.Forms, ad.Windows}
	if d.Kind == facts.Owa {
		values = append(values, d.InternalDownload, d.ExternalDownload)
	}
	return values
}

// sorted returns the entries in order, whatever their case; never nil.
func sorted(list []string) []string {
	out := append([]string{}, list...)
	slices.SortFunc(out, func(a, b string) int {
		return cmp.Or(strings.Compare(strings.ToLower(a), strings.ToLower(b)), strings.Compare(a, b))
	})
	return out
}

// Data returns the state as the file has it, for JSON: nouns, under them names, under them
// properties. The organisation has no name.
func (s *State) Data() map[string]any {
	data := map[string]any{}
	for _, o := range s.Objects {
		properties := map[string]any{}
		for _, p := range o.Properties {
			properties[p.Name] = p.Value
		}
		if o.Name == "" {
			data[o.Noun] = properties
			continue
		}
		if data[o.Noun] == nil {
			data[o.Noun] = map[string]any{}
		}
		data[o.Noun].(map[string]any)[o.Name] = properties
	}
	return data
}
