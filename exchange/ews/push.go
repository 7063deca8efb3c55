package ews

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"hma/exchange/org"
	"hma/exchange/store"
	"hma/wire/soap"
)

// PushOptions say to whom push notifications may go.
type PushOptions struct {
	// To are the origins that may be called, for example https://listener.contoso.com:8443;
	// none without one.
	To []string
	// Roots are the authorities that a listener's certificate may be from; nil for those of the system.
	Roots *x509.CertPool
}

// ErrPushOrigin is in the error of PushOptions.Check.
var ErrPushOrigin = errors.New("no origin like https://listener.contoso.com:8443")

// Check refuses what is no origin: a scheme, a host and perhaps a port, nothing else.
func (o PushOptions) Check() error {
	for _, text := range o.To {
		u, err := url.Parse(text)
		if err != nil || origin(text) == "" || u.Path != "" || u.RawQuery != "" {
			return fmt.Errorf("push notifications cannot go to %q: %w", text, ErrPushOrigin)
		}
	}
	return nil
}

// Limits of push notifications.
const (
	// maxFrequency is the longest StatusFrequency in minutes (MS-OXWSNTIF 3.1.4.3.4.3); without one it is stockFrequency.
	maxFrequency   = 1440
	stockFrequency = 30
	maxPushURL     = 2048
	maxCallerData  = 1024
	// pushTime is how long a listener may take, pushAnswer how many octets it may answer.
	pushTime   = 10 * time.Second
	pushAnswer = 64 << 10
	// pushRetry is when a listener that failed is tried again first; the wait doubles each time.
	pushRetry = 30 * time.Second
	// pushesAtOnce is how many calls one origin has at a time, pushesEach how many of
	// them are to one URL, and pushesWaiting how many wait there for their turn, of
	// them at most a fourth for one URL.
	pushesAtOnce  = 16
	pushesEach    = 4
	pushesWaiting = 256
	// pushesTaken is how many subscriptions are taken at a time.
	pushesTaken = 64
	// pushIdle is how often other servers' subscriptions are looked for.
	pushIdle = 30 * time.Second
	// pushLife is how long a subscription outlives its last answer, beside its frequency.
	pushLife = 24 * time.Hour
)

var errPushAddress = &problem{"ErrorInvalidSubscriptionRequest", "The server does not send push notifications to this URL: its operator allows others, or none."}

// pushes is what calls listeners.
type pushes struct {
	to     []string
	client *http.Client
	woken  chan struct{}

	mu    sync.Mutex
	lanes map[string]*lane // by origin; those with something to do
	calls sync.WaitGroup
}

// lane is what is to be told to the listeners of one origin: one that hangs makes
// nobody wait elsewhere, and little at other URLs of its own origin.
type lane struct {
	waiting []*store.Pushed
	calling int
	urls    map[string]int // calls to each
}

// take takes the first that waits whose URL has a call to spare.
func (l *lane) take() *store.Pushed {
	i := slices.IndexFunc(l.waiting, func(p *store.Pushed) bool { return l.urls[p.URL] < pushesEach })
	if l.calling == pushesAtOnce || i < 0 {
		return nil
	}
	p := l.waiting[i]
	l.waiting = slices.Delete(l.waiting, i, i+1)
	l.calling++
	l.urls[p.URL]++
	return p
}

// queue has fn called for a subscription when it is its turn; false when too many wait
// before it.
func (p *pushes) queue(o *store.Pushed, fn func(*store.Pushed)) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := origin(o.URL)
	l := p.lanes[at]
	if l == nil {
		l = &lane{urls: map[string]int{}}
		p.lanes[at] = l
	}
	same := 0
	for _, w := range l.waiting {
		if w.URL == o.URL {
			same++
		}
	}
	if len(l.waiting) == pushesWaiting || same == pushesWaiting/4 {
		return false
	}
	l.waiting = append(l.waiting, o)
	p.start(at, l, fn)
	return true
}

