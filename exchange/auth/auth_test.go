package auth_test

import (
	"context"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"hma/exchange/auth"
	"hma/exchange/auth/authtest"
	"hma/exchange/org"
	"hma/wire/bearer"
	"hma/wire/guid"
	"hma/wire/wellknown"
)

var update = flag.Bool("update", false, "rewrite the golden files")

type world struct {
	authtest.Env
	people   *authtest.People
	snapshot *org.Snapshot
	auth     *auth.Authenticator
}

func newWorld() *world {
	e := authtest.New()
	people := authtest.NewPeople()
	return &world{e, people, e.Snapshot(), auth.New(auth.Options{People: people})}
}

func (w *world) facts(kind org.Kind, authorization ...string) *auth.Facts {
	return &auth.Facts{Snapshot: w.snapshot, VirtualDirectory: w.snapshot.VirtualDirectory(kind), Authorization: authorization, Host: w.Host, Now: w.Now}
}

func (w *world) ask(kind org.Kind, authorization ...string) (*auth.Identity, *auth.Denial) {
	return w.auth.Authenticate(context.Background(), w.facts(kind, authorization...))
}

func (w *world) bearer(kind org.Kind, c authtest.Claims) (*auth.Identity, *auth.Denial) {
	return w.ask(kind, "Bearer "+w.Sign(c))
}

func code(d *auth.Denial) bearer.Code {
	if d == nil {
		return -1
	}
	parsed, _ := bearer.ParseDiagnostics(d.Diagnostics)
	return parsed.Code
}

var bearerKinds = []org.Kind{org.Autodiscover, org.WebServices, org.Mapi, org.ActiveSync, org.Oab}

