package sts

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"hma/entra"
)

// Life of tokens. An access token lives 60 to 90 minutes, at random so that
// clients that began together do not come back together. There are no longer
// ones: a server on premises cannot be told to stop honouring a token.
const (
	accessMin  = 60 * time.Minute
	accessMax  = 90 * time.Minute
	idLife     = time.Hour
	backdating = 5 * time.Minute // iat and nbf lie back, for clocks that are behind
)

// claims of a v1 access token, and of ID tokens of both generations.
type claims struct {
	Audience   string   `json:"aud"`
	Issuer     string   `json:"iss"`
	IssuedAt   int64    `json:"iat"`
	NotBefore  int64    `json:"nbf"`
	Expires    int64    `json:"exp"`
	ACR        string   `json:"acr,omitempty"`
	AMR        []string `json:"amr,omitempty"`
	AppName    string   `json:"app_displayname,omitempty"`
	AppID      string   `json:"appid,omitempty"`
	AppIDACR   string   `json:"appidacr,omitempty"`
	AuthTime   int64    `json:"auth_time,omitempty"`
	CodeHash   string   `json:"c_hash,omitempty"`
	Email      string   `json:"email,omitempty"`
	FamilyName string   `json:"family_name,omitempty"`
	GivenName  string   `json:"given_name,omitempty"`
	IDType     string   `json:"idtyp,omitempty"`
	Name       string   `json:"name,omitempty"`
	Nonce      string   `json:"nonce,omitempty"`
	ObjectID   string   `json:"oid"`
	OnPremSID  string   `json:"onprem_sid,omitempty"`
	PreferName string   `json:"preferred_username,omitempty"`
	PUID       string   `json:"puid,omitempty"`
	Roles      []string `json:"roles,omitempty"`
	Scope      string   `json:"scp,omitempty"`
	Session    string   `json:"sid,omitempty"`
	Subject    string   `json:"sub"`
	TenantID   string   `json:"tid"`
	UniqueName string   `json:"unique_name,omitempty"`
	UPN        string   `json:"upn,omitempty"`
	TokenID    string   `json:"uti"`
	Version    string   `json:"ver"`
	RoleIDs    []string `json:"wids,omitempty"`
}

// sign makes a compact JWS (RFC 7515). v1 headers carry x5t beside kid.
func (s *service) sign(snapshot *entra.Snapshot, c *claims) (string, error) {
	return s.signAny(snapshot, c, c.Version == "1.0")
}

func (s *service) signAny(snapshot *entra.Snapshot, c any, withThumb bool) (string, error) {
	key := snapshot.Keys()[0]
	header := `{"typ":"JWT","alg":"RS256",` // key ids are base64url
	if withThumb {
		header += `"x5t":"` + key.ID + `",`
	}
	header += `"kid":"` + key.ID + `"}`
	payload, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("encode claims: %w", err)
	}
	encoding := base64.RawURLEncoding
	token := make([]byte, 0, 2+encoding.EncodedLen(len(header))+encoding.EncodedLen(len(payload))+encoding.EncodedLen(key.Private().Size()))
	token = append(encoding.AppendEncode(token, []byte(header)), '.')
	token = encoding.AppendEncode(token, payload)
	digest := sha256.Sum256(token)
	signature, err := rsa.SignPKCS1v15(nil, key.Private(), crypto.SHA256, digest[:])
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return string(encoding.AppendEncode(append(token, '.'), signature)), nil
}

func tokenID() string {
	var raw [16]byte
	rand.Read(raw[:])
	return base64.RawURLEncoding.EncodeToString(raw[:])
}

func accessLife() (time.Duration, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(int64((accessMax-accessMin)/time.Second)+1))
	if err != nil {
		return 0, err
	}
	return accessMin + time.Duration(n.Int64())*time.Second, nil
}

// grantee is who a token is for and how the client proved itself.
type grantee struct {
	tenant *entra.Tenant
	client entra.Client
	proof  string // appidacr: "0" public, "1" secret, "2" certificate
	signIn entra.SignIn
	user   *entra.User
}

// accessToken signs a delegated token for a decided target.
func (s *service) accessToken(snapshot *entra.Snapshot, g grantee, t target) (token string, life time.Duration, err error) {
	if life, err = accessLife(); err != nil {
		return "", 0, err
	}
	now := s.now()
	c := &claims{Audience: t.audience, Issuer: s.issuer(v1, g.tenant.ID), IssuedAt: now.Add(-backdating).Unix(), NotBefore: now.Add(-backdating).Unix(),
		Expires: now.Add(life).Unix(), ACR: "1", AMR: g.signIn.AMR, AppName: g.client.DisplayName, AppID: g.client.AppID, AppIDACR: g.proof,
		FamilyName: g.user.Surname, GivenName: g.user.GivenName, Name: g.user.DisplayName, ObjectID: g.user.ID, OnPremSID: g.user.OnPremSID, PUID: g.user.PUID,
		Scope: strings.Join(t.scopes, " "), Session: g.signIn.Session, Subject: s.dir.Subject(t.sp.AppID, g.user.ID), TenantID: g.tenant.ID,
		UniqueName: g.user.UPN, UPN: g.user.UPN, TokenID: tokenID(), Version: "1.0", RoleIDs: g.user.RoleTemplates()}
	token, err = s.sign(snapshot, c)
	return token, life, err
}

