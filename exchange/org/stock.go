package org

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"hma/wire/guid"
	"hma/wire/wellknown"
)

// NewOrganization is what CreateOrganization needs to know.
type NewOrganization struct {
	Name   string // "Contoso"
	Domain string // contoso.com: the directory's domain and the default accepted domain
}

// CreateOrganization makes the organisation's own objects with stock values:
// OrganizationConfig (OAuth2ClientProfileEnabled False, MapiHttpEnabled True),
// AuthConfig, the default accepted domain and the stock partner applications. A second one is refused.
func (o *Organization) CreateOrganization(ctx context.Context, n NewOrganization) error {
	if n.Name == "" || n.Domain == "" {
		return refuse("An organisation needs a name and a domain.")
	}
	var b [12]byte
	rand.Read(b[:])
	sid := fmt.Sprintf("S-1-5-21-%d-%d-%d", binary.LittleEndian.Uint32(b[:]), binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[8:]))
	_, _, err := o.Change(ctx, func(c *Configuration) error {
		if c.Org.Name != "" {
			return fmt.Errorf("organisation %q: %w", c.Org.Name, ErrExists)
		}
		c.Org = OrganizationConfig{Name: n.Name, Domain: asciiLower(n.Domain), DomainSID: sid, MapiHttpEnabled: true}
		c.Auth = AuthConfig{ServiceName: wellknown.Exchange}
		c.AcceptedDomains = append(c.AcceptedDomains, &AcceptedDomain{DomainName: asciiLower(n.Domain), Default: true})
		c.Partners = stockPartners(asciiLower(n.Domain))
		c.Databases = []*MailboxDatabase{StockDatabase()}
		return nil
	})
	return err
}

// NewServer is what CreateServer needs to know.
type NewServer struct {
	Name    string // EX1
	FQDN    string // ex1.contoso.com
	Version Version
	// InternalHost is the host, or host:port, of the internal URLs; "" means FQDN, as setup does it.
	InternalHost string
	// ExternalHost is that of the external URLs; "" leaves them blank, as setup does.
	ExternalHost string
	// AutodiscoverHost is that of the service connection point; "" means FQDN.
	AutodiscoverHost string
}

// CreateServer makes a server with its ClientAccessService and one virtual
// directory of each kind, all with the values of a fresh Exchange Server 2019.
func (o *Organization) CreateServer(ctx context.Context, n NewServer) error {
	if n.Name == "" || n.FQDN == "" {
		return refuse("A server needs a name and a host name.")
	}
	internal, scp := n.InternalHost, n.AutodiscoverHost
	if internal == "" {
		internal = n.FQDN
	}
	if scp == "" {
		scp = n.FQDN
	}
	_, _, err := o.Change(ctx, func(c *Configuration) error {
		c.Servers = append(c.Servers, &Server{Name: n.Name, FQDN: n.FQDN, Version: n.Version})
		c.Services = append(c.Services, &ClientAccessService{Server: n.Name,
			AutoDiscoverServiceInternalURI: "https://" + scp + "/Autodiscover/Autodiscover.xml",
			AutoDiscoverSiteScope:          []string{"Default-First-Site-Name"}})
		for _, kind := range Kinds {
			vd := stock(kind, n.Name)
			vd.InternalURL = stockURL(kind, internal)
			if n.ExternalHost != "" && kind != PowerShell {
				vd.ExternalURL = stockURL(kind, n.ExternalHost)
			}
			c.VirtualDirectories = append(c.VirtualDirectories, vd)
		}
		return nil
	})
	return err
}

// AddVirtualDirectory makes the server's virtual directory of the kind with stock values and the
// internal host that its other URLs have, or its FQDN. One that is there already is refused, an
// unknown server is ErrNotFound.
func (c *Configuration) AddVirtualDirectory(kind Kind, server string) (*VirtualDirectory, error) {
	srv := c.Server(server)
	if srv == nil {
		return nil, fmt.Errorf("server %q: %w", server, ErrNotFound)
	}
	if vd := c.VirtualDirectory(srv.Name, kind); vd != nil {
		return nil, refuse("The virtual directory '%s' already exists.", vd.Identity())
	}
	host := srv.FQDN
	for _, other := range c.VirtualDirectories {
		if u, err := url.Parse(other.InternalURL); err == nil && other.Server == srv.Name && u.Scheme == "https" && u.Host != "" {
			host = u.Host
			break
		}
	}
	vd := stock(kind, srv.Name)
	vd.GUID, vd.InternalURL = guid.New(), stockURL(kind, host)
	c.VirtualDirectories = append(c.VirtualDirectories, vd)
	return vd, nil
}

// RemoveVirtualDirectory takes vd out. ECP stays while OWA of its server has OAuth or Adfs, which it
// would not be allowed to have without ECP.
func (c *Configuration) RemoveVirtualDirectory(vd *VirtualDirectory) error {
	without := *vd
	without.OAuthAuthentication, without.AdfsAuthentication = false, false
	if vd.Kind == Ecp {
		if err := CheckSignIn(c, vd, &without); err != nil {
			return err
		}
	}
	c.WriteIIS(vd)
	c.VirtualDirectories = slices.DeleteFunc(c.VirtualDirectories, func(other *VirtualDirectory) bool { return other == vd })
	return nil
}

// Kinds are all kinds of virtual directory, in the order in which the how-to comes to them.
var Kinds = []Kind{Mapi, WebServices, Oab, Autodiscover, ActiveSync, Owa, Ecp, PowerShell, Rpc}

