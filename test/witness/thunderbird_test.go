package witness

import (
	"encoding/json"
	"testing"

	"hma/internal/testenv"
)

// thunderbird has Debian's Thunderbird, headless, keep a mailbox by its own EWS support.
// A refresh token stands for the sign-in in its window.
func thunderbird(t *testing.T, e *testenv.Env) {
	need(t, python, "curl", "certutil", "thunderbird")
	user, origin := e.User("user"), e.Endpoints.Servers[0].URL
	scope := origin + "/EWS.AccessAsUser.All offline_access"
	var answer struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	out := curl(t, e, e.Endpoints.Cloud+"/"+e.Endpoints.Tenant.ID+"/oauth2/v2.0/token", "--data", "grant_type=password", "--data", "client_id="+e.Endpoints.Clients[0].ID,
		"--data-urlencode", "scope="+scope, "--data-urlencode", "username="+user.UPN, "--data-urlencode", "password="+user.Password)
	if err := json.Unmarshal(out, &answer); err != nil || answer.Refresh == "" {
		t.Fatalf("the token endpoint answered curl: %s", out)
	}
	lines := script(t, map[string]string{
		"HMA_EWS": origin + "/EWS/Exchange.asmx", "HMA_USER": user.UPN, "HMA_AUTHORITY": e.Endpoints.Cloud[len("https://"):], "HMA_TENANT": e.Endpoints.Tenant.ID,
		"HMA_CLIENT_ID": e.Endpoints.Clients[0].ID, "HMA_SCOPE": scope, "HMA_REFRESH_TOKEN": answer.Refresh, "HMA_TOKEN": answer.Access,
		"HMA_CA": e.Endpoints.CA, "HMA_WORK": t.TempDir(),
	}, python, "thunderbird/mail.py")
	expect(t, lines, "ok start", "ok account", "ok folders", "ok messages", "ok message sent and received", "ok read and unread",
		"ok folder made, filled, renamed and deleted", "ok deleted", "ok what others do is seen", "ok all")
}
