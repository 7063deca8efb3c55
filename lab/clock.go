package lab

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// ErrClock is a time at which a lab cannot be.
var ErrClock = errors.New("no time for a lab")

// clock is a lab's one clock, of both halves: the machine's, moved by an offset. It runs on from there.
type clock struct {
	machine func() time.Time
	offset  time.Duration // whole seconds
}

func (c clock) now() time.Time { return c.machine().Add(c.offset) }
func (c clock) seconds() int64 { return int64(c.offset / time.Second) }

// Now is the lab's present time.
func (l *Lab) Now() time.Time { return l.clock.Load().now() }

// SetClock moves the lab's clock to offset from the machine's, and tells commands by endpoints.json. What hangs on
// the clock moves with it: certificates end, tokens expire, keys are due to be fetched. The front ends get a TLS
// certificate that is valid then. ErrClock says that the lab's authority would not be.
func (l *Lab) SetClock(offset time.Duration) error {
	l.changing.Lock()
	defer l.changing.Unlock()
	if err := l.setClock(offset); err != nil {
		return err
	}
	e := l.Endpoints
	e.Clock = l.clock.Load().seconds()
	return l.dir.writeEndpoints(e)
}

func (l *Lab) setClock(offset time.Duration) error {
	c := clock{l.machine, offset.Truncate(time.Second)}
	at := c.now()
	if ca := l.ca.cert; at.Before(ca.NotBefore) || !at.Before(ca.NotAfter) {
		return fmt.Errorf("%s: %w: its authority (ca.pem) is valid from %s to %s", at.UTC().Format(time.DateTime), ErrClock,
			ca.NotBefore.UTC().Format(time.DateOnly), ca.NotAfter.UTC().Format(time.DateOnly))
	}
	cert, err := l.ca.issue(validFrom(l.machine(), at), l.hosts...)
	if err != nil {
		return err
	}
	l.clock.Store(&c)
	l.cert.Store(&cert)
	return nil
}

// bothClocks is how far a lab's clock may be ahead of the machine's for its certificate to be valid by both: clients that
// are not ours go by the machine's.
const bothClocks = 300 * 24 * time.Hour

// validFrom is from when a TLS certificate is valid that is needed at the lab's time: from the machine's time on too, unless that is too long ago.
func validFrom(machine, lab time.Time) time.Time {
	if machine.Before(lab) && lab.Sub(machine) < bothClocks {
		return machine
	}
	return lab
}

// certificate is the TLS certificate of the lab's listeners.
func (l *Lab) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) { return l.cert.Load(), nil }

// ClockPath is where the admin socket of a lab shows its Clock (GET) and takes another offset (PUT).
const ClockPath = "/lab/v1/clock"

// Clock is a lab's clock as the admin socket shows it.
type Clock struct {
	Version int `json:"version"`
	// Offset is how far it is ahead of the machine's, in seconds; behind it below 0.
	Offset int64     `json:"offset"`
	Now    time.Time `json:"now"`
}

func (l *Lab) showClock(w http.ResponseWriter, _ *http.Request) {
	c := l.clock.Load()
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(Clock{Version: 1, Offset: c.seconds(), Now: c.now().UTC()}) // an error here is the connection's
}

func (l *Lab) moveClock(w http.ResponseWriter, q *http.Request) {
	var in Clock
	if err := json.NewDecoder(http.MaxBytesReader(w, q.Body, 4<<10)).Decode(&in); err != nil {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	switch err := l.SetClock(time.Duration(in.Offset) * time.Second); {
	case errors.Is(err, ErrClock):
		http.Error(w, err.Error(), http.StatusBadRequest)
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	default:
		l.showClock(w, q)
	}
}
