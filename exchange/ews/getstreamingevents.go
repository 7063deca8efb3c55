package ews

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"hma/exchange/store"
	"hma/wire/guid"
)

// Limits of streams.
const (
	// maxStreamed is how many subscriptions one connection serves.
	maxStreamed = 200
	// maxStreams is how many connections one person has (HangingConnectionLimit).
	maxStreams = 10
	// maxStreamMinutes is the longest ConnectionTimeout (MS-OXWSNTIF 2.2.4.9).
	maxStreamMinutes = 30
	// heartbeat is how often a stream says that it is there.
	heartbeat = 45 * time.Second
	// writeTime is how long a client may take to take what is told.
	writeTime = 30 * time.Second
)

// streams are the open connections of GetStreamingEvents.
type streams struct {
	mu     sync.Mutex
	of     map[string]*connection // by subscription: the one that serves it
	person map[string]int         // connections by SID
}

var (
	errNewStream = &problem{"ErrorNewEventStreamConnectionOpened", "Another connection has been opened for the subscription."}
	errEnded     = &problem{"ErrorSubscriptionNotFound", "The subscription has ended."}
)

// open has a connection take over its subscriptions; false when the person has too many.
func (s *streams) open(k *connection) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.person[k.person.SID] >= maxStreams {
		return false
	}
	if s.of == nil {
		s.of, s.person = map[string]*connection{}, map[string]int{}
	}
	s.person[k.person.SID]++
	for _, sub := range k.list {
		if older := s.of[sub.ID]; older != nil {
			older.end(errNewStream)
		}
		s.of[sub.ID] = k
	}
	return true
}

// close gives a connection's place back and returns the subscriptions that it still
// served: one that another connection took over stays with that.
func (s *streams) close(k *connection) (own []*subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.person[k.person.SID]--; s.person[k.person.SID] <= 0 {
		delete(s.person, k.person.SID)
	}
	for _, sub := range k.list {
		if s.of[sub.ID] == k {
			delete(s.of, sub.ID)
			own = append(own, sub)
		}
	}
	return own
}

// end ends the connection that serves a subscription.
func (s *streams) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.of[id]; k != nil {
		k.end(errEnded)
		delete(s.of, id)
	}
}

// getStreamingEvents answers GetStreamingEvents (MS-OXWSNTIF 3.1.4.2): a series of
// whole envelopes on one connection, the first at once, then one whenever
// something happened, and one at least every heartbeat.
//
// While it waits a connection holds no buffer and no request: it costs a wake-up
// channel beside what a waiting connection costs.
func getStreamingEvents(c *call) error {
	ids, err := c.child("SubscriptionIds")
	if err != nil {
		return err
	}
	if len(ids.Children) == 0 || len(ids.Children) > maxStreamed {
		return invalid(ids, "SubscriptionIds must hold 1 to %d ids", maxStreamed)
	}
	timeout, err := c.child("ConnectionTimeout")
	if err != nil {
		return err
	}
	minutes, err := strconv.Atoi(strings.TrimSpace(timeout.Text))
	if err != nil || minutes < 1 || minutes > maxStreamMinutes {
		return invalid(timeout, "ConnectionTimeout must be 1 to %d minutes", maxStreamMinutes)
	}
	list, bad, err := c.subscriptions(ids.Children)
	if err != nil {
		return err
	}
	if bad != nil {
		return c.badSubscriptions(bad)
	}
	k := &connection{call: c, list: list, life: time.Duration(minutes) * time.Minute}
	if err := k.open(); err != nil {
		return err
	}
	c.req, c.then = nil, k.serve
	return nil
}

// connection is one answer to GetStreamingEvents.
type connection struct {
	*call
	list   []*subscription
	life   time.Duration
	watch  *store.Watch
	end    context.CancelCauseFunc
	cancel context.CancelFunc
}

// open takes the subscriptions over.
func (k *connection) open() error {
	before := k.ctx
	k.ctx, k.end = context.WithCancelCause(k.request.Context())
	k.ctx, k.cancel = context.WithTimeout(k.ctx, k.life)
	if !k.door.streams.open(k) {
		k.cancel()
		k.ctx = before
		return &problem{"ErrorExceededConnectionCount", "The user has too many streaming connections."}
	}
	var mailboxes []guid.GUID
	for _, s := range k.list {
		if id := s.box.GUID(); !slices.Contains(mailboxes, id) {
			mailboxes = append(mailboxes, id)
		}
	}
	k.watch = k.door.store.Watch(mailboxes...)
	for _, s := range k.list {
		if err := s.box.KeepSubscription(before, s.Subscription, k.life); err != nil {
			k.close()
			k.ctx = before
			return err
		}
	}
	return nil
}

