package auth

import (
	"context"
	"errors"
	"sync"

	"hma/exchange/org"
)

// people answers from a small cache in front of the directory. Everything in it
// was read under one people version; a write to anybody empties it.
type people struct {
	People
	mu      sync.Mutex
	version int64
	found   map[string][]*org.Recipient
}

const maxPeople = 4096

var (
	_ People        = (*org.Organization)(nil)
	_ MetadataStore = (*org.Organization)(nil)
	_ Refresher     = (*Metadata)(nil)
)

func newPeople(p People) *people {
	return &people{People: p, found: make(map[string][]*org.Recipient)}
}

// cached returns what look finds for the key. The version is read before looking:
// a write in between makes the answer old at once instead of keeping it.
func (p *people) cached(key string, look func() ([]*org.Recipient, error)) ([]*org.Recipient, error) {
	version := p.PeopleVersion()
	p.mu.Lock()
	if p.version != version {
		clear(p.found)
		p.version = version
	}
	found, ok := p.found[key]
	p.mu.Unlock()
	if ok {
		return found, nil
	}
	found, err := look()
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.version == version {
		if len(p.found) >= maxPeople {
			clear(p.found)
		}
		p.found[key] = found
	}
	return found, nil
}

func (p *people) bySID(ctx context.Context, sid string) ([]*org.Recipient, error) {
	return p.cached("sid "+sid, func() ([]*org.Recipient, error) {
		r, err := p.BySID(ctx, sid)
		if errors.Is(err, org.ErrNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return []*org.Recipient{r}, nil
	})
}

// byMasterAccount finds the people whose linked mailbox belongs to the account with the SID.
func (p *people) byMasterAccount(ctx context.Context, sid string) ([]*org.Recipient, error) {
	return p.cached("master "+sid, func() ([]*org.Recipient, error) { return p.ByMasterAccountSID(ctx, sid) })
}

// byName finds the people whom a name may mean: as UPN, and when there is none as
// SMTP address. Both are looked up in every case: the name may be a stranger's guess
// (X-User-Identity), and the time must not tell whether it was right.
func (p *people) byName(ctx context.Context, name string) ([]*org.Recipient, error) {
	name = asciiLower(name)
	return p.cached("name "+name, func() ([]*org.Recipient, error) {
		named, err := p.ByUPN(ctx, name)
		if err != nil {
			return nil, err
		}
		addressed, err := p.bySMTP(ctx, name)
		if err != nil || len(named) == 0 {
			return addressed, err
		}
		return named, nil
	})
}

// bySMTP returns each person once, however many of the addresses match.
func (p *people) bySMTP(ctx context.Context, address string) ([]*org.Recipient, error) {
	found, err := p.BySMTP(ctx, address)
	if err != nil || len(found) < 2 {
		return found, err
	}
	seen := make(map[string]bool)
	var distinct []*org.Recipient
	for _, r := range found {
		if !seen[r.SID] {
			seen[r.SID] = true
			distinct = append(distinct, r)
		}
	}
	return distinct, nil
}
