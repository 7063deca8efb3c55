package graph

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"

	"hma/client/mail"
	"hma/wire/wellknown"
)

// Cloud is where people sign in for Graph, and where Graph is served. The same code
// serves Microsoft's and ours.
type Cloud struct {
	Login    string       // origin of the sign-in service, "https://login.microsoftonline.com"
	Endpoint string       // of Graph with its version, "https://graph.microsoft.com/v1.0"
	Mail     *mail.Client // carries all requests: Connection's sign-in is the one of mail clients
	// Metadata are other hosts of the sign-in service, which have its metadata documents.
	Metadata []string
	// ClientID is the application that signs people in; "" is Microsoft Graph Command Line Tools.
	ClientID string
}

// Microsoft returns the public cloud, reached through c.
func Microsoft(c *mail.Client) Cloud {
	return Cloud{Login: "https://login.microsoftonline.com", Endpoint: "https://graph.microsoft.com/v1.0", Mail: c, Metadata: []string{"login.windows.net"}}
}

// Document fetches a document of the sign-in service without credentials. An address elsewhere is an
// *AddressError, and is not asked.
func (c *Cloud) Document(ctx context.Context, address string) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Host != strings.TrimPrefix(c.Login, "https://") && !slices.Contains(c.Metadata, u.Host) {
		return nil, &AddressError{address, c.Login}
	}
	return c.Mail.Document(ctx, address)
}

// resource is what a token for Graph is asked for, in every cloud.
const resource = "https://graph.microsoft.com"

// How a connection came about, in the words of Microsoft Graph PowerShell (TokenCredentialType).
const (
	InteractiveBrowser = "InteractiveBrowser"
	DeviceCode         = "DeviceCode"
	AccessToken        = "UserProvidedAccessToken"
)

// Connection is somebody's delegated access to Graph. Access and Refresh are secrets; what
// is kept of it as JSON is enough to go on without the person.
type Connection struct {
	ClientID string   `json:"clientId"`
	AppName  string   `json:"appName,omitempty"`
	Tenant   string   `json:"tenant"`  // GUID
	Account  string   `json:"account"` // user principal name; "" for an application's token
	Scopes   []string `json:"scopes"`  // permissions given, in short
	How      string   `json:"how"`     // InteractiveBrowser, DeviceCode or AccessToken
	Refresh  string   `json:"refresh,omitempty"`
	Access   string   `json:"-"`
}

// Covers tells whether the connection holds the scopes, in any case.
func (c *Connection) Covers(scopes []string) bool {
	held := " " + strings.ToLower(strings.Join(c.Scopes, " ")) + " "
	for _, s := range scopes {
		if !strings.Contains(held, " "+strings.ToLower(s)+" ") {
			return false
		}
	}
	return true
}

// authority is a tenant's (GUID or domain; "" is the tenant of who signs in), asked by the
// cloud's client.
func (c *Cloud) authority(tenant, redirect string, scopes []string) mail.Authority {
	if tenant == "" {
		tenant = "organizations"
	}
	base := strings.TrimSuffix(c.Login, "/") + "/" + tenant + "/oauth2/v2.0/"
	return mail.Authority{Authorize: base + "authorize", Token: base + "token", DeviceCode: base + "devicecode",
		V2: true, Scopes: scopes, ClientID: cmp.Or(c.ClientID, wellknown.GraphPowerShell), Redirect: redirect}
}

// Browser signs somebody of the tenant in for the scopes with a browser (authorization code
// with PKCE): open has it opened at an address and returns where it ended up, at redirect. The cloud
// asks for consent where it is missing. A refusal is a *mail.SignInError.
func (c *Cloud) Browser(ctx context.Context, tenant, redirect string, scopes []string, open func(ctx context.Context, address string) (string, error)) (*Connection, error) {
	a := c.authority(tenant, redirect, scopes)
	token, err := c.Mail.Code(ctx, a, resource, "", open)
	if err != nil {
		return nil, err
	}
	return connection(token, a.ClientID, InteractiveBrowser)
}

