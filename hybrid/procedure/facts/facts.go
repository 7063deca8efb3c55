package facts

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"hma/client/graph"
	"hma/client/mail"
)

// Facts are what an organisation and its tenant look like at one moment.
// Everything in it but Proven and Firewall is part of its hash.
type Facts struct {
	Servers      []Server               `json:"servers"`
	Directories  []Directory            `json:"directories"`
	Services     []Service              `json:"services"`
	AuthServers  []AuthServer           `json:"auth_servers"`
	Auth         AuthConfig             `json:"auth"`
	Certificates []Certificate          `json:"certificates"`
	Organization Organization           `json:"organization"`
	Policies     []Policy               `json:"policies"`
	Principal    graph.ServicePrincipal `json:"principal"`
	Tenant       graph.Organization     `json:"tenant"`
	People       []Person               `json:"people"`
	Unread       []Unread               `json:"unread,omitempty"`

	// Unreachable says, for the name of an AuthServer, why its metadata document did not come.
	Unreachable map[string]string `json:"-"`
	// Proven are the administrators whose sign-in through the cloud was proven before, by UPN.
	Proven []string `json:"-"`
	// Firewall is the text of a firewall export, nil when nobody gave one.
	Firewall []byte `json:"-"`
}

// Source is one thing that was read.
type Source string

// The sources.
const (
	SourceServers      Source = "servers"
	SourceDirectories  Source = "virtual directories"
	SourceServices     Source = "client access services"
	SourceAuthServers  Source = "AuthServer objects"
	SourceAuthConfig   Source = "AuthConfig"
	SourceCertificates Source = "certificates"
	SourceOrganization Source = "organisation configuration"
	SourcePolicies     Source = "authentication policies"
	SourcePrincipal    Source = "Exchange service principal"
	SourceTenant       Source = "tenant"
	SourcePeople       Source = "people of the organisation"
	SourceRoles        Source = "administrators"
	SourceUsers        Source = "people of the tenant"
	SourceMetadata     Source = "metadata documents"
	SourceFirewall     Source = "firewall export"
)

// Unread is a source that was asked and could not be read.
type Unread struct {
	Source  Source `json:"source"`
	Object  string `json:"object"`
	Problem string `json:"problem"`
}

// Server is one Exchange server.
type Server struct {
	Name  string `json:"name"`
	FQDN  string `json:"fqdn"`
	Build Build  `json:"build"`
}

// Kind is the noun of a virtual directory's cmdlets without "VirtualDirectory".
type Kind string

// The seven kinds of virtual directory that HMA works for.
const (
	Autodiscover Kind = "Autodiscover"
	Mapi         Kind = "Mapi"
	WebServices  Kind = "WebServices"
	ActiveSync   Kind = "ActiveSync"
	Oab          Kind = "Oab"
	Owa          Kind = "Owa"
	Ecp          Kind = "Ecp"
)

// Kinds are all seven, in the order of the Connection Status table.
var Kinds = []Kind{Autodiscover, Mapi, WebServices, ActiveSync, Oab, Owa, Ecp}

// Protocol returns the protocol that the kind of virtual directory serves.
func (k Kind) Protocol() mail.Protocol {
	switch k {
	case Mapi:
		return mail.MAPI
	case WebServices:
		return mail.EWS
	case Oab:
		return mail.OAB
	case Owa:
		return mail.OWA
	case Ecp:
		return mail.ECP
	}
	return mail.Protocol(k)
}

// Browser tells whether the kind is OWA or ECP, which redirect instead of challenging.
func (k Kind) Browser() bool { return k == Owa || k == Ecp }

// Directory is one virtual directory of one server.
type Directory struct {
	Server      string  `json:"server"`
	Kind        Kind    `json:"kind"`
	Identity    string  `json:"identity"` // EX1\owa (Default Web Site)
	InternalURL string  `json:"internal_url,omitempty"`
	ExternalURL string  `json:"external_url,omitempty"`
	AD          Methods `json:"ad"`   // what the directory holds (-ADPropertiesOnly)
	Live        Methods `json:"live"` // what the server runs
}

// Methods are the authentication settings of a virtual directory. Which of them
// a kind has is Microsoft's: Mapi has lists only, ActiveSync lists and two switches.
type Methods struct {
	IIS      []string `json:"iis,omitempty"`
	Internal []string `json:"internal,omitempty"`
	External []string `json:"external,omitempty"`
	OAuth    bool     `json:"oauth,omitempty"`
	Basic    bool     `json:"basic,omitempty"`
	Digest   bool     `json:"digest,omitempty"`
	Windows  bool     `json:"windows,omitempty"`
	Forms    bool     `json:"forms,omitempty"`
	Adfs     bool     `json:"adfs,omitempty"`
}

// TakesOAuth tells whether a virtual directory of the kind takes bearer tokens
// with these methods: Mapi by its IIS list, ActiveSync by its lists, where an
// unset one allows everything, the others by their switch.
func (m *Methods) TakesOAuth(k Kind) bool {
	switch k {
	case Mapi:
		return contains(m.IIS, "OAuth")
	case ActiveSync:
		return (len(m.Internal) == 0 || contains(m.Internal, "OAuth")) && (len(m.External) == 0 || contains(m.External, "OAuth"))
	}
	return m.OAuth
}

