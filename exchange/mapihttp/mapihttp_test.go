package mapihttp

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"hma/exchange/auth"
	"hma/exchange/clientaccess"
	"hma/exchange/org"
	"hma/wire/guid"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const dn = "/o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn="

func person(name string) *org.Recipient {
	return &org.Recipient{DisplayName: name + " Ä", LegacyDN: dn + name, PrimarySMTP: name + "@contoso.com",
		MailboxGUID: guid.GUID{0: name[0], 15: 1}, MAPIEnabled: true}
}

// client speaks to one door as one person and keeps cookies.
type client struct {
	t       *testing.T
	door    *Door
	who     *org.Recipient
	enabled bool
	cookies map[string]string
	count   int
}

// now is the time of a test's door.
type now struct {
	mu sync.Mutex
	at time.Time
}

func (n *now) get() time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.at
}

func (n *now) add(d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.at = n.at.Add(d)
}

func start(t *testing.T) (*client, *now) {
	clock := &now{at: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	return &client{t: t, door: New(clock.get), who: person("jane"), enabled: true, cookies: map[string]string{}}, clock
}

// as is a second client of the same door.
func (c *client) as(who *org.Recipient) *client {
	return &client{t: c.t, door: c.door, who: who, enabled: true, cookies: map[string]string{}}
}

// result is an answer with its frame taken off.
type result struct {
	code    int
	header  http.Header
	raw     []byte
	body    []byte // nil for a refusal
	cookies map[string]string
}

// request makes a request that a test may change before do.
func (c *client) request(path, kind string, body []byte) *http.Request {
	r := httptest.NewRequest("POST", "https://mail.contoso.com/mapi"+path, bytes.NewReader(body))
	c.count++
	r.Header.Set("X-RequestType", kind)
	r.Header.Set("X-RequestId", "{C715155F-2BE8-44E0-BD34-2960065754C8}:"+strconv.Itoa(c.count))
	r.Header.Set("X-ClientInfo", "{2F94A2BF-A2E6-4CCC-BF98-B5F22C542226}")
	r.Header.Set("Content-Type", "application/mapi-http")
	for name, value := range c.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	return r
}

func (c *client) do(r *http.Request) result {
	c.t.Helper()
	w := httptest.NewRecorder()
	req := &clientaccess.Request{Request: r, Rest: strings.TrimPrefix(r.URL.Path, "/mapi"), Record: &clientaccess.Record{}, Snapshot: snapshot(c.enabled)}
	if c.who != nil {
		req.Identity = &auth.Identity{Recipient: c.who, AuthN: "Bearer*"}
	}
	c.door.ServeDoor(w, req)
	res := w.Result()
	if res.StatusCode != http.StatusOK {
		c.t.Fatalf("HTTP status %d", res.StatusCode)
	}
	out := result{header: res.Header, cookies: map[string]string{}}
	for _, cookie := range res.Cookies() {
		if !cookie.Secure || !cookie.HttpOnly || !strings.HasPrefix(cookie.Path, "/mapi/") {
			c.t.Errorf("cookie %v", cookie)
		}
		c.cookies[cookie.Name] = cookie.Value
		out.cookies[cookie.Name] = cookie.Value
	}
	out.raw, _ = io.ReadAll(res.Body)
	out.code, _ = strconv.Atoi(res.Header.Get("X-ResponseCode"))
	if out.code == 0 {
		frame, body, ok := bytes.Cut(out.raw, []byte("\r\n\r\n"))
		if !ok || !bytes.HasPrefix(frame, []byte("PROCESSING\r\nDONE\r\nX-ElapsedTime: 0\r\nX-StartTime: ")) {
			c.t.Errorf("frame %q", frame)
		}
		out.body = body
	}
	return out
}

func (c *client) call(path, kind string, body []byte) result {
	c.t.Helper()
	return c.do(c.request(path, kind, body))
}

func snapshot(enabled bool) *org.Snapshot {
	return &org.Snapshot{Org: org.OrganizationConfig{MapiHttpEnabled: enabled},
		Server: org.Server{GUID: guid.MustParse("00112233-4455-6677-8899-aabbccddeeff"), Version: org.Version{15, 2, 1544, 11}}}
}

func connectBody(dn string) []byte {
	return appendUint32(append([]byte(dn), 0), 0, 1252, 1033, 1033, 0)
}

var emptyEnd = make([]byte, 4)

func golden(t *testing.T, name string, res result) {
	t.Helper()
	var text strings.Builder
	for _, h := range []string{"Content-Type", "X-RequestType", "X-RequestId", "X-ClientInfo", "X-ResponseCode", "X-PendingPeriod", "X-ExpirationInfo", "X-ServerApplication", "Cache-Control"} {
		fmt.Fprintf(&text, "%s: %s\n", h, res.header.Get(h))
	}
	text.WriteString("\n" + hex.Dump(res.raw))
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || text.String() != string(want) {
		t.Errorf("%s differs (%v); got:\n%s", path, err, text.String())
	}
}

func TestConnectExecuteDisconnect(t *testing.T) {
	c, _ := start(t)
	res := c.call("/emsmdb/?MailboxId=x@contoso.com", "Connect", connectBody(c.who.LegacyDN))
	golden(t, "connect.txt", res)
	first := res.cookies
	if len(first[contextCookie]) != cookieLength || len(first[sequenceCookie]) != cookieLength {
		t.Fatalf("cookies %v", first)
	}
	res = c.call("/emsmdb/", "Execute", []byte("rops"))
	golden(t, "execute.txt", res)
	if res.cookies[contextCookie] != first[contextCookie] || res.cookies[sequenceCookie] == first[sequenceCookie] {
		t.Errorf("cookies %v after %v", res.cookies, first)
	}
	if res = c.call("/emsmdb/", "NotificationWait", nil); res.code != int(codeInvalidRequestType) || len(res.cookies) != 0 {
		t.Errorf("NotificationWait: code %d, cookies %v", res.code, res.cookies)
	}
	res = c.call("/emsmdb/", "Disconnect", emptyEnd)
	golden(t, "disconnect.txt", res)
	if res = c.call("/emsmdb/", "Execute", nil); res.code != int(codeContextNotFound) {
		t.Errorf("Execute after Disconnect: code %d", res.code)
	}
	if res = c.call("/emsmdb/", "PING", nil); res.code != int(codeContextNotFound) {
		t.Errorf("PING after Disconnect: code %d", res.code)
	}
}

func TestBindUnbind(t *testing.T) {
	c, _ := start(t)
	withStat := append(append([]byte{0, 0, 0, 0, 1}, make([]byte, statSize)...), 0, 0, 0, 0)
	golden(t, "bind.txt", c.call("/nspi/", "Bind", withStat))
	if res := c.call("/nspi", "QueryRows", nil); res.code != int(codeInvalidRequestType) {
		t.Errorf("QueryRows: code %d", res.code)
	}
	golden(t, "unbind.txt", c.call("/nspi/", "Unbind", make([]byte, 8)))
	if res := c.call("/nspi/", "Bind", []byte{0, 0, 0, 0, 0, 0, 0, 0, 0}); res.code != 0 {
		t.Errorf("Bind without STAT: code %d", res.code)
	}
	// A context belongs to one endpoint.
	if res := c.call("/emsmdb/", "Execute", nil); res.code != int(codeContextNotFound) {
		t.Errorf("Execute with a context of nspi: code %d", res.code)
	}
}

func TestPing(t *testing.T) {
	c, clock := start(t)
	golden(t, "ping.txt", c.call("/emsmdb/", "ping", nil))
	c.call("/emsmdb/", "Connect", connectBody(c.who.LegacyDN))
	for range 3 {
		clock.add(life - time.Second)
		if res := c.call("/emsmdb/", "PING", nil); res.code != 0 || len(res.cookies) != 0 {
			t.Fatalf("PING: code %d, cookies %v", res.code, res.cookies)
		}
	}
	clock.add(life)
	if res := c.call("/emsmdb/", "PING", nil); res.code != int(codeContextNotFound) {
		t.Errorf("PING after the end of life: code %d", res.code)
	}
}

func TestSequenceAndReplay(t *testing.T) {
	c, _ := start(t)
	c.call("/emsmdb/", "Connect", connectBody(c.who.LegacyDN))
	old := c.cookies[sequenceCookie]
	request := c.request("/emsmdb/", "Execute", []byte("a"))
	first := c.do(request)

	replay := func(body string) result {
		r := request.Clone(t.Context())
		r.Body = io.NopCloser(strings.NewReader(body))
		return c.do(r)
	}
	if again := replay("a"); again.code != first.code || !bytes.Equal(again.raw, first.raw) || again.cookies[sequenceCookie] != first.cookies[sequenceCookie] {
		t.Errorf("replay gave code %d and cookies %v, want %v", again.code, again.cookies, first.cookies)
	}
	if other := replay("b"); other.code != int(codeInvalidSequence) {
		t.Errorf("same id with another body: code %d", other.code)
	}
	c.cookies[sequenceCookie] = old
	if res := c.call("/emsmdb/", "Execute", nil); res.code != int(codeInvalidSequence) {
		t.Errorf("old sequence: code %d", res.code)
	}
	delete(c.cookies, sequenceCookie)
	if res := c.call("/emsmdb/", "Execute", nil); res.code != int(codeMissingCookie) {
		t.Errorf("no sequence: code %d", res.code)
	}
	c.cookies[sequenceCookie] = first.cookies[sequenceCookie]
	if res := c.call("/emsmdb/", "Disconnect", []byte("x")); res.code != int(codeInvalidBody) {
		t.Errorf("bad Disconnect: code %d", res.code)
	}
	request = c.request("/emsmdb/", "Disconnect", emptyEnd)
	gone := c.do(request)
	if again := replay(string(emptyEnd)); gone.code != 0 || !bytes.Equal(again.body, gone.body) {
		t.Errorf("replayed Disconnect: code %d", again.code)
	}
}

func TestConnectAgain(t *testing.T) {
	c, _ := start(t)
	request := c.request("/emsmdb/", "Connect", connectBody(c.who.LegacyDN))
	first := c.do(request)
	r := request.Clone(t.Context())
	r.Body = io.NopCloser(bytes.NewReader(connectBody(c.who.LegacyDN)))
	if again := c.do(r); again.cookies[contextCookie] != first.cookies[contextCookie] {
		t.Error("a Connect that was asked twice made two contexts")
	}
	if next := c.call("/emsmdb/", "Connect", connectBody(c.who.LegacyDN)); next.cookies[contextCookie] == first.cookies[contextCookie] {
		t.Error("a new Connect gave the old context")
	}
	c.cookies = first.cookies
	if res := c.call("/emsmdb/", "Execute", nil); res.code != int(codeContextNotFound) {
		t.Errorf("the replaced context answers with code %d", res.code)
	}
}

func TestContextBelongsToTheMailbox(t *testing.T) {
	c, _ := start(t)
	c.call("/emsmdb/", "Connect", connectBody(c.who.LegacyDN))
	thief := c.as(person("adam"))
	thief.cookies = c.cookies
	for _, kind := range []string{"Execute", "Disconnect", "PING", "NotificationWait"} {
		if res := thief.call("/emsmdb/", kind, emptyEnd); res.code != int(codeNoPrivilege) {
			t.Errorf("%s with another's cookies: code %d", kind, res.code)
		}
	}
	// A Connect with another's cookies makes a context of its own and leaves the other.
	before := c.cookies[contextCookie]
	thief.cookies = map[string]string{contextCookie: before}
	if res := thief.call("/emsmdb/", "Connect", connectBody(thief.who.LegacyDN)); res.code != 0 || res.cookies[contextCookie] == before {
		t.Errorf("Connect with another's cookie: code %d", res.code)
	}
	if res := c.call("/emsmdb/", "PING", nil); res.code != 0 {
		t.Errorf("the owner's context answers with code %d", res.code)
	}
}

func TestConnectToAnotherMailbox(t *testing.T) {
	c, _ := start(t)
	other := c.call("/emsmdb/", "Connect", connectBody(dn+"adam"))
	golden(t, "connect-other.txt", other)
	nobody := c.call("/emsmdb/", "Connect", connectBody(dn+"nobody"))
	if !bytes.Equal(other.raw, nobody.raw) || len(other.cookies) != 0 {
		t.Error("the answer tells whether a mailbox exists, or opened a context")
	}
}

func TestLimits(t *testing.T) {
	c, clock := start(t)
	first := c.call("/emsmdb/", "Connect", connectBody(c.who.LegacyDN)).cookies
	for range maxPerOwner {
		clock.add(time.Second)
		c.cookies = map[string]string{}
		if res := c.call("/emsmdb/", "Connect", connectBody(c.who.LegacyDN)); res.code != 0 {
			t.Fatalf("code %d", res.code)
		}
	}
	if n := len(c.door.sessions.owned(c.who.MailboxGUID)); n != maxPerOwner {
		t.Errorf("%d contexts, want %d", n, maxPerOwner)
	}
	c.cookies = first
	if res := c.call("/emsmdb/", "PING", nil); res.code != int(codeContextNotFound) {
		t.Errorf("the context that was idle longest answers with code %d", res.code)
	}
	table := newSessions()
	for i := range maxInAll {
		if _, err := table.open(emsmdb, guid.GUID{0: byte(i), 1: byte(i >> 8), 2: byte(i >> 16)}, clock.get()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := table.open(emsmdb, guid.New(), clock.get()); err == nil {
		t.Error("one context more than the limit")
	}
	if _, err := table.open(emsmdb, guid.New(), clock.get().Add(life)); err != nil || len(table.byContext) != 1 || len(table.byOwner) != 1 || table.idle.Len() != 1 {
		t.Errorf("after the end of life: %d contexts, %v", len(table.byContext), err)
	}
}

func TestRefusals(t *testing.T) {
	change := func(fn func(r *http.Request)) func(c *client) result {
		return func(c *client) result {
			r := c.request("/emsmdb/", "PING", nil)
			fn(r)
			return c.do(r)
		}
	}
	body := func(path, kind string, b []byte) func(c *client) result {
		return func(c *client) result { return c.call(path, kind, b) }
	}
	for name, tt := range map[string]struct {
		do   func(c *client) result
		want code
	}{
		"GET":                   {change(func(r *http.Request) { r.Method = "GET" }), codeInvalidVerb},
		"no X-RequestType":      {change(func(r *http.Request) { r.Header.Del("X-RequestType") }), codeMissingHeader},
		"no X-RequestId":        {change(func(r *http.Request) { r.Header.Del("X-RequestId") }), codeMissingHeader},
		"long X-RequestId":      {change(func(r *http.Request) { r.Header.Set("X-RequestId", strings.Repeat("a", 4096)) }), codeInvalidHeader},
		"long X-ClientInfo":     {change(func(r *http.Request) { r.Header.Set("X-ClientInfo", strings.Repeat("a", 4096)) }), codeInvalidHeader},
		"unknown X-RequestType": {change(func(r *http.Request) { r.Header.Set("X-RequestType", "Reboot") }), codeInvalidRequestType},
		"Bind on emsmdb":        {change(func(r *http.Request) { r.Header.Set("X-RequestType", "Bind") }), codeInvalidRequestType},
		"no cookie":             {body("/emsmdb/", "Execute", nil), codeMissingCookie},
		"malformed cookie": {func(c *client) result {
			c.cookies[contextCookie] = "short"
			return c.call("/emsmdb/", "Execute", nil)
		}, codeInvalidCookie},
		"unknown cookie": {func(c *client) result {
			c.cookies[contextCookie] = strings.Repeat("A", cookieLength)
			return c.call("/emsmdb/", "PING", nil)
		}, codeContextNotFound},
		"wrong content type": {func(c *client) result {
			r := c.request("/emsmdb/", "Connect", connectBody(c.who.LegacyDN))
			r.Header.Set("Content-Type", "text/xml")
			return c.do(r)
		}, codeInvalidHeader},
		"announced 100 MB": {change(func(r *http.Request) { r.ContentLength = 100 << 20 }), codeTooLarge},
		"empty Connect":    {body("/emsmdb/", "Connect", nil), codeInvalidBody},
		"truncated Connect": {func(c *client) result {
			b := connectBody(c.who.LegacyDN)
			return c.call("/emsmdb/", "Connect", b[:len(b)-1])
		}, codeInvalidBody},
		"Connect with a huge aux size": {func(c *client) result {
			b := connectBody(c.who.LegacyDN)
			return c.call("/emsmdb/", "Connect", append(b[:len(b)-4], 0xff, 0xff, 0xff, 0xff))
		}, codeInvalidBody},
		"Connect with a tail": {func(c *client) result {
			return c.call("/emsmdb/", "Connect", append(connectBody(c.who.LegacyDN), 0))
		}, codeInvalidBody},
		"truncated Bind": {body("/nspi/", "Bind", []byte{0, 0, 0, 0, 1, 0}), codeInvalidBody},
		"anonymous":      {func(c *client) result { c.who = nil; return c.call("/emsmdb/", "PING", nil) }, codeAnonymous},
		"MAPI not enabled": {func(c *client) result {
			c.who.MAPIEnabled = false
			return c.call("/emsmdb/", "PING", nil)
		}, codeNoPrivilege},
		"switched off for the mailbox": {func(c *client) result {
			c.who.MapiHTTPEnabled = new(false)
			return c.call("/emsmdb/", "PING", nil)
		}, codeEndpointDisabled},
		"switched off, but on for the mailbox": {func(c *client) result {
			c.enabled, c.who.MapiHTTPEnabled = false, new(true)
			return c.call("/emsmdb/", "NOSUCH", nil)
		}, codeInvalidRequestType},
		"switched off": {func(c *client) result { c.enabled = false; return c.call("/emsmdb/", "PING", nil) }, codeEndpointDisabled},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := start(t)
			res := tt.do(c)
			if res.code != int(tt.want) || res.header.Get("Content-Type") != "text/html; charset=utf-8" || len(res.cookies) != 0 {
				t.Errorf("code %d, want %d; %q", res.code, tt.want, res.header.Get("Content-Type"))
			}
			if len(res.header.Get("X-RequestId")) > maxHeader {
				t.Error("a long header is echoed")
			}
		})
	}
}

type zeroes struct{ n int }

func (z *zeroes) Read(p []byte) (int, error) { clear(p); z.n += len(p); return len(p), nil }

func TestLargeBodyIsNotRead(t *testing.T) {
	c, _ := start(t)
	z := &zeroes{}
	r := c.request("/emsmdb/", "Connect", nil)
	r.Body, r.ContentLength = io.NopCloser(io.LimitReader(z, 100<<20)), -1
	if res := c.do(r); res.code != int(codeTooLarge) {
		t.Errorf("code %d", res.code)
	}
	if z.n > 2*maxRequest {
		t.Errorf("%d bytes were read", z.n)
	}
}

// Over a real connection: answers come in chunks, and the connection stays good
// after a refusal.
func TestOverHTTP(t *testing.T) {
	c, clock := start(t)
	door := New(clock.get)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		door.ServeDoor(w, &clientaccess.Request{Request: r, Rest: strings.TrimPrefix(r.URL.Path, "/mapi"), Record: &clientaccess.Record{},
			Snapshot: snapshot(true), Identity: &auth.Identity{Recipient: c.who}})
	}))
	defer server.Close()
	for i, body := range [][]byte{[]byte("bad"), connectBody(c.who.LegacyDN)} {
		reused := false
		trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { reused = info.Reused }}
		r, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), "POST", server.URL+"/mapi/emsmdb/", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header = c.request("/emsmdb/", "Connect", nil).Header
		res, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		want := []string{"12", "0"}[i]
		if res.Header.Get("X-ResponseCode") != want {
			t.Errorf("code %s, want %s: %q", res.Header.Get("X-ResponseCode"), want, text)
		}
		if i == 1 && (!reused || len(res.TransferEncoding) != 1 || res.TransferEncoding[0] != "chunked") {
			t.Errorf("connection reused: %v, transfer encoding %v", reused, res.TransferEncoding)
		}
	}
}

