package oab

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"encoding/xml"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hma/exchange/addressbook"
	"hma/exchange/auth"
	"hma/exchange/clientaccess"
	"hma/exchange/org"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/guid"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var organisation = guid.MustParse("5ab3a3a0-0000-4000-8000-000000000001")

// directory is a fake of the organisation's people.
type directory struct {
	mu     sync.Mutex
	people []*org.Recipient
}

func (d *directory) RecipientsByGUID(_ context.Context, after guid.GUID, limit int) ([]*org.Recipient, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var page []*org.Recipient
	for _, r := range d.people {
		if slices.Compare(r.GUID[:], after[:]) > 0 && len(page) < limit {
			page = append(page, r)
		}
	}
	return page, nil
}

func (d *directory) rename(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	changed := *d.people[0]
	changed.DisplayName = name
	d.people[0] = &changed
}

type fixture struct {
	door *Door
	dir  *directory
	mu   sync.Mutex
	at   time.Time
}

func (f *fixture) now() time.Time { f.mu.Lock(); defer f.mu.Unlock(); return f.at }

func (f *fixture) add(d time.Duration) { f.mu.Lock(); defer f.mu.Unlock(); f.at = f.at.Add(d) }

func start(t testing.TB, people int) *fixture {
	f := &fixture{at: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), dir: &directory{}}
	for n := range people {
		name := fmt.Sprintf("user%05d", n+1)
		f.dir.people = append(f.dir.people, &org.Recipient{
			GUID: guid.GUID{0: byte(n >> 8), 1: byte(n), 15: 1}, DisplayName: "User " + name, Alias: name,
			PrimarySMTP: name + "@contoso.com", LegacyDN: "/o=Contoso/cn=" + name, HiddenFromAddressLists: n == 1,
		})
	}
	book, err := addressbook.Open(t.Context(), sqldbtest.Memory(t), f.dir, f.now)
	if err != nil {
		t.Fatal(err)
	}
	f.door = New(book)
	return f
}

func (f *fixture) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.door.ServeDoor(w, &clientaccess.Request{Request: r, Rest: r.URL.Path[len("/OAB"):], Record: &clientaccess.Record{},
		Snapshot: &org.Snapshot{Org: org.OrganizationConfig{GUID: organisation}}, Identity: &auth.Identity{Recipient: &org.Recipient{}}})
}

