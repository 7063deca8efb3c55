package auth

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"time"
)

const (
	// reachTime is how long an authorization endpoint may take to answer at all.
	reachTime = 5 * time.Second
	// reachKept is how long one that answered is not asked again, and awayKept one that did not.
	reachKept = 10 * time.Second
	awayKept  = time.Second
)

// reached is when an endpoint was last asked, and whether it answered. Its lock is
// held while it is asked, so that people who come at once wait for one answer.
type reached struct {
	mu    sync.Mutex
	asked time.Time
	ok    bool
}

// Reaches tells whether an authorization endpoint answers this server: anything at
// all, within five seconds. A browser may reach it where the
// server does not; the answer is for a page, and decides nothing.
func (m *Metadata) Reaches(ctx context.Context, endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return false
	}
	m.mu.Lock()
	if m.reached == nil {
		m.reached = make(map[string]*reached)
	}
	r := m.reached[u.Host] // as many as there are AuthServer objects
	if r == nil {
		r = &reached{}
		m.reached[u.Host] = r
	}
	m.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	kept := reachKept
	if !r.ok {
		kept = awayKept
	}
	if r.asked.IsZero() || m.now().Sub(r.asked).Abs() >= kept {
		r.ok = m.answers(ctx, endpoint)
		r.asked = m.now()
	}
	return r.ok
}

func (m *Metadata) answers(ctx context.Context, endpoint string) bool {
	// Whoever asked first may go away; the others still want to know.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reachTime)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodHead, endpoint, nil)
	if err != nil {
		return false
	}
	client := *m.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(q)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return true
}
