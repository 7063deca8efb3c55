package cmdlet

import (
	"net/url"
	"slices"
	"strings"

	"hma/exchange/org"
	"hma/wire/guid"
	"hma/wire/psobject"
)

const (
	askURLs    = `how-to, "Add on-premises web service URLs as SPNs": every internal and external URL`
	askOAuth   = `how-to, "Verify virtual directories are properly configured": OAuth on every one`
	askSignIn  = `how-to, "Enable Hybrid Modern Authentication for OWA and ECP", steps 1, 10 and 11`
	askWayBack = `how-to, "Steps to enable ... OWA and ECP": the PowerShell virtual directory is the way back in`
)

// vdNoun is what the cmdlets of one noun do beyond what all virtual directories share.
type vdNoun struct {
	kind  org.Kind
	noun  string // MapiVirtualDirectory
	class string // .NET and schema class without prefix
	asks  string
	// show adds the properties before the tail, in display order.
	show func(o *object, v *view)
	// named tells that show has put Name among them.
	named bool
	// params are the setter's own parameters; nil means that there is no setter. edit applies them.
	params []psobject.Parameter
	edit   func(c *call, vd *org.VirtualDirectory) error
	// after tells what the change means beyond the virtual directory; nil tells nothing.
	after func(c *call, cfg *org.Configuration, before, vd *org.VirtualDirectory)
}

// view is a virtual directory that is shown.
type view struct {
	*org.VirtualDirectory
	cfg    *org.Configuration
	server *org.Server
	// iis tells that the values are those that the server runs. Without (-ADPropertiesOnly), what
	// lies in IIS is not read: the switches print False, Path and the like stay blank.
	iis bool
}

func (v *view) on(b bool) bool { return b && v.iis }

func (v *view) fromIIS(s string) any {
	if !v.iis {
		return nil
	}
	return blank(s)
}

// cmdlets returns the noun's Get, New and Remove and, where it has parameters, Set.
func (n *vdNoun) cmdlets() []*cmdlet {
	list := []*cmdlet{{psobject.Command{Name: "Get-" + n.noun, Asks: n.asks,
		Synopsis: "Shows the " + n.kind.Folder() + " virtual directories: with -ADPropertiesOnly as they are configured, without as the servers run them.",
		Params:   []psobject.Parameter{identity(false), param("Server", "string"), param("ADPropertiesOnly", "switch")},
		Sets:     map[string][]string{"Server": {"Server", "ADPropertiesOnly"}, "Identity": {"Identity", "ADPropertiesOnly"}}}, n.get}}
	if n.params != nil {
		list = append(list, &cmdlet{psobject.Command{Name: "Set-" + n.noun, Asks: n.asks,
			Synopsis: "Changes a " + n.kind.Folder() + " virtual directory; its server takes the change up within the pick-up time.",
			Params: slices.Concat([]psobject.Parameter{identity(true), param("InternalUrl", "string"), param("ExternalUrl", "string")},
				n.params, []psobject.Parameter{param("Force", "switch"), confirm})}, n.set})
	}
	return append(list,
		&cmdlet{psobject.Command{Name: "New-" + n.noun, Asks: n.asks,
			Synopsis: "Makes a server's " + n.kind.Folder() + " virtual directory, which was removed, with stock values.",
			Params: []psobject.Parameter{param("Server", "string"), {Name: "WebSiteName", Type: "string", Values: []string{"Default Web Site"}},
				param("InternalUrl", "string"), param("ExternalUrl", "string"), confirm}}, n.create},
		&cmdlet{psobject.Command{Name: "Remove-" + n.noun, Asks: n.asks, Params: []psobject.Parameter{identity(true), confirm},
			Synopsis: "Removes a " + n.kind.Folder() + " virtual directory: its server answers there no longer."}, n.remove})
}

