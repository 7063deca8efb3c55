package authtest

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"strings"
	"sync"
	"time"

	"hma/exchange/org"
	"hma/wire/guid"
	"hma/wire/ntlm"
	"hma/wire/wellknown"
)

// Env is the world that tokens are made for.
type Env struct {
	Now    time.Time
	Key    *rsa.PrivateKey // whose certificate the AuthServer names
	KeyID  string          // kid and x5t of Key
	Public []byte          // the certificate, DER
	Issuer string
	Tenant string
	// Host is the public host that requests go to, with any non-default port.
	Host string
	// UPN, SID and ObjectID are those of a good user; SID and ObjectID may be "".
	UPN, SID, ObjectID string
	// UnknownUPN is nobody's; AmbiguousUPN and DisabledUPN may be "" where the organisation has no such people.
	UnknownUPN, AmbiguousUPN, DisabledUPN string
	// Nonce and Code are those of a sign-in under way, for OWA and ECP.
	Nonce, Code string
}

// Tenant ids and names of New.
const (
	Tenant = "11111111-2222-3333-4444-555555555555"
	Issuer = "https://sts.windows.net/" + Tenant + "/"
	Host   = "mail.contoso.com"
	// Password is right for everybody in People.
	Password = "correct horse"
)

// Now is when the tests of New's world take place.
var Now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

var key = sync.OnceValues(func() (*rsa.PrivateKey, []byte) { return MakeKey() })

// MakeKey returns a fresh RSA-2048 key and a self-signed certificate for it.
func MakeKey() (*rsa.PrivateKey, []byte) {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "accounts.accesscontrol.windows.net"},
		NotBefore: Now.AddDate(-1, 0, 0), NotAfter: Now.AddDate(4, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &k.PublicKey, k)
	if err != nil {
		panic(err)
	}
	return k, der
}