func (f *fixture) do(method, name string, header http.Header) *http.Response {
	r := httptest.NewRequest(method, "https://mail.contoso.com/OAB/"+addressbook.OfflineGUID(organisation).String()+"/"+name, nil)
	if header != nil {
		r.Header = header
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w.Result()
}

func body(t testing.TB, res *http.Response) []byte {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (f *fixture) manifest(t testing.TB) (m manifest) {
	t.Helper()
	if err := xml.Unmarshal(body(t, f.do("GET", "oab.xml", nil)), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestManifest(t *testing.T) {
	f := start(t, 3)
	res := f.do("GET", "oab.xml", nil)
	got := body(t, res)
	path := filepath.Join("testdata", "oab.xml")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s differs (%v); got:\n%s", path, err, got)
	}
	if res.Header.Get("Content-Type") != "text/xml" || res.Header.Get("Last-Modified") != "Mon, 23 Nov 2026 12:00:00 GMT" {
		t.Errorf("headers %v", res.Header)
	}
}

func TestFilesAreAsTheManifestSays(t *testing.T) {
	f := start(t, 3)
	m := f.manifest(t)
	entries := []manifestFile{m.OAL.Full}
	for _, tmpl := range m.OAL.Templates {
		entries = append(entries, tmpl.manifestFile)
	}
	for _, e := range entries {
		res := f.do("GET", e.Name, nil)
		data := body(t, res)
		if sum := sha1.Sum(data); res.StatusCode != 200 || len(data) != e.Size || hex.EncodeToString(sum[:]) != e.SHA {
			t.Errorf("%s: status %d, %d bytes, manifest %+v", e.Name, res.StatusCode, len(data), e)
		}
	}
	if len(entries) != 3 || m.OAL.Full.Ver != 32 || m.OAL.ID != addressbook.ListGUID(organisation).String() {
		t.Errorf("manifest %+v", m)
	}
}

func TestHTTP(t *testing.T) {
	f := start(t, 100)
	e := f.manifest(t).OAL.Full
	whole := body(t, f.do("GET", e.Name, nil))

	head := f.do("HEAD", e.Name, nil)
	if head.StatusCode != 200 || head.ContentLength != int64(len(whole)) || len(body(t, head)) != 0 || head.Header.Get("Accept-Ranges") != "bytes" {
		t.Errorf("HEAD: %d, %v", head.StatusCode, head.Header)
	}
	etag := head.Header.Get("ETag")
	if res := f.do("GET", e.Name, http.Header{"If-None-Match": {etag}}); res.StatusCode != http.StatusNotModified {
		t.Errorf("If-None-Match: %d", res.StatusCode)
	}
	res := f.do("GET", e.Name, http.Header{"Range": {"bytes=10-19"}, "If-Range": {etag}})
	if got := body(t, res); res.StatusCode != http.StatusPartialContent || !bytes.Equal(got, whole[10:20]) {
		t.Errorf("range: %d, %x", res.StatusCode, got)
	}
	if res := f.do("GET", e.Name, http.Header{"Range": {"bytes=99999999-"}}); res.StatusCode != http.StatusRequestedRangeNotSatisfiable {
		t.Errorf("range behind the end: %d", res.StatusCode)
	}
	if res := f.do("GET", strings.ToUpper(e.Name), nil); res.StatusCode != 200 {
		t.Errorf("name in other case: %d", res.StatusCode)
	}
	for _, name := range []string{"", "other.lzx", "../oab.xml", e.Name + "/x"} {
		if res := f.do("GET", name, nil); res.StatusCode != http.StatusNotFound {
			t.Errorf("%q: %d", name, res.StatusCode)
		}
	}
	if res := f.do("POST", "oab.xml", nil); res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", res.StatusCode)
	}
	for _, path := range []string{"/OAB", "/OAB/", "/OAB/oab.xml", "/OAB/" + guid.New().String() + "/oab.xml"} {
		w := httptest.NewRecorder()
		f.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func TestOnlyForPeople(t *testing.T) {
	f := start(t, 1)
	for _, who := range []*auth.Identity{nil, {Application: "app"}} {
		w := httptest.NewRecorder()
		f.door.ServeDoor(w, &clientaccess.Request{Request: httptest.NewRequest("GET", "/OAB/x/oab.xml", nil), Rest: "/x/oab.xml",
			Record: &clientaccess.Record{}, Snapshot: &org.Snapshot{}, Identity: who})
		if w.Code != http.StatusForbidden {
			t.Errorf("%v: %d", who, w.Code)
		}
	}
}

func TestGenerationsChangeWithPeople(t *testing.T) {
	f := start(t, 3)
	first := f.manifest(t).OAL.Full
	f.add(time.Hour)
	if again := f.manifest(t).OAL.Full; again != first {
		t.Errorf("unchanged people: %+v became %+v", first, again)
	}
	f.dir.rename("Renamed")
	f.add(addressbook.MaxAge)
	second := f.manifest(t).OAL.Full
	if second.Seq <= first.Seq || second.SHA == first.SHA || second.Name == first.Name {
		t.Errorf("renamed person: %+v became %+v", first, second)
	}
	// Who has read the old manifest still gets the old file, for some generations.
	for n := range keep {
		if res := f.do("GET", first.Name, nil); (res.StatusCode == 200) != (n < keep-1) {
			t.Errorf("%d generations later: %d", n+1, res.StatusCode)
		}
		f.dir.rename(fmt.Sprint("Renamed ", n))
		f.add(addressbook.MaxAge)
		f.manifest(t)
	}
	if kept := *f.door.kept.Load(); len(kept) != keep {
		t.Errorf("%d generations are kept", len(kept))
	}
}

func TestOneGenerationIsMadeForAll(t *testing.T) {
	f := start(t, 200)
	var group sync.WaitGroup
	names := make([]string, 20)
	for i := range names {
		group.Go(func() { names[i] = f.manifest(t).OAL.Full.Name })
	}
	group.Wait()
	if kept := *f.door.kept.Load(); len(kept) != 1 || slices.Contains(names, "") || len(slices.Compact(names)) != 1 {
		t.Errorf("%d generations, names %v", len(kept), names)
	}
}