func TestParallelRequestsOfOneContext(t *testing.T) {
	c, _ := start(t)
	c.call("/emsmdb/", "Connect", connectBody(c.who.LegacyDN))
	requests := make([]*http.Request, 20)
	for i := range requests {
		requests[i] = c.request("/emsmdb/", "Execute", nil)
	}
	codes := make([]int, len(requests))
	var group sync.WaitGroup
	for i, r := range requests {
		group.Go(func() {
			mine := c.as(c.who)
			codes[i] = mine.do(r).code
		})
	}
	group.Wait()
	served := 0
	for _, code := range codes {
		switch code {
		case int(codeInvalidRequestType):
			served++
		case int(codeInvalidSequence):
		default:
			t.Errorf("code %d", code)
		}
	}
	if served != 1 {
		t.Errorf("%d of the requests with one sequence were taken, want 1", served)
	}
}

func FuzzBodies(f *testing.F) {
	f.Add(connectBody(dn + "jane"))
	f.Add(append(append([]byte{0, 0, 0, 0, 1}, make([]byte, statSize)...), 0, 0, 0, 0))
	f.Add(make([]byte, 8))
	f.Fuzz(func(t *testing.T, data []byte) {
		if user, err := parseConnect(data); err == nil && len(user)+21 > len(data) {
			t.Errorf("%d bytes gave a name of %d", len(data), len(user))
		}
		if parseBind(data) == nil && len(data) < 9 || parseUnbind(data) == nil && len(data) < 8 || parseEnd(data) == nil && len(data) < 4 {
			t.Errorf("%d bytes were accepted", len(data))
		}
	})
}
