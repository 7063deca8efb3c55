package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	"hma/exchange/org"
)

// check returns the enabled person with the login name and the password, of a header or a
// form. What was right a short time ago is not checked again.
func (a *Authenticator) check(ctx context.Context, f *Facts, login, password string) (*org.Recipient, *Denial) {
	if login == "" || password == "" {
		return nil, a.legacy(f, "no user name or no password")
	}
	version := a.people.PeopleVersion()
	key := a.passwords.key([]byte(login + ":" + password))
	if person := a.passwords.get(key, version, f.Now); person != nil {
		return person, nil
	}
	person, err := a.people.VerifyPassword(ctx, login, password)
	if errors.Is(err, org.ErrPassword) {
		return nil, a.legacy(f, "unknown user or wrong password")
	}
	if err != nil {
		return nil, a.denial(ctx, f, err)
	}
	a.passwords.put(key, version, person, f.Now)
	return person, nil
}

// formsAuthN is what a session of the form of OWA and ECP is called: forms-based authentication.
const formsAuthN = "FBA"

// Form checks what was typed into the form of OWA or ECP: the Identity, with the time when
// the password was set, or the Denial, whose challenges mean nothing there.
func (a *Authenticator) Form(ctx context.Context, f *Facts, login, password string) (id *Identity, set time.Time, denial *Denial) {
	person, denial := a.check(ctx, f, login, password)
	if denial != nil {
		return nil, time.Time{}, denial
	}
	set, err := a.people.PasswordChanged(ctx, person.GUID)
	if err != nil {
		return nil, time.Time{}, a.denial(ctx, f, err)
	}
	id, denial = a.proven(f, person, formsAuthN)
	return id, set, denial
}

// FormSession returns the Identity of somebody who has signed in by the form before, with the
// password that was set at a time. Both are looked up anew: who was disabled since, or has
// another password, is out at once. Otherwise the Denial says why.
func (a *Authenticator) FormSession(ctx context.Context, f *Facts, sid string, set time.Time) (*Identity, *Denial) {
	found, err := a.people.bySID(ctx, sid)
	switch {
	case err != nil:
		return nil, a.denial(ctx, f, err)
	case len(found) != 1 || !found[0].Active():
		return nil, a.legacy(f, "the session's person is gone or disabled")
	}
	now, err := a.people.PasswordChanged(ctx, found[0].GUID)
	switch {
	case errors.Is(err, org.ErrNotFound) || err == nil && !now.Equal(set):
		return nil, a.legacy(f, "the session's password has changed")
	case err != nil:
		return nil, a.denial(ctx, f, err)
	}
	return a.proven(f, found[0], formsAuthN)
}

// passwordCache remembers for a short time which credentials were right, so that
// a client that sends them with each request costs one slow hash and not many. It
// holds keyed hashes, under a key that lives as long as the process.
type passwordCache struct {
	secret  [32]byte
	mu      sync.Mutex
	version int64
	right   map[[sha256.Size]byte]rightPassword
}

type rightPassword struct {
	person *org.Recipient
	until  time.Time
}

const (
	maxPasswords = 4096
	passwordLife = 2 * time.Minute
)

func newPasswordCache() *passwordCache {
	c := &passwordCache{right: make(map[[sha256.Size]byte]rightPassword)}
	rand.Read(c.secret[:])
	return c
}

func (c *passwordCache) key(credential []byte) [sha256.Size]byte {
	mac := hmac.New(sha256.New, c.secret[:])
	mac.Write(credential)
	return [sha256.Size]byte(mac.Sum(nil))
}

func (c *passwordCache) get(key [sha256.Size]byte, version int64, now time.Time) *org.Recipient {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.version != version {
		clear(c.right)
		c.version = version
	}
	if r, ok := c.right[key]; ok && now.Before(r.until) {
		return r.person
	}
	return nil
}

func (c *passwordCache) put(key [sha256.Size]byte, version int64, person *org.Recipient, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.version != version {
		return
	}
	if len(c.right) >= maxPasswords {
		clear(c.right)
	}
	c.right[key] = rightPassword{person, now.Add(passwordLife)}
}
