package cmdlet

import (
	"slices"

	"hma/exchange/org"
	"hma/wire/guid"
	"hma/wire/psobject"
)

const askAuthServer = `how-to, "Confirm the EvoSTS Auth Server Object is Present" and "Enable HMA"`

var serverTypes = []string{org.AzureAD, org.MicrosoftACS, org.ADFS}

// authServer: Get-AuthServer shows whether EvoSTS is there, Set-AuthServer makes it
// the default authorization endpoint, New-AuthServer is what the Hybrid Configuration Wizard runs.
func authServer() []*cmdlet {
	return []*cmdlet{
		{psobject.Command{Name: "Get-AuthServer", Synopsis: "Shows the authorization servers that the organisation trusts.", Asks: askAuthServer,
			Params: []psobject.Parameter{identity(false)}}, getAuthServer},
		{psobject.Command{Name: "New-AuthServer", Synopsis: "Adds an authorization server and reads its metadata document.", Asks: askAuthServer,
			Params: []psobject.Parameter{{Name: "Name", Type: "string", Mandatory: true, Position: new(0)}, required("AuthMetadataUrl", "string"),
				{Name: "Type", Type: "string", Values: serverTypes}, param("DomainName", "strings"), param("Enabled", "bool"), confirm}}, newAuthServer},
		{psobject.Command{Name: "Set-AuthServer", Synopsis: "Changes an authorization server; at most one is the default authorization endpoint.", Asks: askAuthServer,
			Params: []psobject.Parameter{identity(true), param("AuthMetadataUrl", "string"), param("Name", "string"), param("DomainName", "strings"),
				param("Enabled", "bool"), param("IsDefaultAuthorizationEndpoint", "bool"), param("RefreshAuthMetadata", "switch"),
				param("ApplicationIdentifier", "string"), param("Force", "switch"), confirm},
			// Set-AuthServer's own sets: the default flag goes with neither a refresh nor an application identifier.
			Sets: map[string][]string{
				"NativeClientAuthServer": {"Identity", "AuthMetadataUrl", "IsDefaultAuthorizationEndpoint", "Name", "DomainName", "Enabled", "Force", "Confirm"},
				"RefreshAuthMetadata":    {"Identity", "RefreshAuthMetadata", "Name", "DomainName", "Enabled", "Force", "Confirm"},
				"AppSecret":              {"Identity", "ApplicationIdentifier", "Name", "DomainName", "Enabled", "Force", "Confirm"},
			}}, setAuthServer},
		{psobject.Command{Name: "Remove-AuthServer", Synopsis: "Removes an authorization server: its tokens are taken no longer.", Asks: askAuthServer,
			Params: []psobject.Parameter{identity(true), confirm}}, removeAuthServer},
	}
}

func authServerDN(c *org.Configuration, a *org.AuthServer) string {
	return "CN=" + a.Name + ",CN=Auth Servers,CN=Auth Configuration," + orgDN(c)
}

func showAuthServer(c *org.Configuration, a *org.AuthServer) psobject.Object {
	return newObject("Microsoft.Exchange.Data.Directory.SystemConfiguration.AuthServer").
		add("IssuerIdentifier", blank(a.IssuerIdentifier)).
		add("CertificateStrings", a.CertificateStrings).
		add("CurrentEncryptedAppSecret", nil).
		add("PreviousEncryptedAppSecret", nil).
		add("TokenIssuingEndpoint", blank(a.TokenIssuingEndpoint)).
		add("AuthorizationEndpoint", blank(a.AuthorizationEndpoint)).
		add("ApplicationIdentifier", blank(a.ApplicationIdentifier)).
		add("AuthMetadataUrl", blank(a.AuthMetadataURL)).
		add("Realm", blank(a.Realm)).
		add("Type", a.Type).
		add("Enabled", a.Enabled).
		add("IsDefaultAuthorizationEndpoint", a.IsDefaultAuthorizationEndpoint).
		add("DomainName", a.DomainName).
		tail(c, tail{version: "0.20 (15.0.0.0)", name: a.Name, dn: authServerDN(c, a), identity: a.Name, guid: a.GUID,
			category: "ms-Exch-Auth-Auth-Server", classes: []string{"top", "msExchAuthAuthServer"}, stamp: a.Stamp}).Object
}

