package transport

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/oxcmail"
)

// tellOof makes what tells the sender of a message that the owner is out of office:
// once in a period, by the settings of the mailbox (MS-OXWOOF), and never where a
// program or a list would get it (RFC 3834 2 and 3.1). nil for nothing.
func (d *delivery) tellOof(ctx context.Context) (*store.Outgoing, error) {
	settings, err := d.mailbox.Oof(ctx)
	if err != nil || !settings.Active(d.cfg.Now()) {
		return nil, err
	}
	if !d.item.Props.Bool(mapi.PidTagMessageRecipientMe) || !d.fromPerson() {
		return nil, nil
	}
	h, err := d.header(ctx)
	if err != nil || suppressed(h, "oof", "autoreply") {
		return nil, err
	}
	reply, err := d.oofReply(ctx, settings)
	if err != nil || strings.TrimSpace(oxcmail.PlainFromHTML(reply.Text)) == "" {
		return nil, err
	}
	return d.oofMessage(ctx, reply)
}

// fromPerson tells whether the message is one that people write and its reverse
// path an address that people have.
func (d *delivery) fromPerson() bool {
	class := strings.ToUpper(d.item.Props.String(mapi.PidTagMessageClass))
	mail := class == "IPM.NOTE" || strings.HasPrefix(class, "IPM.NOTE.") || strings.HasPrefix(class, "IPM.SCHEDULE.MEETING.REQUEST")
	if !mail || d.from == "" || strings.EqualFold(d.from, d.me.Email) {
		return false
	}
	local, _, _ := strings.Cut(strings.ToLower(d.from), "@")
	for _, name := range []string{"mailer-daemon", "postmaster", "listserv", "majordomo", "noreply", "no-reply", "donotreply", "do-not-reply", "bounce", "bounces"} {
		if local == name {
			return false
		}
	}
	return !strings.HasPrefix(local, "owner-") && !strings.HasSuffix(local, "-owner") && !strings.HasSuffix(local, "-request") &&
		!strings.HasSuffix(local, "-bounces") && !strings.Contains(local, "-bounces+")
}

// suppressed tells whether a message's header asks for no automatic answer, or for
// none of the kinds of X-Auto-Response-Suppress: RFC
// 3834 5, RFC 2919, RFC 2369, X-Auto-Response-Suppress (MS-OXCMAIL 2.1.3.2.15) and
// what was in use before them.
func suppressed(h *header, kinds ...string) bool {
	for _, f := range h.fields {
		value := strings.ToLower(strings.TrimSpace(f.Value()))
		switch name := strings.ToLower(f.Name); name {
		case "auto-submitted":
			if word, _, _ := strings.Cut(value, ";"); strings.TrimSpace(word) != "no" {
				return true
			}
		case "precedence":
			if slices.Contains([]string{"bulk", "junk", "list", "auto_reply"}, value) {
				return true
			}
		case "x-auto-response-suppress":
			for word := range strings.SplitSeq(value, ",") {
				if word = strings.TrimSpace(word); word == "all" || slices.Contains(kinds, word) {
					return true
				}
			}
		case "x-autoreply", "x-autorespond", "x-autoresponse", "x-loop", strings.ToLower(loopField):
			return true
		default:
			if strings.HasPrefix(name, "list-") {
				return true
			}
		}
	}
	return false
}

// oofReply chooses what the sender is told; nothing when she is outside and not among those who are.
func (d *delivery) oofReply(ctx context.Context, settings store.Oof) (store.OofReply, error) {
	inside, err := d.cfg.Directory.Accepted(ctx, domain(d.from))
	switch {
	case err != nil:
		return store.OofReply{}, err
	case inside:
		return settings.Internal, nil
	case settings.Audience == store.OofEverybody:
		return settings.External, nil
	case settings.Audience == store.OofKnown:
		known, err := d.contact(ctx, d.from)
		if err != nil || !known {
			return store.OofReply{}, err
		}
		return settings.External, nil
	}
	return store.OofReply{}, nil
}

// contact tells whether somebody is in the owner's Contacts folder.
func (d *delivery) contact(ctx context.Context, email string) (bool, error) {
	folder, err := d.mailbox.RoleID(store.RoleContacts)
	if err != nil {
		return false, err
	}
	page, err := d.mailbox.List(ctx, store.Query{Folder: folder, Where: hasAddress(email), Limit: 1})
	if err != nil {
		return false, err
	}
	return len(page.Items) > 0, nil
}

