package auth

import (
	"hash/maphash"
	"strings"
	"sync"
	"time"
)

const (
	tokenShards   = 16
	tokensPerPart = 2048
	// bytesPerPart bounds the texts of a part's tokens: 32 MiB in all parts.
	bytesPerPart = 2 << 20
)

// tokenCache keeps tokens whose signature and lifetime were found good. What
// depends on the request (host, door, person) is not in it and is judged each time.
//
// A token is found by a fast keyed hash and is the one that was kept only when
// its whole text is: a hash that somebody made to collide opens nothing.
type tokenCache struct {
	seed   maphash.Seed
	shards [tokenShards]struct {
		mu     sync.RWMutex
		bytes  int // of the texts in tokens
		tokens map[uint64]*token
	}
}

func newTokenCache() *tokenCache { return &tokenCache{seed: maphash.MakeSeed()} }

// get returns the token when it was verified under this trust generation and has
// not expired: the clock skew that a fresh check allows does not count here.
func (c *tokenCache) get(text string, t *trust, now time.Time) *token {
	key := maphash.String(c.seed, text)
	shard := &c.shards[key%tokenShards]
	shard.mu.RLock()
	found := shard.tokens[key]
	shard.mu.RUnlock()
	if found == nil || found.text != text || found.trust != t || now.Unix() >= found.expires || now.Unix() < found.notBefore {
		return nil
	}
	return found
}

func (c *tokenCache) put(text string, v *token, now time.Time) {
	v.text = strings.Clone(text) // the request's header line may go
	key := maphash.String(c.seed, text)
	shard := &c.shards[key%tokenShards]
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if shard.tokens == nil {
		shard.tokens = make(map[uint64]*token)
	}
	drop := func(k uint64, old *token) {
		shard.bytes -= len(old.text)
		delete(shard.tokens, k)
	}
	full := func() bool { return len(shard.tokens) >= tokensPerPart || shard.bytes+len(text) > bytesPerPart }
	if old := shard.tokens[key]; old != nil {
		drop(key, old)
	}
	if full() {
		for k, old := range shard.tokens {
			if now.Unix() >= old.expires || old.trust != v.trust {
				drop(k, old)
			}
		}
		for k, old := range shard.tokens { // any will do: it is only verified once more
			if !full() {
				break
			}
			drop(k, old)
		}
	}
	shard.tokens[key] = v
	shard.bytes += len(text)
}
