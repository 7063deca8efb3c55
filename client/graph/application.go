package graph

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// KeyCredential is a certificate with which an application or a service
// principal signs assertions. Only the public part is sent.
type KeyCredential struct {
	ID string // keyId; made by the service for a new one
	// Key is the certificate in DER. Where it is empty and ID is that of a stored
	// credential, the stored certificate stays.
	Key              []byte
	CustomIdentifier []byte // the certificate's SHA-1 thumbprint unless it was set
	DisplayName      string
	Starts, Ends     time.Time // zero: the certificate's own
}

// Thumbprint returns the certificate's SHA-1 thumbprint in capital hexadecimal, "" when the custom identifier is none.
func (k *KeyCredential) Thumbprint() string {
	if len(k.CustomIdentifier) != 20 {
		return ""
	}
	return fmt.Sprintf("%X", k.CustomIdentifier)
}

// wireKey is a KeyCredential as Graph writes it.
type wireKey struct {
	ID               string     `json:"keyId,omitempty"`
	Type             string     `json:"type"`
	Usage            string     `json:"usage"`
	Key              []byte     `json:"key,omitempty"`
	CustomIdentifier []byte     `json:"customKeyIdentifier,omitempty"`
	DisplayName      string     `json:"displayName,omitempty"`
	Starts           *time.Time `json:"startDateTime,omitempty"`
	Ends             *time.Time `json:"endDateTime,omitempty"`
}

// MarshalJSON writes the credential as Graph reads it.
func (k KeyCredential) MarshalJSON() ([]byte, error) {
	w := wireKey{ID: k.ID, Type: "AsymmetricX509Cert", Usage: "Verify", Key: k.Key, CustomIdentifier: k.CustomIdentifier, DisplayName: k.DisplayName}
	if !k.Starts.IsZero() {
		w.Starts = new(k.Starts.UTC())
	}
	if !k.Ends.IsZero() {
		w.Ends = new(k.Ends.UTC())
	}
	return json.Marshal(w)
}

// UnmarshalJSON reads a credential as Graph writes it.
func (k *KeyCredential) UnmarshalJSON(text []byte) error {
	var w wireKey
	if err := json.Unmarshal(text, &w); err != nil {
		return err
	}
	*k = KeyCredential{ID: w.ID, Key: w.Key, CustomIdentifier: w.CustomIdentifier, DisplayName: w.DisplayName}
	if w.Starts != nil {
		k.Starts = *w.Starts
	}
	if w.Ends != nil {
		k.Ends = *w.Ends
	}
	return nil
}

// KeyCredentials reads the certificates, with their keys, of the service principal with the object id.
func (c *Client) KeyCredentials(ctx context.Context, id string) ([]KeyCredential, error) {
	return c.keys(ctx, "/servicePrincipals/"+url.PathEscape(id))
}

// SetKeyCredentials replaces the whole list of the service principal with the
// object id: Graph has no way to add one without a proof of possession.
func (c *Client) SetKeyCredentials(ctx context.Context, id string, keys []KeyCredential) error {
	return c.setKeys(ctx, "/servicePrincipals/"+url.PathEscape(id), keys)
}

// Application is a registered application of the tenant.
type Application struct {
	ID             string           `json:"id,omitempty"`    // object id, not the service principal's
	AppID          string           `json:"appId,omitempty"` // the client id
	DisplayName    string           `json:"displayName"`
	KeyCredentials []KeyCredential  `json:"keyCredentials,omitempty"` // without keys when it is read
	RequiredAccess []RequiredAccess `json:"requiredResourceAccess,omitempty"`
}

// RequiredAccess names the permissions of one resource that an application says it needs.
type RequiredAccess struct {
	ResourceAppID string           `json:"resourceAppId"`
	Access        []ResourceAccess `json:"resourceAccess"`
}

// ResourceAccess is one permission: Type is Role (of the application itself) or Scope (delegated).
type ResourceAccess struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