// The captured handshakes: challenges and diagnostics byte by byte.
func TestGoldenChallenges(t *testing.T) {
	blocked := guid.GUID{15: 9}
	for _, tt := range []struct {
		name  string
		kind  org.Kind
		setup func(*world, *auth.Facts)
	}{
		{"eas-anonymous", org.ActiveSync, func(*world, *auth.Facts) {}},
		{"eas-probe", org.ActiveSync, func(w *world, f *auth.Facts) {
			f.Authorization, f.UserIdentity = []string{"Bearer"}, "jane@contoso.com"
		}},
		{"eas-probe-not-offered", org.ActiveSync, func(w *world, f *auth.Facts) {
			f.Authorization, f.UserIdentity = []string{"Bearer"}, "jane@contoso.com"
			w.snapshot.Policies[blocked] = &org.AuthenticationPolicy{Name: "Block", BlockModern: map[org.Protocol]bool{org.ProtocolActiveSync: true}}
			w.people.Change("jane@contoso.com", func(r *org.Recipient) { r.AuthenticationPolicy = blocked })
		}},
		{"eas-probe-organisation-off", org.ActiveSync, func(w *world, f *auth.Facts) {
			f.Authorization = []string{"Bearer "}
			w.snapshot.Org.OAuth2ClientProfileEnabled = false
		}},
		{"mapi-probe", org.Mapi, func(w *world, f *auth.Facts) { f.Authorization = []string{"bearer"} }},
		{"wrong-audience", org.WebServices, func(w *world, f *auth.Facts) {
			f.Authorization = []string{"Bearer " + w.Sign(w.Delegated().With(authtest.Claims{"aud": "https://other.contoso.com"}))}
		}},
		{"oauth-removed", org.ActiveSync, func(w *world, f *auth.Facts) {
			f.Authorization = []string{"Bearer"}
			f.VirtualDirectory.InternalAuthenticationMethods = []org.Method{org.MethodBasic}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld()
			f := w.facts(tt.kind)
			tt.setup(w, f)
			_, d := w.auth.Authenticate(t.Context(), f)
			if d == nil {
				t.Fatal("admitted")
			}
			var b strings.Builder
			fmt.Fprintf(&b, "%d\n", d.Status)
			for _, c := range d.Challenges {
				fmt.Fprintf(&b, "WWW-Authenticate: %s\n", c)
			}
			if d.Diagnostics != "" {
				fmt.Fprintf(&b, "x-ms-diagnostics: %s\n", d.Diagnostics)
			}
			file := filepath.Join("testdata", tt.name+".txt")
			if *update {
				if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if b.String() != string(want) {
				t.Errorf("got\n%swant\n%s", b.String(), want)
			}
		})
	}
}

func TestGoodTokens(t *testing.T) {
	w := newWorld()
	for _, kind := range bearerKinds {
		for name, c := range map[string]authtest.Claims{
			"as issued":      w.Delegated(),
			"trailing slash": w.Delegated().With(authtest.Claims{"aud": "https://" + w.Host + "/"}),
			"upper case":     w.Delegated().With(authtest.Claims{"aud": "HTTPS://" + strings.ToUpper(w.Host)}),
			"default port":   w.Delegated().With(authtest.Claims{"aud": "https://" + w.Host + ":443"}),
			"Exchange form":  w.Delegated().With(authtest.Claims{"aud": wellknown.Exchange + "/" + w.Host + "@" + w.Tenant}),
			"within skew":    w.Delegated().With(authtest.Claims{"exp": w.Now.Unix() - 299}),
			"by UPN":         w.Delegated().With(authtest.Claims{"onprem_sid": nil, "unique_name": nil, "upn": "JANE@contoso.com"}),
			"by address":     w.Delegated().With(authtest.Claims{"onprem_sid": nil, "unique_name": nil, "upn": "j.doe@contoso.com"}),
			"x of our own":   w.Delegated().With(authtest.Claims{"x": map[string]any{"upn": 1, "UPN": 2}}),
		} {
			for range 2 { // the second comes from the cache
				id, d := w.bearer(kind, c)
				if d != nil {
					t.Errorf("%s, %s: %s", kind, name, d.Reason)
				} else if id.Recipient.UPN != "jane@contoso.com" || id.AuthN != "Bearer*" || id.Application == "" {
					t.Errorf("%s, %s: %+v", kind, name, id)
				}
			}
		}
	}
	id, d := w.bearer(org.WebServices, w.AppOnly())
	if d != nil || id.Recipient != nil || id.Roles[0] != "full_access_as_app" {
		t.Errorf("application: %+v %+v", id, d)
	}
}

func TestHostileTokens(t *testing.T) {
	for _, kind := range authtest.Kinds {
		w := newWorld()
		for _, c := range authtest.Cases(w.Env, kind) {
			for range 2 {
				var d *auth.Denial
				if kind == org.Owa || kind == org.Ecp {
					_, d = w.auth.IDToken(t.Context(), w.facts(kind), c.Token, w.Nonce, w.Code)
				} else {
					_, d = w.ask(kind, "Bearer "+c.Token)
				}
				if d == nil {
					t.Errorf("%s: %s: admitted", kind, c.Name)
				} else if d.Status != c.Status || code(d) != c.Code || d.Reason == "" || strings.Contains(d.Reason, c.Token) {
					t.Errorf("%s: %s: status %d, %s, want %d, %d (%s)", kind, c.Name, d.Status, d.Diagnostics, c.Status, c.Code, d.Reason)
				}
			}
		}
	}
}

// Before the signature holds, a token for nobody is answered as one for somebody.
func TestNoOracleBeforeSignature(t *testing.T) {
	w := newWorld()
	forged := w.Env
	forged.Key, _ = authtest.MakeKey()
	_, known := w.ask(org.WebServices, "Bearer "+forged.Sign(w.Delegated()))
	for _, upn := range []string{w.UnknownUPN, w.AmbiguousUPN, w.DisabledUPN} {
		_, d := w.ask(org.WebServices, "Bearer "+forged.Sign(w.Delegated().With(authtest.Claims{"upn": upn, "unique_name": upn, "onprem_sid": nil})))
		if fmt.Sprint(*d) != fmt.Sprint(*known) {
			t.Errorf("%s: %+v, known %+v", upn, d, known)
		}
	}
	probe := func(user string) string {
		f := w.facts(org.ActiveSync, "Bearer")
		f.UserIdentity = user
		_, d := w.auth.Authenticate(t.Context(), f)
		return fmt.Sprint(*d)
	}
	if probe("nobody@contoso.com") != probe("jane@contoso.com") || probe("") != probe("twin@contoso.com") {
		t.Error("the probe tells who exists")
	}
}

// asked counts what the directory is asked.
type asked struct {
	auth.People
	n int
}

func (a *asked) BySID(ctx context.Context, sid string) (*org.Recipient, error) {
	a.n++
	return a.People.BySID(ctx, sid)
}

func (a *asked) ByUPN(ctx context.Context, upn string) ([]*org.Recipient, error) {
	a.n++
	return a.People.ByUPN(ctx, upn)
}

func (a *asked) BySMTP(ctx context.Context, address string) ([]*org.Recipient, error) {
	a.n++
	return a.People.BySMTP(ctx, address)
}

// The directory is asked the same of a probe whoever is named, so that its time tells nothing.
func TestProbeAsksTheSameOfEverybody(t *testing.T) {
	w := newWorld()
	want := 0
	for _, user := range []string{w.UPN, w.UnknownUPN, w.AmbiguousUPN, w.DisabledUPN, "one@contoso.com"} {
		people := &asked{People: w.people}
		f := w.facts(org.ActiveSync, "Bearer")
		f.UserIdentity = user
		auth.New(auth.Options{People: people}).Authenticate(t.Context(), f)
		if want == 0 {
			want = people.n
		}
		if people.n == 0 || people.n != want {
			t.Errorf("%s: asked %d times, others %d", user, people.n, want)
		}
	}
}

func TestNoConfusion(t *testing.T) {
	w := newWorld()
	token := "Bearer " + w.Sign(w.Delegated())
	if _, d := w.ask(org.WebServices, token); d != nil {
		t.Fatal(d.Reason)
	}
	for name, change := range map[string]func(*auth.Facts){
		"other host of the server":  func(f *auth.Facts) { f.Host = "localhost:8443" },
		"other port":                func(f *auth.Facts) { f.Host = w.Host + ":8443" },
		"host that nobody set up":   func(f *auth.Facts) { f.Snapshot = new(*f.Snapshot); f.Snapshot.Hosts = nil },
		"server with another trust": func(f *auth.Facts) { f.Snapshot = new(*f.Snapshot); f.Snapshot.AuthServers = nil },
		"door of another profile":   func(f *auth.Facts) { f.VirtualDirectory = f.Snapshot.VirtualDirectory(org.Owa) },
		"past its end and the skew": func(f *auth.Facts) { f.Now = f.Now.Add(4301 * time.Second) },
		"other claims under its signature": func(f *auth.Facts) {
			parts := strings.Split(token, ".")
			other := strings.Split(w.Sign(w.Delegated().With(authtest.Claims{"nonce": "n"})), ".")
			f.Authorization = []string{parts[0] + "." + other[1] + "." + parts[2]}
		},
		"AuthServer of another tenant": func(f *auth.Facts) {
			f.Snapshot = new(*f.Snapshot)
			moved := w.AuthServer()
			moved.Realm = "99999999-2222-3333-4444-555555555555"
			f.Snapshot.AuthServers = []*org.AuthServer{moved}
		},
		"AuthServer disabled": func(f *auth.Facts) {
			f.Snapshot = new(*f.Snapshot)
			off := w.AuthServer()
			off.Enabled = false
			f.Snapshot.AuthServers = []*org.AuthServer{off}
		},
	} {
		f := w.facts(org.WebServices, token)
		change(f)
		if _, d := w.auth.Authenticate(t.Context(), f); d == nil {
			t.Errorf("%s: admitted", name)
		}
	}
	narrow := "Bearer " + w.Sign(w.Delegated().With(authtest.Claims{"scp": "EAS.AccessAsUser.All"}))
	if _, d := w.ask(org.ActiveSync, narrow); d != nil {
		t.Error(d.Reason)
	}
	if _, d := w.ask(org.Mapi, narrow); code(d) != bearer.InvalidGrant {
		t.Errorf("a token of ActiveSync opened MAPI: %+v", d)
	}
}

func TestPeopleAtOnce(t *testing.T) {
	w := newWorld()
	token := "Bearer " + w.Sign(w.Delegated())
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("jane@contoso.com:"+authtest.Password))
	ask := func(credential string) *auth.Denial { _, d := w.ask(org.WebServices, credential); return d }
	if ask(token) != nil || ask(basic) != nil {
		t.Fatal("not admitted")
	}
	w.people.Change("jane@contoso.com", func(r *org.Recipient) { r.EwsEnabled = false })
	if d := ask(token); d == nil || d.Status != 403 || len(d.Challenges) != 0 {
		t.Errorf("mailbox switch: %+v", d)
	}
	if d := ask(basic); d == nil || d.Status != 403 {
		t.Errorf("mailbox switch, Basic: %+v", d)
	}
	w.people.Change("jane@contoso.com", func(r *org.Recipient) { r.EwsEnabled, r.Enabled = true, false })
	if d := ask(token); code(d) != bearer.InvalidUser {
		t.Errorf("disabled: %+v", d)
	}
	if d := ask(basic); d == nil || d.Status != 401 {
		t.Errorf("disabled, Basic: %+v", d)
	}
	w.people.Change("jane@contoso.com", func(r *org.Recipient) { r.Enabled = true })
	if d := ask(token); d != nil {
		t.Errorf("enabled again: %s", d.Reason)
	}
}