// Thumbprint is the key id of a certificate: base64url of its SHA-1.
func Thumbprint(der []byte) string {
	sum := sha1.Sum(der)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// New returns the world of People and Snapshot. The key is the same in the whole process.
func New() Env {
	k, der := key()
	return Env{Now: Now, Key: k, KeyID: Thumbprint(der), Public: der, Issuer: Issuer, Tenant: Tenant, Host: Host,
		UPN: "jane@contoso.com", SID: "S-1-5-21-1-2-3-1104", ObjectID: "aaaaaaaa-0000-0000-0000-000000000001",
		UnknownUPN: "nobody@contoso.com", AmbiguousUPN: "twin@contoso.com", DisabledUPN: "gone@contoso.com",
		Nonce: "638000000000000000.nonce", Code: "0.code"}
}

// Claims are the claims of a token.
type Claims map[string]any

// With returns the claims with some set otherwise; a nil value takes one out.
func (c Claims) With(changes Claims) Claims {
	out := maps.Clone(c)
	for name, value := range changes {
		if value == nil {
			delete(out, name)
		} else {
			out[name] = value
		}
	}
	return out
}

// Delegated are the claims of a good access token of the user, in Entra's v1.0 shape.
func (e Env) Delegated() Claims {
	c := Claims{"aud": "https://" + e.Host, "iss": e.Issuer, "iat": e.Now.Unix() - 60, "nbf": e.Now.Unix() - 60, "exp": e.Now.Unix() + 4000,
		"acr": "1", "amr": []string{"pwd", "mfa"}, "appid": "d3590ed6-52b3-4102-aeff-aad2292ab01c", "appidacr": "0", "name": "Jane",
		"scp": "EAS.AccessAsUser.All EWS.AccessAsUser.All user_impersonation", "sub": "s", "tid": e.Tenant,
		"unique_name": e.UPN, "upn": e.UPN, "ver": "1.0", "wids": []string{}}
	return c.With(e.ids())
}

func (e Env) ids() Claims {
	c := Claims{}
	if e.SID != "" {
		c["onprem_sid"] = e.SID
	}
	if e.ObjectID != "" {
		c["oid"] = e.ObjectID
	}
	return c
}

// AppOnly are the claims of an application's own token.
func (e Env) AppOnly() Claims {
	return Claims{"aud": "https://" + e.Host, "iss": e.Issuer, "nbf": e.Now.Unix() - 60, "exp": e.Now.Unix() + 4000, "appid": "99999999-0000-0000-0000-000000000009",
		"appidacr": "2", "idtyp": "app", "oid": "99999999-0000-0000-0000-00000000000a", "roles": []string{"full_access_as_app"}, "tid": e.Tenant, "ver": "1.0"}
}

// Server are the claims of a token that the Access Control Service gives a server.
func (e Env) Server() Claims {
	acs := wellknown.ACS + "@" + e.Tenant
	return Claims{"aud": wellknown.Exchange + "/" + e.Host + "@" + e.Tenant, "iss": acs, "nbf": e.Now.Unix() - 60, "exp": e.Now.Unix() + 4000,
		"identityprovider": acs, "nameid": wellknown.Exchange + "@" + e.Tenant, "oid": "99999999-0000-0000-0000-00000000000b", "trustedfordelegation": "true"}
}

// IDToken are the claims of the id_token of a sign-in at OWA or ECP.
func (e Env) IDToken() Claims {
	sum := sha256.Sum256([]byte(e.Code))
	c := Claims{"aud": wellknown.Exchange, "iss": e.Issuer, "nbf": e.Now.Unix() - 60, "exp": e.Now.Unix() + 3600, "nonce": e.Nonce,
		"c_hash": base64.RawURLEncoding.EncodeToString(sum[:16]), "tid": e.Tenant, "unique_name": e.UPN, "upn": e.UPN, "ver": "1.0"}
	return c.With(e.ids())
}

// Sign returns a token with the header that the cloud sends.
func (e Env) Sign(c Claims) string {
	return e.SignRaw(`{"typ":"JWT","alg":"RS256","x5t":"`+e.KeyID+`","kid":"`+e.KeyID+`"}`, c.json())
}

func (c Claims) json() string {
	text, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// SignRaw signs header and payload as they are with RS256.
func (e Env) SignRaw(header, payload string) string {
	input := encode(header) + "." + encode(payload)
	sum := sha256.Sum256([]byte(input))
	signature, err := rsa.SignPKCS1v15(nil, e.Key, crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	return input + "." + encode(string(signature))
}

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// People are persons in memory. They answer auth.People.
type People struct {
	mu      sync.Mutex
	version int64
	list    []*org.Recipient
	// Down makes every look-up fail, as a lost database would.
	Down error
	// PasswordSet is when everybody's password was set.
	PasswordSet time.Time
}

// NewPeople returns Jane, an administrator, a disabled person, and two who share an address.
func NewPeople() *People {
	person := func(n byte, upn, name string) *org.Recipient {
		id := guid.GUID{15: n}
		return &org.Recipient{GUID: id, SID: "S-1-5-21-1-2-3-110" + string('0'+n), UPN: upn, PrimarySMTP: upn, DisplayName: name, MailboxGUID: id,
			Enabled: true, MAPIEnabled: true, EwsEnabled: true, ActiveSyncEnabled: true, OWAEnabled: true, ECPEnabled: true}
	}
	jane := person(4, "jane@contoso.com", "Jane Doe")
	jane.ObjectID = "aaaaaaaa-0000-0000-0000-000000000001"
	jane.Addresses = []string{"j.doe@contoso.com"}
	admin := person(5, "admin@contoso.com", "Adam Admin")
	admin.Administrator = true
	gone := person(6, "gone@contoso.com", "Gone Person")
	gone.Enabled = false
	one, two := person(7, "one@contoso.com", "Twin One"), person(8, "two@contoso.com", "Twin Two")
	one.Addresses, two.Addresses = []string{"twin@contoso.com"}, []string{"twin@contoso.com"}
	return &People{version: 1, list: []*org.Recipient{jane, admin, gone, one, two}}
}

// Change edits the person of the UPN and moves the version.
func (p *People) Change(upn string, edit func(*org.Recipient)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, r := range p.list {
		if r.UPN == upn {
			p.list[i] = new(*r)
			edit(p.list[i])
		}
	}
	p.version++
}

// PeopleVersion implements auth.People.
func (p *People) PeopleVersion() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.version
}

func (p *People) find(match func(*org.Recipient) bool) (found []*org.Recipient, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.list {
		if match(r) {
			found = append(found, r)
		}
	}
	return found, p.Down
}

// BySID implements auth.People.
func (p *People) BySID(_ context.Context, sid string) (*org.Recipient, error) {
	found, err := p.find(func(r *org.Recipient) bool { return r.SID == sid })
	if err == nil && len(found) == 0 {
		err = org.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// ByUPN implements auth.People.
func (p *People) ByUPN(_ context.Context, upn string) ([]*org.Recipient, error) {
	return p.find(func(r *org.Recipient) bool { return strings.EqualFold(r.UPN, upn) })
}

// ByMasterAccountSID implements auth.People.
func (p *People) ByMasterAccountSID(_ context.Context, sid string) ([]*org.Recipient, error) {
	return p.find(func(r *org.Recipient) bool { return r.MasterAccountSID == sid })
}

// BySMTP implements auth.People.
func (p *People) BySMTP(_ context.Context, address string) ([]*org.Recipient, error) {
	return p.find(func(r *org.Recipient) bool {
		for _, a := range append([]string{r.PrimarySMTP}, r.Addresses...) {
			if strings.EqualFold(a, address) {
				return true
			}
		}
		return false
	})
}

// VerifyPassword implements auth.People.
func (p *People) VerifyPassword(ctx context.Context, login, password string) (*org.Recipient, error) {
	found, err := p.ByUPN(ctx, login)
	if err != nil {
		return nil, err
	}
	if len(found) != 1 || !found[0].Active() || password != Password {
		return nil, org.ErrPassword
	}
	return found[0], nil
}

// VerifyNT implements auth.People; everybody has Password.
func (p *People) VerifyNT(ctx context.Context, login string, check func(ntlm.Hash) bool) (*org.Recipient, error) {
	found, err := p.ByUPN(ctx, login)
	if err != nil {
		return nil, err
	}
	if !check(ntlm.HashPassword(Password)) || len(found) != 1 || !found[0].Enabled {
		return nil, org.ErrPassword
	}
	return found[0], nil
}

// PasswordChanged implements auth.People.
func (p *People) PasswordChanged(context.Context, guid.GUID) (time.Time, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.PasswordSet, p.Down
}

// AuthServer returns the enabled default AuthServer that trusts the world's key.
func (e Env) AuthServer() *org.AuthServer {
	return &org.AuthServer{GUID: guid.GUID{15: 1}, Name: "EvoSts - " + e.Tenant, Type: org.AzureAD, IssuerIdentifier: e.Issuer, Realm: e.Tenant,
		AuthorizationEndpoint: "https://login.windows.net/common/oauth2/authorize", TokenIssuingEndpoint: "https://login.windows.net/common/oauth2/token",
		AuthMetadataURL:    "https://login.windows.net/" + e.Tenant + "/federationmetadata/2007-06/federationmetadata.xml",
		CertificateStrings: []string{base64.StdEncoding.EncodeToString(e.Public)}, Enabled: true, IsDefaultAuthorizationEndpoint: true}
}

// ACS returns the enabled AuthServer of the Access Control Service, which in the tests' cloud signs with the same key.
func (e Env) ACS() *org.AuthServer {
	return &org.AuthServer{GUID: guid.GUID{15: 2}, Name: "ACS - " + e.Tenant, Type: org.MicrosoftACS, IssuerIdentifier: wellknown.ACS, Realm: e.Tenant,
		TokenIssuingEndpoint: "https://accounts.accesscontrol.windows.net/" + e.Tenant + "/tokens/OAuth/2",
		AuthMetadataURL:      "https://accounts.accesscontrol.windows.net/" + e.Tenant + "/metadata/json/1",
		CertificateStrings:   []string{base64.StdEncoding.EncodeToString(e.Public)}, Enabled: true}
}

// Kinds are the seven doors.
var Kinds = []org.Kind{org.Autodiscover, org.WebServices, org.Mapi, org.ActiveSync, org.Oab, org.Owa, org.Ecp}

// Snapshot returns a server with every virtual directory, modern authentication
// offered, Basic beside OAuth on all but OWA and ECP, and /rpc on Basic.
func (e Env) Snapshot() *org.Snapshot {
	s := &org.Snapshot{Version: 1, Server: org.Server{Name: "EX1", Version: org.Version{15, 2, 1544, 11}},
		AuthServers: []*org.AuthServer{e.AuthServer(), e.ACS()}, Policies: map[guid.GUID]*org.AuthenticationPolicy{},
		Hosts: map[string]bool{e.Host: true, "localhost:8443": true}, AcceptedDomains: []string{"contoso.com"}}
	s.Org.OAuth2ClientProfileEnabled = true
	s.Org.DomainSID = "S-1-5-21-1-2-3"
	paths := map[org.Kind]string{org.Autodiscover: "/autodiscover", org.WebServices: "/ews", org.Mapi: "/mapi", org.ActiveSync: "/microsoft-server-activesync",
		org.Oab: "/oab", org.Owa: "/owa", org.Ecp: "/ecp", org.Rpc: "/rpc"}
	for _, kind := range append(Kinds, org.Rpc) {
		vd := &org.VirtualDirectory{Kind: kind, Server: "EX1", Path: paths[kind], OAuthAuthentication: true}
		switch kind {
		case org.Mapi:
			vd.IISAuthenticationMethods = []org.Method{org.MethodBasic, org.MethodOAuth}
		case org.Owa, org.Ecp:
		default:
			vd.BasicAuthentication = true
		}
		s.VirtualDirectories = append(s.VirtualDirectories, vd)
	}
	return s
}
