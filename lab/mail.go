package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"hma/exchange/org"
	"hma/exchange/transport"
	"hma/lab/corpus"
)

// mailSeed makes every lab's mail the same, but for its dates.
const mailSeed = 20240201

// deliveries run side by side so that they share commits.
const deliveries = 16

// mail gives the mailboxes something to read, through the path that all mail takes.
func (b *build) mail(ctx context.Context, recipients []*org.Recipient) error {
	var readers []corpus.Person
	people := b.people()
	for i, r := range recipients {
		if !people[i].builtin {
			readers = append(readers, corpus.Person{Name: r.DisplayName, Address: r.PrimarySMTP})
		}
	}
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(deliveries)
	for m, err := range corpus.Messages(mailSeed, b.now, readers, b.messages) {
		if err != nil {
			return errors.Join(fmt.Errorf("make mail: %w", err), work.Wait())
		}
		work.Go(func() error {
			results, err := b.roles.Transport.Deliver(ctx, transport.Envelope{From: m.From, To: m.To, Received: m.Date, Read: m.Read}, bytes.NewReader(m.Bytes))
			for _, r := range results {
				err = errors.Join(err, r.Err)
			}
			if err != nil {
				return fmt.Errorf("deliver mail: %w", err)
			}
			return nil
		})
	}
	return work.Wait()
}
