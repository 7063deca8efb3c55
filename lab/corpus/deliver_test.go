package corpus

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"hma/exchange/store"
	"hma/exchange/transport"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/guid"
)

type directory struct{}

func (directory) Mailbox(_ context.Context, address string) (*transport.Mailbox, error) {
	for i, p := range people {
		if strings.EqualFold(p.Address, address) {
			return &transport.Mailbox{GUID: guid.GUID{15: byte(i + 1)}, Address: p.Address, Info: store.MailboxInfo{OwnerSID: p.Address, DisplayName: p.Name}}, nil
		}
	}
	return nil, transport.ErrUnknownRecipient
}

func (directory) Members(context.Context, string, string, int) ([]*transport.Mailbox, error) {
	return nil, transport.ErrUnknownRecipient
}

func (directory) Accepted(context.Context, string) (bool, error) { return true, nil }

// BenchmarkDeliver is what the lab's first start does with its mail: 300 messages through delivery into a database on disk.
func BenchmarkDeliver(b *testing.B) {
	list := all(b, 1, 300)
	for b.Loop() {
		b.StopTimer()
		clock := func() time.Time { return now }
		s, err := store.Open(b.Context(), sqldbtest.Disk(b), store.Options{Now: clock})
		if err != nil {
			b.Fatal(err)
		}
		t := transport.New(transport.Config{Store: s, Directory: directory{}, Now: clock, Host: "localhost", PostmasterAddress: "postmaster@contoso.com", Log: slog.New(slog.DiscardHandler)})
		b.StartTimer()
		var work sync.WaitGroup
		slots := make(chan struct{}, 32)
		for _, m := range list {
			slots <- struct{}{}
			work.Go(func() {
				defer func() { <-slots }()
				results, err := t.Deliver(b.Context(), transport.Envelope{From: m.From, To: m.To, Received: m.Date, Read: m.Read}, bytes.NewReader(m.Bytes))
				if err != nil {
					b.Error(err)
				}
				for _, r := range results {
					if r.Err != nil {
						b.Error(r.Err)
					}
				}
			})
		}
		work.Wait()
	}
}
