package sts

import (
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"hma/internal/sqldb/sqldbtest"
)

// python is Debian's own, which sees Debian's packages.
const python = "/usr/bin/python3"

// TestMSALPython drives the unmodified library against the service over TLS.
func TestMSALPython(t *testing.T) {
	mode := os.Getenv("HMA_WITNESS")
	if mode == "none" {
		t.Skip("HMA_WITNESS=none leaves out the tests that drive installed clients")
	}
	for _, module := range []string{"msal", "exchangelib"} {
		if out, err := exec.Command(python, "-c", "import "+module).CombinedOutput(); err != nil {
			reason := "python3-" + module + " is not installed (test/scripts/install.sh installs it): " + string(out)
			if mode == "all" {
				t.Fatal(reason)
			}
			t.Skip(reason)
		}
	}
	var e *env
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { e.handler.ServeHTTP(w, r) }))
	// MSAL asks for the user realm on port 443 of the host, whatever the authority's port is:
	// where that port is not ours to take, the password grant is left to the lab's test.
	origin, grant := "https://127.0.0.1", "1"
	listener, err := net.Listen("tcp", "127.0.0.1:443")
	if err != nil {
		if listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		origin, grant = "https://"+listener.Addr().String(), "0"
	}
	server.Listener.Close()
	server.Listener = listener
	server.StartTLS()
	defer server.Close()
	e = newEnvOn(t, sqldbtest.Memory(t), origin)
	e.clock = time.Now() // the library has its own clock
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, script := range []string{"main.py", "exchangelib_token.py"} {
		cmd := exec.CommandContext(t.Context(), python, "../../test/witness/msal/"+script)
		cmd.Env = append(os.Environ(), "HMA_AUTHORITY="+origin+"/"+tenantID, "HMA_CLIENT="+mailClient, "HMA_USER="+alice, "HMA_PASSWORD="+password,
			"HMA_RESOURCE=https://mail.contoso.com", "HMA_CONFIDENTIAL="+confidential, "HMA_SECRET="+secret, "HMA_PASSWORD_GRANT="+grant,
			"REQUESTS_CA_BUNDLE="+ca, "NO_PROXY=*", "no_proxy=*")
		out, err := cmd.CombinedOutput()
		t.Logf("%s", out)
		if err != nil {
			t.Errorf("%s: %v", script, err)
		}
	}
}
