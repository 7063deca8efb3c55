package witness

import (
	"encoding/json"
	"os"
	"os/exec"
	"testing"

	"hma/internal/testenv"
)

// Desktop clients without their windows. A refresh token, where the client keeps it,
// stands for the sign-in in a window.

// desktop is the environment of their scripts.
func desktop(t *testing.T, e *testenv.Env) map[string]string {
	t.Helper()
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
	return map[string]string{
		"HMA_EWS": origin + "/EWS/Exchange.asmx", "HMA_USER": user.UPN, "HMA_AUTHORITY": e.Endpoints.Cloud[len("https://"):], "HMA_TENANT": e.Endpoints.Tenant.ID,
		"HMA_CLIENT_ID": e.Endpoints.Clients[0].ID, "HMA_SCOPE": scope, "HMA_REFRESH_TOKEN": answer.Refresh, "HMA_TOKEN": answer.Access,
		"HMA_CA": e.Endpoints.CA, "HMA_WORK": t.TempDir(), "NO_PROXY": "*", "no_proxy": "*",
	}
}

// thunderbird has Debian's Thunderbird, headless, keep a mailbox by its own EWS support.
func thunderbird(t *testing.T, e *testenv.Env) {
	need(t, python, "curl", "certutil", "thunderbird")
	lines := script(t, desktop(t, e), python, "thunderbird/mail.py")
	expect(t, lines, "ok start", "ok account", "ok folders", "ok messages", "ok message sent and received", "ok read and unread",
		"ok folder made, filled, renamed and deleted", "ok deleted", "ok what others do is seen", "ok all")
}

// evolution has the data server of Evolution keep an account with evolution-ews.
func evolution(t *testing.T, e *testenv.Env) {
	needPython(t, "gi")
	need(t, "curl", "unshare", "dbus-run-session", "gnome-keyring-daemon")
	if _, err := os.Stat("/usr/lib/evolution-data-server/registry-modules/module-ews-backend.so"); err != nil {
		missing(t, "evolution-ews is not installed (test/scripts/install.sh installs it)")
	}
	if out, err := exec.Command("unshare", "--mount", "true").CombinedOutput(); err != nil {
		missing(t, "evolution-ews trusts the lab's authority in a mount namespace alone: "+lastLine(out))
	}
	lines := script(t, desktop(t, e), python, "evolution/account.py")
	expect(t, lines, "ok folders become sources", "ok event and series", "ok what others write is seen", "ok task", "ok contact", "ok address list",
		"ok mail listed and read", "ok mail sent, marked, moved and deleted", "ok all")
}