// A name that was given to somebody else on premises does not open with the old account's SID.
func TestDeletedAccount(t *testing.T) {
	w := newWorld()
	if _, d := w.bearer(org.WebServices, w.Delegated().With(authtest.Claims{"onprem_sid": "S-1-5-21-1-2-3-9999"})); code(d) != bearer.InvalidUser {
		t.Errorf("SID of our directory that is gone: %+v", d)
	}
	if _, d := w.bearer(org.WebServices, w.Delegated().With(authtest.Claims{"onprem_sid": "S-1-5-21-7-7-7-9999"})); d != nil {
		t.Errorf("SID of another forest: %s", d.Reason)
	}
}

func TestBasic(t *testing.T) {
	w := newWorld()
	basic := func(text string) string { return "basic " + base64.StdEncoding.EncodeToString([]byte(text)) }
	for range 2 {
		id, d := w.ask(org.WebServices, basic("jane@contoso.com:"+authtest.Password))
		if d != nil || id.AuthN != "Basic*" || id.Recipient.UPN != "jane@contoso.com" {
			t.Fatalf("%+v %+v", id, d)
		}
	}
	for _, credential := range []string{basic("jane@contoso.com:wrong"), basic("nobody@contoso.com:wrong"), basic("gone@contoso.com:" + authtest.Password),
		basic("jane@contoso.com:"), basic(":x"), basic("x"), "Basic", "Basic !", "Basic " + strings.Repeat("A", 5000), "Negotiate YII=", "NTLM TlRM", "x", ""} {
		id, d := w.ask(org.WebServices, credential)
		if id != nil || d.Status != 401 || len(d.Challenges) != 1 || d.Challenges[0] != `Basic realm="mail.contoso.com"` || d.Diagnostics != "" {
			t.Errorf("%.40s: %+v", credential, d)
		}
		if strings.Contains(d.Reason, "jane") || strings.Contains(d.Reason, authtest.Password) {
			t.Errorf("reason %s", d.Reason)
		}
	}
	if _, d := w.ask(org.Owa, basic("jane@contoso.com:"+authtest.Password)); d == nil || len(d.Challenges) != 0 {
		t.Errorf("Basic where it is off: %+v", d)
	}
	blocked := guid.GUID{15: 9}
	w.snapshot.Policies[blocked] = &org.AuthenticationPolicy{Name: "Block", BlockLegacy: map[org.Protocol]bool{org.ProtocolWebServices: true}}
	w.snapshot.Org.DefaultAuthenticationPolicy = blocked
	if _, d := w.ask(org.WebServices, basic("jane@contoso.com:"+authtest.Password)); d == nil || d.Status != 401 {
		t.Errorf("blocked by policy: %+v", d)
	}
	if _, d := w.ask(org.ActiveSync, basic("jane@contoso.com:"+authtest.Password)); d != nil {
		t.Errorf("blocked for another protocol: %s", d.Reason)
	}
}