// start begins the calls of a lane whose turn it is.
func (p *pushes) start(at string, l *lane, fn func(*store.Pushed)) {
	for o := l.take(); o != nil; o = l.take() {
		p.calls.Go(func() {
			fn(o)
			p.mu.Lock()
			defer p.mu.Unlock()
			l.calling--
			if l.urls[o.URL]--; l.urls[o.URL] == 0 {
				delete(l.urls, o.URL)
			}
			p.start(at, l, fn)
			if l.calling == 0 {
				delete(p.lanes, at)
			}
			p.wake() // more may have happened meanwhile
		})
	}
}

func newPushes(opts PushOptions) *pushes {
	p := &pushes{woken: make(chan struct{}, 1), lanes: map[string]*lane{}}
	var literal []netip.Addr // what the operator allowed by its address
	for _, text := range opts.To {
		if o := origin(text); o != "" {
			p.to = append(p.to, o)
			if u, err := url.Parse(o); err == nil {
				if ip, err := netip.ParseAddr(u.Hostname()); err == nil {
					literal = append(literal, ip)
				}
			}
		}
	}
	dialer := &net.Dialer{Timeout: pushTime, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err == nil && !slices.Contains(literal, at.Addr()) && !callable(at.Addr()) {
			err = errors.New("the listener's name leads to an address of this machine or link")
		}
		return err
	}}
	p.client = &http.Client{Timeout: pushTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{Proxy: nil, DialContext: dialer.DialContext, DisableKeepAlives: true, MaxResponseHeaderBytes: 16 << 10,
			TLSClientConfig: &tls.Config{RootCAs: opts.Roots, MinVersion: tls.VersionTLS12}, TLSHandshakeTimeout: pushTime}}
	return p
}

// callable tells whether a name of a listener may lead to an address: not to this
// machine, not to its link, where metadata services of clouds are, and not to groups.
func callable(ip netip.Addr) bool {
	ip = ip.Unmap()
	return ip.IsValid() && !ip.IsLoopback() && !ip.IsUnspecified() && !ip.IsLinkLocalUnicast() && !ip.IsMulticast() && ip.Zone() == ""
}

