package main

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"hma/client/graph"
	"hma/hybrid/procedure"
	"hma/hybrid/target"
	"hma/internal/testenv"
	"hma/lab"
	"hma/wire/wellknown"
)

// front stands before a lab's cloud half under another name, as Microsoft's does, and can misbehave.
type front struct {
	*httptest.Server
	mu sync.Mutex
	// fault may answer a request to Graph itself: true. It is told how many of its method came.
	fault func(w http.ResponseWriter, r *http.Request, n int) bool
	// answer may change what Graph answers.
	answer func(r *http.Request, n int, body []byte) []byte
	count  map[string]int
	pages  int // that had a next one
}

func newFront(t *testing.T, cloud string, hc *http.Client) *front {
	t.Helper()
	back, err := url.Parse(cloud)
	if err != nil {
		t.Fatal(err)
	}
	f := &front{count: map[string]int{}}
	proxy := &httputil.ReverseProxy{
		Transport: hc.Transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(back)
			r.Out.URL.RawQuery = strings.Replace(r.Out.URL.RawQuery, "%24top=999", "%24top=2", 1) // small pages, as of a large tenant
		},
		ModifyResponse: func(r *http.Response) error {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.answer != nil && strings.HasPrefix(r.Request.URL.Path, "/v1.0/") {
				body = f.answer(r.Request, f.count[r.Request.Method], body)
			}
			body = bytes.Replace(body, []byte(`"interval":5`), []byte(`"interval":1`), 1) // somebody signs in at once
			if link := []byte(`"@odata.nextLink":"` + cloud); bytes.Contains(body, link) {
				body = bytes.Replace(body, link, []byte(`"@odata.nextLink":"`+f.URL), 1)
				f.pages++
			}
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			r.Header.Del("Content-Length")
			return nil
		},
	}
	f.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v1.0/") {
			f.mu.Lock()
			f.count[r.Method]++
			done := f.fault != nil && f.fault(w, r, f.count[r.Method])
			f.mu.Unlock()
			if done {
				return
			}
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(f.Close)
	return f
}

// misbehave sets what the front does with requests to Graph from now on.
func (f *front) misbehave(fault func(http.ResponseWriter, *http.Request, int) bool, answer func(*http.Request, int, []byte) []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault, f.answer, f.count = fault, answer, map[string]int{}
}

// counted is how many requests of the method came to Graph since.
func (f *front) counted(method string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count[method]
}

// phone is a command's standard error at which somebody sits who signs in with another device as
// soon as a code is shown.
type phone struct {
	strings.Builder
	t    *testing.T
	hc   *http.Client
	user lab.User
}

var deviceMessage = regexp.MustCompile(`open the page (https://\S+) and enter the code (\w+)`)

func (p *phone) Write(text []byte) (int, error) {
	if m := deviceMessage.FindSubmatch(text); m != nil {
		if err := p.signIn(string(m[1]), string(m[2])); err != nil {
			p.t.Errorf("sign in by device code: %v", err)
		}
	}
	return p.Builder.Write(text)
}

var (
	formAction = regexp.MustCompile(`<form[^>]* action="([^"]*)"`)
	formFlow   = regexp.MustCompile(`name="flow" value="([^"]*)"`)
)

func (p *phone) signIn(address, code string) error {
	jar, _ := cookiejar.New(nil) // only bad options fail
	hc := &http.Client{Transport: p.hc.Transport, Jar: jar}
	at, err := url.Parse(address)
	if err != nil {
		return err
	}
	form := url.Values{"usercode": {code}}
	for range 6 {
		req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, at.String(), strings.NewReader(form.Encode()))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", at.Scheme+"://"+at.Host)
		resp, err := hc.Do(req)
		if err != nil {
			return err
		}
		page, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			return err
		}
		if bytes.Contains(page, []byte("Your device goes on")) {
			return nil
		}
		action := formAction.FindSubmatch(page)
		if action == nil {
			return errors.New("a page without a form: " + string(page))
		}
		if at, err = resp.Request.URL.Parse(string(action[1])); err != nil {
			return err
		}
		form = url.Values{}
		if flow := formFlow.FindSubmatch(page); flow != nil {
			form.Set("flow", string(flow[1]))
		}
		switch {
		case bytes.Contains(page, []byte(`name="passwd"`)):
			form.Set("login", p.user.UPN)
			form.Set("passwd", p.user.Password)
		case bytes.Contains(page, []byte(`value="continue"`)):
			form.Set("do", "continue")
		default:
			form.Set("do", "accept")
		}
	}
	return errors.New("the pages go on and on")
}

