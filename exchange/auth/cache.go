package auth

import (
	"crypto/sha256"
	"sync"
	"time"
)

const (
	tokenShards   = 16
	tokensPerPart = 2048
)

// tokenCache keeps tokens whose signature and lifetime were found good, by the
// SHA-256 of the whole token. What depends on the request (host, door, person)
// is not in it and is judged each time.
type tokenCache struct {
	shards [tokenShards]struct {
		mu     sync.RWMutex
		tokens map[[sha256.Size]byte]*token
	}
}

// get returns the token when it was verified under this trust generation and has
// not expired: the clock skew that a fresh check allows does not count here.
func (c *tokenCache) get(key [sha256.Size]byte, t *trust, now time.Time) *token {
	shard := &c.shards[key[0]%tokenShards]
	shard.mu.RLock()
	found := shard.tokens[key]
	shard.mu.RUnlock()
	if found == nil || found.trust != t || now.Unix() >= found.expires || now.Unix() < found.notBefore {
		return nil
	}
	return found
}

func (c *tokenCache) put(key [sha256.Size]byte, v *token, now time.Time) {
	shard := &c.shards[key[0]%tokenShards]
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if shard.tokens == nil {
		shard.tokens = make(map[[sha256.Size]byte]*token)
	}
	if len(shard.tokens) >= tokensPerPart {
		for k, old := range shard.tokens {
			if now.Unix() >= old.expires || old.trust != v.trust {
				delete(shard.tokens, k)
			}
		}
		for k := range shard.tokens { // any will do: it is only verified once more
			if len(shard.tokens) < tokensPerPart {
				break
			}
			delete(shard.tokens, k)
		}
	}
	shard.tokens[key] = v
}
