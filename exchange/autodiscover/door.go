package autodiscover

import (
	"net/http"
	"time"

	"hma/exchange/clientaccess"
)

// Door is the Autodiscover door. It holds no state and serves any number of servers.
type Door struct {
	now func() time.Time
}

// New returns the door. now is the time that error documents carry.
func New(now func() time.Time) *Door { return &Door{now: now} }

// ServeDoor answers one request under /autodiscover. Only the JSON form is
// served to requests without an identity.
func (d *Door) ServeDoor(w http.ResponseWriter, r *clientaccess.Request) {
	http.NotFound(w, r.Request)
}
