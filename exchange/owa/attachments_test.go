package owa

import (
	"bytes"
	"encoding/base64"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"hma/exchange/auth"
	"hma/exchange/auth/authtest"
	"hma/exchange/auth/forms"
	"hma/exchange/auth/openid"
	"hma/exchange/clientaccess"
	"hma/exchange/org"
	"hma/exchange/store"
	"hma/internal/sealed"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/mapi"
)

const downloads = "download.contoso.com"

// mail is a world whose administrator has a message with attachments.
type mail struct {
	*world
	now    time.Time
	people *authtest.People
	key    *sealed.Key
}

func newMail(t *testing.T) *mail {
	t.Helper()
	m := &mail{people: authtest.NewPeople(), key: sealed.New()}
	e := authtest.New()
	e.UPN, e.SID, e.ObjectID = "admin@contoso.com", "S-1-5-21-1-2-3-1105", ""
	m.now = e.Now
	now := func() time.Time { return m.now }
	s, err := store.Open(t.Context(), sqldbtest.Memory(t), store.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	admin, err := m.people.BySID(t.Context(), e.SID)
	if err != nil {
		t.Fatal(err)
	}
	box, err := s.OpenMailbox(t.Context(), admin.MailboxGUID, store.MailboxInfo{OwnerSID: admin.SID})
	if err != nil {
		t.Fatal(err)
	}
	inbox, err := box.RoleID(store.RoleInbox)
	if err != nil {
		t.Fatal(err)
	}
	contents := store.Contents{}
	var packed bytes.Buffer
	if err := box.Pack(t.Context(), store.NewItem{Props: mapi.Bag{mapi.PidTagMessageClass: "IPM.Note", mapi.PidTagSubject: "Inner", mapi.PidTagBody: "inner text"}}, &packed); err != nil {
		t.Fatal(err)
	}
	_, err = box.CreateItem(t.Context(), store.NewItem{Folder: inbox,
		Props: mapi.Bag{mapi.PidTagSubject: "Plans <1>", mapi.PidTagSentRepresentingName: "Jane", mapi.PidTagMessageDeliveryTime: m.now},
		Attachments: []store.Attachment{
			{Filename: "../plan \u202e\"x\".html", ContentType: "text/html", Content: contents.Add([]byte("<script>alert(1)</script>"))},
			{Filename: "reply", Method: mapi.AttachEmbedded, Content: contents.Add([]byte("Subject: x\r\n\r\n"))},
			{Filename: "elements", Method: mapi.AttachEmbedded, ContentType: store.PackedType, Content: contents.Add(packed.Bytes())},
			{Filename: "logo.png", Inline: true, Content: contents.Add([]byte("png"))}},
		Contents: contents})
	if err != nil {
		t.Fatal(err)
	}
	a := auth.New(auth.Options{People: m.people})
	snapshot := e.Snapshot()
	door := New(openid.New(openid.Options{Auth: a, Key: m.key, Now: now}), forms.New(forms.Options{Auth: a, Key: m.key, Now: now}), NewAttachments(Options{Auth: a, Store: s, Key: m.key, Now: now}), "")
	m.world = &world{e, snapshot, clientaccess.New(clientaccess.Options{Snapshots: fixed{snapshot}, Auth: a, Doors: map[org.Kind]clientaccess.Door{org.Owa: door}, Now: now})}
	return m
}

// separate turns download domains on, with the identity fix that tokens want.
func (m *mail) separate() {
	m.snapshot.DownloadHosts = map[string]bool{downloads: true}
	vd := m.snapshot.VirtualDirectory(org.Owa)
	vd.ExternalURL, vd.ExternalDownloadHostName = "https://"+m.Host+"/owa", downloads
	m.snapshot.Overrides = []*org.SettingOverride{{Component: "OAuth", Section: "OAuthIdentityCacheFixForDownloadDomains", Parameters: []string{"Enabled=true"}}}
}

// basic takes OWA off OAuth.
func (m *mail) basic() http.Header {
	vd := m.snapshot.VirtualDirectory(org.Owa)
	vd.OAuthAuthentication, vd.BasicAuthentication = false, true
	return http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("admin@contoso.com:"+authtest.Password))}}
}

