package ews

import (
	"bytes"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hma/exchange/org"
	"hma/wire/guid"
)

// TestThrottling holds that a person has so many requests under way as the policy
// lets, with what the client needs to know to come back; that others are not
// concerned; and that an ended request makes room.
func TestThrottling(t *testing.T) {
	w := newWorld(t)
	limited := func(who *org.Recipient, body io.Reader, limit int) (*httptest.ResponseRecorder, bool) {
		rec, r := httptest.NewRecorder(), w.request(who, body)
		r.Snapshot.Throttling = []*org.ThrottlingPolicy{{Scope: org.ThrottlingOrganization, GUID: guid.New(), EwsMaxConcurrency: &limit}}
		w.door.ServeDoor(rec, r)
		return rec, r.Record.Throttled
	}
	get := func(who *org.Recipient) *httptest.ResponseRecorder {
		rec, throttled := limited(who, strings.NewReader(wrap(getInbox)), 2)
		if throttled != (rec.Code == http.StatusInternalServerError) {
			t.Errorf("status %d, throttled %v", rec.Code, throttled)
		}
		return rec
	}
	var ends []func()
	for range 2 {
		head, rest, _ := strings.Cut(wrap(getInbox), "<m:FolderIds>")
		body, send := io.Pipe()
		done := make(chan int)
		go func() {
			rec, _ := limited(w.anna, body, 2)
			done <- rec.Code
		}()
		io.WriteString(send, head) // returns when the door has read it
		ends = append(ends, func() {
			io.WriteString(send, "<m:FolderIds>"+rest)
			send.Close()
			if code := <-done; code != http.StatusOK {
				t.Errorf("a slow request: %d", code)
			}
		})
	}
	under := func() int {
		w.door.running.mu.Lock()
		defer w.door.running.mu.Unlock()
		return w.door.running.person[w.anna.GUID]
	}
	for under() < 2 { // the heads are read, the places taken soon
		time.Sleep(time.Millisecond)
	}
	rec := get(w.anna)
	want := `<t:MessageXml><t:Value Name="BackOffMilliseconds">1000</t:Value></t:MessageXml>`
	if rec.Code != http.StatusInternalServerError || !strings.Contains(rec.Body.String(), ">ErrorServerBusy</e:ResponseCode>") || !strings.Contains(rec.Body.String(), want) {
		t.Errorf("a third request: %d %s", rec.Code, rec.Body)
	}
	if rec := get(w.bob); rec.Code != http.StatusOK {
		t.Errorf("another person: %d %s", rec.Code, rec.Body)
	}
	for _, end := range ends {
		end()
	}
	if rec := get(w.anna); rec.Code != http.StatusOK {
		t.Errorf("afterwards: %d %s", rec.Code, rec.Body)
	}
	if len(w.door.running.person) != 0 {
		t.Errorf("places taken for ever: %v", w.door.running.person)
	}
}

// TestThrottledExchangelib holds that exchangelib waits as long as it is told and comes back.
func TestThrottledExchangelib(t *testing.T) {
	needExchangelib(t)
	w := newWorld(t)
	w.now = time.Now
	w.deliver(plainMail)
	s := w.server()
	inner := s.Config.Handler
	for range org.DefaultEwsMaxConcurrency {
		w.door.running.enter(w.anna.GUID, 0)
	}
	var refused, admitted time.Time
	s.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		rec := httptest.NewRecorder()
		inner.ServeHTTP(rec, req)
		if bytes.Contains(rec.Body.Bytes(), []byte("ErrorServerBusy")) && refused.IsZero() {
			refused = time.Now()
			for range org.DefaultEwsMaxConcurrency {
				w.door.running.leave(w.anna.GUID)
			}
		} else if rec.Code == http.StatusOK && admitted.IsZero() {
			admitted = time.Now()
		}
		for name, values := range rec.Header() {
			rw.Header()[name] = values
		}
		rw.WriteHeader(rec.Code)
		rw.Write(rec.Body.Bytes())
	})
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", "../../test/witness/exchangelib/throttled.py")
	cmd.Env = append(os.Environ(), "HMA_EWS="+s.URL+"/EWS/Exchange.asmx", "HMA_SMTP=anna@contoso.com", "HMA_CA="+ca, "HMA_TOKEN=anna")
	out, err := cmd.Output()
	if err != nil || strings.TrimSpace(string(out)) != "1" {
		t.Fatalf("%v, printed %q", err, out)
	}
	if waited := admitted.Sub(refused); refused.IsZero() || waited < backOff {
		t.Errorf("refused at %v, came back after %v", refused, waited)
	}
}
