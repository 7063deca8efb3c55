// Package exchangelib has Debian's python3-exchangelib work in a mailbox of the
// lab: it signs in by OAuth at the lab's cloud and does what a mail client does.
package exchangelib

import (
	"os"
	"os/exec"
	"testing"

	"hma/internal/testenv"
	"hma/lab"
)

// python is Debian's interpreter, whose modules are Debian's packages.
const python = "/usr/bin/python3"

func TestExchangelib(t *testing.T) {
	switch mode := os.Getenv("HMA_WITNESS"); {
	case mode == "none":
		t.Skip("HMA_WITNESS=none: exchangelib was not asked")
	default:
		if out, err := exec.CommandContext(t.Context(), python, "-c", "import exchangelib").CombinedOutput(); err != nil {
			if mode == "all" {
				t.Fatalf("python3-exchangelib is not installed: %s", out)
			}
			t.Skipf("python3-exchangelib is not installed: %s", out)
		}
	}
	env := testenv.Start(t, lab.Options{})
	env.Enable(t)
	var users []lab.User
	for _, u := range env.Endpoints.Users {
		if u.Role == "user" && u.Synced {
			users = append(users, u)
		}
	}
	if len(users) < 2 {
		t.Fatalf("the lab has %d plain synchronised users, want two", len(users))
	}
	server := env.Endpoints.Servers[0].URL
	cmd := exec.CommandContext(t.Context(), python, "smoke.py")
	cmd.Env = append(os.Environ(),
		"HMA_EWS="+server+"/EWS/Exchange.asmx",
		"HMA_TOKEN_URL="+env.Endpoints.Cloud+"/"+env.Endpoints.Tenant.ID+"/oauth2/v2.0/token",
		"HMA_SCOPE="+server+"/.default",
		"HMA_CLIENT_ID="+env.Endpoints.Clients[0].ID,
		"HMA_USER="+users[0].UPN, "HMA_PASSWORD="+users[0].Password, "HMA_SMTP="+users[0].UPN, "HMA_OTHER="+users[1].UPN,
		"HMA_CA="+env.Endpoints.CA)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
