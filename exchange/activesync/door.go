package activesync

import (
	"net/http"

	"hma/exchange/clientaccess"
)

// Door is the ActiveSync door. It holds no state and serves any number of servers.
type Door struct{}

// New returns the door.
func New() *Door { return &Door{} }

// ServeDoor answers one request to /Microsoft-Server-ActiveSync.
func (d *Door) ServeDoor(w http.ResponseWriter, r *clientaccess.Request) {
	http.NotFound(w, r.Request)
}