// signIn returns the cookies of a session.
func (m *mail) signIn(t *testing.T) http.Header {
	t.Helper()
	away := m.do("GET", "/owa", "", nil)
	to, err := url.Parse(away.Header().Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	m.Nonce = to.Query().Get("nonce")
	form := url.Values{"code": {m.Code}, "id_token": {m.Sign(m.IDToken())}, "state": {to.Query().Get("state")}}
	return pairs(m.do("POST", "/owa", form.Encode(), pairs(away)))
}

var href = regexp.MustCompile(`href="([^"]*/attachments/[^"]*)"`)

// links returns the page's links to attachments.
func (m *mail) links(t *testing.T, session http.Header) []string {
	t.Helper()
	home := m.do("GET", "/owa/", "", session)
	var list []string
	for _, found := range href.FindAllStringSubmatch(home.Body.String(), -1) {
		list = append(list, html.UnescapeString(found[1]))
	}
	if home.Code != 200 || len(list) != 3 || !strings.Contains(home.Body.String(), "Plans &lt;1&gt;") {
		t.Fatalf("%d, links %q in %s", home.Code, list, home.Body)
	}
	return list
}

// fetch asks without cookies, as the second host is asked.
func (m *mail) fetch(method, link string) *httptest.ResponseRecorder {
	if strings.HasPrefix(link, "/") {
		link = "https://" + m.Host + link
	}
	answer := httptest.NewRecorder()
	m.front.ServeHTTP(answer, httptest.NewRequest(method, link, nil))
	return answer
}

func TestAttachments(t *testing.T) {
	for name, host := range map[string]string{"OWA's own host": "", "download host": "https://" + downloads} {
		for _, oauth := range []bool{true, false} {
			m := newMail(t)
			if host != "" {
				m.separate()
			}
			var session http.Header
			if oauth {
				session = m.signIn(t)
			} else {
				session = m.basic()
				m.snapshot.Overrides = nil // nobody needs it without tokens
			}
			links := m.links(t, session)
			if !strings.HasPrefix(links[0], host+"/owa/attachments/") {
				t.Errorf("%s: link %s", name, links[0])
			}
			a := m.fetch("GET", links[0])
			h := a.Header()
			if a.Code != 200 || a.Body.String() != "<script>alert(1)</script>" || h.Get("Content-Type") != "text/html" || h.Get("X-Content-Type-Options") != "nosniff" ||
				!strings.Contains(h.Get("Content-Security-Policy"), "sandbox") || h.Get("Content-Disposition") != `attachment; filename="_plan __x_.html"` || h.Get("Cache-Control") != "no-store" {
				t.Errorf("%s, tokens %t: %d %v %s", name, oauth, a.Code, h, a.Body)
			}
			if a := m.fetch("GET", links[1]); a.Code != 200 || a.Header().Get("Content-Type") != "message/rfc822" || !strings.Contains(a.Header().Get("Content-Disposition"), "reply.eml") {
				t.Errorf("%s: %d %v", name, a.Code, a.Header())
			}
			if a := m.fetch("GET", links[2]); a.Code != 200 || a.Header().Get("Content-Type") != "message/rfc822" || a.Header().Get("Content-Length") != "" ||
				!strings.Contains(a.Body.String(), "Subject: Inner\r\n") || !strings.Contains(a.Body.String(), "inner text") {
				t.Errorf("%s: packed item: %d %v %q", name, a.Code, a.Header(), a.Body)
			}
			if a := m.fetch("HEAD", links[0]); a.Code != 200 || a.Body.Len() != 0 || a.Header().Get("Content-Length") != "25" {
				t.Errorf("%s: HEAD %d %v", name, a.Code, a.Header())
			}
		}
	}
}

// TestRefusedAttachments takes one thing after the other away from a good link.
func TestRefusedAttachments(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil  func(m *mail, link string) string
		status int
	}{
		"no override": {func(m *mail, link string) string { m.snapshot.Overrides = nil; return link }, 401},
		"override disabled": {func(m *mail, link string) string {
			m.snapshot.Overrides[0].Parameters = []string{"Enabled=false"}
			return link
		}, 401},
		"override of another section": {func(m *mail, link string) string {
			m.snapshot.Overrides[0].Section = "OwaHMAFixForAfRfScenarios"
			return link
		}, 401},
		"download domains off": {func(m *mail, link string) string { m.snapshot.DownloadHosts = nil; return link }, 200},
		"another host":         {func(m *mail, link string) string { return strings.Replace(link, downloads, m.Host, 1) }, 403},
		"expired":              {func(m *mail, link string) string { m.now = m.now.Add(linkLife); return link }, 403},
		"changed":              {func(m *mail, link string) string { return link[:len(link)-4] + "AAAA" }, 403},
		"no token":             {func(m *mail, link string) string { return link[:strings.IndexByte(link, '?')] }, 403},
		"long token":           {func(m *mail, link string) string { return link + strings.Repeat("A", maxLink) }, 403},
		"sealed for something else": {func(m *mail, link string) string {
			return link[:strings.IndexByte(link, '?')] + "?token=" + base64.RawURLEncoding.EncodeToString(m.key.Seal("openid session", []byte("{}")))
		}, 403},
		"disabled": {func(m *mail, link string) string {
			m.people.Change("admin@contoso.com", func(r *org.Recipient) { r.Enabled = false })
			return link
		}, 401},
		"OWA off for the mailbox": {func(m *mail, link string) string {
			m.people.Change("admin@contoso.com", func(r *org.Recipient) { r.OWAEnabled = false })
			return link
		}, 403},
		"another mailbox": {func(m *mail, link string) string {
			m.people.Change("admin@contoso.com", func(r *org.Recipient) { r.MailboxGUID[0]++ })
			return link
		}, 403},
		"AuthServer disabled": {func(m *mail, link string) string {
			next := *m.snapshot
			next.AuthServers = nil
			*m.snapshot = next
			m.front = clientaccess.New(clientaccess.Options{Snapshots: fixed{&next}, Auth: auth.New(auth.Options{People: m.people}), Now: func() time.Time { return m.now },
				Doors: map[org.Kind]clientaccess.Door{org.Owa: New(nil, nil, NewAttachments(Options{Auth: auth.New(auth.Options{People: m.people}), Key: m.key, Now: func() time.Time { return m.now }}), "")}})
			return link
		}, 401},
	} {
		m := newMail(t)
		m.separate()
		link := tt.spoil(m, m.links(t, m.signIn(t))[0])
		if a := m.fetch("GET", link); a.Code != tt.status || tt.status != 200 && strings.Contains(a.Body.String(), "alert") {
			t.Errorf("%s: %d %s", name, a.Code, a.Body)
		}
	}
	m := newMail(t)
	m.separate()
	link := m.links(t, m.signIn(t))[0]
	if a := m.fetch("POST", link); a.Code != 405 {
		t.Errorf("POST: %d", a.Code)
	}
	// A link of before the switch ends with it.
	link = m.links(t, m.basic())[0]
	vd := m.snapshot.VirtualDirectory(org.Owa)
	vd.OAuthAuthentication, vd.BasicAuthentication = true, false
	if a := m.fetch("GET", link); a.Code != 401 {
		t.Errorf("a link of before the switch: %d", a.Code)
	}
}

// TestDownloadHost serves nothing but attachments.
func TestDownloadHost(t *testing.T) {
	m := newMail(t)
	m.separate()
	session := m.signIn(t)
	for _, path := range []string{"/owa", "/owa/", "/owa/logoff.owa", "/owa/attachmentsx", "/ews/exchange.asmx", "/ecp/", "/autodiscover/autodiscover.json"} {
		r := httptest.NewRequest("GET", "https://"+downloads+path, nil)
		r.Header = session.Clone()
		a := httptest.NewRecorder()
		m.front.ServeHTTP(a, r)
		if a.Code != http.StatusNotFound || a.Header().Get("Set-Cookie") != "" || a.Header().Get("Location") != "" {
			t.Errorf("%s: %d %v", path, a.Code, a.Header())
		}
	}
}

func FuzzLink(f *testing.F) {
	key := sealed.New()
	a := NewAttachments(Options{Key: key})
	f.Add(base64.RawURLEncoding.EncodeToString(key.Seal(purpose, []byte(`{"num":1}`))))
	f.Add("x")
	f.Fuzz(func(t *testing.T, text string) {
		if l, ok := a.read(text); !ok && l != (link{}) {
			t.Errorf("%q: %+v", text, l)
		}
	})
}
