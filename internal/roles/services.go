package roles

import (
	"context"

	"hma/internal/sqldb"
)

// mailIn is the name under which mail in is counted among what is served.
const mailIn = ""

// begin counts a listener of the name among what this process serves, until the returned function is called.
func (r *Roles) begin(name string) (end func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.serving == nil {
		r.serving = map[string]int{}
	}
	r.serving[name]++
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.serving[name]--
	}
}

// services tells which services of a server run, by Exchange's names for them: its web service while this process
// listens for it, transport while mail comes in, store and topology while their databases answer.
func (r *Roles) services(ctx context.Context, server string) map[string]bool {
	answers := func(db *sqldb.DB) bool {
		var one int
		return db.QueryRow(ctx, "SELECT 1").Scan(&one) == nil
	}
	r.mu.Lock()
	web, transport := r.serving[server] > 0, r.serving[mailIn] > 0
	r.mu.Unlock()
	return map[string]bool{"W3Svc": web, "MSExchangeTransport": transport, "MSExchangeADTopology": answers(r.dbs[1]), "MSExchangeIS": answers(r.dbs[2])}
}
