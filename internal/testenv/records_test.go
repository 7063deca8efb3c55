package testenv

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"testing"
	"time"
)

// records keeps what the lab logs, for tests that ask why a request was refused.
type records struct {
	slog.Handler
	mu  sync.Mutex
	buf bytes.Buffer
}

func newRecords() *records {
	r := &records{}
	r.Handler = slog.NewJSONHandler(&r.buf, nil)
	return r
}

func (r *records) Handle(ctx context.Context, record slog.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.Handler.Handle(ctx, record)
}

// record is the record of one request.
type record struct {
	Message string `json:"msg"`
	ID      string `json:"id"`
	Status  int    `json:"status"`
	Door    string `json:"door"`
	Reason  string `json:"reason"`
	Stack   string `json:"stack"`
}

// all returns every record so far, and the text of all of them.
func (r *records) all() (list []record, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	text = r.buf.String()
	for dec := json.NewDecoder(bytes.NewReader(r.buf.Bytes())); dec.More(); {
		var one record
		if dec.Decode(&one) != nil {
			break
		}
		list = append(list, one)
	}
	return list, text
}

// byID returns the request records by request id. A record is written after its
// answer: the last one may be a moment late.
func (r *records) byID(t *testing.T, last string) map[string]record {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		found := map[string]record{}
		list, _ := r.all()
		for _, one := range list {
			if one.Message == "request" {
				found[one.ID] = one
			}
		}
		if _, ok := found[last]; ok {
			return found
		}
		if time.Now().After(deadline) {
			t.Fatalf("no record of request %s", last)
		}
	}
}