// origin returns the scheme, host and port of a URL of a listener, in one form; "" of
// what is none. With a user, a fragment or anything but http and https it is none.
func origin(text string) string {
	u, err := url.Parse(text)
	if err != nil || len(text) > maxPushURL || u.User != nil || u.Fragment != "" || u.Opaque != "" || u.Hostname() == "" {
		return ""
	}
	port := u.Port()
	switch scheme := strings.ToLower(u.Scheme); {
	case scheme == "https" && port == "":
		port = "443"
	case scheme == "http" && port == "":
		port = "80"
	case scheme != "https" && scheme != "http":
		return ""
	}
	return strings.ToLower(u.Scheme) + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// allows tells whether a URL may be called.
func (p *pushes) allows(text string) bool {
	o := origin(text)
	return o != "" && slices.Contains(p.to, o)
}

// wake has KeepPushing look at once.
func (p *pushes) wake() {
	select {
	case p.woken <- struct{}{}:
	default:
	}
}

// push reads what a PushSubscriptionRequest has of its own (MS-OXWSNTIF 3.1.4.3.3.6).
func (c *call) push(s *subscription, e *soap.Element) error {
	s.Kind = store.Push
	minutes := stockFrequency
	if f := e.Child(soap.NSTypes, "StatusFrequency"); f != nil {
		var err error
		if minutes, err = strconv.Atoi(strings.TrimSpace(f.Text)); err != nil || minutes < 1 || minutes > maxFrequency {
			return invalid(f, "StatusFrequency must be 1 to %d minutes", maxFrequency)
		}
	}
	s.Frequency = time.Duration(minutes) * time.Minute
	s.Life = s.Frequency + pushLife
	to := e.Child(soap.NSTypes, "URL")
	if to == nil {
		return invalid(e, "URL is missing")
	}
	if s.URL = strings.TrimSpace(to.Text); !c.door.pushes.allows(s.URL) {
		return errPushAddress
	}
	if data := e.Child(soap.NSTypes, "CallerData"); data != nil {
		if s.CallerData = data.Text; len(data.Text) > maxCallerData {
			return invalid(data, "CallerData is too long")
		}
	}
	return nil
}

// KeepPushing tells subscribers for push notifications what happened, until ctx ends.
// Several servers may do so at a time.
func (d *Door) KeepPushing(ctx context.Context) {
	if len(d.pushes.to) == 0 {
		return
	}
	defer d.pushes.calls.Wait()
	for ctx.Err() == nil {
		next, watch, err := d.pushDue(ctx)
		if err != nil && ctx.Err() == nil {
			d.opts.Log.ErrorContext(ctx, "push notifications", "error", err)
		}
		var changed <-chan struct{}
		wait := pushIdle
		if watch != nil {
			changed = watch.C
		}
		if !next.IsZero() {
			wait = min(wait, max(next.Sub(d.opts.Now()), 0)+time.Millisecond)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-d.pushes.woken:
		case <-changed:
		case <-timer.C:
		}
		timer.Stop()
		if watch != nil {
			watch.Close()
		}
	}
}

// pushDue begins to tell all that are due, and returns when the next one is and what else makes one so.
func (d *Door) pushDue(ctx context.Context) (next time.Time, watch *store.Watch, err error) {
	mailboxes, err := d.store.PushedMailboxes(ctx)
	if err != nil || len(mailboxes) == 0 {
		return next, nil, err
	}
	watch = d.store.Watch(mailboxes...) // before the look, so that nothing falls between
	for {
		list, next, err := d.store.TakePushed(ctx, pushesTaken)
		if err != nil || len(list) == 0 {
			return next, watch, err
		}
		for _, p := range list {
			if d.pushes.queue(p, func(p *store.Pushed) { d.pushTurn(ctx, p) }) {
				continue
			}
			if err := d.store.DeferPushed(ctx, p, d.opts.Now().Add(pushTime)); err != nil {
				return next, watch, err
			}
		}
	}
}

// pushTurn tells one subscriber whose turn it is; when it came so late that others may
// take the subscription meanwhile, it is put off and takes its turn again.
func (d *Door) pushTurn(ctx context.Context, p *store.Pushed) {
	if ctx.Err() != nil {
		return
	}
	var err error
	if now := d.opts.Now(); now.Add(pushTime).After(p.Until) {
		err = d.store.DeferPushed(ctx, p, now)
	} else {
		err = d.pushOne(ctx, p)
	}
	if err != nil && ctx.Err() == nil {
		d.opts.Log.WarnContext(ctx, "push notification not noted", "mailbox", p.Mailbox, "error", err)
	}
}

// pushOne tells one subscriber, and notes what it answered. One who does not answer
// for StatusFrequency, or who may see the mailbox no more, is told nothing any more.
func (d *Door) pushOne(ctx context.Context, p *store.Pushed) error {
	page, told, err := d.tellPushed(ctx, p)
	now := d.opts.Now()
	switch {
	case errors.Is(err, errUnsubscribed):
		return d.store.EndPushed(ctx, p)
	case err == nil:
		p.Mark = page.Mark
		due := now.Add(p.Frequency)
		switch {
		case !told:
			due = p.Due
		case page.More:
			due = now
		}
		return d.store.KeepPushed(ctx, p, false, due)
	case ctx.Err() != nil:
		return ctx.Err()
	}
	if _, ended := errors.AsType[*problem](err); ended {
		d.opts.Log.InfoContext(ctx, "push subscription ended", "mailbox", p.Mailbox, "error", err)
		return d.store.EndPushed(ctx, p)
	}
	since := time.Duration(0)
	if !p.Failing.IsZero() {
		since = max(now.Sub(p.Failing), 0)
	}
	if since+pushRetry > p.Frequency && since > 0 {
		d.opts.Log.InfoContext(ctx, "push subscription ended: no answer", "mailbox", p.Mailbox, "since", p.Failing, "error", err)
		return d.store.EndPushed(ctx, p)
	}
	return d.store.KeepPushed(ctx, p, true, now.Add(since+pushRetry))
}

// errUnsubscribed is the answer of a listener that wants no more.
var errUnsubscribed = errors.New("unsubscribed")

// tellPushed sends one notification; told is false when nothing happened that the
// subscriber wants to know, and it is not time to say so. A *problem says that the
// subscription has no future.
func (d *Door) tellPushed(ctx context.Context, p *store.Pushed) (page *store.EventPage, told bool, err error) {
	if !d.pushes.allows(p.URL) {
		return nil, false, errPushAddress // of a time when others were allowed
	}
	person, err := d.opts.People.BySID(ctx, p.SID)
	if errors.Is(err, org.ErrNotFound) || err == nil && (!person.Active() || !person.EwsEnabled || !person.Receives()) {
		return nil, false, errSubscription
	}
	if err != nil {
		return nil, false, err
	}
	var body bytes.Buffer
	out := soap.NewWriter(&body)
	defer out.Release()
	c := &call{door: d, ctx: ctx, w: out, person: person}
	box, err := c.admit(p.Mailbox)
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrDenied) {
		return nil, false, errSubscription
	}
	if err != nil {
		return nil, false, err
	}
	s := &subscription{p.Subscription, box}
	if page, err = c.events(s); err != nil {
		return nil, false, err
	}
	if !c.wants(s, page) && d.opts.Now().Before(p.Due) {
		return page, false, nil
	}
	out.Declare()
	out.Start("s:Envelope", "xmlns:s", soap.NSEnvelope, "xmlns:m", soap.NSMessages, "xmlns:t", soap.NSTypes)
	out.Start("s:Header")
	out.Empty("t:RequestServerVersion", "Version", "Exchange2016")
	out.End("s:Header")
	out.Start("s:Body")
	out.Start("m:SendNotification")
	out.Start("m:ResponseMessages")
	out.Start("m:SendNotificationResponseMessage", "ResponseClass", "Success")
	out.Element("m:ResponseCode", "NoError")
	c.writeNotification(s, page)
	out.End("m:SendNotificationResponseMessage")
	out.End("m:ResponseMessages")
	out.End("m:SendNotification")
	out.Finish()
	if err := out.Flush(); err != nil {
		return nil, false, err
	}
	return page, true, d.pushes.send(ctx, p.URL, &body)
}

