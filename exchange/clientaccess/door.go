package clientaccess

import (
	"net/http"
	"sync"

	"hma/exchange/auth"
	"hma/exchange/org"
)

// Request is what a door gets: the HTTP request with everything that the front
// end found out about it.
type Request struct {
	*http.Request
	// ID is the request id, echoed as the request-id header and in every log line.
	ID string
	// Snapshot is the configuration that the request was admitted under; the door
	// must use no other one.
	Snapshot *org.Snapshot
	// VirtualDirectory is the one that the path matched.
	VirtualDirectory *org.VirtualDirectory
	// Rest is the path behind the virtual directory, "" or with a leading slash, in the client's spelling.
	Rest string
	// Identity is nil only where the virtual directory's door admits anonymous
	// requests (Autodiscover's JSON, the sign-in paths of OWA and ECP).
	Identity *auth.Identity
	// Record is the request's log record; a door may fill the fields meant for it.
	Record *Record
}

// Door serves one protocol. It decodes, asks and encodes; it never sees a
// request that the front end has not admitted.
type Door interface {
	ServeDoor(w http.ResponseWriter, r *Request)
}

// Record is the one log record of a request, written once when it ends.
type Record struct {
	Operation string // the protocol's own operation, for example FindItem; see Begin
	Waits     bool   // it is meant to take long; see Begin
	Reason    string // why a 401 or 403 was given, or the request throttled, in words; never a secret
	Throttled bool   // it was refused because too many of the person's are under way
	// Impersonated is the user principal name of whom the identity acts as, "" for itself.
	Impersonated string

	mu   sync.Mutex // for who looks on while the request runs
	user string
}

// Begin names the operation that the door found in the request: one of the door's
// own words, never a client's. waits tells that it is meant to take long, as a
// subscription's stream is.
func (r *Record) Begin(operation string, waits bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Operation, r.Waits = operation, waits
}

func (r *Record) setUser(user string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.user = user
}