// What is not offered is still taken: the switch and the policy govern what is advertised.
func TestTokenWithoutOffer(t *testing.T) {
	w := newWorld()
	w.snapshot.Org.OAuth2ClientProfileEnabled = false
	if _, d := w.bearer(org.WebServices, w.Delegated()); d != nil {
		t.Error(d.Reason)
	}
	_, d := w.ask(org.WebServices, "Bearer bad")
	if strings.Contains(d.Challenges[0], "authorization_uri") || code(d) != bearer.Unparsable {
		t.Errorf("%+v", d)
	}
}

func TestRpcAndSeveralHeaders(t *testing.T) {
	w := newWorld()
	for _, credential := range []string{"Bearer", "Bearer " + w.Sign(w.Delegated())} {
		if _, d := w.ask(org.Rpc, credential); d == nil || len(d.Challenges) != 1 || !strings.HasPrefix(d.Challenges[0], "Basic ") {
			t.Errorf("%+v", d)
		}
	}
	if _, d := w.ask(org.WebServices, "Bearer "+w.Sign(w.Delegated()), "Bearer x"); code(d) != bearer.Unparsable {
		t.Errorf("%+v", d)
	}
}

func TestDirectoryDown(t *testing.T) {
	w := newWorld()
	w.people.Down = errors.New("database is away")
	if _, d := w.bearer(org.WebServices, w.Delegated()); d == nil || d.Status != 503 || len(d.Challenges) != 0 {
		t.Errorf("%+v", d)
	}
	if _, d := w.ask(org.ActiveSync, "Bearer"); d == nil || d.Status != 401 {
		t.Errorf("probe: %+v", d)
	}
}