// hasAddress is true of a contact with an address. The search index knows of it, so
// that it costs the same in a folder of many.
func hasAddress(email string) mapi.Restriction {
	var any mapi.Or
	for _, tag := range []mapi.Tag{mapi.PidLidEmail1EmailAddress, mapi.PidLidEmail2EmailAddress, mapi.PidLidEmail3EmailAddress} {
		any = append(any, mapi.Property{Op: mapi.EQ, Tag: tag, Value: email})
	}
	return any
}

var htmlTag = regexp.MustCompile(`(?i)<(html|body|p|div|br|span|b|i|a|table|font|ul|ol)[\s>/]`)

// oofMessage is the reply to the reverse path. It has none itself: nobody answers it.
func (d *delivery) oofMessage(ctx context.Context, reply store.OofReply) (*store.Outgoing, error) {
	subject := d.item.Props.String(mapi.PidTagSubject)
	m := &oxcmail.Message{From: d.me, Sender: d.me, Text: reply.Text,
		Recipients: []oxcmail.Recipient{{Type: mapi.RecipientTo, Address: oxcmail.Address{Email: d.from}}},
		Props: mapi.Bag{
			mapi.PidTagSubject:           "Automatic reply: " + printable(subject),
			mapi.PidTagInternetMessageID: d.messageID(),
			mapi.PidTagClientSubmitTime:  d.cfg.Now(),
		}}
	if htmlTag.MatchString(reply.Text) {
		m.HTML, m.Text = reply.Text, oxcmail.PlainFromHTML(reply.Text)
	}
	if id := d.item.Props.String(mapi.PidTagInternetMessageID); id != "" {
		m.Props[mapi.PidTagInReplyToID] = id
		m.Props[mapi.PidTagInternetReferences] = strings.TrimSpace(d.item.Props.String(mapi.PidTagInternetReferences) + " " + id)
	}
	head := "Auto-Submitted: auto-replied\r\nX-Auto-Response-Suppress: All\r\n" + loopField + ": " + d.me.Email + "\r\n"
	if language := printable(reply.Language); language != "" && !strings.ContainsAny(language, " ,") {
		head += "Content-Language: " + language + "\r\n"
	}
	out := &store.Outgoing{Kind: store.OutgoingOofReply, To: d.from, Head: []byte(head), Contents: store.Contents{}}
	var err error
	out.Message, err = d.compose(ctx, m, nil, out.Contents)
	return out, err
}

// Tip is what a sender is told of a recipient before sending (MS-OXWSMTIP).
type Tip struct {
	Invalid bool // nobody has the address
	Outside bool // it is of another organisation, of which nothing is known
	Full    bool // the mailbox takes nothing more
	// Members is how many people a group reaches, 0 for one person; Restricted
	// tells that it does not take the sender's mail.
	Members    int
	Restricted bool
	// OutOfOffice is what a sender of the organisation would be told, "" for
	// nothing; with the duration when one was set.
	OutOfOffice store.OofReply
	Start, End  time.Time
}

// Tip returns what the person with the SID, of the organisation, is told of an address.
func (t *Transport) Tip(ctx context.Context, address, sid string) (tip Tip, err error) {
	if !validAddress(address) {
		return Tip{Invalid: true}, nil
	}
	inside, err := t.cfg.Directory.Accepted(ctx, domain(address))
	if err != nil || !inside {
		return Tip{Outside: true}, err
	}
	box, err := t.cfg.Directory.Mailbox(ctx, address)
	if errors.Is(err, ErrUnknownRecipient) {
		return t.groupTip(ctx, address, sid)
	}
	if err != nil {
		return Tip{}, err
	}
	mailbox, err := t.open(ctx, box)
	if err != nil {
		return Tip{}, err
	}
	usage, err := mailbox.Usage(ctx)
	if err != nil {
		return Tip{}, err
	}
	tip.Full = usage.Status() == store.MailboxDisabled
	settings, err := mailbox.Oof(ctx)
	if err != nil {
		return Tip{}, fmt.Errorf("tip: %w", err)
	}
	if settings.Active(t.cfg.Now()) {
		tip.OutOfOffice = settings.Internal
		if settings.State == store.OofScheduled {
			tip.Start, tip.End = settings.Start, settings.End
		}
	}
	return tip, nil
}

// groupTip is the tip of an address that is no mailbox's.
func (t *Transport) groupTip(ctx context.Context, address, sid string) (Tip, error) {
	members, err := t.cfg.Directory.Members(ctx, address, sid, MaxMembers)
	switch {
	case errors.Is(err, ErrUnknownRecipient):
		return Tip{Invalid: true}, nil
	case errors.Is(err, ErrMayNotSend):
		return Tip{Restricted: true}, nil
	case errors.Is(err, ErrTooMany):
		return Tip{Members: MaxMembers}, nil
	}
	return Tip{Members: len(members)}, err
}
