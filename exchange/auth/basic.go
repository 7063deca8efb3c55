package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"time"

	"hma/exchange/org"
)

// maxBasic bounds a Basic credential in bytes of base64.
const maxBasic = 2048

// basic checks a Basic credential (RFC 7617) where the virtual directory takes it.
func (a *Authenticator) basic(ctx context.Context, f *Facts, credential string) (*Identity, *Denial) {
	if !f.VirtualDirectory.Basic() {
		return nil, a.legacy(f, "Basic where the virtual directory does not take it")
	}
	if len(credential) > maxBasic {
		return nil, a.legacy(f, "Basic credential too long")
	}
	plain, err := base64.StdEncoding.DecodeString(credential)
	if err != nil {
		return nil, a.legacy(f, "Basic credential is no base64")
	}
	login, password, ok := strings.Cut(string(plain), ":")
	if !ok || login == "" || password == "" {
		return nil, a.legacy(f, "Basic credential has no user name or no password")
	}
	version := a.people.PeopleVersion()
	key := a.passwords.key(plain)
	person := a.passwords.get(key, version, f.Now)
	if person == nil {
		person, err = a.people.VerifyPassword(ctx, login, password)
		if errors.Is(err, org.ErrPassword) {
			return nil, a.legacy(f, "unknown user or wrong password")
		}
		if err != nil {
			return nil, a.denial(ctx, f, err)
		}
		a.passwords.put(key, version, person, f.Now)
	}
	return a.proven(f, person, "Basic*")
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
