package oab

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"hma/exchange/addressbook"
	"hma/exchange/clientaccess"
	"hma/wire/guid"
)

// keep is how many generations are served: the newest, and those before it for
// clients that have read an older manifest.
const keep = 4

// Door is the offline address book door. It is safe for concurrent use.
type Door struct {
	book *addressbook.Book

	kept   atomic.Pointer[[]*generation] // newest first, never changed in place
	making sync.Mutex                    // held by the one maker of a generation
}

// New returns a door that makes its files from the book's list.
func New(book *addressbook.Book) *Door { return &Door{book: book} }

// ServeDoor answers one request under /OAB: GUID/oab.xml and the files that it names.
func (d *Door) ServeDoor(w http.ResponseWriter, r *clientaccess.Request) {
	if r.Identity == nil || r.Identity.Recipient == nil {
		// A list of all people is for people of the organisation only.
		r.Record.Reason = "no person"
		w.WriteHeader(http.StatusForbidden)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	organisation := r.Snapshot.Org.GUID
	folder, name, _ := strings.Cut(strings.TrimPrefix(r.Rest, "/"), "/")
	if id, err := guid.Parse(folder); err != nil || id != addressbook.OfflineGUID(organisation) {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	name = strings.ToLower(name)
	var f *file
	if name == "oab.xml" {
		r.Record.Begin("Manifest", false)
		newest, err := d.newest(r.Context(), organisation)
		if err != nil {
			r.Record.Reason = err.Error()
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		f = newest.manifest
	} else {
		r.Record.Begin("File", false)
		var err error
		if f, err = d.file(r.Context(), organisation, name); err != nil {
			r.Record.Reason = err.Error()
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
	}
	if f == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Content-Type", f.contentType)
	h.Set("ETag", `"`+f.sha1+`"`)
	http.ServeContent(w, r.Request, "", f.lastModified, bytes.NewReader(f.data))
}

// file returns the named file of a generation that is kept, or of the newest;
// nil when there is none.
func (d *Door) file(ctx context.Context, organisation guid.GUID, name string) (*file, error) {
	if f := d.find(organisation, name); f != nil {
		return f, nil
	}
	if _, err := d.newest(ctx, organisation); err != nil {
		return nil, err
	}
	return d.find(organisation, name), nil
}

func (d *Door) find(organisation guid.GUID, name string) *file {
	kept := d.kept.Load()
	if kept == nil {
		return nil
	}
	for _, g := range *kept {
		if f := g.files[name]; f != nil && g.organisation == organisation {
			return f
		}
	}
	return nil
}

// newest returns the generation of the list as it is. One caller makes a new
// one; meanwhile the others get the one before, or wait when there is none. How
// often there is a new list is bounded by the book.
func (d *Door) newest(ctx context.Context, organisation guid.GUID) (*generation, error) {
	list, err := d.book.List(ctx)
	if err != nil {
		return nil, err
	}
	current := func() (g *generation, fresh bool) {
		if kept := d.kept.Load(); kept != nil && (*kept)[0].organisation == organisation {
			return (*kept)[0], (*kept)[0].sequence == list.Sequence
		}
		return nil, false
	}
	g, fresh := current()
	switch {
	case fresh:
		return g, nil
	case g == nil:
		d.making.Lock()
	case !d.making.TryLock():
		return g, nil
	}
	defer d.making.Unlock()
	if g, fresh = current(); fresh {
		return g, nil
	}
	if g, err = generate(organisation, list); err != nil {
		return nil, err
	}
	kept := []*generation{g}
	if old := d.kept.Load(); old != nil {
		kept = append(kept, (*old)[:min(len(*old), keep-1)]...)
	}
	d.kept.Store(&kept)
	return g, nil
}