// close lets the subscriptions go, with the place that each has come to.
func (k *connection) close() {
	k.watch.Close()
	own := k.door.streams.close(k)
	kept := context.WithoutCancel(k.ctx)
	k.cancel()
	k.end(nil)
	for _, s := range own {
		if err := s.box.KeepSubscription(kept, s.Subscription, 0); err != nil {
			k.door.opts.Log.Error("ews streaming subscription not kept", "request", k.request.ID, "error", err)
		}
	}
}

// serve tells events until the connection's time is over.
func (k *connection) serve() error {
	defer k.close()
	if err := k.envelope(k.status("OK")); err != nil {
		return err
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		if err := k.tell(); err != nil {
			if _, told := errors.AsType[*problem](err); told {
				return k.refuse(err)
			}
			return err
		}
		k.w.Rest()
		select {
		case <-k.watch.C:
		case <-beat.C:
			if err := k.envelope(k.status("OK")); err != nil {
				return err
			}
		case <-k.ctx.Done():
			return k.closing()
		}
	}
}

// tell sends what happened to the subscriptions since their marks.
func (k *connection) tell() error {
	for more := true; more; {
		more = false
		for _, s := range k.list {
			page, err := k.events(s)
			if err != nil {
				return err
			}
			if more = more || page.More; k.wants(s, page) {
				if err := k.envelope(func() error { return k.success(func() error { return k.notify(s, page) }) }); err != nil {
					return err
				}
			}
			s.Mark = page.Mark
		}
	}
	return nil
}

// notify writes what one subscription is told.
func (c *call) notify(s *subscription, page *store.EventPage) error {
	c.w.Start("m:Notifications")
	c.w.Start("m:Notification")
	c.w.Element("t:SubscriptionId", s.id())
	c.writeEvents(s, page, false)
	c.w.End("m:Notification")
	c.w.End("m:Notifications")
	return nil
}

// closing says the last word: the connection's time is over, or somebody else ended it.
func (k *connection) closing() error {
	cause, told := errors.AsType[*problem](context.Cause(k.ctx))
	switch {
	case told:
		return k.refuse(cause)
	case errors.Is(k.ctx.Err(), context.DeadlineExceeded):
		return k.envelope(k.status("Closed"))
	}
	return nil // the client is gone, or the server stops
}

// refuse ends the answer with a message of failure.
func (k *connection) refuse(err error) error {
	end := *k.call
	end.ctx = context.WithoutCancel(k.ctx)
	return end.envelope(func() error { return end.failure(err) })
}

// badSubscriptions refuses a request by the ids that name no subscription.
func (c *call) badSubscriptions(bad []string) error {
	c.w.Streamed()
	c.begin()
	name := "m:" + c.op.name + "ResponseMessage"
	c.w.Start(name, "ResponseClass", "Error")
	c.w.Element("m:MessageText", errSubscription.text)
	c.w.Element("m:ResponseCode", errSubscription.code)
	c.w.Element("m:DescriptiveLinkKey", "0")
	c.w.Start("m:ErrorSubscriptionIds")
	for _, id := range bad {
		c.w.Element("t:SubscriptionId", id)
	}
	c.w.End("m:ErrorSubscriptionIds")
	c.w.Element("m:ConnectionStatus", "Closed")
	c.w.End(name)
	c.finish()
	return c.w.Err()
}

// status returns what writes a message with the connection's status alone.
func (c *call) status(word string) func() error {
	return func() error {
		return c.success(func() error {
			c.w.Element("m:ConnectionStatus", word)
			return nil
		})
	}
}

// envelope sends one whole envelope at once.
func (c *call) envelope(message func() error) error {
	control := http.NewResponseController(c.answer.dst)
	// A client that does not read holds up nobody but itself, and not for long. Not every
	// connection has deadlines; then the server's own limits count.
	_ = control.SetWriteDeadline(time.Now().Add(writeTime))
	defer control.SetWriteDeadline(time.Time{})
	c.w.Streamed()
	c.begin()
	if err := message(); err != nil {
		return err
	}
	c.finish()
	if err := c.w.Flush(); err != nil {
		return err
	}
	return control.Flush()
}
