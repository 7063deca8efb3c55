package graph

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// ServicePrincipal are the properties of a service principal that HMA needs.
type ServicePrincipal struct {
	ID                    string   `json:"id"`
	AppID                 string   `json:"appId"`
	DisplayName           string   `json:"displayName,omitempty"`
	ServicePrincipalNames []string `json:"servicePrincipalNames"`
	ReplyURLs             []string `json:"replyUrls"`
	// KeyCredentials are the public keys with which it may sign in.
	KeyCredentials []KeyCredential `json:"keyCredentials,omitempty"`
}

// ErrNotFound says that the tenant has no such object.
var ErrNotFound = errors.New("not found")

// ServicePrincipal reads the one service principal of an application. None is
// ErrNotFound, more than one an error.
func (c *Client) ServicePrincipal(ctx context.Context, appID string) (ServicePrincipal, error) {
	q := url.Values{
		"$filter": {"appId eq '" + appID + "'"},
		"$select": {"id,appId,displayName,servicePrincipalNames,replyUrls,keyCredentials"},
	}
	found, err := collect[ServicePrincipal](ctx, c, "/servicePrincipals?"+q.Encode())
	if err != nil {
		return ServicePrincipal{}, fmt.Errorf("read service principal %s: %w", appID, err)
	}
	if len(found) == 0 {
		return ServicePrincipal{}, fmt.Errorf("read service principal %s: %w", appID, ErrNotFound)
	}
	if len(found) != 1 || found[0].ID == "" {
		return ServicePrincipal{}, fmt.Errorf("read service principal %s: want one, found %d", appID, len(found))
	}
	return found[0], nil
}

// NameHolders returns the service principals that have the name, with or without its last slash.
func (c *Client) NameHolders(ctx context.Context, name string) ([]ServicePrincipal, error) {
	name = strings.ReplaceAll(strings.TrimSuffix(name, "/"), "'", "''")
	q := url.Values{
		"$filter": {"servicePrincipalNames/any(n:n eq '" + name + "') or servicePrincipalNames/any(n:n eq '" + name + "/')"},
		"$select": {"id,appId,displayName,servicePrincipalNames"},
	}
	found, err := collect[ServicePrincipal](ctx, c, "/servicePrincipals?"+q.Encode())
	if err != nil {
		return nil, fmt.Errorf("read who has the name %s: %w", name, err)
	}
	return found, nil
}

// Grant is consent to delegated permissions.
type Grant struct {
	ClientID    string `json:"clientId"`
	ConsentType string `json:"consentType"` // AllPrincipals or Principal
	ResourceID  string `json:"resourceId"`
	Scope       string `json:"scope"` // permissions, parted by blanks
}

// Grants reads what has been consented to for the application as a client. The
// application may have no service principal in the tenant: then there is none.
func (c *Client) Grants(ctx context.Context, appID string) ([]Grant, error) {
	q := url.Values{"$filter": {"appId eq '" + appID + "'"}, "$select": {"id,appId"}}
	found, err := collect[ServicePrincipal](ctx, c, "/servicePrincipals?"+q.Encode())
	if err != nil {
		return nil, fmt.Errorf("read service principal %s: %w", appID, err)
	}
	var all []Grant
	for _, sp := range found {
		grants, err := collect[Grant](ctx, c, "/servicePrincipals/"+url.PathEscape(sp.ID)+"/oauth2PermissionGrants")
		if err != nil {
			return nil, fmt.Errorf("read grants of %s: %w", appID, err)
		}
		all = append(all, grants...)
	}
	return all, nil
}

// SetServicePrincipalNames replaces the whole list of the service principal
// with the object id: Graph has no way to add one entry.
func (c *Client) SetServicePrincipalNames(ctx context.Context, id string, names []string) error {
	return c.patch(ctx, id, "servicePrincipalNames", names)
}

// SetReplyURLs replaces the whole list of reply URLs of the service principal
// with the object id.
func (c *Client) SetReplyURLs(ctx context.Context, id string, urls []string) error {
	return c.patch(ctx, id, "replyUrls", urls)
}

func (c *Client) patch(ctx context.Context, id, property string, list []string) error {
	if list == nil {
		list = []string{}
	}
	body := map[string][]string{property: list}
	if err := c.do(ctx, http.MethodPatch, "/servicePrincipals/"+url.PathEscape(id), body, nil); err != nil {
		return fmt.Errorf("write %s: %w", property, err)
	}
	return nil
}
