package transport

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"strings"
	"time"

	"hma/exchange/store"
	"hma/wire/guid"
	"hma/wire/mapi"
	"hma/wire/oxcmail"
)

// Verb is how a message answers another: a value of PidTagLastVerbExecuted (MS-OXOMSG 2.2.1.6).
type Verb int32

// The verbs.
const (
	ReplyToSender Verb = 102
	ReplyToAll    Verb = 103
	Forward       Verb = 104
)

// icon is the PidTagIconIndex of a message that was answered with the verb (MS-OXOMSG 2.2.1.3).
func (v Verb) icon() int32 {
	if v == Forward {
		return 0x106
	}
	return 0x105
}

// NewAnswer returns the message with which me answers an item of the mailbox from,
// for any folder of the mailbox into: the subject with its prefix, the recipients, the
// conversation, the attachments that go along, and text above the quoted original.
// text has a body alone. The original must have been read with all properties,
// recipients and attachments.
//
// When the message is sent (SubmitItem), the original is marked as answered.
func (t *Transport) NewAnswer(ctx context.Context, from, into *store.Mailbox, original *store.Item, verb Verb, me oxcmail.Address, text oxcmail.Message) (store.NewItem, error) {
	old, err := Message(ctx, from, original)
	if err != nil {
		return store.NewItem{}, fmt.Errorf("answer: %w", err)
	}
	m := &oxcmail.Message{Text: text.Text, HTML: text.HTML, Props: threadOf(old.Props, verb, t.cfg.Now())}
	if verb != Forward {
		m.Recipients = answered(old, verb, me)
	}
	oxcmail.Quote(m, old)
	if len(m.Text) > maxBody || len(m.HTML) > maxBody {
		return store.NewItem{}, fmt.Errorf("answer: body: %w", ErrTooLarge)
	}
	item := NewItem(m)
	item.Props[mapi.PidTagNativeBody] = m.NativeBody()
	item.Props[mapi.PidTagMessageClass] = "IPM.Note"
	item.Props[mapi.PidNameAnsweredItem] = answeredItem{verb, original.ID}.bytes()
	for _, a := range original.Attachments {
		// What the quoted text shows goes along always.
		if verb != Forward && !a.Inline {
			continue
		}
		a.Props = maps.Clone(a.Props)
		if !a.Content.IsZero() && from.GUID() != into.GUID() {
			if a.Content, err = into.WriteBlob(ctx, from.OpenBlob(ctx, a.Content)); err != nil {
				return store.NewItem{}, fmt.Errorf("answer: %w", err)
			}
		}
		item.Attachments = append(item.Attachments, a)
	}
	return item, nil
}

// threadOf returns what ties an answer to a message: the subject, the conversation
// (MS-OXOMSG 2.2.1.2, 2.2.1.3) and the references (RFC 5322 3.6.4).
func threadOf(old mapi.Bag, verb Verb, now time.Time) mapi.Bag {
	prefix := "RE: "
	if verb == Forward {
		prefix = "FW: "
	}
	_, normalized := oxcmail.SplitSubject(old.String(mapi.PidTagSubject))
	props := mapi.Bag{mapi.PidTagSubject: prefix + normalized, mapi.PidTagSubjectPrefix: prefix, mapi.PidTagNormalizedSubject: normalized}
	topic := old.String(mapi.PidTagConversationTopic)
	if topic == "" {
		topic = normalized
	}
	props[mapi.PidTagConversationTopic] = topic
	id := old.String(mapi.PidTagInternetMessageID)
	thread := id
	if thread == "" {
		thread = guid.New().String()
	}
	index := oxcmail.NewConversationIndex(old.Bytes(mapi.PidTagConversationIndex), thread, now)
	props[mapi.PidTagConversationIndex] = index
	props[mapi.PidTagConversationID] = oxcmail.ConversationID(index)
	if id != "" {
		props[mapi.PidTagInReplyToID] = id
		references := strings.TrimSpace(old.String(mapi.PidTagInternetReferences) + " " + id)
		if len(references) > maxReferences {
			references = id // a thread that long is known by its last message
		}
		props[mapi.PidTagInternetReferences] = references
	}
	return props
}

// maxReferences keeps the References field of a long thread within what readers take.
const maxReferences = 8000

// answered are the recipients of a reply: those whom the message names for it, else
// its author; with ReplyToAll also who else got it, but not me, and each once.
func answered(old *oxcmail.Message, verb Verb, me oxcmail.Address) []oxcmail.Recipient {
	var out []oxcmail.Recipient
	seen := map[string]bool{}
	add := func(kind int32, a oxcmail.Address) {
		if key := strings.ToLower(a.Email); key != "" && !seen[key] {
			seen[key] = true
			out = append(out, oxcmail.Recipient{Type: kind, Address: a})
		}
	}
	first := old.ReplyTo
	if len(first) == 0 {
		first = []oxcmail.Address{old.From}
	}
	for _, a := range first {
		add(mapi.RecipientTo, a)
	}
	if verb != ReplyToAll {
		return out
	}
	seen[strings.ToLower(me.Email)] = true
	for _, kind := range []int32{mapi.RecipientTo, mapi.RecipientCc} {
		for _, r := range old.Recipients {
			if r.Type == kind {
				add(kind, r.Address)
			}
		}
	}
	return out
}

// answeredItem is what PidNameAnsweredItem of an answer holds until it is sent:
// the verb and the item. It names nothing outside the mailbox that it is in.
type answeredItem struct {
	verb Verb
	id   store.ItemID
}

func (a answeredItem) bytes() []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(a.verb))
	out = append(out, a.id.Mailbox[:]...)
	out = binary.BigEndian.AppendUint64(out, uint64(a.id.Row))
	return binary.BigEndian.AppendUint64(out, uint64(a.id.Mid))
}

// parseAnswered reads what bytes wrote; a client can have written anything else.
func parseAnswered(raw []byte) (a answeredItem, ok bool) {
	if len(raw) != 36 {
		return a, false
	}
	a.verb = Verb(binary.BigEndian.Uint32(raw))
	a.id = store.ItemID{Mailbox: guid.GUID(raw[4:20]), Row: mapi.GlobCnt(binary.BigEndian.Uint64(raw[20:])), Mid: mapi.GlobCnt(binary.BigEndian.Uint64(raw[28:]))}
	return a, a.verb >= ReplyToSender && a.verb <= Forward
}

// markAnswered tells an item's original that it was answered. An original that is
// gone, or in another mailbox, is told nothing.
func (t *Transport) markAnswered(ctx context.Context, mailbox *store.Mailbox, sent *store.Item) {
	a, ok := parseAnswered(sent.Props.Bytes(mapi.PidNameAnsweredItem))
	if !ok || a.id.Mailbox != mailbox.GUID() {
		return
	}
	_, err := mailbox.UpdateItem(ctx, a.id, store.ItemUpdate{Set: mapi.Bag{
		mapi.PidTagLastVerbExecuted:      int32(a.verb),
		mapi.PidTagLastVerbExecutionTime: t.cfg.Now().UTC(),
		mapi.PidTagIconIndex:             a.verb.icon(),
	}})
	if err != nil {
		t.cfg.Log.WarnContext(ctx, "answered message not marked", "item", a.id.String(), "error", err)
	}
}
