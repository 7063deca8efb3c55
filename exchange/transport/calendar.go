package transport

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/oxcical"
	"hma/wire/oxcmail"
	"hma/wire/oxocal"
)

// maxCalendar is how long a calendar part of a message may be to be read.
const maxCalendar = 2 << 20

// ErrNoEvent is the error of PrepareEvent for what holds no event.
var ErrNoEvent = errors.New("no event in it")

// calendarPart is the first part of a message that is a calendar.
type calendarPart struct {
	part *oxcmail.Attachment
	cal  *oxcical.Calendar
}

// isCalendar tells whether a part is a calendar.
func isCalendar(a *oxcmail.Attachment) bool {
	return a.ContentType == "text/calendar" || a.ContentType == "application/ics"
}

// take reads a calendar part, and returns its content again for whoever wants it.
func (c *calendarPart) take(a *oxcmail.Attachment, r io.Reader, read func(io.Reader) (*oxcical.Calendar, error)) (io.Reader, error) {
	head, err := io.ReadAll(io.LimitReader(r, maxCalendar+1))
	if err != nil {
		return nil, err
	}
	if len(head) <= maxCalendar {
		if cal, err := read(bytes.NewReader(head)); err == nil && len(cal.Events) > 0 {
			c.part, c.cal = a, cal
		}
	}
	return io.MultiReader(bytes.NewReader(head), r), nil
}

func readCalendar(r io.Reader) (*oxcical.Calendar, error) { return oxcical.Read(r, nil) }

// told tells whether the calendar part makes the message one about a meeting: it is
// by a method of iTIP (MS-OXCMAIL 2.2.4.3, MS-OXCICAL 2.1.3.1.1.1).
func (c *calendarPart) told() bool {
	return c.cal != nil && oxcical.IsMeeting(c.cal.Events[0].Props.String(mapi.PidTagMessageClass))
}

// meeting takes away the part that makes a message one about a meeting: it is no
// attachment.
func (c *calendarPart) meeting(m *oxcmail.Message) bool {
	if !c.told() {
		return false
	}
	kept := m.Attachments[:0]
	for _, a := range m.Attachments {
		if a != c.part {
			kept = append(kept, a)
		}
	}
	m.Attachments = kept
	m.Props[mapi.PidTagHasAttachments] = m.HasAttachments()
	e := c.cal.Events[0]
	if m.Text == "" && m.HTML == "" {
		m.Text, m.HTML = e.Text, e.HTML
		m.Props[mapi.PidTagNativeBody] = m.NativeBody()
	}
	return true
}

// describe puts what the event tells into a message's item. The subject is the
// message's own, and so is its author, who is the meeting's organizer by that
// (MS-OXCMAIL): whoever looked at the message on its way looked at its From field, and
// nobody passes for somebody else by a line in the calendar.
func (c *calendarPart) describe(item *store.NewItem) {
	e := c.cal.Events[0]
	for tag, v := range e.Props {
		switch tag {
		case mapi.PidTagSubject, mapi.PidTagNormalizedSubject:
			if item.Props.String(mapi.PidTagSubject) != "" {
				continue
			}
		case mapi.PidTagImportance, mapi.PidTagSensitivity:
			if _, told := item.Props[tag]; told {
				continue
			}
		}
		item.Props[tag] = v
	}
	if c.cal.Method != oxcical.Request && c.cal.Method != oxcical.Cancel {
		return // who answers is who sends the message
	}
	for _, a := range e.Attendees {
		row := attendee(a)
		found := false
		for i, r := range item.Recipients {
			if strings.EqualFold(recipientAddress(r), a.Email) {
				item.Recipients[i].Type, item.Recipients[i].Props, found = row.Type, row.Props, true
			}
		}
		if !found {
			item.Recipients = append(item.Recipients, row)
		}
	}
}

func putOrganizer(p mapi.Bag, a oxcmail.Address) {
	p[mapi.PidTagSentRepresentingName] = a.Display()
	p[mapi.PidTagSentRepresentingAddressType] = "SMTP"
	p[mapi.PidTagSentRepresentingEmail], p[mapi.PidTagSentRepresentingSmtp] = a.Email, a.Email
	p[mapi.PidTagSentRepresentingEntryID] = oxcmail.OneOff(a)
}

