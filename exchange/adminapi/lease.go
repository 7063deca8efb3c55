package adminapi

import (
	"net/http"
	"sync"
	"time"

	"hma/exchange/cmdlet"
)

// Lease is the procedure's lock: one holder at a time.
type Lease struct {
	mu     sync.Mutex
	holder string
	since  time.Time
	// running is held by every cmdlet that runs, for reading.
	running sync.RWMutex
}

// A holder that was killed is noticed within moments: whoever asks in between waits for them.
const (
	notice = 20 * time.Millisecond
	tries  = 10
)

// take gives the lease to holder, or tells who has it and since when.
func (l *Lease) take(holder string, now time.Time) (ok bool, other string, since time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.holder != "" {
		return false, l.holder, l.since
	}
	l.holder, l.since = holder, now
	return true, "", time.Time{}
}

// release lets the lease go when the cmdlets in flight have ended: a holder that
// was killed may have left one behind, and the next one must find what it did.
func (l *Lease) release() {
	l.running.Lock()
	defer l.running.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.holder = ""
}

// during runs a cmdlet; the lease changes hands before or after it.
func (l *Lease) during(run func()) {
	l.running.RLock()
	defer l.running.RUnlock()
	run()
}

// lease holds the lock for as long as the request's connection lives. The first
// line of the answer says that it is held; a byte now and then finds a dead holder.
// A second one is told who holds it and since when (409). It is for those who change something.
func (h *handler) lease(w http.ResponseWriter, r *http.Request, caller cmdlet.Caller) {
	if !caller.Administrator {
		refuse(w, http.StatusForbidden, "only members of Organization Management may hold the lease")
		return
	}
	holder := caller.Name
	if name := r.Header.Get("X-Lease-Holder"); name != "" {
		holder += " (" + printable(name, 100) + ")"
	}
	ok, other, since := h.opts.Lease.take(holder, h.opts.Now().UTC())
	for try := 0; !ok && try < tries; try++ {
		select {
		case <-r.Context().Done():
			return
		case <-time.After(notice):
		}
		ok, other, since = h.opts.Lease.take(holder, h.opts.Now().UTC())
	}
	if !ok {
		write(w, http.StatusConflict, refusal{Error: "another run holds the lease", Holder: other, Since: &since})
		return
	}
	defer h.opts.Lease.release()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	flow := http.NewResponseController(w)
	// The connection's own write limit is for answers that end.
	flow.SetWriteDeadline(time.Time{})
	flow.SetReadDeadline(time.Time{})
	beat := time.NewTicker(leaseBeat)
	defer beat.Stop()
	for text := "held\n"; ; text = "." {
		if _, err := w.Write([]byte(text)); err != nil {
			return
		}
		if err := flow.Flush(); err != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-beat.C:
		}
	}
}

// printable keeps up to n printable ASCII characters of a name that comes from outside.
func printable(s string, n int) string {
	var b []byte
	for i := 0; i < len(s) && len(b) < n; i++ {
		if s[i] >= ' ' && s[i] <= '~' {
			b = append(b, s[i])
		}
	}
	return string(b)
}
