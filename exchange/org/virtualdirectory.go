package org

import "hma/wire/guid"

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

func has(methods []Method, want Method) bool {
	for _, m := range methods {
		if m == want {
			return true
		}
	}
	return false
}
