package facts

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"hma/client/graph"
	"hma/client/mail"
	"hma/hybrid/target"
)

// Facts are what an organisation and its tenant look like at one moment.
// What somebody gave beside it, and what changes without anybody's doing, is no part of its hash.
type Facts struct {
	Servers      []Server      `json:"servers"`
	Directories  []Directory   `json:"directories"`
	Services     []Service     `json:"services"`
	AuthServers  []AuthServer  `json:"auth_servers"`
	Auth         AuthConfig    `json:"auth"`
	Certificates []Certificate `json:"certificates"`
	Organization Organization  `json:"organization"`
	Policies     []Policy      `json:"policies"`
	Domains      []string      `json:"domains"` // accepted domains
	Partners     []Partner     `json:"partners"`
	Connectors   []Connector   `json:"connectors"`
	Overrides    []Override    `json:"overrides"`
	Tenants      []Tenant      `json:"tenants"`
	People       []Person      `json:"people"`
	Unread       []Unread      `json:"unread,omitempty"`

	// Unreachable says, for the name of an AuthServer, why its metadata document did not
	// come, and Published which signing certificates stand in the one that came, by thumbprint.
	Unreachable map[string]string   `json:"-"`
	Published   map[string][]string `json:"-"`
	// Answers are what the servers said to a client without a token, one for each host; nil when nobody was asked.
	Answers []Answer `json:"-"`
	// Proven are the administrators whose sign-in through the cloud was proven before, by UPN.
	Proven []string `json:"-"`
	// Firewall is the text of a firewall export, and Records tell who came how; nil when nobody gave them.
	Firewall []byte   `json:"-"`
	Records  *Records `json:"-"`
	// Collected says of each part of a snapshot when it was collected; nil of an organisation that was asked itself.
	Collected []target.Collection `json:"-"`
}

// Tenant is one tenant that the organisation is in hybrid with.
type Tenant struct {
	Name         string                 `json:"name"` // the domain that came with it
	Organization graph.Organization     `json:"organization"`
	Principal    graph.ServicePrincipal `json:"principal"` // Exchange's
	// Application is the dedicated hybrid application that an EvoSTS object names; nil: none is named, or it is not there.
	Application *graph.Application `json:"application,omitempty"`
	// Unconsented are clients of phones, by name, that nobody has consented to for Exchange and everybody.
	Unconsented []string `json:"unconsented,omitempty"`
	// HeldBy names the application that has a name which Exchange's principal lacks, by the name.
	HeldBy map[string]string `json:"held_by,omitempty"`
}

// Verified tells whether the tenant has proven to own the domain.
func (t *Tenant) Verified(domain string) bool {
	return slices.ContainsFunc(t.Organization.VerifiedDomains, func(d graph.VerifiedDomain) bool { return strings.EqualFold(d.Name, domain) })
}

// EvoSTSOf returns the enabled EvoSTS object of the tenant, nil when there is none.
func (f *Facts) EvoSTSOf(t *Tenant) *AuthServer {
	for i := range f.AuthServers {
		if a := &f.AuthServers[i]; a.Enabled && a.EvoSTS() && t.Organization.ID != "" && strings.EqualFold(a.Realm, t.Organization.ID) {
			return a
		}
	}
	return nil
}

// DedicatedApplication returns the id of the tenant's dedicated hybrid application, "" when its EvoSTS object names none.
func (f *Facts) DedicatedApplication(t *Tenant) string {
	if a := f.EvoSTSOf(t); a != nil {
		return a.ApplicationIdentifier
	}
	return ""
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
	SourceRecords      Source = "request records"
	SourceDomains      Source = "accepted domains"
	SourcePartners     Source = "partner applications"
	SourceConnectors   Source = "intra-organization connectors"
	SourceOverrides    Source = "setting overrides"
	SourceMailboxes    Source = "mailboxes"
	SourceProtocols    Source = "protocols of the mailboxes"
	SourceNameOwners   Source = "owners of service principal names"
	SourceGrants       Source = "consent"
	SourceApplication  Source = "dedicated hybrid application"
	SourceAnswers      Source = "answers of the servers"
	SourceFrontEnds    Source = "front ends of the servers" // whether they answer, whatever the answer says
)

// Unread is a source that could not be read.
type Unread struct {
	Source  Source `json:"source"`
	Object  string `json:"object"`
	Problem string `json:"problem"`
	// NotGiven tells that nobody could be asked from outside, as with a snapshot.
	NotGiven bool `json:"not_given,omitempty"`
}

// Server is one Exchange server.
type Server struct {
	Name  string `json:"name"`
	FQDN  string `json:"fqdn"`
	Build Build  `json:"build"`
	// Proxy is the web proxy through which the server reaches the internet.
	Proxy string `json:"proxy,omitempty"`
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
	// ExternalDownload and InternalDownload are OWA's download domains.
	ExternalDownload string `json:"external_download,omitempty"`
	InternalDownload string `json:"internal_download,omitempty"`
	// ClientCertificate is ActiveSync's ClientCertAuth: Ignore, Accepted or Required.
	ClientCertificate string `json:"client_certificate,omitempty"`
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
	// Keys are the SHA-1 thumbprints of these certificates, in capitals.
	Keys []string `json:"-"`
	// ApplicationIdentifier is the dedicated hybrid application, "" when there is none.
	ApplicationIdentifier string `json:"application,omitempty"`
}

