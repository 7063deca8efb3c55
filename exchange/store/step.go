package store

import (
	"context"
	"fmt"
)

// Step is one of several things that Together does in one write. Who may do it was
// asked when it was made; it can be done once more when the write is not.
type Step struct {
	m  *Mailbox
	do func(w *writer) error
}

// Together does all steps, in their order and in any mailboxes of the store, in one
// write: all or none.
func Together(ctx context.Context, steps ...Step) error {
	if len(steps) == 0 {
		return nil
	}
	var boxes []*Mailbox
	at := map[int64]int{} // by number: a mailbox and the one that a restore put in its place are two
	for _, s := range steps {
		if _, known := at[s.m.id]; !known {
			at[s.m.id] = len(boxes)
			boxes = append(boxes, s.m)
		}
	}
	return writeIn(ctx, boxes, func(writers []*writer) error {
		for _, s := range steps {
			w := writers[at[s.m.id]]
			w.m = s.m // as whoever does this sees the mailbox
			if err := s.do(w); err != nil {
				return err
			}
		}
		return nil
	})
}

// Updating is UpdateItem as a step. What is left of the item is in stamp then.
func (m *Mailbox) Updating(ctx context.Context, id ItemID, u ItemUpdate, stamp *Stamp) (Step, error) {
	step, err := m.updating(ctx, id, u, stamp)
	if err != nil {
		err = fmt.Errorf("update %v: %w", id, err)
	}
	return step, err
}

// Moving is MoveItem as a step.
func (m *Mailbox) Moving(ctx context.Context, id ItemID, to FolderID, stamp *Stamp) (Step, error) {
	step, err := m.moving(ctx, id, to, stamp)
	if err != nil {
		err = fmt.Errorf("move %v: %w", id, err)
	}
	return step, err
}

// Deleting is DeleteItem as a step. A key that is not nil must be the item's change key
// (ErrConflict).
func (m *Mailbox) Deleting(ctx context.Context, id ItemID, key []byte, how Deletion, stamp *Stamp) (Step, error) {
	step, err := m.deleting(ctx, id, key, how, stamp)
	if err != nil {
		err = fmt.Errorf("delete %v: %w", id, err)
	}
	return step, err
}

// Creating is CreateItem as a step.
func (m *Mailbox) Creating(ctx context.Context, item NewItem, stamp *Stamp) (Step, error) {
	r, err := m.ready(ctx, []NewItem{item})
	if err != nil {
		return Step{}, err
	}
	return Step{r.m, func(w *writer) error {
		stamps, err := r.create(w)
		if err != nil {
			return fmt.Errorf("create item: %w", err)
		}
		*stamp = stamps[0]
		return nil
	}}, nil
}

// Sending is a step that writes a message to be sent, which is the caller's to send
// within a minute of the write: o has its number then.
func (m *Mailbox) Sending(o *Outgoing) (Step, error) {
	m, err := m.wholeGate()
	if err != nil {
		return Step{}, fmt.Errorf("send: %w", err)
	}
	return Step{m, func(w *writer) error {
		if err := w.putContents(o.Contents); err != nil {
			return err
		}
		return w.putOutgoing(o, w.now.Add(outgoingLease))
	}}, nil
}
