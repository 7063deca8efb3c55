package adminapi_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	client "hma/client/adminapi"
	"hma/exchange/adminapi"
	"hma/exchange/cmdlet"
	"hma/exchange/org"
	"hma/internal/sealed"
	"hma/internal/sqldb/sqldbtest"
	"hma/shell"
	"hma/wire/guid"
	"hma/wire/psobject"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var start = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

func startNow() time.Time { return start }

// contoso returns the cmdlets of an organisation whose shown values are the same each time.
func contoso(t *testing.T) *cmdlet.Registry {
	t.Helper()
	now := func() time.Time { return start }
	o, err := org.Open(t.Context(), sqldbtest.Memory(t), org.Options{Now: now, PickUp: 2 * time.Millisecond, Key: sealed.New(), PasswordCost: 4})
	must(t, err)
	t.Cleanup(o.Close)
	must(t, o.CreateOrganization(t.Context(), org.NewOrganization{Name: "Contoso", Domain: "contoso.com"}))
	for i := range 2 {
		name := fmt.Sprintf("EX%d", i+1)
		must(t, o.CreateServer(t.Context(), org.NewServer{Name: name, FQDN: strings.ToLower(name) + ".contoso.com", Version: org.MinimumSignIn,
			InternalHost: "mail.contoso.com", ExternalHost: "mail.contoso.com", AutodiscoverHost: "autodiscover.contoso.com"}))
	}
	id := guid.MustParse("11111111-2222-3333-4444-555555555555")
	_, err = o.CreateAuthServer(t.Context(), org.NewAuthServer{GUID: id, Name: "EvoSts - " + id.String(), Type: org.AzureAD, Enabled: true, Realm: id.String(),
		AuthMetadataURL: "https://login.contoso.com/t/federationmetadata/2007-06/federationmetadata.xml"})
	must(t, err)
	for i := range 2 {
		s, err := o.Server(t.Context(), fmt.Sprintf("EX%d", i+1))
		must(t, err)
		t.Cleanup(s.Close)
	}
	return cmdlet.New(o, cmdlet.Options{Now: now})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// socket serves the Admin API on a socket of its own.
func socket(t *testing.T, opts adminapi.Options) *client.Client {
	t.Helper()
	opts.Now = func() time.Time { return start }
	path := filepath.Join(t.TempDir(), "admin.sock")
	l, err := net.Listen("unix", path)
	must(t, err)
	srv := &http.Server{Handler: adminapi.New(contoso(t), opts)}
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	return client.Dial(path)
}

func TestCommandsAndInvoke(t *testing.T) {
	c := socket(t, adminapi.Options{Identify: adminapi.SocketCaller})
	list, err := c.Commands(t.Context())
	if err != nil || len(list) < 30 {
		t.Fatalf("%d commands, %v", len(list), err)
	}
	res, err := c.Invoke(t.Context(), psobject.Invocation{Cmdlet: "get-exchangeserver"})
	if err != nil || len(res.Output) != 2 || res.Output[0].String("Name") != "EX1" {
		t.Errorf("%v, %v", res, err)
	}
	res, err = c.Invoke(t.Context(), psobject.Invocation{Cmdlet: "Set-AuthServer", Parameters: []psobject.Property{{Name: "Identity", Value: "none"}}})
	if record, ok := errors.AsType[*psobject.ErrorRecord](err); !ok || record.Category != "ObjectNotFound" || record != res.Error {
		t.Errorf("a failed cmdlet gives %v", err)
	}
}

func TestWhoMayCall(t *testing.T) {
	for name, test := range map[string]struct {
		caller cmdlet.Caller
		err    error
		want   int
	}{
		"nobody":  {cmdlet.Caller{}, adminapi.ErrUnauthorized, 401},
		"a user":  {cmdlet.Caller{Name: "anna@contoso.com"}, nil, 403},
		"a fault": {cmdlet.Caller{Administrator: true}, errors.New("boom"), 403},
	} {
		c := socket(t, adminapi.Options{
			Identify:  func(*http.Request) (cmdlet.Caller, error) { return test.caller, test.err },
			Challenge: func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("WWW-Authenticate", "Bearer") }})
		_, _, leaseErr := c.Lease(t.Context(), "x")
		_, commandsErr := c.Commands(t.Context())
		_, invokeErr := c.Invoke(t.Context(), psobject.Invocation{Cmdlet: "Get-AuthServer"})
		for _, err := range []error{leaseErr, commandsErr, invokeErr} {
			if status, ok := errors.AsType[*client.StatusError](err); !ok || status.Status != test.want || strings.Contains(err.Error(), "boom") {
				t.Errorf("%s: %v, want %d", name, err, test.want)
			}
		}
	}
}