// Application finds the tenant's own application with the application id or, if
// name is no GUID of one, the display name. false: there is none. Several of one
// name are an error.
func (c *Client) Application(ctx context.Context, name string) (Application, bool, error) {
	for _, property := range []string{"appId", "displayName"} {
		q := url.Values{"$filter": {property + " eq '" + strings.ReplaceAll(name, "'", "''") + "'"}}
		found, err := collect[Application](ctx, c, "/applications?"+q.Encode())
		if err != nil {
			return Application{}, false, fmt.Errorf("read application %s: %w", name, err)
		}
		if len(found) > 1 {
			return Application{}, false, fmt.Errorf("read application %s: %d have this name; use the application id", name, len(found))
		}
		if len(found) == 1 {
			return found[0], true, nil
		}
	}
	return Application{}, false, nil
}

// CreateApplication registers an application; ID and AppID are the service's to
// give. It acts only after CreateServicePrincipal.
func (c *Client) CreateApplication(ctx context.Context, a Application) (Application, error) {
	a.ID, a.AppID = "", ""
	var made Application
	if err := c.do(ctx, http.MethodPost, "/applications", a, &made); err != nil {
		return Application{}, fmt.Errorf("create application %s: %w", a.DisplayName, err)
	}
	return made, nil
}

// ApplicationKeys reads the certificates, with their keys, of the application with the object id.
func (c *Client) ApplicationKeys(ctx context.Context, id string) ([]KeyCredential, error) {
	return c.keys(ctx, "/applications/"+url.PathEscape(id))
}

// SetApplicationKeys replaces the certificates of the application with the object id.
func (c *Client) SetApplicationKeys(ctx context.Context, id string, keys []KeyCredential) error {
	return c.setKeys(ctx, "/applications/"+url.PathEscape(id), keys)
}

// CreateServicePrincipal makes the service principal of an application of the tenant.
func (c *Client) CreateServicePrincipal(ctx context.Context, appID string) (ServicePrincipal, error) {
	var made ServicePrincipal
	if err := c.do(ctx, http.MethodPost, "/servicePrincipals", map[string]string{"appId": appID}, &made); err != nil {
		return ServicePrincipal{}, fmt.Errorf("create service principal of %s: %w", appID, err)
	}
	return made, nil
}

// RoleAssignment is an app role that a service principal holds; ids are object ids, RoleID that of the role.
type RoleAssignment struct {
	ID          string `json:"id,omitempty"`
	PrincipalID string `json:"principalId"`
	ResourceID  string `json:"resourceId"`
	RoleID      string `json:"appRoleId"`
}

// AppRoles reads the app roles that the service principal with the object id holds.
func (c *Client) AppRoles(ctx context.Context, id string) ([]RoleAssignment, error) {
	held, err := collect[RoleAssignment](ctx, c, "/servicePrincipals/"+url.PathEscape(id)+"/appRoleAssignments")
	if err != nil {
		return nil, fmt.Errorf("read app roles: %w", err)
	}
	return held, nil
}

// AssignAppRole gives a service principal an app role of a resource, all three
// by object id. One that it holds already is an error of the service.
func (c *Client) AssignAppRole(ctx context.Context, principalID, resourceID, roleID string) error {
	a := RoleAssignment{PrincipalID: principalID, ResourceID: resourceID, RoleID: roleID}
	if err := c.do(ctx, http.MethodPost, "/servicePrincipals/"+url.PathEscape(principalID)+"/appRoleAssignments", a, nil); err != nil {
		return fmt.Errorf("assign app role %s: %w", roleID, err)
	}
	return nil
}

func (c *Client) keys(ctx context.Context, target string) ([]KeyCredential, error) {
	var object struct {
		KeyCredentials []KeyCredential `json:"keyCredentials"`
	}
	if err := c.get(ctx, target+"?%24select=keyCredentials", &object); err != nil {
		return nil, fmt.Errorf("read keyCredentials: %w", err)
	}
	return object.KeyCredentials, nil
}

func (c *Client) setKeys(ctx context.Context, target string, keys []KeyCredential) error {
	if keys == nil {
		keys = []KeyCredential{}
	}
	if err := c.do(ctx, http.MethodPatch, target, map[string][]KeyCredential{"keyCredentials": keys}, nil); err != nil {
		return fmt.Errorf("write keyCredentials: %w", err)
	}
	return nil
}
