package ews

import (
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hma/exchange/store"
	"hma/wire/soap"
)

// listener is a subscriber's web service.
type listener struct {
	*httptest.Server
	got    []string // bodies
	answer func(rw http.ResponseWriter)
}

func sendResult(status string) string {
	return `<s:Envelope xmlns:s="` + soap.NSEnvelope + `"><s:Body><SendNotificationResult xmlns="` + soap.NSMessages + `"><SubscriptionStatus>` + status + `</SubscriptionStatus></SendNotificationResult></s:Body></s:Envelope>`
}

func saying(text string) func(http.ResponseWriter) {
	return func(rw http.ResponseWriter) { io.WriteString(rw, text) }
}

// pushTo starts a listener that the door may call.
func (w *world) pushTo() *listener {
	l := &listener{answer: saying(sendResult("OK"))}
	l.Server = httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Method != "POST" || r.Header.Get("SOAPAction") != `"`+soap.NSMessages+`/SendNotification"` || r.Header.Get("Authorization") != "" {
			w.t.Errorf("asked with %s, %v", r.Method, r.Header)
		}
		l.got = append(l.got, string(body))
		l.answer(rw)
	}))
	w.t.Cleanup(l.Close)
	w.opts.Push = PushOptions{To: []string{l.URL}, Roots: x509.NewCertPool()}
	w.opts.Push.Roots.AddCert(l.Certificate())
	w.door = New(w.store, w.mail, w.opts)
	return l
}

func pushRequest(to, minutes string) string {
	return wrap(`<m:Subscribe><m:PushSubscriptionRequest><t:FolderIds><t:DistinguishedFolderId Id="inbox"/></t:FolderIds><t:EventTypes><t:EventType>NewMailEvent</t:EventType></t:EventTypes>` +
		`<t:StatusFrequency>` + minutes + `</t:StatusFrequency><t:URL>` + to + `</t:URL><t:CallerData>me</t:CallerData></m:PushSubscriptionRequest></m:Subscribe>`)
}