func TestBadRequests(t *testing.T) {
	srv := httptest.NewServer(adminapi.New(contoso(t), adminapi.Options{Identify: adminapi.SocketCaller, Now: time.Now}))
	defer srv.Close()
	for name, test := range map[string]struct {
		method, path, kind, body string
		want                     int
	}{
		"form":          {"POST", "/adminapi/v1/invoke", "text/plain", `{"cmdlet":"Get-AuthServer"}`, 415},
		"no JSON":       {"POST", "/adminapi/v1/invoke", "application/json", `<x>`, 400},
		"unknown field": {"POST", "/adminapi/v1/invoke", "application/json", `{"cmdlet":"Get-AuthServer","x":1}`, 400},
		"deep":          {"POST", "/adminapi/v1/invoke", "application/json", strings.Repeat("[", 20000), 400},
		"long":          {"POST", "/adminapi/v1/invoke", "application/json", `{"cmdlet":"` + strings.Repeat("x", 5<<20) + `"}`, 413},
		"method":        {"GET", "/adminapi/v1/invoke", "", "", 404}, // no other method has a handler
		"path":          {"GET", "/adminapi/v2/commands", "", "", 404},
		"good":          {"POST", "/adminapi/v1/invoke", "application/json; charset=utf-8", `{"cmdlet":"Get-AuthServer"}`, 200},
	} {
		req, err := http.NewRequest(test.method, srv.URL+test.path, strings.NewReader(test.body))
		must(t, err)
		req.Header.Set("Content-Type", test.kind)
		resp, err := srv.Client().Do(req)
		must(t, err)
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if resp.StatusCode != test.want {
			t.Errorf("%s: status %d, want %d", name, resp.StatusCode, test.want)
		}
	}
}

func TestToken(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer abc" {
			t.Errorf("Authorization is %q", r.Header.Get("Authorization"))
		}
		io.WriteString(w, "[]")
	}))
	defer srv.Close()
	c := client.New(srv.URL+"/", srv.Client(), func(context.Context) (string, error) { return "abc", nil })
	if _, err := c.Commands(t.Context()); err != nil {
		t.Error(err)
	}
	c = client.New(srv.URL, srv.Client(), func(context.Context) (string, error) { return "", errors.New("no sign-in") })
	if _, err := c.Commands(t.Context()); err == nil || !strings.Contains(err.Error(), "no sign-in") {
		t.Errorf("without a token: %v", err)
	}
}

func TestLease(t *testing.T) {
	c := socket(t, adminapi.Options{Identify: adminapi.SocketCaller})
	release, lost, err := c.Lease(t.Context(), "run 1\x1b[2J")
	must(t, err)
	_, _, err = c.Lease(t.Context(), "run 2")
	held, ok := errors.AsType[*client.HeldError](err)
	if !ok || held.Holder != "admin socket (run 1?[2J)" || !held.Since.Equal(start) {
		t.Errorf("a second lease: %v", err)
	}
	release()
	<-lost
	// The server notices the closed connection by itself; until then the lease is held.
	for {
		again, _, err := c.Lease(t.Context(), "run 3")
		if err == nil {
			again()
			return
		}
		if _, ok := errors.AsType[*client.HeldError](err); !ok {
			t.Fatal(err)
		}
	}
}

// TestTranscript runs the how-to's commands through shell, client, handler and
// cmdlets and compares what an administrator sees.
func TestTranscript(t *testing.T) {
	for _, name := range []string{"howto", "signin", "refusals"} {
		t.Run(name, func(t *testing.T) {
			c := socket(t, adminapi.Options{Identify: adminapi.SocketCaller})
			input, err := os.ReadFile(filepath.Join("testdata", name+".ps1"))
			must(t, err)
			var out strings.Builder
			for line := range strings.Lines(string(input)) {
				line = strings.TrimSpace(line)
				if line == "" {
					continue
				}
				fmt.Fprintf(&out, "[PS] C:\\>%s\n", line)
				// Errors are part of what is seen; the next line goes on, as at a prompt.
				_ = shell.Run(t.Context(), line, shell.Session{Client: c, Out: &out, Err: &out, Width: 120})
			}
			golden := filepath.Join("testdata", name+".golden")
			if *update {
				must(t, os.WriteFile(golden, []byte(out.String()), 0o644))
			}
			want, err := os.ReadFile(golden)
			must(t, err)
			if out.String() != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", out.String(), want)
			}
		})
	}
}

func TestAskSignIn(t *testing.T) {
	for name, test := range map[string]struct {
		challenge string
		status    int
		want      string
		err       error
	}{
		"cloud":   {`Bearer client_id="x", trusted_issuers="a@t1,b@t2", authorization_uri="https://login/common/oauth2/authorize"`, 401, "https://login/common/oauth2/authorize [t1 t2]", nil},
		"none":    {`Bearer client_id="x"`, 401, "", client.ErrNoSignIn},
		"basic":   {`Basic realm="x"`, 401, "", client.ErrNoSignIn},
		"another": {"", 200, "", &client.StatusError{Status: 200, Message: "no Admin API asks for a token there"}},
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("WWW-Authenticate", test.challenge)
			w.WriteHeader(test.status)
		}))
		got, err := client.AskSignIn(t.Context(), srv.URL, srv.Client())
		srv.Close()
		if test.err != nil {
			if err == nil || err.Error() != test.err.Error() {
				t.Errorf("%s: %v, want %v", name, err, test.err)
			}
		} else if text := fmt.Sprint(got.AuthorizationURI, " ", got.Tenants); err != nil || text != test.want {
			t.Errorf("%s: %s, %v", name, text, err)
		}
	}
}
