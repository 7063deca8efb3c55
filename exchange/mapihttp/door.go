package mapihttp

import (
	"net/http"
	"time"

	"hma/exchange/clientaccess"
)

// Door is the MAPI over HTTP door of one server: it holds that server's session
// contexts. It is safe for concurrent use.
type Door struct {
	now func() time.Time
}

// New returns the door of one server. now decides when a context has ended.
func New(now func() time.Time) *Door { return &Door{now: now} }

// ServeDoor answers one request under /mapi.
func (d *Door) ServeDoor(w http.ResponseWriter, r *clientaccess.Request) {
	http.NotFound(w, r.Request)
}
