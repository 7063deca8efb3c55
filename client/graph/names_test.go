package graph

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// Who has a name is asked with and without its last slash, and consent of an
// application that the tenant does not know is none.
func TestNameHoldersAndGrants(t *testing.T) {
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		filter := r.URL.Query().Get("$filter")
		switch {
		case strings.HasSuffix(r.URL.Path, "/servicePrincipals/sp/oauth2PermissionGrants"):
			fmt.Fprint(w, `{"value":[{"clientId":"sp","consentType":"AllPrincipals","resourceId":"exchange","scope":"EAS.AccessAsUser.All"}]}`)
		case filter == "servicePrincipalNames/any(n:n eq 'https://o''neill.example') or servicePrincipalNames/any(n:n eq 'https://o''neill.example/')":
			fmt.Fprint(w, `{"value":[{"id":"other","displayName":"Old gateway"}]}`)
		case filter == "appId eq 'known'":
			fmt.Fprint(w, `{"value":[{"id":"sp","appId":"known"}]}`)
		default:
			fmt.Fprint(w, `{"value":[]}`)
		}
	})
	holders, err := c.NameHolders(t.Context(), "https://o'neill.example/")
	if err != nil || len(holders) != 1 || holders[0].DisplayName != "Old gateway" {
		t.Errorf("%+v, %v", holders, err)
	}
	grants, err := c.Grants(t.Context(), "known")
	if err != nil || len(grants) != 1 || grants[0].ConsentType != "AllPrincipals" || grants[0].ResourceID != "exchange" {
		t.Errorf("%+v, %v", grants, err)
	}
	if grants, err := c.Grants(t.Context(), "unknown"); err != nil || grants != nil {
		t.Errorf("%+v, %v", grants, err)
	}
}