// sendable is the bit of PidTagRecipientFlags of who gets the messages about a
// meeting (MS-OXOCAL 2.2.4.10.1).
const sendable int32 = 0x1

func attendee(a oxcical.Attendee) store.Recipient {
	return store.Recipient{Type: a.Type, AddressType: "SMTP", Address: a.Email, SMTP: a.Email, Name: a.Display(), EntryID: oxcmail.OneOff(a.Address),
		Props: mapi.Bag{mapi.PidTagRecipientFlags: sendable, mapi.PidTagRecipientTrackStatus: a.Status}}
}

// Values of PidLidResponseStatus that say whose an event is (MS-OXOCAL 2.2.1.11).
const (
	responseOrganized    int32 = 1
	responseNotResponded int32 = 5
	stateReceived        int32 = 2 // of PidLidAppointmentStateFlags
	stateMeeting         int32 = 1
)

// PrepareEvent returns the calendar item that an iCalendar makes, alone or as a part
// of a message; me is the address of the calendar's owner, floating the time zone of
// times that name none (nil for UTC). Folder is not set, and MIME is not kept: what
// the item says then is told by OpenMIME. What has no event is ErrNoEvent.
func PrepareEvent(ctx context.Context, mailbox *store.Mailbox, r io.Reader, me string, floating *oxocal.Zone) (store.NewItem, error) {
	events := func(r io.Reader) (*oxcical.Calendar, error) { return oxcical.ReadEvents(r, floating) }
	c, g := &calendarPart{}, &gatherer{mailbox: mailbox, contents: store.Contents{}}
	m := &oxcmail.Message{}
	in := bufio.NewReader(&limited{r: r, left: MaxMessage})
	head, _ := in.Peek(256)
	if start := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\uFEFF")), " \t\r\n"); len(start) >= 15 && bytes.EqualFold(start[:15], []byte("BEGIN:VCALENDAR")) {
		if _, err := c.take(nil, in, events); err != nil {
			return store.NewItem{}, fmt.Errorf("read event: %w", err)
		}
	} else {
		var err error
		m, err = oxcmail.Read(in, func(a *oxcmail.Attachment, r io.Reader) (blob mapi.Blob, err error) {
			if !isCalendar(a) {
				return g.gather(ctx, r)
			}
			if c.cal == nil {
				_, err = c.take(a, r, events)
			}
			return blob, err
		})
		if err != nil {
			return store.NewItem{}, fmt.Errorf("read event: %w", err)
		}
	}
	if c.cal == nil {
		return store.NewItem{}, ErrNoEvent
	}
	e := c.cal.Events[0]
	if e.Text == "" && e.HTML == "" {
		e.Text, e.HTML = m.Text, m.HTML
	}
	item, err := g.event(ctx, e, me)
	if err != nil {
		return store.NewItem{}, err
	}
	m.Attachments = slices.DeleteFunc(m.Attachments, isCalendar)
	if len(m.Attachments) > 0 {
		item.Attachments = append(item.Attachments, NewItem(&oxcmail.Message{Attachments: m.Attachments}).Attachments...)
		item.Props[mapi.PidTagHasAttachments] = true
	}
	return item, nil
}

// PrepareEvents returns the calendar items that a file of iCalendar makes, each as
// PrepareEvent does, and in words what of the file is in none of them. A file with
// nothing in it is ErrNoEvent.
func PrepareEvents(ctx context.Context, mailbox *store.Mailbox, r io.Reader, me string) (items []store.NewItem, left []string, err error) {
	cal, err := oxcical.ReadFile(&limited{r: r, left: oxcical.MaxBytes})
	if err != nil {
		return nil, nil, fmt.Errorf("read events: %w", err)
	}
	if len(cal.Events) == 0 && len(cal.Left) == 0 {
		return nil, nil, ErrNoEvent
	}
	for _, e := range cal.Events {
		g := &gatherer{mailbox: mailbox, contents: store.Contents{}}
		item, err := g.event(ctx, e, me)
		if err != nil {
			return nil, nil, err
		}
		items = append(items, item)
	}
	return items, cal.Left, nil
}

