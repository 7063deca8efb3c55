package witness

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hma/internal/testenv"
)

// Clients sign in with a password, as they do until the switch: curl by NTLM, bare and
// inside Negotiate, and exchangelib by NTLM.

// curlWindows reads a folder over EWS by both schemes. curl speaks NTLM itself; for Negotiate
// it leaves everything to the machine's GSSAPI, where Debian's gss-ntlmssp adds NTLM to
// Kerberos: its credential stands in a file.
func curlWindows(t *testing.T, e *testenv.Env) {
	need(t, "curl")
	user := e.User("user")
	account, _, _ := strings.Cut(user.UPN, "@")
	ews := []string{"--fail", "--header", "Content-Type: text/xml; charset=utf-8", "--data", ewsRequest, "https://mail.contoso.com/EWS/Exchange.asmx"}
	for _, login := range []string{user.UPN, `CONTOSO\` + account, account} {
		answer := string(curl(t, e, append([]string{"--ntlm", "--user", login + ":" + user.Password}, ews...)...))
		if !strings.Contains(answer, "<m:ResponseCode>NoError</m:ResponseCode>") {
			t.Errorf("--ntlm as %s: EWS answers %s", login, answer)
		}
	}
	status := string(curl(t, e, append([]string{"--ntlm", "--user", user.UPN + ":wrong", "--output", os.DevNull, "--write-out", "%{http_code}"}, ews[1:]...)...))
	if status != "401" {
		t.Errorf("--ntlm with a wrong password: %s", status)
	}

	if _, err := os.Stat("/etc/gss/mech.d/mech.ntlmssp.conf"); err != nil {
		missing(t, "gss-ntlmssp is not installed (test/scripts/install.sh installs it): --negotiate has no NTLM without it")
	}
	file := filepath.Join(t.TempDir(), "credential")
	if err := os.WriteFile(file, []byte("CONTOSO:"+account+":"+user.Password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NTLM_USER_FILE", file)
	answer := string(curl(t, e, append([]string{"--include", "--negotiate", "--user", ":"}, ews...)...))
	if !strings.Contains(answer, "<m:ResponseCode>NoError</m:ResponseCode>") {
		t.Errorf("--negotiate: EWS answers %s", answer)
	}
	if err := os.WriteFile(file, []byte("CONTOSO:"+account+":wrong\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	status = string(curl(t, e, append([]string{"--negotiate", "--user", ":", "--output", os.DevNull, "--write-out", "%{http_code}"}, ews[1:]...)...))
	if status != "401" {
		t.Errorf("--negotiate with a wrong password: %s", status)
	}
}

// exchangelibNTLM reads mail with a password before the switch.
func exchangelibNTLM(t *testing.T, e *testenv.Env) {
	needPython(t, "exchangelib")
	user := e.User("user")
	account, _, _ := strings.Cut(user.UPN, "@")
	lines := script(t, map[string]string{
		"HMA_EWS": e.Endpoints.Servers[0].URL + "/EWS/Exchange.asmx", "HMA_LOGIN": `CONTOSO\` + account, "HMA_SMTP": user.UPN, "HMA_PASSWORD": user.Password,
		"HMA_SUBJECTS": "3", "HMA_CA": e.Endpoints.CA, "NO_PROXY": "*", "no_proxy": "*",
	}, python, "exchangelib/ntlm.py")
	expect(t, lines, "auth type: NTLM", "ok read mail", "ok wrong password refused")
}
