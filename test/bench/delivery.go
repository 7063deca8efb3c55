package main

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"hma/exchange/addressbook"
	"hma/exchange/store"
	"hma/exchange/transport"
	"hma/internal/sqldb"
)

const (
	deliveryTime = 150 * time.Millisecond
	senders      = 64
	letterSize   = 10 << 10
)

// delivery measures how many messages a second are acknowledged when they are
// durable, beside single-row inserts of the same size, each with a commit of its own.
func delivery(ctx context.Context, b *bench) error {
	db, err := sqldb.Open(ctx, "sqlite:"+filepath.Join(b.work, "delivery.db"))
	if err != nil {
		return err
	}
	defer db.Close()
	st, err := store.Open(ctx, db, store.Options{Now: time.Now})
	if err != nil {
		return err
	}
	owner := mailOwner()
	mail := transport.New(transport.Config{Store: st, Now: time.Now, Host: "ex1.contoso.com", PostmasterAddress: "postmaster@contoso.com",
		Directory: onePerson{box: &transport.Mailbox{GUID: owner.MailboxGUID, Address: owner.PrimarySMTP, Info: addressbook.MailboxInfo(&owner)}},
		MaySendAs: func(context.Context, string, string) (bool, error) { return false, nil }})
	bare, err := sqldb.Open(ctx, "sqlite:"+filepath.Join(b.work, "bare.db"))
	if err != nil {
		return err
	}
	defer bare.Close()
	if err := bare.Statement(ctx, "CREATE TABLE letter (number INTEGER PRIMARY KEY, data BLOB)"); err != nil {
		return err
	}
	letter := benchMessage(1)
	for len(letter) < letterSize {
		letter = append(letter, letter[len(letter)/2:]...)
	}
	letter = letter[:letterSize]
	env := transport.Envelope{From: "sender@fabrikam.com", To: []string{owner.PrimarySMTP}}

	var rates []float64
	f, err := ratio("store.delivery.ratio", atLeast(0.25), fmt.Sprintf("messages of 10 KiB, %d senders; bare inserts of one row in a transaction, one after the other", senders),
		func() (float64, error) {
			rate, err := together(senders, deliveryTime, func() error {
				results, err := mail.Deliver(ctx, env, bytes.NewReader(letter))
				if err == nil {
					err = results[0].Err
				}
				return err
			})
			rates = append(rates, rate)
			return rate, err
		},
		func() (float64, error) {
			return perSecond(deliveryTime, func() (float64, error) {
				return 1, bare.Write(ctx, func(tx *sqldb.Tx) error {
					_, err := tx.Exec("INSERT INTO letter (data) VALUES ($1)", letter)
					return err
				})
			})
		})
	if err != nil {
		return err
	}
	if err := b.print(atLeast(1000).judge("store.delivery", "messages a second", rates[1:], fmt.Sprintf("10 KiB, %d senders, SQLite on disk, every commit durable", senders)), nil); err != nil {
		return err
	}
	return b.print(f, nil)
}

// onePerson is a directory where every address is one person's.
type onePerson struct {
	nobody
	box *transport.Mailbox
}

// Mailbox implements transport.Directory.
func (p onePerson) Mailbox(context.Context, string) (*transport.Mailbox, error) { return p.box, nil }

// together runs fn from n goroutines for about d and returns how often it was done a second.
func together(n int, d time.Duration, fn func() error) (float64, error) {
	start := time.Now()
	var wg sync.WaitGroup
	counts, errs := make([]int, n), make(chan error, n)
	for i := range n {
		wg.Go(func() {
			for time.Since(start) < d {
				if err := fn(); err != nil {
					errs <- err
					return
				}
				counts[i]++
			}
		})
	}
	wg.Wait()
	sum := 0
	for _, c := range counts {
		sum += c
	}
	select {
	case err := <-errs:
		return 0, err
	default:
		return float64(sum) / time.Since(start).Seconds(), nil
	}
}
