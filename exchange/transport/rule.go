package transport

import (
	"bufio"
	"context"
	"errors"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"hma/exchange/store"
	"hma/exchange/store/query"
	"hma/wire/mapi"
	"hma/wire/oxcmail"
)

// delivery is one message on its way into one mailbox.
type delivery struct {
	*Transport
	arrival
	mailbox *store.Mailbox
	me      oxcmail.Address
	message *staged
	item    store.NewItem
	fields  *header // of the message, once somebody asked
}

// address notes whether the message names the mailbox's owner among its To and Cc
// (MS-OXOMSG 2.2.1.22 to 2.2.1.24), and whether a rule sent it here.
func (d *delivery) address() {
	mine := map[string]bool{strings.ToLower(d.me.Email): true}
	for _, a := range d.to {
		mine[strings.ToLower(a)] = true
	}
	var to, cc bool
	for _, r := range d.item.Recipients {
		if mine[strings.ToLower(r.SMTP)] {
			to = to || r.Type == mapi.RecipientTo
			cc = cc || r.Type == mapi.RecipientCc
		}
	}
	p := d.item.Props
	p[mapi.PidTagMessageToMe], p[mapi.PidTagMessageCcMe], p[mapi.PidTagMessageRecipientMe] = to, cc, to || cc
	if strings.Contains(strings.ToLower(p.String(mapi.PidTagTransportMessageHeaders)), strings.ToLower("\n"+loopField+":")) {
		p[mapi.PidTagAutoForwarded] = true
	}
}

// header returns the message's fields.
func (d *delivery) header(ctx context.Context) (*header, error) {
	if d.fields == nil {
		fields, _, err := oxcmail.ReadFields(bufio.NewReader(d.message.open(ctx)))
		if err != nil {
			return nil, err
		}
		d.fields = &header{fields: fields}
	}
	return d.fields, nil
}

// store runs the rules of the folder that the message comes into, writes what they
// make of it and what is to be sent because of it in one step, and then sends that.
// What goes wrong with a rule never costs the message: it is stored as if there were none,
// unless it may have been stored as the rules say.
func (d *delivery) store(ctx context.Context) (store.ItemID, error) {
	v, err := d.judge(ctx)
	if err != nil {
		d.cfg.Log.WarnContext(ctx, "inbox rules not run", "mailbox", d.mailbox.GUID(), "error", err)
		v = &verdict{}
	}
	if err := d.delegate(ctx, v); err != nil {
		d.cfg.Log.WarnContext(ctx, "meeting message not given to delegates", "mailbox", d.mailbox.GUID(), "error", err)
	}
	stamps, waiting, err := d.mailbox.Deliver(ctx, store.Delivery{Items: v.items(d.item), Send: d.outgoing(ctx, v), Sent: d.waited})
	if err != nil && v.applied > 0 && !errors.Is(err, store.ErrSent) && !errors.Is(err, store.ErrUndecided) {
		d.cfg.Log.WarnContext(ctx, "inbox rules not kept to", "mailbox", d.mailbox.GUID(), "error", err)
		v = &verdict{delegates: v.delegates}
		stamps, waiting, err = d.mailbox.Deliver(ctx, store.Delivery{Items: []store.NewItem{d.item}, Send: d.outgoing(ctx, v), Sent: d.waited})
	}
	if err != nil {
		return store.ItemID{}, err
	}
	for i := range waiting {
		d.send(ctx, d.mailbox, &waiting[i])
	}
	if v.gone {
		return store.ItemID{}, nil
	}
	return stamps[0].ID, nil
}

// Limits of what the rules of one mailbox can do with one message.
const (
	maxRuleText       = 64 << 10 // bytes of a text that they look at
	maxRuleRecipients = 500      // recipients that they look at
	maxRuleCopies     = 10       // copies in other folders
	maxRuleForwards   = 50       // recipients to whom they send it
)

// verdict is what the rules of a folder say of a message.
type verdict struct {
	applied  int // rules
	folder   store.FolderID
	gone     bool // not to be kept
	read     bool
	set      mapi.Bag
	copies   []store.FolderID
	forwards []forward
	// delegates are the addresses of those who get a copy of a meeting message.
	delegates []string
	sent      map[sentTo]bool
}

// sentTo is a recipient to whom a message is sent on in one way.
type sentTo struct {
	flavor  uint32
	address string
}

// judge runs the rules. A rule whose folder is gone is marked as failed and does nothing.
func (d *delivery) judge(ctx context.Context) (*verdict, error) {
	v := &verdict{set: mapi.Bag{}, sent: map[sentTo]bool{}}
	inbox := d.item.Folder
	rules, err := d.mailbox.Rules(ctx, inbox)
	if err != nil || len(rules) == 0 {
		return v, err
	}
	message, err := d.object(ctx)
	if err != nil {
		return nil, err
	}
	object := query.Remember(message)
	var oof *bool
	for _, r := range rules {
		if r.State&store.RuleEnabled == 0 || r.State&(store.RuleInError|store.RuleParseError) != 0 {
			continue
		}
		if r.State&store.RuleOnlyWhenOof != 0 {
			if oof == nil {
				settings, err := d.mailbox.Oof(ctx)
				if err != nil {
					return nil, err
				}
				oof = new(settings.Active(d.cfg.Now()))
			}
			if !*oof {
				continue
			}
		}
		if !query.Match(r.Condition, object) {
			continue
		}
		if err := d.reachable(ctx, r); errors.Is(err, store.ErrNotFound) {
			d.cfg.Log.InfoContext(ctx, "inbox rule in error: its folder is gone", "mailbox", d.mailbox.GUID(), "rule", r.ID)
			if err := d.mailbox.FailRule(ctx, inbox, r.ID); err != nil {
				return nil, err
			}
			continue
		} else if err != nil {
			return nil, err
		}
		v.apply(r, d.mailbox)
		if r.State&store.RuleExitLevel != 0 {
			break
		}
	}
	if len(v.forwards) > 0 {
		// A message that came by a rule is not sent on by another one: so nothing goes round.
		if h, err := d.header(ctx); err != nil || len(h.values(loopField)) > 0 {
			v.forwards = nil
			return v, err
		}
	}
	return v, nil
}

