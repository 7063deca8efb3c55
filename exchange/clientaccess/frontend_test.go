package clientaccess

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hma/exchange/auth"
	"hma/exchange/auth/authtest"
	"hma/exchange/org"
	"hma/wire/bearer"
	"hma/wire/ntlm"
)

type fixed struct{ s *org.Snapshot }

func (f fixed) Snapshot() *org.Snapshot { return f.s }

type doorFunc func(w http.ResponseWriter, r *Request)

func (f doorFunc) ServeDoor(w http.ResponseWriter, r *Request) { f(w, r) }

type world struct {
	authtest.Env
	front *FrontEnd
	log   *bytes.Buffer
}

func newWorld(door doorFunc) *world {
	e := authtest.New()
	var log bytes.Buffer
	doors := map[org.Kind]Door{}
	for _, kind := range authtest.Kinds {
		doors[kind] = door
	}
	front := New(Options{Snapshots: fixed{e.Snapshot()}, Auth: auth.New(auth.Options{People: authtest.NewPeople()}), Doors: doors,
		Now: func() time.Time { return authtest.Now }, Log: slog.New(slog.NewTextHandler(&log, nil))})
	return &world{e, front, &log}
}

func (w *world) do(method, path string, header map[string]string, body io.Reader) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "https://"+w.Host+path, body)
	for name, value := range header {
		r.Header.Set(name, value)
	}
	answer := httptest.NewRecorder()
	w.front.ServeHTTP(answer, r)
	return answer
}

func hello(w http.ResponseWriter, r *Request) {
	r.Record.Begin("Hello", false)
	io.WriteString(w, "hello "+r.Rest)
}

func TestMatch(t *testing.T) {
	w := newWorld(hello)
	good := map[string]string{"Authorization": "Bearer " + w.Sign(w.Delegated())}
	for _, tt := range []struct {
		path   string
		status int
		body   string
	}{
		{"/EWS/Exchange.asmx", 200, "hello /Exchange.asmx"},
		{"/ews", 200, "hello "},
		{"/ewsx", 404, ""},
		{"/", 404, ""},
		{"/Microsoft-Server-ActiveSync?Cmd=Ping", 200, "hello "},
		{"/rpc/rpcproxy.dll", 401, ""},
	} {
		a := w.do("POST", tt.path, good, nil)
		if a.Code != tt.status || a.Body.String() != tt.body {
			t.Errorf("%s: %d %q", tt.path, a.Code, a.Body)
		}
		if len(a.Header().Get("request-id")) != 36 || a.Header().Get("X-FEServer") != "EX1" {
			t.Errorf("%s: headers %v", tt.path, a.Header())
		}
	}
	s := w.Snapshot()
	s.VirtualDirectories = append(s.VirtualDirectories, &org.VirtualDirectory{Kind: "Deep", Path: "/ews/deep"})
	if vd, rest := match(s, "/EWS/Deep/x"); vd.Kind != "Deep" || rest != "/x" {
		t.Errorf("longest: %v %q", vd.Kind, rest)
	}
}

func TestAnonymousPaths(t *testing.T) {
	w := newWorld(func(w http.ResponseWriter, r *Request) {
		if r.Identity == nil {
			io.WriteString(w, "anonymous")
		}
	})
	for path, want := range map[string]int{
		"/autodiscover/autodiscover.json?Email=a": 200, "/Autodiscover/AutoDiscover.JSON/v1.0/a@b": 200, "/owa/": 200, "/ecp": 200,
		"/autodiscover/metadata/json/1": 200, "/Autodiscover/Metadata/json/ex1": 200, "/autodiscover/metadata/json/1/x": 401, "/autodiscover/metadata/json/2": 401,
		"/autodiscover/autodiscover.xml": 401, "/autodiscover/autodiscover.jsonx": 401, "/ews/exchange.asmx": 401, "/oab/": 401, "/mapi/emsmdb": 401,
	} {
		if a := w.do("GET", path, nil, nil); a.Code != want {
			t.Errorf("%s: %d, want %d", path, a.Code, want)
		}
	}
}