// DeviceCode signs somebody of the tenant in on another device; show is given the sentence
// with the address and the code.
func (c *Cloud) DeviceCode(ctx context.Context, tenant string, scopes []string, show func(message string)) (*Connection, error) {
	a := c.authority(tenant, "", scopes)
	token, err := c.Mail.DeviceCode(ctx, a, resource, show)
	if err != nil {
		return nil, err
	}
	return connection(token, a.ClientID, DeviceCode)
}

// Renew trades the connection's refresh token for new tokens and puts them into it.
func (c *Cloud) Renew(ctx context.Context, conn *Connection) error {
	if conn.Refresh == "" {
		return errors.New("the sign-in cannot be renewed: connect again")
	}
	token, err := c.Mail.Refresh(ctx, c.authority(conn.Tenant, "", conn.Permissions()), resource, conn.Refresh)
	if err != nil {
		return err
	}
	conn.Access = token.Access
	if token.Refresh != "" {
		conn.Refresh = token.Refresh
	}
	return nil
}

// Client returns Graph's client for the connection. Where there is no access token yet, or Graph no
// longer takes it, the connection is renewed, and renewed told, which may keep it; nil tells nobody.
func (c *Cloud) Client(conn *Connection, renewed func() error) (*Client, error) {
	var mu sync.Mutex
	renew := func(ctx context.Context, refused string) error { // under mu
		if conn.Access != refused {
			return nil // another request has renewed it
		}
		err := c.Renew(ctx, conn)
		if err == nil && renewed != nil {
			err = renewed()
		}
		return err
	}
	client, err := New(c.Endpoint, c.Mail.HTTP(), func(ctx context.Context) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		err := renew(ctx, "")
		return conn.Access, err
	})
	if err == nil && conn.Refresh != "" {
		client.renew = func(ctx context.Context, refused string) error {
			mu.Lock()
			defer mu.Unlock()
			return renew(ctx, refused)
		}
	}
	return client, err
}

// Permissions are the scopes without those of OpenID Connect, which every request names.
func (c *Connection) Permissions() []string {
	var kept []string
	for _, s := range c.Scopes {
		switch s {
		case "openid", "profile", "email", "offline_access":
		default:
			kept = append(kept, s)
		}
	}
	return kept
}

func connection(t mail.Token, clientID, how string) (*Connection, error) {
	who, err := t.Person(clientID)
	if err != nil {
		return nil, err
	}
	c := &Connection{ClientID: clientID, Tenant: who.Tenant, Account: who.UPN, How: how, Refresh: t.Refresh, Access: t.Access}
	if clientID == wellknown.GraphPowerShell {
		c.AppName = "Microsoft Graph Command Line Tools"
	}
	for s := range strings.FieldsSeq(t.Scope) {
		c.Scopes = append(c.Scopes, s[strings.LastIndexByte(s, '/')+1:])
	}
	return c, nil
}

// FromToken returns the connection of an access token that somebody brings along. What it
// says of itself is read without proof: Graph judges it.
func FromToken(token string) (*Connection, error) {
	var claims struct {
		AppID   string   `json:"appid"`
		AppName string   `json:"app_displayname"`
		Tenant  string   `json:"tid"`
		UPN     string   `json:"upn"`
		Name    string   `json:"preferred_username"`
		Scope   string   `json:"scp"`
		Roles   []string `json:"roles"`
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, errors.New("the access token is no JSON Web Token")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &claims) != nil {
		return nil, errors.New("the access token cannot be read")
	}
	c := &Connection{ClientID: claims.AppID, AppName: claims.AppName, Tenant: claims.Tenant, Account: claims.UPN, Scopes: strings.Fields(claims.Scope), How: AccessToken, Access: token}
	if c.Account == "" {
		c.Account = claims.Name
	}
	if len(c.Scopes) == 0 {
		c.Scopes = claims.Roles
	}
	return c, nil
}
