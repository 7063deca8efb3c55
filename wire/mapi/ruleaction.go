package mapi

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
)

// ActionType is what a rule's action does (MS-OXORULE 2.2.5.1.1).
type ActionType uint8

// The types of action.
const (
	ActionMove       ActionType = 0x01
	ActionCopy       ActionType = 0x02
	ActionReply      ActionType = 0x03
	ActionOofReply   ActionType = 0x04
	ActionDefer      ActionType = 0x05
	ActionBounce     ActionType = 0x06
	ActionForward    ActionType = 0x07
	ActionDelegate   ActionType = 0x08
	ActionTag        ActionType = 0x09
	ActionDelete     ActionType = 0x0A
	ActionMarkAsRead ActionType = 0x0B
)

// Flavors of a forward (MS-OXORULE 2.2.5.1.1): with both of the first it is a redirection.
const (
	ForwardPreserveSender uint32 = 1 << iota
	ForwardNoChange
	ForwardAsAttachment
	ForwardAsTextMessage
)

// Action is one action of a rule (ActionBlock, MS-OXORULE 2.2.5.1). Which of the
// last fields counts depends on the type.
type Action struct {
	Type   ActionType
	Flavor uint32
	Flags  uint32

	Folder     GlobCnt // Move, Copy: in this mailbox; 0 when Data names one elsewhere
	Recipients []Bag   // Forward, Delegate
	Tag        Tag     // Tag
	Value      any     // Tag
	Data       []byte  // of any other type, as it is on the wire
}

// Limits of a rule's actions.
const (
	MaxActions          = 64
	MaxActionRecipients = 256
)

// thisReplica is the replica id of what a mailbox made itself (MS-OXCDATA 2.2.1.1).
const thisReplica = 1

// EncodeActions returns the form of a standard rule's actions. A value that does
// not fit its tag, or more than the limits, is ErrSyntax.
func EncodeActions(list []Action) ([]byte, error) {
	if len(list) > MaxActions {
		return nil, fmt.Errorf("encode %d actions: %w", len(list), ErrSyntax)
	}
	out := binary.LittleEndian.AppendUint16(nil, uint16(len(list)))
	for _, a := range list {
		data, err := a.data()
		if err == nil && len(data)+9 > 0xFFFF {
			err = fmt.Errorf("%d bytes: %w", len(data), ErrSyntax)
		}
		if err != nil {
			return nil, fmt.Errorf("encode action: %w", err)
		}
		out = binary.LittleEndian.AppendUint16(out, uint16(len(data)+9))
		out = append(out, byte(a.Type))
		out = binary.LittleEndian.AppendUint32(out, a.Flavor)
		out = binary.LittleEndian.AppendUint32(out, a.Flags)
		out = append(out, data...)
	}
	return out, nil
}

func (a Action) data() (_ []byte, err error) {
	le := binary.LittleEndian
	switch {
	case (a.Type == ActionMove || a.Type == ActionCopy) && a.Folder != 0:
		// FolderInThisStore, an empty StoreEID, and a ServerEid of 21 bytes
		// (MS-OXORULE 2.2.5.1.2.1): ours, the folder's id, no message, no instance.
		out := []byte{1, 0, 0, 21, 0, 1}
		n := a.Folder.Bytes()
		out = append(le.AppendUint16(out, thisReplica), n[:]...)
		return append(out, make([]byte, 12)...), nil
	case a.Type == ActionForward || a.Type == ActionDelegate:
		if len(a.Recipients) > MaxActionRecipients {
			return nil, fmt.Errorf("%d recipients: %w", len(a.Recipients), ErrSyntax)
		}
		out := le.AppendUint16(nil, uint16(len(a.Recipients)))
		for _, r := range a.Recipients {
			out = le.AppendUint16(append(out, 1), uint16(len(r)))
			for _, tag := range slices.Sorted(maps.Keys(r)) {
				if out, err = appendTagged(out, tag, r[tag]); err != nil {
					return nil, err
				}
			}
		}
		return out, nil
	case a.Type == ActionTag:
		return appendTagged(nil, a.Tag, a.Value)
	}
	return a.Data, nil
}

// DecodeActions reads the actions of a standard rule. Actions of a type that this
// package knows nothing of keep their data as it is.
func DecodeActions(b []byte) ([]Action, error) {
	r := &reader{rest: b}
	n := int(r.uint16())
	if n > MaxActions {
		r.bad = true
	}
	var list []Action
	for i := 0; i < n && !r.bad; i++ {
		block := r.take(int(r.uint16()))
		if r.bad {
			break
		}
		inner := &reader{rest: block}
		a := Action{Type: ActionType(inner.take(1)[0]), Flavor: inner.uint32(), Flags: inner.uint32()}
		a.read(inner)
		r.bad = inner.bad || len(inner.rest) > 0
		list = append(list, a)
	}
	if r.bad || len(r.rest) > 0 {
		return nil, fmt.Errorf("decode actions: %w", ErrSyntax)
	}
	return list, nil
}

// read takes an action's data.
func (a *Action) read(r *reader) {
	switch a.Type {
	case ActionMove, ActionCopy:
		whole := r.rest
		here := r.take(1)[0] != 0
		r.take(int(r.uint16()))
		id := r.take(int(r.uint16()))
		if !r.bad && here && len(id) == 21 && id[0] == 1 && binary.LittleEndian.Uint16(id[1:]) == thisReplica {
			a.Folder = GlobCntFrom([6]byte(id[3:9]))
		}
		if a.Folder == 0 {
			a.Data = slices.Clone(whole)
		}
	case ActionForward, ActionDelegate:
		n := int(r.uint16())
		if n > MaxActionRecipients {
			r.bad = true
		}
		for i := 0; i < n && !r.bad; i++ {
			r.take(1)
			count := int(r.uint16())
			if count*5 > len(r.rest) {
				r.bad = true
				break
			}
			bag := make(Bag, count)
			for range count {
				tag, v := r.tagged()
				if _, _, twice := bag.Find(tag); twice {
					r.bad = true
				}
				bag[tag] = v
			}
			a.Recipients = append(a.Recipients, bag)
		}
	case ActionTag:
		a.Tag, a.Value = r.tagged()
	default:
		a.Data = slices.Clone(r.take(len(r.rest)))
	}
}
