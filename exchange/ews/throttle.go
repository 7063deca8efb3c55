package ews

import (
	"sync"
	"time"

	"hma/wire/guid"
	"hma/wire/soap"
)

// backOff is how long a client whose request was throttled should wait before it asks again.
const backOff = time.Second

// running counts the requests that are under way by the person whom they are charged
// to: the caller, whoever's mailbox is opened, or who is impersonated, so that an
// application that acts for many people has each one's share.
type running struct {
	mu     sync.Mutex
	person map[guid.GUID]int
}

// enter takes a place among limit, any number for 0; false when there is none left.
func (r *running) enter(person guid.GUID, limit int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if limit > 0 && r.person[person] >= limit {
		return false
	}
	if r.person == nil {
		r.person = map[guid.GUID]int{}
	}
	r.person[person]++
	return true
}

// leave gives a place back.
func (r *running) leave(person guid.GUID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.person[person]--; r.person[person] == 0 {
		delete(r.person, person)
	}
}

// enter refuses a request when as many of the person's are under way as the throttling
// policy lets (EwsMaxConcurrency). Streams have a limit of their own.
func (c *call) enter() error {
	if c.op.waits {
		return nil
	}
	person := c.person.GUID
	if !c.door.running.enter(person, c.request.Snapshot.EwsMaxConcurrency(c.person)) {
		c.request.Record.Throttled = true
		c.request.Record.Reason = "throttled: EwsMaxConcurrency"
		return &soap.Fault{Code: "ErrorServerBusy", Message: "The server cannot service this request right now. Try again later.", BackOff: backOff}
	}
	c.leave = func() { c.door.running.leave(person) }
	return nil
}