func findAuthServer(c *org.Configuration, identity string) *org.AuthServer {
	for _, a := range c.AuthServers {
		if is(identity, a.GUID, a.Name, authServerDN(c, a)) {
			return a
		}
	}
	return nil
}

// getAuthServer lists all objects for an empty identity too, as Get-AuthServer does with a null variable.
func getAuthServer(c *call) error {
	cfg, err := c.r.org.Configuration(c)
	if err != nil {
		return err
	}
	identity := c.args.text("Identity")
	found := identity == ""
	for _, a := range cfg.AuthServers {
		if identity == "" || is(identity, a.GUID, a.Name, authServerDN(cfg, a)) {
			c.put(showAuthServer(cfg, a))
			found = true
		}
	}
	if !found {
		return notFound(identity)
	}
	return nil
}

// fetch reads a metadata document for a cmdlet; a failure ends the cmdlet.
func (c *call) fetch(url, serverType string) (Metadata, error) {
	failed := &failure{"The metadata document at '" + url + "' couldn't be read. Check that the server can reach it and that its certificate is trusted.",
		"ResourceUnavailable", "AuthMetadataFetchException", url}
	if c.r.opts.Fetch == nil {
		return Metadata{}, failed
	}
	md, err := c.r.opts.Fetch.FetchMetadata(c, url, serverType)
	if err != nil {
		c.r.opts.Log.Error("metadata not read", "url", url, "error", err)
		return Metadata{}, failed
	}
	if md.Issuer == "" || len(md.Certificates) == 0 {
		return Metadata{}, &failure{"The metadata document at '" + url + "' names no issuer or no signing certificate.", "InvalidData", "AuthMetadataFetchException", url}
	}
	return md, nil
}

func newAuthServer(c *call) error {
	// Without a type the metadata set makes a MicrosoftACS object (New-AuthServer).
	n := org.NewAuthServer{GUID: guid.New(), Name: c.args.text("Name"), Type: org.MicrosoftACS, AuthMetadataURL: c.args.text("AuthMetadataUrl"),
		DomainName: c.args.strings("DomainName"), Enabled: true}
	if c.args.has("Type") {
		n.Type = c.args.text("Type")
	}
	if c.args.has("Enabled") {
		n.Enabled = c.args.bool("Enabled")
	}
	if err := (&org.AuthServer{Type: n.Type}).SetMetadataURL(n.AuthMetadataURL); err != nil {
		return err
	}
	md, err := c.fetch(n.AuthMetadataURL, n.Type)
	if err != nil {
		return err
	}
	n.IssuerIdentifier, n.Realm, n.CertificateStrings, n.Fetched = md.Issuer, md.Realm, md.Certificates, c.r.opts.Now().UTC()
	_, err = c.edit(func() string { return n.Name }, func(cfg *org.Configuration) error {
		if err := c.needs(cfg, "DomainName", domainNameSince); err != nil {
			return err
		}
		return cfg.AddAuthServer(n)
	})
	if err != nil || c.whatIf() {
		return err
	}
	cfg, err := c.r.org.Configuration(c)
	if err != nil {
		return err
	}
	a := cfg.AuthServer(n.GUID)
	if a == nil {
		return notFound(n.Name)
	}
	c.put(showAuthServer(cfg, a))
	return nil
}