// create is New. The methods are the stock ones, which Set changes.
func (n *vdNoun) create(c *call) error {
	cfg, err := c.r.org.Configuration(c)
	if err != nil {
		return err
	}
	server, err := c.target(cfg)
	if err != nil {
		return err
	}
	identity := server.Name + `\` + n.kind.Folder()
	_, err = c.edit(func() string { return identity }, func(cfg *org.Configuration) error {
		vd, err := cfg.AddVirtualDirectory(n.kind, server.Name)
		if err != nil {
			return err
		}
		identity = vd.Identity()
		if err := c.setURL("InternalUrl", &vd.InternalURL); err != nil {
			return err
		}
		return c.setURL("ExternalUrl", &vd.ExternalURL)
	})
	if err != nil || c.whatIf() {
		return err
	}
	if cfg, err = c.r.org.Configuration(c); err != nil {
		return err
	}
	vd := cfg.VirtualDirectory(server.Name, n.kind)
	if vd == nil {
		return notFound(identity)
	}
	c.put(n.object(cfg, vd, true, false))
	return nil
}

func (n *vdNoun) remove(c *call) error {
	identity := c.args.text("Identity")
	shown := identity
	return c.change(func() string { return shown }, func(cfg *org.Configuration) error {
		vd, err := n.one(cfg, identity)
		if err != nil {
			return err
		}
		shown = vd.Identity()
		return cfg.RemoveVirtualDirectory(vd)
	})
}

// one returns the only virtual directory that the identity names.
func (n *vdNoun) one(cfg *org.Configuration, identity string) (*org.VirtualDirectory, error) {
	var vd *org.VirtualDirectory
	for _, candidate := range cfg.VirtualDirectories {
		if n.matches(cfg, candidate, identity) {
			if vd != nil {
				return nil, &failure{"'" + identity + "' names several virtual directories; name the server too, for example '" + vd.Identity() + "'.",
					"InvalidArgument", "ManagementObjectAmbiguousException", identity}
			}
			vd = candidate
		}
	}
	if vd == nil {
		return nil, notFound(identity)
	}
	return vd, nil
}

func (n *vdNoun) dn(cfg *org.Configuration, vd *org.VirtualDirectory) string {
	return "CN=" + vd.Name + ",CN=HTTP,CN=Protocols," + serverDN(cfg, vd.Server)
}

// matches tells whether identity names vd; a bare name does on every server.
func (n *vdNoun) matches(cfg *org.Configuration, vd *org.VirtualDirectory, identity string) bool {
	if vd.Kind != n.kind {
		return false
	}
	if id, err := guid.Parse(identity); err == nil {
		return id == vd.GUID
	}
	if strings.Contains(identity, ",") {
		return strings.EqualFold(identity, n.dn(cfg, vd))
	}
	return strings.EqualFold(identity, vd.Name) || strings.EqualFold(identity, vd.Identity())
}

func (n *vdNoun) get(c *call) error {
	cfg, err := c.r.org.Configuration(c)
	if err != nil {
		return err
	}
	server := c.args.text("Server")
	if server != "" {
		s := cfg.Server(server)
		if s == nil {
			return notFound(server)
		}
		server = s.Name
	}
	identity := c.args.text("Identity")
	var shown []*org.VirtualDirectory
	for _, vd := range cfg.VirtualDirectories {
		if vd.Kind == n.kind && (server == "" || vd.Server == server) && (identity == "" || n.matches(cfg, vd, identity)) {
			shown = append(shown, vd)
		}
	}
	if len(shown) == 0 && identity != "" {
		return notFound(identity)
	}
	if c.args.bool("ADPropertiesOnly") {
		for _, vd := range shown {
			c.put(n.object(cfg, vd, false, false))
		}
		return nil
	}
	var where guid.GUID // of the one server whose values are wanted
	if len(shown) == 1 {
		if s := cfg.Server(shown[0].Server); s != nil {
			where = s.GUID
		}
	}
	live, err := c.r.org.LiveVirtualDirectories(c, where)
	if err != nil {
		return err
	}
	running := make(map[guid.GUID]*org.VirtualDirectory, len(live))
	for _, vd := range live {
		running[vd.GUID] = vd
	}
	for _, vd := range shown {
		now := running[vd.GUID]
		if now == nil {
			c.warn("The server '%s' has not taken '%s' up yet: its values are those of the directory.", vd.Server, vd.Identity())
			c.put(n.object(cfg, vd, true, false))
			continue
		}
		now.Stamp = vd.Stamp // the row of live values has none
		c.put(n.object(cfg, now, true, true))
	}
	return nil
}

func (n *vdNoun) object(cfg *org.Configuration, vd *org.VirtualDirectory, iis, read bool) psobject.Object {
	srv := cfg.Server(vd.Server)
	if srv == nil {
		srv = &org.Server{Name: vd.Server}
	}
	o := newObject("Microsoft.Exchange.Data.Directory.SystemConfiguration.AD" + n.class)
	n.show(o, &view{vd, cfg, srv, iis})
	t := tail{version: "0.10 (14.0.100.0)", name: vd.Name, dn: n.dn(cfg, vd), identity: vd.Identity(), guid: vd.GUID,
		category: "ms-Exch-" + n.class, classes: []string{"top", "msExchVirtualDirectory", "msExch" + n.class}, stamp: vd.Stamp}
	if n.named {
		t.name = ""
	}
	if read {
		t.state = "Changed" // reading IIS dirties the object
	}
	return o.tail(cfg, t).Object
}

// Blocks of properties that several nouns share, in Exchange's order.

func (o *object) metabase(v *view) *object {
	return o.add("MetabasePath", "IIS://"+v.server.FQDN+"/W3SVC/1/ROOT/"+v.Kind.Folder())
}

func (o *object) path(v *view) *object {
	return o.add("Path", v.fromIIS(`C:\Program Files\Microsoft\Exchange Server\V15\FrontEnd\HttpProxy\`+proxyFolder(v.Kind)))
}

func proxyFolder(k org.Kind) string {
	if k == org.ActiveSync {
		return "sync"
	}
	return k.Folder()
}

func (o *object) protection(v *view) *object {
	return o.add("ExtendedProtectionTokenChecking", "None").add("ExtendedProtectionFlags", []string{}).add("ExtendedProtectionSPNList", []string{}).
		add("AdminDisplayVersion", v.server.Version.Display()).add("Server", v.Server)
}

func methodNames(list []org.Method) []string {
	names := make([]string, len(list))
	for i, m := range list {
		names[i] = string(m)
	}
	return names
}

// urlsWithMethods is how Mapi, Oab and ActiveSync show URLs and lists.
func (o *object) urlsWithMethods(v *view, internal, external []org.Method) *object {
	return o.add("InternalUrl", blank(v.InternalURL)).add("InternalAuthenticationMethods", methodNames(internal)).
		add("ExternalUrl", blank(v.ExternalURL)).add("ExternalAuthenticationMethods", methodNames(external))
}

func (n *vdNoun) set(c *call) error {
	identity := c.args.text("Identity")
	if err := c.findLockedOut(n.kind); err != nil {
		return err
	}
	cfg, err := c.r.org.Configuration(c)
	if err != nil {
		return err
	}
	found, err := n.one(cfg, identity)
	if err != nil {
		return err
	}
	c.only, identity = found.GUID, found.GUID.String()
	shown := identity
	return c.change(func() string { return shown }, func(cfg *org.Configuration) error {
		vd, err := n.one(cfg, identity)
		if err != nil {
			return err
		}
		shown = vd.Identity()
		before := *vd
		cfg.WriteIIS(vd)
		if err := c.setURL("InternalUrl", &vd.InternalURL); err != nil {
			return err
		}
		if err := c.setURL("ExternalUrl", &vd.ExternalURL); err != nil {
			return err
		}
		if err := n.edit(c, vd); err != nil {
			return err
		}
		if n.kind == org.Owa || n.kind == org.Ecp {
			if err := org.CheckSignIn(cfg, &before, vd); err != nil {
				return &failure{err.Error(), "InvalidArgument", "InvalidOperationException", shown}
			}
		}
		if n.after != nil {
			n.after(c, cfg, &before, vd)
		}
		return nil
	})
}

// setURL sets a URL from its parameter; an empty one clears it.
func (c *call) setURL(name string, field *string) error {
	if !c.args.has(name) {
		return nil
	}
	text := c.args.text(name)
	if text != "" {
		u, err := url.Parse(text)
		if err != nil || !strings.EqualFold(u.Scheme, "https") || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return invalid(name, "%s: '%s' is no https URL of a host and a path.", name, text)
		}
	}
	*field = text
	return nil
}

// setSwitch sets a switch of the virtual directory from its parameter.
func (c *call) setSwitch(name string, field *bool) {
	if c.args.has(name) {
		*field = c.args.bool(name)
	}
}

// setMethods sets a list of methods; one with the same entries stays as it is.
func (c *call) setMethods(vd *org.VirtualDirectory, name string, field *[]org.Method) error {
	if !c.args.has(name) {
		return nil
	}
	next, err := c.args.list(vd.Identity(), name, methodNames(*field))
	if err != nil {
		return err
	}
	var list []org.Method
	for _, m := range next {
		if !slices.Contains(list, org.Method(m)) {
			list = append(list, org.Method(m))
		}
	}
	if !sameSet(methodNames(*field), methodNames(list)) {
		*field = list
	}
	return nil
}

func sameSet(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}

// allMethods are the words that ActiveSync, OWA and ECP take in their lists (Set-ActiveSyncVirtualDirectory).
var allMethods = []string{"Basic", "Ntlm", "Negotiate", "WindowsIntegrated", "OAuth", "WSSecurity", "Fba", "Adfs", "Digest", "Certificate", "Kerberos"}