type refresher struct {
	certs []string
	asked int
}

func (r *refresher) UnknownKey(context.Context, *org.AuthServer) []string { r.asked++; return r.certs }

func TestUnknownKeyIsFetched(t *testing.T) {
	w := newWorld()
	newer := w.Env
	newer.Key, newer.Public = authtest.MakeKey()
	newer.KeyID = authtest.Thumbprint(newer.Public)
	r := &refresher{}
	w.auth = auth.New(auth.Options{People: w.people, Keys: r})
	token := "Bearer " + newer.Sign(newer.Delegated())
	if _, d := w.ask(org.WebServices, token); code(d) != bearer.InvalidSignature {
		t.Fatalf("%+v", d)
	}
	r.certs = []string{base64.StdEncoding.EncodeToString(newer.Public)}
	if _, d := w.ask(org.WebServices, token); d != nil || r.asked != 2 {
		t.Fatalf("%+v, asked %d", d, r.asked)
	}
	r.certs = nil
	if _, d := w.ask(org.WebServices, token); d == nil {
		t.Fatal("kept under a trust that does not hold the key")
	}
	if w.ask(org.WebServices, "Bearer "+w.SignRaw(`{"alg":"RS256","kid":"../x"}`, "{}")); r.asked != 3 {
		t.Errorf("asked %d", r.asked)
	}
}

func TestHitAllocatesNothing(t *testing.T) {
	w := newWorld()
	f := w.facts(org.WebServices, "Bearer "+w.Sign(w.Delegated()))
	if n := testing.AllocsPerRun(100, func() { w.auth.Authenticate(context.Background(), f) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// The id of an application is one text for all its tokens in the cache, however long ago the others came.
func TestTokensShareTexts(t *testing.T) {
	w := newWorld()
	var texts []*byte
	for i := range 2 {
		id, d := w.bearer(org.WebServices, w.Delegated().With(authtest.Claims{"nonce": strconv.Itoa(i)}))
		if d != nil {
			t.Fatal(d.Reason)
		}
		texts = append(texts, unsafe.StringData(id.Application))
		runtime.GC()
		runtime.GC()
	}
	if texts[0] != texts[1] {
		t.Error("each token has its own")
	}
	runtime.KeepAlive(w)
}

func FuzzToken(f *testing.F) {
	w := newWorld()
	for _, c := range authtest.Cases(w.Env, org.WebServices) {
		if len(c.Token) < 4000 {
			f.Add(c.Token)
		}
	}
	f.Fuzz(func(t *testing.T, token string) {
		if id, d := w.ask(org.WebServices, "Bearer "+token); (id == nil) == (d == nil) || d != nil && d.Status != 401 && d.Status != 403 {
			t.Fatalf("%+v %+v", id, d)
		}
	})
}

// The built-in Administrator is never synchronised: a cloud account that has its name is somebody else's.
func TestCriticalSystemObject(t *testing.T) {
	w := newWorld()
	w.people.Change("jane@contoso.com", func(r *org.Recipient) { r.CriticalSystemObject = true })
	if _, d := w.ask(org.WebServices, "Bearer "+w.Sign(w.Delegated())); code(d) != bearer.InvalidUser {
		t.Errorf("admitted, or another reason: %+v", d)
	}
}

// A shared or resource mailbox is no person, and a group none at all: a token or password of that name opens no door,
// even if the account were enabled by mistake.
func TestNobodySignsInAsASharedMailbox(t *testing.T) {
	for _, kind := range []org.RecipientType{org.TypeShared, org.TypeRoom, org.TypeEquipment, org.TypeDistributionGroup, org.TypeRoomList} {
		for _, enabled := range []bool{false, true} {
			w := newWorld()
			w.people.Change("jane@contoso.com", func(r *org.Recipient) { r.Type, r.Enabled = kind, enabled })
			for _, door := range bearerKinds {
				if id, d := w.bearer(door, w.Delegated()); id != nil || code(d) != bearer.InvalidUser {
					t.Errorf("%s at %s: %+v %+v", kind, door, id, d)
				}
			}
			basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("jane@contoso.com:"+authtest.Password))
			if id, d := w.ask(org.ActiveSync, basic); id != nil || d.Status != 401 {
				t.Errorf("%s with a password: %+v %+v", kind, id, d)
			}
			if id, d := w.auth.Session(t.Context(), w.facts(org.Owa), "S-1-5-21-1-2-3-1104", w.Issuer); id != nil || d.Status != 401 {
				t.Errorf("%s in a session: %+v %+v", kind, id, d)
			}
		}
	}
}
