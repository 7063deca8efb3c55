package org

import (
	"context"
	"fmt"
	"slices"

	"hma/wire/guid"
)

// Kind is the noun of a virtual directory's cmdlets without "VirtualDirectory".
type Kind string

// The kinds of virtual directory of a server's front end.
const (
	Autodiscover Kind = "Autodiscover"
	WebServices  Kind = "WebServices" // EWS
	Mapi         Kind = "Mapi"
	ActiveSync   Kind = "ActiveSync"
	Oab          Kind = "Oab"
	Owa          Kind = "Owa"
	Ecp          Kind = "Ecp"
	PowerShell   Kind = "PowerShell"
	Rpc          Kind = "Rpc" // Outlook Anywhere, /rpc: legacy challenges only
)

// Method is an authentication method in the spelling that Exchange shows.
type Method string

// The methods that HMA's virtual directories can list (Set-ActiveSyncVirtualDirectory names them all).
const (
	MethodBasic             Method = "Basic"
	MethodNtlm              Method = "Ntlm"
	MethodNegotiate         Method = "Negotiate"
	MethodWindowsIntegrated Method = "WindowsIntegrated"
	MethodOAuth             Method = "OAuth"
	MethodWSSecurity        Method = "WSSecurity"
	MethodFba               Method = "Fba"
	MethodAdfs              Method = "Adfs"
	MethodDigest            Method = "Digest"
	MethodCertificate       Method = "Certificate"
	MethodKerberos          Method = "Kerberos"
)

// VirtualDirectory is one virtual directory of one server. Which of the fields
// a kind has, and what its cmdlets show, is in the table of property names; the
// Boolean fields are the switches of the kinds that have them, the lists those
// of Mapi (all three) and ActiveSync (internal and external).
type VirtualDirectory struct {
	Stamp
	GUID   guid.GUID
	Server string
	Kind   Kind
	// Name is the displayed name, for example "owa (Default Web Site)".
	Name string
	// Path is the URL path in lower case without trailing slash, for example
	// "/microsoft-server-activesync"; requests match it without case.
	Path                          string
	InternalURL                   string
	ExternalURL                   string
	IISAuthenticationMethods      []Method
	InternalAuthenticationMethods []Method
	ExternalAuthenticationMethods []Method
	BasicAuthentication           bool
	WindowsAuthentication         bool
	DigestAuthentication          bool
	FormsAuthentication           bool
	AdfsAuthentication            bool
	OAuthAuthentication           bool
	WSSecurityAuthentication      bool
	// InternalDownloadHostName and ExternalDownloadHostName are the hosts from which OWA serves attachments, "" for
	// its own (OrganizationConfig.EnableDownloadDomains).
	InternalDownloadHostName string `json:",omitempty"`
	ExternalDownloadHostName string `json:",omitempty"`
	// ClientCertAuth is whether ActiveSync's virtual directory asks for a client certificate: Accepted or Required,
	// "" for Ignore. Here it is only shown: no listener asks for one.
	ClientCertAuth string `json:",omitempty"`
}

func (vd *VirtualDirectory) clone() {
	vd.IISAuthenticationMethods = slices.Clone(vd.IISAuthenticationMethods)
	vd.InternalAuthenticationMethods = slices.Clone(vd.InternalAuthenticationMethods)
	vd.ExternalAuthenticationMethods = slices.Clone(vd.ExternalAuthenticationMethods)
}

func (vd *VirtualDirectory) same(o *VirtualDirectory) bool {
	return vd.GUID == o.GUID && vd.Server == o.Server && vd.Kind == o.Kind && vd.Name == o.Name && vd.Path == o.Path &&
		vd.InternalURL == o.InternalURL && vd.ExternalURL == o.ExternalURL && vd.sameIIS(o) &&
		slices.Equal(vd.InternalAuthenticationMethods, o.InternalAuthenticationMethods) &&
		slices.Equal(vd.ExternalAuthenticationMethods, o.ExternalAuthenticationMethods) &&
		vd.InternalDownloadHostName == o.InternalDownloadHostName && vd.ExternalDownloadHostName == o.ExternalDownloadHostName &&
		vd.ClientCertAuth == o.ClientCertAuth
}

// sameIIS compares what lies in IIS, that is how the virtual directory authenticates.
func (vd *VirtualDirectory) sameIIS(o *VirtualDirectory) bool {
	return slices.Equal(vd.IISAuthenticationMethods, o.IISAuthenticationMethods) &&
		vd.BasicAuthentication == o.BasicAuthentication && vd.WindowsAuthentication == o.WindowsAuthentication &&
		vd.DigestAuthentication == o.DigestAuthentication && vd.FormsAuthentication == o.FormsAuthentication &&
		vd.AdfsAuthentication == o.AdfsAuthentication && vd.OAuthAuthentication == o.OAuthAuthentication &&
		vd.WSSecurityAuthentication == o.WSSecurityAuthentication
}