func setAuthServer(c *call) error {
	identity := c.args.text("Identity")
	cfg, err := c.r.org.Configuration(c)
	if err != nil {
		return err
	}
	if err := c.needs(cfg, "DomainName", domainNameSince); err != nil {
		return err
	}
	if err := c.needs(cfg, "ApplicationIdentifier", applicationSince); err != nil {
		return err
	}
	target := findAuthServer(cfg, identity)
	if target == nil {
		return notFound(identity)
	}
	url := target.AuthMetadataURL
	if c.args.has("AuthMetadataUrl") {
		url = c.args.text("AuthMetadataUrl")
		if err := (&org.AuthServer{Type: target.Type}).SetMetadataURL(url); err != nil {
			return err
		}
	}
	var md Metadata
	refresh := c.args.bool("RefreshAuthMetadata") || c.args.has("AuthMetadataUrl")
	if refresh {
		if md, err = c.fetch(url, target.Type); err != nil {
			return err
		}
	}
	changed, err := c.edit(func() string { return target.Name }, func(cfg *org.Configuration) error {
		a := cfg.AuthServer(target.GUID)
		if a == nil {
			return notFound(identity)
		}
		if err := c.editAuthServer(cfg, a, url); err != nil {
			return err
		}
		if refresh {
			a.TakeMetadata(md.Issuer, md.Realm, md.Certificates, c.r.opts.Now())
		}
		return nil
	})
	if err == nil && !changed && !refresh {
		c.unmodified(target.Name) // a refresh that found the same keys has done what was asked
	}
	return err
}

// editAuthServer applies the call's parameters to a.
func (c *call) editAuthServer(cfg *org.Configuration, a *org.AuthServer, url string) error {
	if c.args.has("Name") {
		if name := c.args.text("Name"); name == "" || len(name) > 64 {
			return invalid("Name", "The name of an AuthServer has 1 to 64 characters.")
		}
		a.Name = c.args.text("Name")
	}
	if url != a.AuthMetadataURL {
		if err := a.SetMetadataURL(url); err != nil {
			return err
		}
	}
	if c.args.has("DomainName") {
		next, err := c.args.list(a.Name, "DomainName", a.DomainName)
		if err != nil {
			return err
		}
		if !slices.Equal(a.DomainName, next) {
			a.DomainName = next
		}
	}
	if c.args.has("Enabled") {
		a.Enabled = c.args.bool("Enabled")
	}
	if c.args.has("ApplicationIdentifier") {
		id := c.args.text("ApplicationIdentifier")
		if _, err := guid.Parse(id); err != nil && id != "" {
			return invalid("ApplicationIdentifier", "'%s' is no application id; it is a GUID.", id)
		}
		a.ApplicationIdentifier = id
	}
	if c.args.has("IsDefaultAuthorizationEndpoint") {
		a.IsDefaultAuthorizationEndpoint = c.args.bool("IsDefaultAuthorizationEndpoint")
		if a.IsDefaultAuthorizationEndpoint && a.AuthorizationEndpoint == "" {
			return invalid(a.Name, "'%s' is of type %s, which has no authorization endpoint; it cannot be the default one.", a.Name, a.Type)
		}
	}
	if a.IsDefaultAuthorizationEndpoint {
		// "The flag can't be set to true for all the AuthServer objects" (the how-to): the last one set wins.
		for _, other := range cfg.AuthServers {
			if other != a && other.IsDefaultAuthorizationEndpoint {
				other.IsDefaultAuthorizationEndpoint = false
				c.warn("'%s' was the default authorization endpoint and no longer is: only one AuthServer can be.", other.Name)
			}
		}
	}
	return nil
}

func removeAuthServer(c *call) error {
	name := c.args.text("Identity")
	return c.change(func() string { return name }, func(cfg *org.Configuration) error {
		a := findAuthServer(cfg, c.args.text("Identity"))
		if a == nil {
			return notFound(c.args.text("Identity"))
		}
		name = a.Name
		if a.IsDefaultAuthorizationEndpoint {
			c.warn("'%s' was the default authorization endpoint: no client is offered a token until another AuthServer is.", a.Name)
		}
		cfg.AuthServers = slices.DeleteFunc(cfg.AuthServers, func(other *org.AuthServer) bool { return other == a })
		return nil
	})
}
