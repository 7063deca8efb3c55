package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"hma/internal/sqldb"
	"hma/wire/mapi"
)

// RuleState is what a rule is and does (PidTagRuleState, MS-OXORULE 2.2.1.3.1.3).
type RuleState uint32

// Bits of a rule's state.
const (
	RuleEnabled     RuleState = 0x01
	RuleInError     RuleState = 0x02 // it failed and is not run until somebody changes it
	RuleOnlyWhenOof RuleState = 0x04
	RuleExitLevel   RuleState = 0x10 // no rule after it is run when it applies
	RuleParseError  RuleState = 0x40 // what it says cannot be read
)

// Rule is one rule of a folder, run on what is delivered into it.
type Rule struct {
	ID           mapi.GlobCnt // given by the store; zero for one that is new
	Sequence     int32        // rules run in the order of their sequence, then of their ids
	State        RuleState
	UserFlags    uint32
	Level        uint32
	Name         string
	Provider     string // who made it, PidTagRuleProvider
	ProviderData []byte
	Condition    mapi.Restriction
	Actions      []mapi.Action

	// What is kept of a rule that cannot be read, so that it is not lost.
	conditions, actions []byte
}

// Limits of a folder's rules: every delivery reads them all.
const (
	MaxRules     = 1000
	MaxRuleBytes = 256 << 10 // of all rules together
	MaxRuleName  = 256       // letters of a rule's name
)

// Rules returns a folder's rules in the order in which they run.
func (m *Mailbox) Rules(ctx context.Context, folder FolderID) ([]*Rule, error) {
	m, err := m.wholeGate()
	if err == nil {
		err = m.own(folder)
	}
	var list []*Rule
	if err == nil {
		list, err = m.rules(m.reads(ctx), folder.Folder)
	}
	if err != nil {
		return nil, fmt.Errorf("rules of %v: %w", folder, err)
	}
	return list, nil
}

func (m *Mailbox) rules(q querier, fid mapi.GlobCnt) ([]*Rule, error) {
	rows, err := q.Query(`SELECT id, seq, state, user_flags, level, name, provider, provider_data, conditions, actions
		FROM rule WHERE mailbox = $1 AND fid = $2`, m.id, fid)
	if err != nil {
		return nil, err
	}
	return scanRules(rows)
}

// scanRules reads rows of rules and closes them.
func scanRules(rows *sqldb.Rows) (list []*Rule, err error) {
	defer rows.Close()
	for rows.Next() {
		r := &Rule{}
		err := rows.Scan(&r.ID, &r.Sequence, &r.State, &r.UserFlags, &r.Level, &r.Name, &r.Provider, &r.ProviderData, &r.conditions, &r.actions)
		if err != nil {
			return nil, err
		}
		var bad error
		if r.Condition, bad = mapi.DecodeRestriction(r.conditions); bad == nil {
			r.Actions, bad = mapi.DecodeActions(r.actions)
		}
		if bad != nil {
			r.State |= RuleParseError
		}
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b *Rule) int { return cmp.Or(cmp.Compare(a.Sequence, b.Sequence), cmp.Compare(a.ID, b.ID)) })
	return list, rows.Err()
}

// UpdateRules changes a folder's rules in one step: change gets those that there
// are, in their order, and returns those that there shall be. It may run more than
// once. More than the limits allow is ErrTooMany; a rule that cannot be written is
// ErrInvalid.
func (m *Mailbox) UpdateRules(ctx context.Context, folder FolderID, change func([]*Rule) ([]*Rule, error)) error {
	m, err := m.wholeGate()
	if err == nil {
		err = m.own(folder)
	}
	if err == nil {
		err = m.write(ctx, func(w *writer) error {
			if _, err := w.counts(folder.Folder); err != nil {
				return err
			}
			list, err := m.rules(w, folder.Folder)
			if err == nil {
				list, err = change(list)
			}
			if err != nil {
				return err
			}
			if _, err := w.Exec("DELETE FROM rule WHERE mailbox = $1 AND fid = $2", m.id, folder.Folder); err != nil {
				return err
			}
			return w.putRules(folder.Folder, list)
		})
	}
	if err != nil {
		return fmt.Errorf("change rules of %v: %w", folder, err)
	}
	return nil
}

func (w *writer) putRules(fid mapi.GlobCnt, list []*Rule) error {
	if len(list) > MaxRules {
		return fmt.Errorf("%d rules, want at most %d: %w", len(list), MaxRules, ErrTooMany)
	}
	size := 0
	for _, r := range list {
		id, conditions, actions := r.ID, r.conditions, r.actions
		if r.State&RuleParseError == 0 {
			var err error
			if conditions, err = mapi.EncodeRestriction(r.Condition); err == nil {
				actions, err = mapi.EncodeActions(r.Actions)
			}
			if err != nil {
				return fmt.Errorf("rule %q: %w: %w", clean(r.Name), ErrInvalid, err)
			}
		}
		if len([]rune(r.Name)) > MaxRuleName {
			return fmt.Errorf("a rule's name of more than %d letters: %w", MaxRuleName, ErrInvalid)
		}
		if size += len(conditions) + len(actions) + len(r.ProviderData) + len(r.Name) + len(r.Provider); size > MaxRuleBytes {
			return fmt.Errorf("rules of more than %d bytes: %w", MaxRuleBytes, ErrTooMany)
		}
		if id == 0 {
			id = w.number()
		}
		data := r.ProviderData
		if data == nil {
			data = []byte{}
		}
		_, err := w.Exec(`INSERT INTO rule (mailbox, fid, id, seq, state, user_flags, level, name, provider, provider_data, conditions, actions)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
			w.m.id, fid, id, r.Sequence, int64(r.State&^RuleParseError), int64(r.UserFlags), int64(r.Level), clean(r.Name), clean(r.Provider), data, conditions, actions)
		if err != nil {
			return err
		}
	}
	return nil
}

// FailRule marks a rule as one that failed: it is not run until somebody changes it.
func (m *Mailbox) FailRule(ctx context.Context, folder FolderID, id mapi.GlobCnt) error {
	m, err := m.wholeGate()
	if err == nil {
		err = m.own(folder)
	}
	if err == nil {
		err = m.write(ctx, func(w *writer) error {
			_, err := w.Exec("UPDATE rule SET state = state | $4 WHERE mailbox = $1 AND fid = $2 AND id = $3", m.id, folder.Folder, id, int64(RuleInError))
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("mark rule of %v: %w", folder, err)
	}
	return nil
}