// object is the message as rules see it: long texts and lists are cut.
func (d *delivery) object(ctx context.Context) (query.Object, error) {
	item := d.item
	item.Props = maps.Clone(item.Props)
	if blob, long := item.Props[mapi.PidTagBody].(mapi.Blob); long {
		text, err := io.ReadAll(io.LimitReader(d.mailbox.OpenBlob(ctx, blob), maxRuleText))
		if err != nil {
			return query.Object{}, err
		}
		item.Props[mapi.PidTagBody] = strings.ToValidUTF8(string(text), "")
	}
	for _, tag := range []mapi.Tag{mapi.PidTagBody, mapi.PidTagTransportMessageHeaders} {
		if text := item.Props.String(tag); len(text) > maxRuleText {
			item.Props[tag] = strings.ToValidUTF8(text[:maxRuleText], "")
		}
	}
	item.Recipients = item.Recipients[:min(len(item.Recipients), maxRuleRecipients)]
	item.Props[mapi.PidTagMessageSize] = int32(min(d.message.size(), math.MaxInt32))
	return item.Object(), nil
}

// reachable tells whether the folders that a rule names are there.
func (d *delivery) reachable(ctx context.Context, r *store.Rule) error {
	for _, a := range r.Actions {
		if a.Type == mapi.ActionMove || a.Type == mapi.ActionCopy {
			if _, err := d.mailbox.Folder(ctx, store.FolderID{Mailbox: d.mailbox.GUID(), Folder: a.Folder}); err != nil {
				return err
			}
		}
	}
	return nil
}

// apply adds what a rule does to what others did. The first move decides where the
// message goes. Replies from templates, deferred actions, delegation and rejection
// (MS-OXORULE 2.2.5.1.1) are not done.
func (v *verdict) apply(r *store.Rule, mailbox *store.Mailbox) {
	v.applied++
	for _, a := range r.Actions {
		folder := store.FolderID{Mailbox: mailbox.GUID(), Folder: a.Folder}
		switch a.Type {
		case mapi.ActionMove:
			if v.folder == (store.FolderID{}) {
				v.folder = folder
			}
		case mapi.ActionCopy:
			if len(v.copies) < maxRuleCopies && !slices.Contains(v.copies, folder) {
				v.copies = append(v.copies, folder)
			}
		case mapi.ActionDelete:
			v.gone = true
		case mapi.ActionMarkAsRead:
			v.read = true
		case mapi.ActionTag:
			words, _ := a.Value.([]string)
			if a.Tag == mapi.PidNameKeywords {
				v.set[a.Tag] = union(v.set.Strings(a.Tag), words)
			} else {
				v.set[a.Tag] = a.Value
			}
		case mapi.ActionForward:
			f := forward{flavor: a.Flavor}
			for _, bag := range a.Recipients {
				to := bag.String(mapi.PidTagSmtpAddress)
				key := sentTo{a.Flavor, strings.ToLower(to)}
				if validAddress(to) && !v.sent[key] && len(v.sent) < maxRuleForwards {
					v.sent[key] = true
					f.to = append(f.to, address(bag.String(mapi.PidTagDisplayName), to))
				}
			}
			if len(f.to) > 0 {
				v.forwards = append(v.forwards, f)
			}
		}
	}
}

// union returns the words of both lists, each once.
func union(list, more []string) []string {
	out := slices.Clone(list)
	for _, word := range more {
		if !slices.ContainsFunc(out, func(have string) bool { return strings.EqualFold(have, word) }) {
			out = append(out, word)
		}
	}
	return out
}

// items are what is written of a message: itself, unless a rule deleted it, then its copies.
func (v *verdict) items(item store.NewItem) []store.NewItem {
	if v.applied == 0 {
		return []store.NewItem{item}
	}
	item.Props = maps.Clone(item.Props)
	for tag, value := range v.set {
		if tag == mapi.PidNameKeywords {
			value = union(item.Props.Strings(tag), v.set.Strings(tag))
		}
		for old := range item.Props {
			if old.ID() == tag.ID() {
				delete(item.Props, old)
			}
		}
		item.Props[tag] = value
	}
	item.Read = item.Read || v.read
	var list []store.NewItem
	if !v.gone {
		placed := item
		if v.folder != (store.FolderID{}) {
			placed.Folder = v.folder
		}
		list = append(list, placed)
	}
	for _, folder := range v.copies {
		item.Folder = folder
		list = append(list, item)
	}
	return list
}
