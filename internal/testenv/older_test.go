package testenv

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"hma/client/mail"
	"hma/lab"
	"hma/wire/psobject"
)

// TestOlderData opens a data directory that the first program made (commit 2f15b79, the
// organisation with Hybrid Modern Authentication enabled by it): people sign in, and
// configuration, mail and the run that enabled it are still there.
func TestOlderData(t *testing.T) {
	dir := t.TempDir()
	unpack(t, filepath.Join("testdata", "first.tar.gz"), dir)
	e := Start(t, lab.Options{Dir: dir})
	if e.Endpoints.Servers[0].URL != "https://localhost:18443" || len(e.Endpoints.Users) != 6 || len(e.Endpoints.Tenants) != 1 {
		t.Errorf("endpoints %+v", e.Endpoints)
	}
	if config := e.Run(t, "Get-OrganizationConfig"); !config[0].Bool("OAuth2ClientProfileEnabled") {
		t.Error("Hybrid Modern Authentication is off")
	}
	for _, cmdlet := range []string{"Get-MapiVirtualDirectory", "Get-OwaVirtualDirectory", "Get-ExchangeServer"} {
		if got := len(e.Run(t, cmdlet)); got != 2 {
			t.Errorf("%s: %d objects", cmdlet, got)
		}
	}
	if names := e.Run(t, "Get-Mailbox"); !slices.ContainsFunc(names, func(o psobject.Object) bool { return o.String("PrimarySmtpAddress") == "alice@contoso.com" }) {
		t.Errorf("mailboxes %v", names)
	}
	user := e.User("user")
	c := clientOf(t, e)
	for _, d := range doors(e.Endpoints.Servers[1].URL) {
		if h := c.Offer(t.Context(), d, user.UPN); h.AuthorizationURI == "" && h.Redirect == "" {
			t.Errorf("%s offers no sign-in by the cloud: %d", d.URL, h.Status)
		}
	}
	// There is no NT hash until a right password has come by Basic; the next sign-in is by NTLM.
	for _, want := range []string{mail.AuthNBasic, mail.AuthNNTLM} {
		h := c.Present(t.Context(), mail.Door{Protocol: mail.EWS, URL: e.Endpoints.Servers[0].URL + "/EWS/Exchange.asmx"},
			mail.Credential{User: user.UPN, Password: user.Password, Offered: []string{"NTLM", "Basic"}})
		if !h.Accepted || h.AuthN != want {
			t.Errorf("signed in by %s, want %s: %d", h.AuthN, want, h.Status)
		}
	}
	if e.Token(t, user, e.Endpoints.Servers[0].URL) == "" {
		t.Error("no token")
	}
	if runs, err := filepath.Glob(filepath.Join(dir, "journal", "*.jsonl")); err != nil || len(runs) != 1 {
		t.Errorf("journal %v, %v", runs, err)
	}
}

func unpack(t *testing.T, archive, dir string) {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.FromSlash(h.Name))
		if h.Typeflag == tar.TypeDir {
			if err := os.MkdirAll(path, 0o700); err != nil {
				t.Fatal(err)
			}
			continue
		}
		text, err := io.ReadAll(r)
		if err == nil {
			err = os.WriteFile(path, text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