// An organisation whose own part was collected, with its tenant asked live: the commands as for
// Microsoft's cloud, host names aside, at a Graph that misbehaves as Microsoft's may.
func TestCloud(t *testing.T) {
	t.Parallel()
	e := testenv.Start(t, lab.Options{Messages: 5})
	r, err := reach(&e.Endpoints)
	if err != nil {
		t.Fatal(err)
	}
	admin, err := r.administratorOf("")
	if err != nil {
		t.Fatal(err)
	}
	tenants, err := r.tenants()
	if err != nil {
		t.Fatal(err)
	}
	principal := func() graph.ServicePrincipal {
		t.Helper()
		sp, err := tenants[0].Graph.ServicePrincipal(t.Context(), wellknown.Exchange)
		if err != nil {
			t.Fatal(err)
		}
		return sp
	}
	dir := t.TempDir()
	data, exchange, ca := filepath.Join(dir, "contoso"), filepath.Join(dir, "exchange.json"), filepath.Join(dir, "ca.pem")
	f := newFront(t, e.Endpoints.Cloud, r.mail.HTTP())
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	hma := func(want int, args ...string) (out, errs string) {
		t.Helper()
		var o strings.Builder
		p := &phone{t: t, hc: r.mail.HTTP(), user: admin}
		if code := run(t.Context(), args, stdio{in: strings.NewReader(""), out: &o, err: p}); code != want {
			t.Fatalf("hma %v ends with %d, want %d:\n%s%s", args, code, want, o.String(), p.String())
		}
		if strings.Contains(o.String()+p.String(), "eyJ") { // as every token begins
			t.Errorf("hma %v says a token", args)
		}
		return o.String(), p.String()
	}
	script, _ := hma(exitOK, "collect", "exchange")
	ps1 := filepath.Join(dir, "collect.ps1")
	if err := os.WriteFile(ps1, []byte(strings.Replace(script, "Out-File exchange.json", "Out-File '"+exchange+"'", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	hma(exitOK, "shell", "--data", filepath.Dir(e.Endpoints.CA), ps1)
	// The organisation trusts the cloud by the name of its front.
	text, err := os.ReadFile(exchange)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(exchange, bytes.ReplaceAll(text, []byte(e.Endpoints.Cloud), []byte(f.URL)), 0o600); err != nil {
		t.Fatal(err)
	}
	cloud := func(command string, more ...string) []string {
		return append([]string{command, "--cloud", f.URL, "--ca", ca, "--data", data}, more...)
	}
	before := principal()

	// Check: a busy Graph, and a token that ends in the middle.
	f.misbehave(func(w http.ResponseWriter, r *http.Request, n int) bool {
		switch {
		case r.Method != http.MethodGet:
			t.Errorf("a check sends %s %s", r.Method, r.URL)
		case n == 2:
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
			return true
		case n == 4:
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}
		return false
	}, nil)
	shown, errs := hma(exitFound, cloud("check", "--snapshot", exchange)...)
	if !strings.Contains(shown, "https://autodiscover.contoso.com/ is missing") || !strings.Contains(errs, "Signed in as "+admin.UPN) {
		t.Errorf("check says:\n%s%s", shown, errs)
	}
	if f.pages < 2 {
		t.Errorf("%d pages with a next one: nothing was paged", f.pages)
	}
	if strings.Contains(shown, "evosts-keys") {
		t.Errorf("the metadata of the cloud was not read, or is wrong:\n%s", shown)
	}
	if strings.Contains(errs, "live tenant") {
		t.Error("our own cloud half is taken for Microsoft's")
	}
	f.misbehave(nil, nil)
	// A lab's own folder is nothing for another organisation's plans.
	labs := filepath.Dir(e.Endpoints.CA)
	for _, command := range [][]string{{"plan"}, {"apply", "--write"}, {"rollback", "x", "--write"}} {
		if _, line := hma(exitUsage, append(command, "--cloud", f.URL, "--ca", ca, "--data", labs)...); !strings.Contains(line, "another folder") {
			t.Errorf("%v in a lab's folder: %q", command, line)
		}
	}
	if shown, _ := hma(exitUnreachable, cloud("check")...); !strings.Contains(shown, "Not checked") {
		t.Errorf("without the Exchange part a check says:\n%s", shown)
	}
	if _, line := hma(exitUnreachable, cloud("plan")...); !strings.Contains(line, "the Exchange part is missing") {
		t.Errorf("without the Exchange part a plan says %q", line)
	}

	shown, _ = hma(exitOK, cloud("plan", "--snapshot", exchange)...)
	for _, want := range []string{"In the cloud: 2 changes of ", "For the servers themselves: ", "--write"} {
		if !strings.Contains(strings.Join(strings.Fields(shown), " "), want) {
			t.Errorf("plan does not say %q:\n%s", want, shown)
		}
	}
	if board, _ := hma(exitOK, cloud("plan", "--snapshot", exchange, "--markdown")...); !strings.Contains(board, "apply.ps1") || !strings.Contains(board, " --cloud`, and back by `hma rollback RUN --cloud`") {
		t.Errorf("the change board is told:\n%s", board)
	}
	apply := cloud("apply", "--snapshot", exchange, "--yes", "--write")

	// Somebody else changes the list between the two reads: nothing is written.
	reads := 0
	f.misbehave(nil, func(r *http.Request, n int, body []byte) []byte {
		if r.Method != http.MethodGet || !strings.Contains(r.URL.RawQuery, wellknown.Exchange) {
			return body
		}
		if reads++; reads == 3 { // the facts, the list, and the list again
			return bytes.Replace(body, []byte(`"servicePrincipalNames":[`), []byte(`"servicePrincipalNames":["https://new.contoso.com/",`), 1)
		}
		return body
	})
	if _, line := hma(exitUsage, apply...); !strings.Contains(line, "changed while it was read") || f.counted(http.MethodPatch) != 0 {
		t.Errorf("a list that changed: %d writes, %q", f.counted(http.MethodPatch), line)
	}

	// Graph refuses the write; then the run is resumed, and a replica shows the old list for a while.
	f.misbehave(func(w http.ResponseWriter, r *http.Request, n int) bool {
		if r.Method != http.MethodPatch {
			return false
		}
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, `{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges to complete the operation."}}`)
		return true
	}, nil)
	if _, line := hma(exitUnreachable, apply...); !strings.Contains(line, "it needs the permission Application.ReadWrite.All") {
		t.Errorf("a refused write: %q", line)
	}
	var old []byte
	stale := 0
	f.misbehave(nil, func(r *http.Request, n int, body []byte) []byte {
		if r.Method == http.MethodGet && strings.Contains(r.URL.RawQuery, wellknown.Exchange) {
			switch {
			case f.count[http.MethodPatch] == 0:
				old = body
			case f.count[http.MethodPatch] == 1 && stale < 2:
				stale++
				return old
			}
		}
		return body
	})
	hma(exitOK, apply...)
	if stale != 2 || f.counted(http.MethodPatch) != 2 {
		t.Errorf("%d old lists, %d writes", stale, f.counted(http.MethodPatch))
	}
	applied := principal()
	for _, entry := range slices.Concat(before.ServicePrincipalNames, []string{"https://autodiscover.contoso.com/"}) {
		if !slices.Contains(applied.ServicePrincipalNames, entry) {
			t.Errorf("the names lack %s", entry)
		}
	}
	if len(applied.ReplyURLs) <= len(before.ReplyURLs) {
		t.Errorf("reply URLs: %q", applied.ReplyURLs)
	}
	f.misbehave(nil, nil)

	var h procedure.History
	listed, _ := hma(exitOK, "history", "--data", data, "--json")
	if err := json.Unmarshal([]byte(listed), &h); err != nil || len(h.Runs) != 1 || h.Runs[0].Outcome != procedure.OutcomeApplied || !strings.HasSuffix(h.Runs[0].Operator, " as "+admin.UPN) {
		t.Fatalf("history: %v, %s", err, listed)
	}
	for _, c := range h.Runs[0].Changes {
		if !strings.Contains(c.Address, "service principal") {
			t.Errorf("the run changed %s", c.Address)
		}
	}
	journal, err := os.ReadFile(filepath.Join(data, "journal", h.Runs[0].ID+".jsonl"))
	if err != nil || !bytes.Contains(journal, []byte(before.ServicePrincipalNames[0])) || bytes.Contains(journal, []byte("eyJ")) {
		t.Errorf("the journal lacks the list before, or has a token: %v", err)
	}

	// Back, under the lock of the data directory, and only what was added.
	rollback := cloud("rollback", "--yes", h.Runs[0].ID)
	if _, line := hma(exitUsage, rollback...); !strings.Contains(line, "--write") {
		t.Errorf("without --write: %q", line)
	}
	lease, err := target.FileLock{Path: filepath.Join(data, cloudLock)}.Acquire(t.Context(), "omar@host")
	if err != nil {
		t.Fatal(err)
	}
	if _, line := hma(exitUnreachable, append(rollback, "--write")...); !strings.Contains(line, "omar@host") {
		t.Errorf("a second operator: %q", line)
	}
	lease.Release()
	hma(exitOK, append(rollback, "--write")...)
	after := principal()
	slices.Sort(before.ServicePrincipalNames)
	slices.Sort(after.ServicePrincipalNames)
	slices.Sort(before.ReplyURLs)
	slices.Sort(after.ReplyURLs)
	if !slices.Equal(before.ServicePrincipalNames, after.ServicePrincipalNames) || !slices.Equal(before.ReplyURLs, after.ReplyURLs) {
		t.Errorf("before %v\nafter %v", before, after)
	}
}

// What is refused before anybody is asked to sign in.
func TestCloudUsage(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"unknown cloud":         {"check", "--cloud", "http://graph.example"},
		"a government's":        {"check", "--cloud", "usgov/x"},
		"no --write":            {"apply", "--cloud", "microsoft"},
		"no cloud":              {"apply", "--write"},
		"collected files":       {"apply", "--snapshot", "exchange.json"},
		"rollback, no --write":  {"rollback", "x", "--cloud", "microsoft"},
		"authority, no cloud":   {"check", "--ca", "ca.pem"},
		"no authority":          {"check", "--cloud", "microsoft", "--ca", "none.pem"},
		"tenant, no cloud":      {"check", "--tenant", "contoso.com"},
		"the tenant's own part": {"check", "--cloud", "microsoft", "--snapshot", "../../hybrid/procedure/testdata/snapshots/broken/graph.json"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, errs strings.Builder
			if code := run(t.Context(), append(args, "--data", t.TempDir()), stdio{in: strings.NewReader(""), out: &out, err: &errs}); code != exitUsage {
				t.Errorf("ends with %d: %s%s", code, out.String(), errs.String())
			}
		})
	}
}

// What a cloud says reaches the terminal as text alone.
func TestPrintable(t *testing.T) {
	if got := strings.Map(printable, "open \x1b]0;x\x07 the\r\npage \u202e ü"); got != "open  ]0;x  the  page   ü" {
		t.Errorf("%q", got)
	}
}

// Microsoft's own addresses, and the way back with the same flags.
func TestCloudArgs(t *testing.T) {
	e := elsewhere{cloud: microsoft, client: "id", tenants: []string{"contoso.com", "fabrikam.com"}}
	c, err := e.reach()
	if err != nil || c.Login != "https://login.microsoftonline.com" || c.Endpoint != "https://graph.microsoft.com/v1.0" || c.ClientID != "id" {
		t.Fatal(c, err)
	}
	a := &app{data: defaultData, cloud: e.args()}
	if got := a.command("rollback x"); !strings.Contains(got, "hma rollback x --cloud microsoft --client-id id --tenant contoso.com --tenant fabrikam.com --write") {
		t.Error(got)
	}
}