// folders are the virtual directories' names in IIS.
var folders = map[Kind]string{
	Mapi: "mapi", WebServices: "EWS", Oab: "OAB", Autodiscover: "Autodiscover", ActiveSync: "Microsoft-Server-ActiveSync",
	Owa: "owa", Ecp: "ecp", PowerShell: "PowerShell", Rpc: "Rpc",
}

// Folder returns the virtual directory's name in IIS, for example "EWS".
func (k Kind) Folder() string { return folders[k] }

// stockURL is the URL that setup and administrators give a kind: Autodiscover and Rpc have none.
func stockURL(kind Kind, host string) string {
	switch kind {
	case WebServices:
		return "https://" + host + "/EWS/Exchange.asmx"
	case PowerShell:
		return "http://" + host + "/powershell"
	case Autodiscover, Rpc:
		return ""
	}
	return "https://" + host + "/" + kind.Folder()
}

// stock is a virtual directory of a fresh Exchange Server 2019 without its URLs.
func stock(kind Kind, server string) *VirtualDirectory {
	vd := &VirtualDirectory{Server: server, Kind: kind, Name: kind.Folder() + " (Default Web Site)", Path: "/" + asciiLower(kind.Folder())}
	switch kind {
	case Mapi: // Set-MapiVirtualDirectory, the how-to's sample
		vd.IISAuthenticationMethods = []Method{MethodNtlm, MethodOAuth, MethodNegotiate}
	case WebServices:
		vd.WindowsAuthentication, vd.WSSecurityAuthentication, vd.OAuthAuthentication = true, true, true
	case Oab:
		vd.WindowsAuthentication, vd.OAuthAuthentication = true, true
	case Autodiscover:
		vd.BasicAuthentication, vd.WindowsAuthentication, vd.WSSecurityAuthentication, vd.OAuthAuthentication = true, true, true, true
	case ActiveSync: // its lists stay unset: every method may be used
		vd.BasicAuthentication = true
	case Owa, Ecp:
		vd.BasicAuthentication, vd.FormsAuthentication = true, true
		vd.ExternalAuthenticationMethods = []Method{MethodFba}
	case Rpc:
		vd.BasicAuthentication, vd.WindowsAuthentication = true, true
	}
	return vd
}

// SetHosts gives every https URL of the server the host (or host:port) internal or
// external, and leaves blank ones blank. "" keeps that side. It is for a listener whose port has changed.
func (o *Organization) SetHosts(ctx context.Context, server, internal, external string) error {
	_, _, err := o.Change(ctx, func(c *Configuration) error {
		srv := c.Server(server)
		if srv == nil {
			return fmt.Errorf("server %q: %w", server, ErrNotFound)
		}
		for _, vd := range c.VirtualDirectories {
			if vd.Server == srv.Name {
				vd.InternalURL = withHost(vd.InternalURL, internal)
				vd.ExternalURL = withHost(vd.ExternalURL, external)
			}
		}
		return nil
	})
	return err
}

func withHost(text, host string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || host == "" {
		return text
	}
	u.Host = host
	return u.String()
}

// Identity returns SERVER\name, as Exchange shows a virtual directory's identity.
func (vd *VirtualDirectory) Identity() string { return vd.Server + `\` + vd.Name }

// Methods returns the authentication methods that the virtual directory offers
// inside the organisation, in Exchange's order: the list where the kind has one, else what its switches amount to.
func (vd *VirtualDirectory) Methods() []Method {
	if vd.Kind == Mapi || vd.Kind == ActiveSync {
		return vd.InternalAuthenticationMethods
	}
	var list []Method
	add := func(on bool, methods ...Method) {
		if on {
			list = append(list, methods...)
		}
	}
	add(vd.AdfsAuthentication, MethodAdfs)
	add(vd.BasicAuthentication, MethodBasic)
	add(vd.DigestAuthentication, MethodDigest)
	switch vd.Kind {
	case WebServices, Autodiscover:
		add(vd.WindowsAuthentication, MethodNtlm, MethodWindowsIntegrated)
	case Rpc:
		add(vd.WindowsAuthentication, MethodNtlm, MethodNegotiate)
	default:
		add(vd.WindowsAuthentication, MethodWindowsIntegrated)
	}
	add(vd.FormsAuthentication, MethodFba)
	add(vd.WSSecurityAuthentication, MethodWSSecurity)
	add(vd.OAuthAuthentication, MethodOAuth)
	return list
}

// CreateAuthenticationPolicy adds a policy and returns its GUID.
func (o *Organization) CreateAuthenticationPolicy(ctx context.Context, p AuthenticationPolicy) (guid.GUID, error) {
	if p.GUID.IsNil() {
		p.GUID = guid.New()
	}
	_, _, err := o.Change(ctx, func(c *Configuration) error { return c.AddAuthenticationPolicy(p) })
	return p.GUID, err
}

// AddAuthenticationPolicy is CreateAuthenticationPolicy inside a Change.
func (c *Configuration) AddAuthenticationPolicy(p AuthenticationPolicy) error {
	if strings.TrimSpace(p.Name) == "" {
		return refuse("An authentication policy needs a name.")
	}
	c.Policies = append(c.Policies, &p)
	return nil
}

// CreateAcceptedDomain adds a mail domain that is not the default one.
func (o *Organization) CreateAcceptedDomain(ctx context.Context, name string) error {
	_, _, err := o.Change(ctx, func(c *Configuration) error {
		c.AcceptedDomains = append(c.AcceptedDomains, &AcceptedDomain{DomainName: asciiLower(name)})
		return nil
	})
	return err
}