// Legacy tells whether any of the four methods that the how-to turns off on OWA and ECP is on.
func (m *Methods) Legacy() bool { return m.Adfs || m.Basic || m.Forms || m.Digest }

// Service is a server's client access service: the Autodiscover URL that domain members find.
type Service struct {
	Server                         string `json:"server"`
	AutoDiscoverServiceInternalURI string `json:"autodiscover_service_internal_uri"`
}

// AuthServer is an authorization server that the organisation trusts.
type AuthServer struct {
	Name                           string   `json:"name"`
	Type                           string   `json:"type"`
	Realm                          string   `json:"realm"`
	IssuerIdentifier               string   `json:"issuer"`
	AuthorizationEndpoint          string   `json:"authorization_endpoint"`
	AuthMetadataURL                string   `json:"metadata_url"`
	DomainName                     []string `json:"domain_name,omitempty"`
	Enabled                        bool     `json:"enabled"`
	IsDefaultAuthorizationEndpoint bool     `json:"default"`
	// HasKeys tells that the organisation holds a signing certificate of this AuthServer.
	HasKeys bool `json:"has_keys"`
}

// EvoSTS tells whether this is an AuthServer of the kind that HMA needs: of type
// AzureAD, or named as the how-to's filter asks (-like "EvoSts*").
func (a *AuthServer) EvoSTS() bool {
	return strings.EqualFold(a.Type, "AzureAD") || len(a.Name) >= 6 && strings.EqualFold(a.Name[:6], "EvoSts")
}

// AuthConfig names the certificate with which the organisation signs.
type AuthConfig struct {
	CurrentThumbprint string `json:"current_thumbprint"`
	ServiceName       string `json:"service_name"`
}

// Certificate is a certificate on a server.
type Certificate struct {
	Server     string    `json:"server"`
	Thumbprint string    `json:"thumbprint"`
	NotBefore  time.Time `json:"not_before"`
	NotAfter   time.Time `json:"not_after"`
	Status     string    `json:"status,omitempty"`
}

// Organization are the organisation-wide switches that HMA reads.
type Organization struct {
	Name                        string `json:"name"`
	OAuth2ClientProfileEnabled  bool   `json:"oauth2_client_profile_enabled"`
	MapiHTTPEnabled             bool   `json:"mapi_http_enabled"`
	DefaultAuthenticationPolicy string `json:"default_authentication_policy,omitempty"`
}

// Policy is an authentication policy with the protocols whose modern authentication it blocks.
type Policy struct {
	Name        string   `json:"name"`
	BlockModern []string `json:"block_modern,omitempty"`
}

// Person is somebody with an enabled account of the organisation, and his cloud account when there is one.
type Person struct {
	Name          string `json:"name"`
	Account       string `json:"account"` // sAMAccountName
	UPN           string `json:"upn"`
	SID           string `json:"sid"`
	Administrator bool   `json:"administrator,omitempty"`
	// Critical tells that the account is one of the directory's own (isCriticalSystemObject,
	// or a well-known RID): it is never synchronised.
	Critical bool `json:"critical,omitempty"`
	// Cloud is the UPN of the cloud account, "" when there is none.
	Cloud string `json:"cloud,omitempty"`
	// CloudID is the cloud account's object id, which stays when its name changes.
	CloudID string `json:"cloud_id,omitempty"`
	// Synced tells that the cloud account comes from this one and may sign in.
	Synced bool `json:"synced,omitempty"`
	// Problem says in words why Synced is false.
	Problem string `json:"problem,omitempty"`
}

// Hash is the SHA-256 of the facts in hexadecimal: a plan made from them is stale when it differs.
func (f *Facts) Hash() string {
	data, err := json.Marshal(f)
	if err != nil {
		// Every field is a plain value that JSON holds; only a programming error gets here.
		panic("facts: " + err.Error())
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Directory returns the virtual directory of the server and kind, or nil.
func (f *Facts) Directory(server string, kind Kind) *Directory {
	for i := range f.Directories {
		if d := &f.Directories[i]; d.Kind == kind && strings.EqualFold(d.Server, server) {
			return d
		}
	}
	return nil
}

// EvoSTS returns the AuthServer that the organisation should name as default
// authorization endpoint: the enabled default one if it is an EvoSTS, else the
// enabled EvoSTS of the tenant, else the first enabled one; nil when there is none.
func (f *Facts) EvoSTS() *AuthServer {
	var best *AuthServer
	rank := 0
	for i := range f.AuthServers {
		a := &f.AuthServers[i]
		if !a.Enabled || !a.EvoSTS() {
			continue
		}
		r := 1
		if f.Tenant.ID != "" && strings.EqualFold(a.Realm, f.Tenant.ID) {
			r = 2
		}
		if a.IsDefaultAuthorizationEndpoint {
			r = 3
		}
		if r > rank {
			best, rank = a, r
		}
	}
	return best
}

func contains(list []string, want string) bool {
	for _, s := range list {
		if strings.EqualFold(s, want) {
			return true
		}
	}
	return false
}