// push tells what is due, and returns what the listener got.
func (w *world) push(l *listener) []string {
	w.t.Helper()
	l.got = nil
	for range 2 { // what one call made due is told by the next
		_, watch, err := w.door.pushDue(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		if watch != nil {
			watch.Close()
		}
		w.door.pushes.calls.Wait()
	}
	return l.got
}

// TestPush holds what a subscriber for push notifications is told, and when, and how it ends.
func TestPush(t *testing.T) {
	w := newWorld(t)
	l := w.pushTo()
	_, answer := w.ask(pushRequest(l.URL+"/events?x=1", "2"))
	found := subscriptionText.FindStringSubmatch(answer)
	if found == nil || !strings.Contains(answer, "<m:Watermark>") {
		t.Fatal(answer)
	}
	status, mail := "<t:StatusEvent>", "<t:NewMailEvent>"
	expect := func(when string, want ...string) string {
		t.Helper()
		got := w.push(l)
		if len(got) != len(want) {
			t.Fatalf("%s: %d notifications, want %d: %q", when, len(got), len(want), got)
		}
		for i, event := range want {
			if !strings.Contains(got[i], event) || !strings.Contains(got[i], "<t:SubscriptionId>"+found[1]+"<") || !strings.Contains(got[i], "<t:MoreEvents>false<") ||
				!strings.Contains(got[i], "<m:SendNotificationResponseMessage ResponseClass=\"Success\">") {
				t.Errorf("%s: %s", when, got[i])
			}
			env, err := soap.NewReader(strings.NewReader(got[i]), soap.DefaultLimits).Envelope()
			if err != nil || env.Operation.Local != "SendNotification" {
				t.Errorf("%s: %v, %v", when, env, err)
			}
		}
		return strings.Join(got, "")
	}
	expect("at once", status)
	expect("then")
	w.deliver(plainMail)
	if got := expect("new mail", mail); strings.Contains(got, "StatusEvent") || !strings.Contains(got, "<t:Watermark>") {
		t.Errorf("new mail: %s", got)
	}
	expect("told")
	w.ahead += 60 * time.Second
	w.ask(create("SaveOnly", `<t:Message><t:Subject>x</t:Subject></t:Message>`))
	expect("something else happened")
	w.ahead += 61 * time.Second
	expect("nothing happened", status)

	// A listener that fails is told again what it missed, later and later.
	for _, bad := range []func(http.ResponseWriter){
		func(rw http.ResponseWriter) { http.Error(rw, "no", http.StatusInternalServerError) },
		func(rw http.ResponseWriter) {
			rw.Header().Set("Location", l.URL+"/elsewhere")
			rw.WriteHeader(http.StatusTemporaryRedirect)
		},
		saying("OK"), saying(sendResult("Maybe")), saying(""),
		saying(strings.Replace(sendResult("OK"), "<s:Body>", "<s:Body>"+strings.Repeat(" ", pushAnswer), 1)),
		saying(strings.ReplaceAll(sendResult("OK"), "SendNotificationResult", "SomethingElse")),
	} {
		l.answer = bad
		w.deliver(plainMail)
		expect("failing", mail)
		expect("failing, at once again")
		w.ahead += 29 * time.Second
		expect("failing, too early")
		w.ahead += 2 * time.Second
		expect("failing, again", mail)
		w.ahead += 59 * time.Second
		expect("failing twice, too early")
		l.answer = saying(sendResult("OK"))
		w.ahead += 3 * time.Second
		expect("well again", mail)
		expect("told")
	}
	l.answer = saying("")
	w.deliver(plainMail)
	expect("failing", mail)
	for range 3 {
		w.ahead += 2 * time.Minute
		w.push(l)
	}
	w.ahead += time.Hour
	expect("given up")
	if _, answer := w.ask(wrap(`<m:Unsubscribe><m:SubscriptionId>` + found[1] + `</m:SubscriptionId></m:Unsubscribe>`)); !strings.Contains(answer, "ErrorSubscriptionNotFound") {
		t.Errorf("given up: %s", answer)
	}

	for name, end := range map[string]func(l *listener, id string){
		"it says so":             func(l *listener, _ string) { l.answer = saying(sendResult("Unsubscribe")) },
		"EWS is off":             func(*listener, string) { w.anna.EwsEnabled = false },
		"others are allowed now": func(*listener, string) { w.door.pushes.to = []string{"https://listener.contoso.com:443"} },
		"the person unsubscribes": func(_ *listener, id string) {
			w.ask(wrap(`<m:Unsubscribe><m:SubscriptionId>` + id + `</m:SubscriptionId></m:Unsubscribe>`))
		},
	} {
		l := w.pushTo()
		_, answer := w.ask(pushRequest(l.URL, "1"))
		id := subscriptionText.FindStringSubmatch(answer)
		if id == nil || len(w.push(l)) != 1 {
			t.Fatal(answer)
		}
		end(l, id[1])
		w.ahead += 2 * time.Minute
		w.push(l)
		w.anna.EwsEnabled = true
		w.ahead += time.Hour
		if got := w.push(l); len(got) != 0 {
			t.Errorf("%s: still told %q", name, got)
		}
	}
}

// TestPushAddresses holds what a server can be made to call: nothing that its operator did not name.
func TestPushAddresses(t *testing.T) {
	w := newWorld(t)
	refused := func(to string) {
		t.Helper()
		if _, answer := w.ask(pushRequest(strings.ReplaceAll(to, "&", "&amp;"), "1")); !strings.Contains(answer, ">ErrorInvalidSubscriptionRequest<") {
			t.Errorf("%s: %s", to, answer)
		}
	}
	refused("https://127.0.0.1/") // nobody is allowed
	l := w.pushTo()
	u, _ := url.Parse(l.URL)
	w.opts.Push.To = append(w.opts.Push.To, "https://Listener.contoso.com", "https://localhost:"+u.Port(), "nonsense", "ftp://x", "https://user@y")
	w.door = New(w.store, w.mail, w.opts)
	for _, to := range []string{
		"", "x", "file:///etc/passwd", "gopher://listener.contoso.com", "http://listener.contoso.com/", "https://listener.contoso.com:8443/", "https://listener.contoso.com.example.net/",
		"https://listener.contoso.com@example.net/", "https://example.net#@listener.contoso.com/", "https://user:pass@listener.contoso.com/", "https://listener.contoso.com/#x",
		"https://listener.contoso.com./", `https://listener.contoso.com\@example.net/`, "https:listener.contoso.com", "//listener.contoso.com/", "https://[::1]/", "https://0x7f000001/", "https://2130706433/",
		"http://127.0.0.1:" + u.Port(), "https://127.0.0.1:1/", "https://y/", "https://listener.contoso.com/" + strings.Repeat("x", maxPushURL), "ftp://x/",
	} {
		refused(to)
	}
	for _, minutes := range []string{"0", "1441", "-1", "soon"} {
		if _, answer := w.ask(pushRequest(l.URL, minutes)); !strings.Contains(answer, "ErrorSchemaValidation") {
			t.Errorf("StatusFrequency %s: %s", minutes, answer)
		}
	}
	for text, want := range map[string]bool{"https://a.contoso.com": true, "http://10.0.0.1:8080": true, "https://a.contoso.com/": false, "https://a.contoso.com?x": false, "a.contoso.com": false, "ftp://a": false, "": false, "https://u@a": false} {
		if err := (PushOptions{To: []string{text}}).Check(); (err == nil) != want || !want && !errors.Is(err, ErrPushOrigin) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if !w.door.pushes.allows("HTTPS://LISTENER.contoso.com:443/a?b") {
		t.Error("another spelling of an allowed origin is refused")
	}
	// A name that leads to this machine is not called, the address that was allowed as such is.
	if _, answer := w.ask(pushRequest("https://localhost:"+u.Port()+"/", "1")); !strings.Contains(answer, "NoError") {
		t.Fatal(answer)
	}
	if got := w.push(l); len(got) != 0 {
		t.Errorf("localhost was called: %q", got)
	}
	for text, want := range map[string]bool{"10.1.2.3": true, "192.168.0.1": true, "203.0.113.5": true, "2001:db8::1": true, "127.0.0.1": false, "127.8.9.1": false, "::1": false, "0.0.0.0": false, "::": false,
		"169.254.169.254": false, "fe80::1": false, "224.0.0.1": false, "ff02::1": false, "::ffff:127.0.0.1": false, "::ffff:169.254.169.254": false} {
		if got := callable(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: callable %v", text, got)
		}
	}
}

// TestKeepPushing runs the loop: a change is told without a wait for the next sign of life.
func TestKeepPushing(t *testing.T) {
	w := newWorld(t)
	told := make(chan string, 10)
	l := w.pushTo()
	l.answer = func(rw http.ResponseWriter) {
		told <- l.got[len(l.got)-1]
		io.WriteString(rw, sendResult("OK"))
	}
	go w.door.KeepPushing(t.Context())
	if _, answer := w.ask(pushRequest(l.URL, "1440")); !strings.Contains(answer, "NoError") {
		t.Fatal(answer)
	}
	for i, want := range []string{"StatusEvent", "NewMailEvent", "NewMailEvent"} {
		select {
		case got := <-told:
			if !strings.Contains(got, want) {
				t.Errorf("%s: %s", want, got)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("notification %d did not come", i)
		}
		if i < 2 {
			w.deliver(plainMail)
		}
	}
}

// TestHangingListener: listeners that hang make no other one wait, be it of their own
// origin, and each has few calls at a time.
func TestHangingListener(t *testing.T) {
	w := newWorld(t)
	hang, told := make(chan struct{}), make(chan string, 1000)
	var hanging, most atomic.Int32
	server := func() *httptest.Server {
		s := httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			if strings.HasPrefix(r.URL.Path, "/hang") {
				if n := hanging.Add(1); n > most.Load() {
					most.Store(n)
				}
				<-hang
				hanging.Add(-1)
				return
			}
			told <- r.Host + r.URL.Path
			io.WriteString(rw, sendResult("OK"))
		}))
		t.Cleanup(s.Close)
		return s
	}
	one, two := server(), server()
	t.Cleanup(func() { close(hang) }) // before the servers close
	w.opts.Push = PushOptions{To: []string{one.URL, two.URL}, Roots: x509.NewCertPool()}
	w.opts.Push.Roots.AddCert(one.Certificate())
	w.door = New(w.store, w.mail, w.opts)
	for range 3 * pushesAtOnce {
		w.ask(pushRequest(one.URL+"/hang", "1440"))
	}
	go w.door.KeepPushing(t.Context())
	for end := time.Now().Add(10 * time.Second); hanging.Load() < pushesEach && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	for _, to := range []string{two.URL, one.URL} {
		began := time.Now()
		if _, answer := w.ask(pushRequest(to+"/well", "1440")); !strings.Contains(answer, "NoError") {
			t.Fatal(answer)
		}
		select {
		case at := <-told:
			if want := strings.TrimPrefix(to, "https://") + "/well"; at != want {
				t.Errorf("told %s, want %s", at, want)
			}
		case <-time.After(pushTime / 2):
			t.Fatalf("%s waits for others since %v", to, began)
		}
	}
	if n := most.Load(); n != pushesEach {
		t.Errorf("%d calls of one URL at a time, want %d", n, pushesEach)
	}
}