// event makes the item of an event.
func (g *gatherer) event(ctx context.Context, e *oxcical.Event, me string) (store.NewItem, error) {
	m := &oxcmail.Message{Props: e.Props, Text: e.Text, HTML: e.HTML}
	if e.HTML != "" && e.Text == "" {
		m.Text = oxcmail.PlainFromHTML(e.HTML)
	}
	m.Props[mapi.PidTagNativeBody] = m.NativeBody()
	if m.HTML != "" {
		m.Props[mapi.PidTagInternetCodepage] = int32(65001)
	}
	item := NewItem(m)
	item.Contents = g.contents
	p := item.Props
	for _, a := range e.Attendees {
		item.Recipients = append(item.Recipients, attendee(a))
	}
	if e.Organizer.Email != "" {
		putOrganizer(p, e.Organizer)
	}
	if len(e.Attendees) > 0 {
		flags := p.Int32(mapi.PidLidAppointmentStateFlags) | stateMeeting
		p[mapi.PidLidResponseStatus] = responseOrganized
		if e.Organizer.Email != "" && !strings.EqualFold(e.Organizer.Email, me) {
			flags |= stateReceived
			p[mapi.PidLidResponseStatus] = responseNotResponded
			for _, a := range e.Attendees {
				if strings.EqualFold(a.Email, me) && a.Status != 0 {
					p[mapi.PidLidResponseStatus] = a.Status
				}
			}
		}
		p[mapi.PidLidAppointmentStateFlags] = flags
	}
	for _, a := range e.Attachments {
		row := store.Attachment{Method: mapi.AttachByValue, Filename: a.Name, ContentType: a.ContentType, Rendering: -1, Props: mapi.Bag{}}
		if a.URI != "" {
			row.Method = mapi.AttachByWebRef
			row.Props[mapi.PidTagAttachLongPathname] = a.URI
		} else {
			var err error
			if row.Content, err = g.gather(ctx, bytes.NewReader(a.Data)); err != nil {
				return store.NewItem{}, fmt.Errorf("attachment of an event: %w", err)
			}
		}
		if row.Filename == "" {
			row.Filename = "attachment"
		}
		item.Attachments = append(item.Attachments, row)
	}
	p[mapi.PidTagHasAttachments] = len(item.Attachments) > 0
	for _, own := range e.Exceptions {
		a, err := ownOf(own).Attachment(ctx, g.gather, own.Original, own.Start, own.End)
		if err != nil {
			return store.NewItem{}, err
		}
		item.Attachments = append(item.Attachments, a)
	}
	return item, nil
}

// ownOf is what an exception in iCalendar has of its own.
func ownOf(e *oxcical.Exception) *Exception {
	x := &Exception{Props: mapi.Bag{}}
	if e.Text != "" || e.HTML != "" {
		m := &oxcmail.Message{Text: e.Text, HTML: e.HTML}
		if m.Text == "" {
			m.Text = oxcmail.PlainFromHTML(m.HTML)
		}
		x.Props[mapi.PidTagBody], x.Props[mapi.PidTagNativeBody] = m.Text, m.NativeBody()
		if m.HTML != "" {
			x.Props[mapi.PidTagHTML], x.Props[mapi.PidTagInternetCodepage] = []byte(m.HTML), int32(65001)
		}
	}
	for _, a := range e.Attendees {
		x.Recipients = append(x.Recipients, attendee(a))
	}
	return x
}

// OpenEvent returns a calendar item as the iCalendar that tells the same, alone. It
// is read again by its id.
func OpenEvent(ctx context.Context, mailbox *store.Mailbox, id store.ItemID) (io.Reader, error) {
	item, err := mailbox.Item(ctx, id, store.Want{All: true, Recipients: true, Attachments: true})
	if err != nil {
		return nil, err
	}
	m, err := Message(ctx, mailbox, item)
	if err != nil {
		return nil, err
	}
	if err := withCalendar(m, item, stored(ctx, mailbox)); err != nil {
		return nil, err
	}
	return strings.NewReader(m.Calendar), nil
}

// stored opens contents that a mailbox keeps.
func stored(ctx context.Context, mailbox *store.Mailbox) func(mapi.Blob) io.Reader {
	return func(b mapi.Blob) io.Reader { return mailbox.OpenBlob(ctx, b) }
}

