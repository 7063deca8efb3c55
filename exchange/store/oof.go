package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// OofState says when senders are told that the owner is out of office.
type OofState int

// The states of out of office.
const (
	OofDisabled OofState = iota
	OofEnabled
	OofScheduled // from Start to End
)

// OofAudience says which senders outside the organisation are told.
type OofAudience int

// Audiences outside the organisation.
const (
	OofNobody OofAudience = iota
	OofKnown              // who is among the owner's contacts
	OofEverybody
)

// OofReply is what a sender is told: plain text or HTML, and its language (RFC 3066), "" when nobody said.
type OofReply struct{ Text, Language string }

// Oof are a mailbox's out-of-office settings (MS-OXWOOF 2.2.4.2).
type Oof struct {
	State              OofState
	Audience           OofAudience
	Start, End         time.Time // zero without a duration
	Internal, External OofReply
}

// Active tells whether the owner is out of office at a time.
func (o Oof) Active(now time.Time) bool {
	return o.State == OofEnabled || o.State == OofScheduled && !now.Before(o.Start) && now.Before(o.End)
}

// Limits of out of office.
const (
	MaxOofText    = 128 << 10 // bytes of one reply
	MaxOofSenders = 10_000    // who is told in one period; who comes later is not
)

// Oof returns the out-of-office settings; a mailbox that has none is not out of office.
func (m *Mailbox) Oof(ctx context.Context) (o Oof, err error) {
	if m, err = m.wholeGate(); err != nil {
		return Oof{}, err
	}
	var start, end int64
	err = noRow(m.store.db.QueryRow(ctx, `SELECT state, audience, starts, ends, internal_reply, internal_lang, external_reply, external_lang
		FROM oof WHERE mailbox = $1`, m.id).
		Scan(&o.State, &o.Audience, &start, &end, &o.Internal.Text, &o.Internal.Language, &o.External.Text, &o.External.Language))
	if errors.Is(err, ErrNotFound) {
		return Oof{Audience: OofEverybody}, nil
	}
	if err != nil {
		return Oof{}, fmt.Errorf("out-of-office settings of mailbox %s: %w", m.guid, err)
	}
	o.Start, o.End = oofTime(start), oofTime(end)
	return o, nil
}

func oofTime(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return fromMicros(n)
}

// SetOof changes the out-of-office settings. What begins a new period, another
// state or another duration, has every sender told again.
func (m *Mailbox) SetOof(ctx context.Context, o Oof) error {
	m, err := m.wholeGate()
	if err != nil {
		return err
	}
	if err := o.check(); err != nil {
		return fmt.Errorf("out of office: %w", err)
	}
	var start, end int64
	if !o.Start.IsZero() && !o.End.IsZero() {
		start, end = micros(o.Start), micros(o.End)
	}
	err = m.write(ctx, func(w *writer) error {
		var was OofState
		var wasStart, wasEnd, senders int64
		err := noRow(w.QueryRow("SELECT state, starts, ends, senders FROM oof WHERE mailbox = $1", m.id).Scan(&was, &wasStart, &wasEnd, &senders))
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if o.State != OofDisabled && (o.State != was || o.State == OofScheduled && (start != wasStart || end != wasEnd)) {
			senders = 0
			if _, err := w.Exec("DELETE FROM oof_sender WHERE mailbox = $1", m.id); err != nil {
				return err
			}
		}
		if _, err := w.Exec("DELETE FROM oof WHERE mailbox = $1", m.id); err != nil {
			return err
		}
		_, err = w.Exec(`INSERT INTO oof (mailbox, state, audience, starts, ends, internal_reply, internal_lang, external_reply, external_lang, senders)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			m.id, o.State, o.Audience, start, end, clean(o.Internal.Text), clean(o.Internal.Language), clean(o.External.Text), clean(o.External.Language), senders)
		return err
	})
	if err != nil {
		return fmt.Errorf("out-of-office settings of mailbox %s: %w", m.guid, err)
	}
	return nil
}

func (o Oof) check() error {
	for _, r := range []OofReply{o.Internal, o.External} {
		if len(r.Text) > MaxOofText {
			return fmt.Errorf("a reply of %d bytes, want at most %d: %w", len(r.Text), MaxOofText, ErrTooLarge)
		}
		if utf8.RuneCountInString(r.Language) > 64 {
			return fmt.Errorf("%q is no language: %w", clean(r.Language), ErrInvalid)
		}
	}
	if o.State < OofDisabled || o.State > OofScheduled || o.Audience < OofNobody || o.Audience > OofEverybody {
		return fmt.Errorf("state %d, audience %d: %w", o.State, o.Audience, ErrInvalid)
	}
	if o.State == OofScheduled && !o.Start.Before(o.End) {
		return fmt.Errorf("it ends before it starts: %w", ErrInvalid)
	}
	return nil
}

// tellOof notes that a sender is told that the owner is out of office. It is true
// the first time in a period, and false for who came after MaxOofSenders others.
func (w *writer) tellOof(sender string) (first bool, err error) {
	sender = strings.ToLower(clean(sender))
	var known int
	err = w.QueryRow("SELECT COUNT(*) FROM oof_sender WHERE mailbox = $1 AND sender = $2", w.m.id, sender).Scan(&known)
	if err != nil || known > 0 {
		return false, err
	}
	counted, err := w.Exec("UPDATE oof SET senders = senders + 1 WHERE mailbox = $1 AND senders < $2", w.m.id, MaxOofSenders)
	if err != nil {
		return false, err
	}
	if n, err := counted.RowsAffected(); err != nil || n == 0 {
		return false, err
	}
	_, err = w.Exec("INSERT INTO oof_sender (mailbox, sender, at) VALUES ($1, $2, $3)", w.m.id, sender, micros(w.now))
	return err == nil, err
}