func TestDenial(t *testing.T) {
	w := newWorld(hello)
	a := w.do("OPTIONS", "/Microsoft-Server-ActiveSync", map[string]string{"Authorization": "Bearer", "X-User-Identity": "jane@contoso.com"}, nil)
	schemes := bearer.Parse(a.Header()["Www-Authenticate"])
	if a.Code != 401 || len(schemes) != 2 || schemes[0].Challenge().IssuerKind != "AzureAD" || a.Header().Get("Content-Length") != "0" || a.Body.Len() != 0 {
		t.Errorf("%d %v", a.Code, a.Header())
	}
	if a.Header().Get("X-OWA-Version") != "15.2.1544.11" {
		t.Errorf("headers %v", a.Header())
	}
	if a := w.do("DELETE", "/ews/exchange.asmx", nil, nil); a.Code != 405 || a.Header().Get("Allow") == "" {
		t.Errorf("%d %v", a.Code, a.Header())
	}
}

// Every refused request has its reason in the record, and no record has a credential in it.
func TestRecord(t *testing.T) {
	w := newWorld(hello)
	token := w.Sign(w.Delegated())
	w.do("POST", "/ews/exchange.asmx", map[string]string{"Authorization": "Bearer " + token, "User-Agent": "Mail/1"}, nil)
	line := w.log.String()
	for _, want := range []string{"door=WebServices", "operation=Hello", "status=200", "user=jane@contoso.com", "authn=Bearer*", "application=d3590ed6", "agent=Mail/1", "bytes=20"} {
		if !strings.Contains(line, want) {
			t.Errorf("no %s in %s", want, line)
		}
	}
	if strings.Contains(line, token[:40]) {
		t.Error("the record holds the token")
	}
	for _, credential := range []string{"", "Bearer", "Bearer x.y.z", "Basic amFuZTpzZWNyZXQ=", "Bearer " + token[:len(token)-8] + "AAAAAAAA"} {
		w.log.Reset()
		header := map[string]string{}
		if credential != "" {
			header["Authorization"] = credential
		}
		if a := w.do("POST", "/ews/exchange.asmx?x="+token, header, nil); a.Code != 401 {
			t.Errorf("%s: %d", credential, a.Code)
		}
		line := w.log.String()
		if strings.Count(line, "\n") != 1 || !strings.Contains(line, "reason=") || strings.Contains(line, "secret") || strings.Contains(line, "amFuZ") || strings.Contains(line, token[:20]) {
			t.Errorf("record %s", line)
		}
	}
}

func TestHostileTokensAtTheDoors(t *testing.T) {
	w := newWorld(hello)
	paths := map[org.Kind]string{org.Autodiscover: "/autodiscover/autodiscover.xml", org.WebServices: "/ews/exchange.asmx", org.Mapi: "/mapi/emsmdb/",
		org.ActiveSync: "/microsoft-server-activesync", org.Oab: "/oab/x/oab.xml"}
	for kind, path := range paths {
		for _, c := range authtest.Cases(w.Env, kind) {
			a := w.do("POST", path, map[string]string{"Authorization": "Bearer " + c.Token}, strings.NewReader("<x/>"))
			d, _ := bearer.ParseDiagnostics(a.Header().Get(bearer.DiagnosticsHeader))
			if a.Code != c.Status || d.Code != c.Code {
				t.Errorf("%s: %s: %d %+v", kind, c.Name, a.Code, d)
			}
		}
	}
}

func TestPanic(t *testing.T) {
	w := newWorld(func(w http.ResponseWriter, r *Request) {
		w.Header().Set("X-Inside", "secret")
		panic("inside " + r.ID)
	})
	good := map[string]string{"Authorization": "Bearer " + w.Sign(w.Delegated())}
	a := w.do("POST", "/ews/exchange.asmx", good, strings.NewReader("body"))
	if a.Code != 500 || a.Body.Len() != 0 || a.Header().Get("X-Inside") != "" || a.Header().Get("request-id") == "" {
		t.Errorf("%d %v %q", a.Code, a.Header(), a.Body)
	}
	if !strings.Contains(w.log.String(), "door failed") || !strings.Contains(w.log.String(), "status=500") {
		t.Errorf("log %s", w.log)
	}
	late := newWorld(func(w http.ResponseWriter, r *Request) {
		io.WriteString(w, "half")
		panic("inside")
	})
	func() {
		defer func() {
			if recover() != http.ErrAbortHandler {
				t.Error("a half answer was ended as if it were whole")
			}
		}()
		late.do("POST", "/ews/exchange.asmx", good, nil)
	}()
}