// send posts a notification and reads the answer (MS-OXWSNTIF 3.2.4.1).
func (p *pushes) send(ctx context.Context, to string, body io.Reader) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, body)
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "text/xml; charset=utf-8")
	r.Header.Set("SOAPAction", `"`+soap.NSMessages+`/SendNotification"`)
	answer, err := p.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the listener answers %d", answer.StatusCode)
	}
	reader := soap.NewReader(answer.Body, soap.DefaultLimits)
	reader.SetBytes(pushAnswer)
	env, err := reader.Envelope()
	if err != nil {
		return fmt.Errorf("the listener's answer: %w", err)
	}
	result, err := env.Request(nil, nil)
	if err != nil {
		return fmt.Errorf("the listener's answer: %w", err)
	}
	if result.Name != (soap.Name{Space: soap.NSMessages, Local: "SendNotificationResult"}) {
		return errors.New("the listener's answer is no SendNotificationResult")
	}
	status := result.Child(soap.NSMessages, "SubscriptionStatus")
	switch {
	case status == nil:
		return errors.New("the listener's answer has no SubscriptionStatus")
	case strings.TrimSpace(status.Text) == "Unsubscribe":
		return errUnsubscribed
	case strings.TrimSpace(status.Text) != "OK":
		return errors.New("the listener's SubscriptionStatus is neither OK nor Unsubscribe")
	}
	return nil
}
