package graph

import (
	"context"
	"errors"
	"fmt"
	"net/url"
)

// User is a person of the directory with what ties him to the on-premises account.
type User struct {
	ID                           string `json:"id"`
	UserPrincipalName            string `json:"userPrincipalName"`
	DisplayName                  string `json:"displayName,omitempty"`
	Mail                         string `json:"mail,omitempty"`
	AccountEnabled               bool   `json:"accountEnabled"`
	OnPremisesSyncEnabled        bool   `json:"onPremisesSyncEnabled"`
	OnPremisesImmutableID        string `json:"onPremisesImmutableId,omitempty"`
	OnPremisesSecurityIdentifier string `json:"onPremisesSecurityIdentifier,omitempty"`
	OnPremisesSamAccountName     string `json:"onPremisesSamAccountName,omitempty"`
}

// Users reads everybody, page by page.
func (c *Client) Users(ctx context.Context) ([]User, error) {
	q := url.Values{
		"$select": {"id,userPrincipalName,displayName,mail,accountEnabled,onPremisesSyncEnabled,onPremisesImmutableId,onPremisesSecurityIdentifier,onPremisesSamAccountName"},
		"$top":    {"999"},
	}
	users, err := collect[User](ctx, c, "/users?"+q.Encode())
	if err != nil {
		return nil, fmt.Errorf("read users: %w", err)
	}
	return users, nil
}

// Organization is the tenant.
type Organization struct {
	ID              string           `json:"id"`
	DisplayName     string           `json:"displayName"`
	VerifiedDomains []VerifiedDomain `json:"verifiedDomains"`
}

// VerifiedDomain is one domain that the tenant has proven to own.
type VerifiedDomain struct {
	Name      string `json:"name"`
	IsDefault bool   `json:"isDefault"`
	// IsInitial marks the domain that came with the tenant, contoso.onmicrosoft.com.
	IsInitial bool `json:"isInitial"`
}

// InitialDomain returns the domain that came with the tenant, "" when it is not listed.
func (o *Organization) InitialDomain() string {
	for _, d := range o.VerifiedDomains {
		if d.IsInitial {
			return d.Name
		}
	}
	return ""
}

// Organization reads the tenant that the token is for.
func (c *Client) Organization(ctx context.Context) (Organization, error) {
	found, err := collect[Organization](ctx, c, "/organization")
	if err == nil && len(found) != 1 {
		err = errors.New("want one organization")
	}
	if err != nil {
		return Organization{}, fmt.Errorf("read organization: %w", err)
	}
	return found[0], nil
}

// Domain is a domain of the tenant and how its people sign in.
type Domain struct {
	ID                 string `json:"id"`
	AuthenticationType string `json:"authenticationType"` // Managed or Federated
	IsVerified         bool   `json:"isVerified"`
	IsInitial          bool   `json:"isInitial"`
}

// Domains reads the tenant's domains.
func (c *Client) Domains(ctx context.Context) ([]Domain, error) {
	domains, err := collect[Domain](ctx, c, "/domains")
	if err != nil {
		return nil, fmt.Errorf("read domains: %w", err)
	}
	return domains, nil
}
