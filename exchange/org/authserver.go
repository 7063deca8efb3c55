package org

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"hma/wire/guid"
)

// The types of AuthServer that Exchange knows and this organisation can use (New-AuthServer).
const (
	AzureAD      = "AzureAD"
	MicrosoftACS = "MicrosoftACS"
	ADFS         = "ADFS"
)

// NewAuthServer is what CreateAuthServer needs to know.
type NewAuthServer struct {
	GUID            guid.GUID // nil GUID: a new one
	Name            string    // "EvoSts - GUID"
	Type            string    // AzureAD, MicrosoftACS or ADFS
	AuthMetadataURL string
	DomainName      []string
	Enabled         bool
	// IssuerIdentifier, Realm and CertificateStrings are what the metadata document
	// says; they may stay empty until SetAuthServerMetadata, and then nothing is trusted.
	IssuerIdentifier   string
	Realm              string
	CertificateStrings []string
	// Fetched is when the document was read; zero while it was not.
	Fetched time.Time
}

// CreateAuthServer adds an AuthServer that is not the default authorization endpoint, and returns its GUID.
func (o *Organization) CreateAuthServer(ctx context.Context, n NewAuthServer) (guid.GUID, error) {
	if n.GUID.IsNil() {
		n.GUID = guid.New()
	}
	_, _, err := o.Change(ctx, func(c *Configuration) error { return c.AddAuthServer(n) })
	return n.GUID, err
}

// AddAuthServer is CreateAuthServer inside a Change.
func (c *Configuration) AddAuthServer(n NewAuthServer) error {
	a, err := n.authServer()
	if err != nil {
		return err
	}
	c.AuthServers = append(c.AuthServers, &a)
	return nil
}

// authServer checks n and derives the endpoints.
func (n NewAuthServer) authServer() (AuthServer, error) {
	a := AuthServer{GUID: n.GUID, Name: n.Name, Type: n.Type, DomainName: n.DomainName, Enabled: n.Enabled,
		IssuerIdentifier: n.IssuerIdentifier, Realm: n.Realm, CertificateStrings: n.CertificateStrings, MetadataFetched: n.Fetched}
	if strings.TrimSpace(n.Name) == "" || len(n.Name) > 64 {
		return a, refuse("The name of an AuthServer has 1 to 64 characters.")
	}
	if err := a.SetMetadataURL(n.AuthMetadataURL); err != nil {
		return a, err
	}
	a.nameRealm()
	return a, nil
}

// SetMetadataURL sets AuthMetadataURL and the endpoints that follow from its
// origin and the type: /common/oauth2/token and authorize for AzureAD,
// /adfs/oauth2/token and authorize for ADFS, /REALM/tokens/OAuth/2 and no
// authorization endpoint for MicrosoftACS. The URL must be https.
func (a *AuthServer) SetMetadataURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return refuse("%q is no https URL of a metadata document.", text)
	}
	a.AuthMetadataURL = text
	origin := "https://" + u.Host
	switch a.Type {
	case AzureAD:
		a.TokenIssuingEndpoint, a.AuthorizationEndpoint = origin+"/common/oauth2/token", origin+"/common/oauth2/authorize"
	case ADFS:
		a.TokenIssuingEndpoint, a.AuthorizationEndpoint = origin+"/adfs/oauth2/token", origin+"/adfs/oauth2/authorize"
	case MicrosoftACS:
		tenant, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
		a.TokenIssuingEndpoint, a.AuthorizationEndpoint = origin+"/"+tenant+"/tokens/OAuth/2", ""
	default:
		return refuse("The AuthServer type %q is not supported; use AzureAD, MicrosoftACS or ADFS.", a.Type)
	}
	return nil
}

// SetAuthServerMetadata records what the metadata document of an AuthServer, read
// from the given URL at the given time, said: its issuer, realm (the tenant id) and
// signing certificates (base64 DER). An AuthServer that names another URL by now
// keeps what it has. Documents without a certificate are refused: the last good keys
// stay. The configuration's version moves only when something but the time is
// new, so that a scheduled refresh does not empty the token cache. An unknown GUID is ErrNotFound.
func (o *Organization) SetAuthServerMetadata(ctx context.Context, id guid.GUID, from, issuer, realm string, certs []string, at time.Time) error {
	if issuer == "" || len(certs) == 0 {
		return refuse("The metadata names no issuer or no signing certificate.")
	}
	_, _, err := o.Change(ctx, func(c *Configuration) error {
		a := c.AuthServer(id)
		if a == nil {
			return fmt.Errorf("AuthServer %s: %w", id, ErrNotFound)
		}
		if a.AuthMetadataURL != from {
			return refuse("The metadata was read from %s, but %s names %s by now.", from, a.Name, a.AuthMetadataURL)
		}
		a.TakeMetadata(issuer, realm, certs, at)
		return nil
	})
	return err
}

// TakeMetadata is SetAuthServerMetadata inside a Change.
func (a *AuthServer) TakeMetadata(issuer, realm string, certs []string, at time.Time) {
	a.IssuerIdentifier, a.Realm, a.CertificateStrings, a.MetadataFetched = issuer, realm, slices.Clone(certs), at.UTC()
	a.nameRealm()
}

// nameRealm gives the token endpoint of the Access Control Service the tenant's id, which the document tells:
// its own URL may name the tenant by a domain.
func (a *AuthServer) nameRealm() {
	u, err := url.Parse(a.AuthMetadataURL)
	if err == nil && a.Type == MicrosoftACS && a.Realm != "" {
		a.TokenIssuingEndpoint = "https://" + u.Host + "/" + a.Realm + "/tokens/OAuth/2"
	}
}