// A refused request and one with a body beyond the limit leave the connection usable, on a real connection.
func TestConnectionStaysUsable(t *testing.T) {
	w := newWorld(func(w http.ResponseWriter, r *Request) {
		_, err := io.Copy(io.Discard, r.Body)
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		}
	})
	var connections atomic.Int64
	server := httptest.NewUnstartedServer(w.front)
	server.Config.MaxHeaderBytes = MaxHeaderBytes
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	client := server.Client()
	send := func(credential string, size int64) int {
		r, err := http.NewRequest("POST", server.URL+"/ews/exchange.asmx", io.LimitReader(zeros{}, size))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = w.Host
		r.Header.Set("Authorization", credential)
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		return resp.StatusCode
	}
	good := "Bearer " + w.Sign(w.Delegated())
	for _, tt := range []struct {
		credential string
		size       int64
		want       int
	}{{"Bearer", 900 << 10, 401}, {"Bearer " + strings.Repeat("x", 64<<10), 10, 401}, {good, 200 << 20, 413}, {good, 10 << 20, 200}, {good, 0, 200}} {
		if got := send(tt.credential, tt.size); got != tt.want {
			t.Errorf("%d bytes: %d, want %d", tt.size, got, tt.want)
		}
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// A handshake of NTLM hangs on the connection: it must outlive bodies, also of a client
// that asks before it sends one (Expect), and the connection stays signed in.
func TestWindowsHandshake(t *testing.T) {
	w := newWorld(func(w http.ResponseWriter, r *Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprintf(w, "%s %s %d", r.Identity.Recipient.UPN, r.Identity.AuthN, n)
	})
	w.front.snapshots.Snapshot().VirtualDirectory(org.WebServices).WindowsAuthentication = true
	server := httptest.NewUnstartedServer(w.front)
	server.Config.ConnContext = func(ctx context.Context, _ net.Conn) context.Context { return auth.WithConnection(ctx) }
	server.Start()
	defer server.Close()
	for name, expect := range map[string]string{"the body comes at once": "", "the client asks first": "100-continue"} {
		t.Run(name, func(t *testing.T) {
			c, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			in := bufio.NewReader(c)
			body := strings.Repeat("x", 3<<20)
			send := func(authorization string) (*http.Response, string) {
				t.Helper()
				head := fmt.Sprintf("POST /ews/exchange.asmx HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", w.Host, len(body))
				if authorization != "" {
					head += "Authorization: " + authorization + "\r\n"
				}
				if expect != "" {
					head += "Expect: " + expect + "\r\n"
				}
				io.WriteString(c, head+"\r\n")
				if expect != "" {
					if line, err := in.ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 100") {
						t.Fatalf("want 100 Continue, got %q %v", line, err)
					}
					in.ReadString('\n')
				}
				c.SetDeadline(time.Now().Add(20 * time.Second)) // so that a failure ends
				if _, err := io.WriteString(c, body); err != nil {
					t.Fatal(err)
				}
				resp, err := http.ReadResponse(in, nil)
				if err != nil {
					t.Fatal(err)
				}
				text, err := io.ReadAll(resp.Body)
				if err != nil {
					t.Fatal(err)
				}
				return resp, string(text)
			}
			client := &ntlm.Client{User: "jane@contoso.com", Hash: ntlm.HashPassword(authtest.Password)}
			resp, _ := send("Negotiate " + base64.StdEncoding.EncodeToString(ntlm.NewInit(client.Negotiate())))
			token, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(resp.Header.Get("WWW-Authenticate"), "Negotiate "))
			if err != nil || resp.StatusCode != 401 || resp.Close {
				t.Fatalf("%d %v close=%t", resp.StatusCode, resp.Header, resp.Close)
			}
			challenge, err := ntlm.ParseResponse(token)
			if err != nil {
				t.Fatal(err)
			}
			answer, _, err := client.Authenticate(challenge.Token, [8]byte{1})
			if err != nil {
				t.Fatal(err)
			}
			resp, text := send("Negotiate " + base64.StdEncoding.EncodeToString((&ntlm.Response{Token: answer}).MarshalClient()))
			if want := fmt.Sprintf("jane@contoso.com Nego* %d", len(body)); resp.StatusCode != 200 || text != want || !strings.HasPrefix(resp.Header.Get("WWW-Authenticate"), "Negotiate ") {
				t.Errorf("%d %q %v, want %q", resp.StatusCode, text, resp.Header, want)
			}
			if resp, text := send(""); resp.StatusCode != 200 || !strings.HasPrefix(text, "jane@contoso.com Nego*") || resp.Header.Get("WWW-Authenticate") != "" {
				t.Errorf("once more: %d %q %v", resp.StatusCode, text, resp.Header)
			}
		})
	}
}