// TestPushTurns: one URL does not take all the places in which its origin's notifications wait.
func TestPushTurns(t *testing.T) {
	p := newPushes(PushOptions{})
	hang := make(chan struct{})
	told := make(chan string, 1)
	at := func(path string) *store.Pushed {
		return &store.Pushed{Subscription: &store.Subscription{URL: "https://a.contoso.com/" + path}}
	}
	queued := 0
	for range 2 * pushesWaiting {
		if p.queue(at("hang"), func(*store.Pushed) { <-hang }) {
			queued++
		}
	}
	if want := pushesEach + pushesWaiting/4; queued != want {
		t.Errorf("%d of one URL are called or wait, want %d", queued, want)
	}
	if !p.queue(at("well"), func(o *store.Pushed) { told <- o.URL }) {
		t.Fatal("no place is left for another URL")
	}
	if got := <-told; got != "https://a.contoso.com/well" {
		t.Errorf("told %s", got)
	}
	close(hang)
	p.calls.Wait()
	if len(p.lanes) != 0 {
		t.Errorf("%d lanes are left", len(p.lanes))
	}
}

// TestPushPutOff: who waited long for a turn or a place and then fails once has failed once, and is told again.
func TestPushPutOff(t *testing.T) {
	w := newWorld(t)
	l := w.pushTo()
	if _, answer := w.ask(pushRequest(l.URL, "1")); !strings.Contains(answer, "NoError") {
		t.Fatal(answer)
	}
	list, _, err := w.store.TakePushed(t.Context(), 1)
	if err != nil || len(list) != 1 {
		t.Fatal(err, list)
	}
	w.ahead += 55 * time.Second
	if w.door.pushTurn(t.Context(), list[0]); len(l.got) != 0 {
		t.Errorf("told too late %q", l.got)
	}
	hang := make(chan struct{})
	other := &store.Pushed{Subscription: &store.Subscription{URL: l.URL}}
	for w.door.pushes.queue(other, func(*store.Pushed) { <-hang }) {
	}
	for range 8 {
		_, watch, err := w.door.pushDue(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		watch.Close()
		w.ahead += pushTime + time.Second
	}
	close(hang)
	w.door.pushes.calls.Wait()
	for what, answer := range []func(http.ResponseWriter){saying(""), saying(sendResult("OK"))} {
		l.answer = answer
		if got := w.push(l); len(got) != 1 {
			t.Errorf("try %d: told %q", what, got)
		}
		w.ahead += pushRetry + time.Second
	}
}

// TestPushExchangelib has exchangelib read notifications and make the listener's answers.
func TestPushExchangelib(t *testing.T) {
	needExchangelib(t)
	w := newWorld(t)
	l := w.pushTo()
	status := "go on"
	var events strings.Builder
	l.answer = func(rw http.ResponseWriter) {
		cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", "../../test/witness/exchangelib/push.py", status)
		cmd.Stdin, cmd.Stderr = strings.NewReader(l.got[len(l.got)-1]), &events
		answer, err := cmd.Output()
		if err != nil {
			t.Errorf("%v: %s", err, events.String())
		}
		rw.Write(answer)
	}
	if _, answer := w.ask(pushRequest(l.URL, "1")); !strings.Contains(answer, "NoError") {
		t.Fatal(answer)
	}
	w.push(l)
	w.deliver(plainMail)
	w.push(l)
	status = "end"
	w.deliver(plainMail)
	w.push(l)
	w.deliver(plainMail)
	w.push(l)
	if got, want := events.String(), "StatusEvent\nNewMailEvent\nNewMailEvent\n"; got != want {
		t.Errorf("exchangelib read %q, want %q", got, want)
	}
}