// appToken signs a token for an application itself.
func (s *service) appToken(snapshot *entra.Snapshot, tenant *entra.Tenant, client entra.Client, proof, audience string, roles []string) (string, time.Duration, error) {
	life, err := accessLife()
	if err != nil {
		return "", 0, err
	}
	now := s.now()
	token, err := s.sign(snapshot, &claims{Audience: audience, Issuer: s.issuer(v1, tenant.ID), IssuedAt: now.Add(-backdating).Unix(),
		NotBefore: now.Add(-backdating).Unix(), Expires: now.Add(life).Unix(), AppName: client.DisplayName, AppID: client.AppID, AppIDACR: proof,
		IDType: "app", ObjectID: client.SP.ID, Subject: client.SP.ID, Roles: roles, TenantID: tenant.ID, TokenID: tokenID(), Version: "1.0"})
	return token, life, err
}

// idToken signs an ID token of the endpoint's generation; code is hashed into
// it when both come from the authorize endpoint (OpenID Connect Core 3.3.2.11).
func (s *service) idToken(snapshot *entra.Snapshot, v version, g grantee, nonce, code string, email bool) (string, error) {
	now := s.now()
	c := &claims{Audience: g.client.AppID, Issuer: s.issuer(v, g.tenant.ID), IssuedAt: now.Add(-backdating).Unix(), NotBefore: now.Add(-backdating).Unix(),
		Expires: now.Add(idLife).Unix(), Name: g.user.DisplayName, Nonce: nonce, ObjectID: g.user.ID, Session: g.signIn.Session,
		Subject: s.dir.Subject(g.client.AppID, g.user.ID), TenantID: g.tenant.ID, TokenID: tokenID(), AuthTime: g.signIn.AuthTime.Unix()}
	if v == v1 {
		c.Version, c.AMR, c.FamilyName, c.GivenName, c.UPN, c.UniqueName = "1.0", g.signIn.AMR, g.user.Surname, g.user.GivenName, g.user.UPN, g.user.UPN
		c.OnPremSID, c.PUID = g.user.OnPremSID, g.user.PUID
	} else {
		c.Version, c.PreferName = "2.0", g.user.UPN
	}
	if email {
		c.Email = g.user.Mail
	}
	if code != "" {
		sum := sha256.Sum256([]byte(code))
		c.CodeHash = base64.RawURLEncoding.EncodeToString(sum[:16])
	}
	return s.sign(snapshot, c)
}

// tokenResponse is the answer of the token endpoint. Numbers are strings on v1.
type tokenResponse struct {
	TokenType    string `json:"token_type"`
	Scope        string `json:"scope,omitempty"`
	ExpiresIn    any    `json:"expires_in"`
	ExtExpiresIn any    `json:"ext_expires_in"`
	ExpiresOn    string `json:"expires_on,omitempty"`
	NotBefore    string `json:"not_before,omitempty"`
	Resource     string `json:"resource,omitempty"`
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
	ClientInfo   string `json:"client_info,omitempty"`
	FamilyID     string `json:"foci,omitempty"`
}

// respond fills in what every answer carries.
func (s *service) respond(v version, access string, life time.Duration, audience string) *tokenResponse {
	seconds := int64(life / time.Second)
	out := &tokenResponse{TokenType: "Bearer", AccessToken: access, ExpiresIn: seconds, ExtExpiresIn: seconds}
	if v == v1 {
		now := s.now()
		text := strconv.FormatInt(seconds, 10)
		out.ExpiresIn, out.ExtExpiresIn, out.Resource = text, text, audience
		out.ExpiresOn, out.NotBefore = strconv.FormatInt(now.Add(life).Unix(), 10), strconv.FormatInt(now.Add(-backdating).Unix(), 10)
	}
	return out
}

// renewable puts a refresh token into the client's answer, "" for none, and returns the answer.
func (out *tokenResponse) renewable(refresh string, client entra.Client) *tokenResponse {
	if out.RefreshToken = refresh; refresh != "" && client.Family {
		out.FamilyID = "1"
	}
	return out
}

// clientInfo is what MSAL makes an account's id from.
func clientInfo(u *entra.User) string {
	text, err := json.Marshal(struct {
		UID  string `json:"uid"`
		UTID string `json:"utid"`
	}{u.ID, u.Tenant})
	if err != nil {
		panic("sts: " + err.Error())
	}
	return base64.RawURLEncoding.EncodeToString(text)
}