// withIIS returns a copy of vd with what lies in IIS taken from the other.
func (vd *VirtualDirectory) withIIS(from *VirtualDirectory) *VirtualDirectory {
	c := *vd
	c.clone()
	c.IISAuthenticationMethods = slices.Clone(from.IISAuthenticationMethods)
	c.BasicAuthentication, c.WindowsAuthentication = from.BasicAuthentication, from.WindowsAuthentication
	c.DigestAuthentication, c.FormsAuthentication = from.DigestAuthentication, from.FormsAuthentication
	c.AdfsAuthentication, c.OAuthAuthentication = from.AdfsAuthentication, from.OAuthAuthentication
	c.WSSecurityAuthentication = from.WSSecurityAuthentication
	return &c
}

// Drift is what somebody changed in IIS behind Exchange's back: how one virtual directory authenticates, whatever the
// directory says. It holds until a Set of the virtual directory writes IIS again.
type Drift struct {
	Stamp
	GUID             guid.GUID
	VirtualDirectory guid.GUID
	// IIS holds the methods and switches; its other fields are those of the time of the change.
	IIS VirtualDirectory
}

// drift returns what was changed in IIS of the virtual directory, or nil.
func (c *Configuration) drift(vd *VirtualDirectory) *Drift {
	for _, d := range c.Drifts {
		if d.VirtualDirectory == vd.GUID {
			return d
		}
	}
	return nil
}

// WriteIIS ends what was changed in IIS behind Exchange's back: setting or removing a virtual directory writes both places.
func (c *Configuration) WriteIIS(vd *VirtualDirectory) {
	c.Drifts = slices.DeleteFunc(c.Drifts, func(d *Drift) bool { return d.VirtualDirectory == vd.GUID })
}

// ChangeIIS lets fn change how the server's virtual directory of the kind authenticates in IIS alone, as IIS Manager
// does: the server obeys at once, and the directory's copy still says what it said (-ADPropertiesOnly shows it). What
// fn does to other fields has no effect. No such virtual directory is ErrNotFound.
func (o *Organization) ChangeIIS(ctx context.Context, server string, kind Kind, fn func(*VirtualDirectory)) error {
	_, changed, err := o.Change(ctx, func(c *Configuration) error {
		vd := c.VirtualDirectory(server, kind)
		if vd == nil {
			return fmt.Errorf("virtual directory %s of %s: %w", kind.Folder(), server, ErrNotFound)
		}
		c.ChangeIIS(vd, fn)
		return nil
	})
	if err != nil || !changed {
		return err
	}
	return o.RefreshServer(ctx, server)
}

// ChangeIIS is Organization.ChangeIIS inside a Change.
func (c *Configuration) ChangeIIS(vd *VirtualDirectory, fn func(*VirtualDirectory)) {
	d := c.drift(vd)
	if d == nil {
		d = &Drift{VirtualDirectory: vd.GUID, IIS: *vd}
		d.IIS.clone()
		c.Drifts = append(c.Drifts, d)
	}
	fn(&d.IIS)
	if d.IIS.sameIIS(vd) {
		c.WriteIIS(vd)
	}
}

// OAuth tells whether the virtual directory takes bearer tokens: by its list for
// Mapi and ActiveSync (an unset ActiveSync list allows every method), by its
// switch for the others. Rpc and PowerShell never do.
func (vd *VirtualDirectory) OAuth() bool {
	switch vd.Kind {
	case Mapi:
		return has(vd.IISAuthenticationMethods, MethodOAuth)
	case ActiveSync:
		return (len(vd.InternalAuthenticationMethods) == 0 || has(vd.InternalAuthenticationMethods, MethodOAuth)) &&
			(len(vd.ExternalAuthenticationMethods) == 0 || has(vd.ExternalAuthenticationMethods, MethodOAuth))
	case Rpc, PowerShell:
		return false
	}
	return vd.OAuthAuthentication
}

// Basic tells whether the virtual directory takes Basic credentials.
func (vd *VirtualDirectory) Basic() bool {
	if vd.Kind == Mapi {
		return has(vd.IISAuthenticationMethods, MethodBasic)
	}
	return vd.BasicAuthentication
}

// Negotiate tells whether the virtual directory takes Negotiate (Windows integrated) credentials.
func (vd *VirtualDirectory) Negotiate() bool { return vd.windows(MethodNegotiate) }

// Ntlm tells whether the virtual directory takes bare NTLM credentials.
func (vd *VirtualDirectory) Ntlm() bool { return vd.windows(MethodNtlm) }

// windows tells whether one of the two Windows methods is on: by its list for Mapi,
// for the others by the switch WindowsAuthentication, which stands for both.
func (vd *VirtualDirectory) windows(m Method) bool {
	switch vd.Kind {
	case Mapi:
		return has(vd.IISAuthenticationMethods, m)
	case PowerShell:
		return false
	}
	return vd.WindowsAuthentication
}

func has(methods []Method, want Method) bool {
	for _, m := range methods {
		if m == want {
			return true
		}
	}
	return false
}
