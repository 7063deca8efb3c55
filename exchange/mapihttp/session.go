package mapihttp

import (
	"container/list"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"slices"
	"sync"
	"time"

	"hma/wire/guid"
)

// The bounds of the table of session contexts.
const (
	// life is how long a context lives without a request (MS-OXCMAPIHTTP leaves it to the server).
	life = 15 * time.Minute
	// maxPerOwner contexts belong to one mailbox; a further one ends the one that
	// was idle longest, so that nobody can lock himself out by connecting.
	maxPerOwner = 32
	// maxInAll contexts live on one server; further ones are refused.
	maxInAll = 20_000
)

// cookieLength is that of crypto/rand.Text, the form of both cookies.
const cookieLength = 26

// session is one session context (MS-OXCMAPIHTTP 3.2.1).
type session struct {
	context  string // value of the context cookie; never changes
	endpoint endpoint
	owner    guid.GUID // mailbox of the person who opened it: tokens change, the mailbox does not

	// used and place belong to the table and are under its lock.
	used  time.Time
	place *list.Element

	// turn is held by the one sequenced request that is being answered; what
	// follows is under it.
	turn     sync.Mutex
	sequence string // value that the next sequenced request must bring
	closed   bool   // ended, kept for the replay of its last answer
	last     *answered
}

// answered is a sequenced request and its answer, kept in case the answer is
// lost on the way and the client asks again.
type answered struct {
	requestType string
	requestID   string
	body        [sha256.Size]byte
	answer      answer
}

// is tells whether the request is the one that was answered.
func (a *answered) is(q *request) bool {
	return a != nil && a.requestID == q.id && a.requestType == q.kind.name && a.body == sha256.Sum256(q.body)
}

// sessions is the table of session contexts of one server.
type sessions struct {
	mu        sync.Mutex
	byContext map[string]*session
	byOwner   map[guid.GUID][]*session
	idle      *list.List // of *session, the one idle longest in front
}

func newSessions() *sessions {
	return &sessions{byContext: make(map[string]*session), byOwner: make(map[guid.GUID][]*session), idle: list.New()}
}

var errFull = errors.New("table of session contexts is full")

// open adds a context for the owner.
func (t *sessions) open(e endpoint, owner guid.GUID, now time.Time) (*session, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expire(now)
	if own := t.byOwner[owner]; len(own) >= maxPerOwner {
		t.remove(slices.MinFunc(own, func(a, b *session) int { return a.used.Compare(b.used) }))
	}
	if len(t.byContext) >= maxInAll {
		return nil, errFull
	}
	s := &session{context: rand.Text(), sequence: rand.Text(), endpoint: e, owner: owner, used: now}
	t.byContext[s.context] = s
	t.byOwner[owner] = append(t.byOwner[owner], s)
	s.place = t.idle.PushBack(s)
	return s, nil
}

// find returns the living context of the endpoint with the cookie's value, or nil.
func (t *sessions) find(e endpoint, context string, now time.Time) *session {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expire(now)
	s := t.byContext[context]
	if s == nil || s.endpoint != e {
		return nil
	}
	return s
}

// touch starts the context's life anew.
func (t *sessions) touch(s *session, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byContext[s.context] == s {
		s.used = now
		t.idle.MoveToBack(s.place)
	}
}

// owned returns the owner's contexts.
func (t *sessions) owned(owner guid.GUID) []*session {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.byOwner[owner])
}

func (t *sessions) end(s *session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byContext[s.context] == s {
		t.remove(s)
	}
}

func (t *sessions) expire(now time.Time) {
	for front := t.idle.Front(); front != nil; front = t.idle.Front() {
		s := front.Value.(*session)
		if now.Sub(s.used) < life {
			return
		}
		t.remove(s)
	}
}

func (t *sessions) remove(s *session) {
	delete(t.byContext, s.context)
	t.idle.Remove(s.place)
	own := slices.DeleteFunc(t.byOwner[s.owner], func(o *session) bool { return o == s })
	if len(own) == 0 {
		delete(t.byOwner, s.owner)
		return
	}
	t.byOwner[s.owner] = own
}