// ACS tells whether this is the AuthServer of the Access Control Service, which vouches for servers.
func (a *AuthServer) ACS() bool { return strings.EqualFold(a.Type, "MicrosoftACS") }

// Partner is an application that has rights of its own in the organisation.
type Partner struct {
	Name          string   `json:"name"`
	AppID         string   `json:"app_id"`
	Enabled       bool     `json:"enabled"`
	UseAuthServer bool     `json:"use_auth_server"`
	LinkedAccount string   `json:"linked_account,omitempty"`
	AppOnly       []string `json:"app_only,omitempty"`
	ActAs         []string `json:"act_as,omitempty"`
}

// Connector is an intra-organization connector: where the other side of the hybrid is asked.
type Connector struct {
	Name              string   `json:"name"`
	Enabled           bool     `json:"enabled"`
	Domains           []string `json:"domains,omitempty"`
	DiscoveryEndpoint string   `json:"discovery_endpoint,omitempty"`
	TargetSharingEpr  string   `json:"target_sharing_epr,omitempty"`
}

// Override is a setting override.
type Override struct {
	Name       string   `json:"name"`
	Component  string   `json:"component"`
	Section    string   `json:"section"`
	Parameters []string `json:"parameters,omitempty"`
	Server     []string `json:"server,omitempty"` // "" is all
	MinVersion string   `json:"min_version,omitempty"`
	MaxVersion string   `json:"max_version,omitempty"`
}

// Overridden returns the override that turns a setting on for every server, nil when there is none.
func (f *Facts) Overridden(component, section string) *Override {
	for i := range f.Overrides {
		o := &f.Overrides[i]
		if strings.EqualFold(o.Component, component) && strings.EqualFold(o.Section, section) && contains(o.Parameters, "Enabled=true") &&
			len(o.Server) == 0 && o.MinVersion == "" && o.MaxVersion == "" {
			return o
		}
	}
	return nil
}

// Answer is what a host said to a client that brought nothing.
type Answer struct {
	Server string
	URL    string
	Status int       // 0 when nobody answered
	Date   time.Time // of the Date header; zero when there was none
	// Took is how long the answer took, with the redirects that it led to.
	Took   time.Duration
	Header http.Header
	// Problem says why there is no answer.
	Problem string
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
	// NextThumbprint is the certificate that takes over at NextEffective, "" while none is staged.
	NextThumbprint string    `json:"next_thumbprint,omitempty"`
	NextEffective  time.Time `json:"next_effective,omitzero"`
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
	DownloadDomains             bool   `json:"download_domains,omitempty"` // EnableDownloadDomains
}

// Policy is an authentication policy with the protocols whose modern, and whose
// legacy, authentication it blocks: the words behind BlockModernAuth and BlockLegacyAuth.
type Policy struct {
	Name        string   `json:"name"`
	BlockModern []string `json:"block_modern,omitempty"`
	BlockLegacy []string `json:"block_legacy,omitempty"`
}

// PolicyOf returns the policy that applies to the person: his own, else the default one, else nil.
func (f *Facts) PolicyOf(p *Person) *Policy {
	return f.Policy(cmp.Or(p.Policy, f.Organization.DefaultAuthenticationPolicy))
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
	// Cloud is the UPN of the cloud account, "" when there is none, and Tenant the name of its tenant.
	Cloud  string `json:"cloud,omitempty"`
	Tenant string `json:"tenant,omitempty"`
	// CloudID is the cloud account's object id, which stays when its name changes.
	CloudID string `json:"cloud_id,omitempty"`
	// Synced tells that the cloud account comes from this one and may sign in.
	Synced bool `json:"synced,omitempty"`
	// Problem says in words why Synced is false.
	Problem string `json:"problem,omitempty"`
	// Policy is his own authentication policy, "" for the default one.
	Policy string `json:"policy,omitempty"`
	// SMTP is the primary address, "" without a mailbox, and Addresses are all of them.
	SMTP      string   `json:"smtp,omitempty"`
	Addresses []string `json:"addresses,omitempty"`
	// Linked tells that the mailbox belongs to an account of another forest.
	Linked bool `json:"linked,omitempty"`
	// NoMapiHTTP tells that MAPI over HTTP is off for the mailbox, whatever the organisation says.
	NoMapiHTTP bool `json:"no_mapi_http,omitempty"`
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
// enabled EvoSTS of the first tenant, else the first enabled one; nil when there is none.
func (f *Facts) EvoSTS() *AuthServer {
	var best *AuthServer
	rank := 0
	for i := range f.AuthServers {
		a := &f.AuthServers[i]
		if !a.Enabled || !a.EvoSTS() {
			continue
		}
		r := 1
		if len(f.Tenants) > 0 && a == f.EvoSTSOf(&f.Tenants[0]) {
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