// withCalendar adds to a message made of an event or a meeting message the calendar
// that tells the same (MS-OXCICAL 2.1.3.1.1.1). item is what m was made of, open opens
// its contents; without it what exceptions have of their own is not told.
func withCalendar(m *oxcmail.Message, item *store.Item, open func(mapi.Blob) io.Reader) error {
	class := m.Props.String(mapi.PidTagMessageClass)
	event, meeting := oxcical.IsEvent(class), oxcical.IsMeeting(class)
	if !event && !meeting {
		return nil
	}
	e := &oxcical.Event{Props: m.Props, Organizer: m.From, Text: m.Text}
	m.Attachments = m.Attachments[:0:0]
	for _, a := range item.Attachments {
		switch {
		case IsException(a):
		case a.Method == mapi.AttachByWebRef || a.Method == mapi.AttachByReference:
			e.Attachments = append(e.Attachments, oxcical.Attachment{Name: a.Filename, ContentType: a.ContentType, URI: a.Props.String(mapi.PidTagAttachLongPathname)})
		default:
			m.Attachments = append(m.Attachments, mailAttachment(a))
		}
	}
	e.Attendees = attendees(e, item.Recipients)
	if open != nil {
		if err := withExceptions(e, item.Attachments, open); err != nil {
			return fmt.Errorf("calendar of %v: %w", item.ID, err)
		}
	}
	cal := &oxcical.Calendar{Method: oxcical.Publish, Events: []*oxcical.Event{e}}
	lower := strings.ToLower(class)
	switch response := "ipm.schedule.meeting.resp"; {
	case event && len(e.Attendees) > 0:
		cal.Method = oxcical.Request
	case event:
	case strings.HasPrefix(lower, "ipm.schedule.meeting.canceled"):
		cal.Method = oxcical.Cancel
	case strings.HasPrefix(lower, response):
		cal.Method = oxcical.Reply
		status := map[string]int32{".pos": 3, ".tent": 2, ".neg": 4}[strings.TrimPrefix(lower, response)]
		if m.Props.Bool(mapi.PidLidAppointmentCounterProposal) {
			cal.Method = oxcical.Counter
		}
		answering := oxcical.Attendee{Address: m.From, Type: mapi.RecipientTo, Status: status}
		if len(e.Attendees) > 0 {
			e.Organizer = e.Attendees[0].Address
		}
		e.Attendees = []oxcical.Attendee{answering}
	default:
		cal.Method = oxcical.Request
	}
	var b strings.Builder
	if err := oxcical.Write(&b, cal); err != nil {
		return fmt.Errorf("calendar of %v: %w", item.ID, err)
	}
	m.Calendar, m.CalendarMethod = b.String(), cal.Method
	return nil
}

// attendees are those of an event's recipients who do not organize it.
func attendees(e *oxcical.Event, list []store.Recipient) (out []oxcical.Attendee) {
	wanted := e.Props.Bool(mapi.PidTagResponseRequested)
	for _, r := range list {
		if a := recipientAddress(r); a != "" && !strings.EqualFold(a, e.Organizer.Email) {
			out = append(out, oxcical.Attendee{Address: address(r.Name, a), Type: r.Type, Status: r.Props.Int32(mapi.PidTagRecipientTrackStatus), RSVP: wanted})
		}
	}
	return out
}

// maxExceptions is how many bytes of what exceptions have of their own one calendar tells.
const maxExceptions = oxcmail.MaxBody

// withExceptions adds to a series the texts and attendees that its exceptions have of
// their own. What passes maxExceptions, and what cannot be read, is left out.
func withExceptions(e *oxcical.Event, list []store.Attachment, open func(mapi.Blob) io.Reader) error {
	left := int64(maxExceptions)
	for _, a := range list {
		if !IsException(a) || a.Content.Size > left || len(e.Exceptions) == oxocal.MaxExceptions {
			continue
		}
		left -= a.Content.Size
		own, err := ReadException(open(a.Content))
		if errors.Is(err, mapi.ErrSyntax) {
			continue
		}
		if err != nil {
			return err
		}
		more := &oxcical.Exception{Original: a.Props.Time(mapi.PidTagExceptionReplaceTime), Text: own.Props.String(mapi.PidTagBody)}
		if own.Recipients != nil {
			more.Attendees = append([]oxcical.Attendee{}, attendees(e, own.Recipients)...)
		}
		e.Exceptions = append(e.Exceptions, more)
	}
	return nil
}
