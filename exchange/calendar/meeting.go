package calendar

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hma/exchange/store"
	"hma/exchange/transport"
	"hma/wire/mapi"
	"hma/wire/oxcmail"
)

// Config is what the wiring gives.
type Config struct {
	Mail *transport.Transport
	// Resource tells whether an address is that of a room or of equipment, whose
	// mailbox answers requests itself. nil: there are none.
	Resource func(ctx context.Context, address string) (bool, error)
	Now      func() time.Time
}

// Calendar sends and takes the messages of meetings. It is ready for use by many
// goroutines.
type Calendar struct {
	cfg Config
}

// New returns a calendar.
func New(cfg Config) *Calendar { return &Calendar{cfg: cfg} }

// The kinds of failure of meetings, for errors.Is.
var (
	ErrNotOrganizer = errors.New("only the organizer can do this to a meeting")
	ErrOrganizer    = errors.New("the organizer cannot answer an own meeting")
	ErrCanceled     = errors.New("the meeting is canceled")
	ErrOutdated     = errors.New("there is a later version of the meeting")
	ErrNoMeeting    = errors.New("the item is no meeting")
)

// Sender is who sends meeting messages, and for whom.
type Sender struct {
	Box  *store.Mailbox  // where the event is
	For  oxcmail.Address // whose mailbox Box is: the author of the messages, on whose behalf a delegate sends
	Own  *store.Mailbox  // the person's own, by which the message goes and where a copy is kept
	SID  string          // the person who sends; "" for the server in the name of Me, whose mailbox Box is
	Me   oxcmail.Address
	Save bool // a copy is kept in Sent Items
	// Principal opens, as the person may see it, the mailbox of somebody for whom they
	// got a message as a delegate, and tells whose it is.
	Principal func(address string) (*store.Mailbox, oxcmail.Address, error)
}

// meetingTags are the properties that a meeting message and the event it is about share.
var meetingTags = []mapi.Tag{
	mapi.PidTagSubject, mapi.PidTagNormalizedSubject, mapi.PidTagBody, mapi.PidTagHTML, mapi.PidTagNativeBody, mapi.PidTagInternetCodepage,
	mapi.PidTagImportance, mapi.PidTagSensitivity, mapi.PidLidPrivate,
	mapi.PidTagSentRepresentingName, mapi.PidTagSentRepresentingAddressType, mapi.PidTagSentRepresentingEmail, mapi.PidTagSentRepresentingSmtp, mapi.PidTagSentRepresentingEntryID,
	mapi.PidTagStartDate, mapi.PidTagEndDate, mapi.PidTagOwnerAppointmentID, mapi.PidTagResponseRequested,
	mapi.PidLidAppointmentStartWhole, mapi.PidLidAppointmentEndWhole, mapi.PidLidBusyStatus, mapi.PidLidLocation, mapi.PidLidAppointmentDuration,
	mapi.PidLidAppointmentRecur, mapi.PidLidRecurring, mapi.PidLidAppointmentSubType, mapi.PidLidAppointmentSequence, mapi.PidLidTimeZoneStruct,
	mapi.PidLidTimeZoneDescription, mapi.PidLidAppointmentTimeZoneStartDisplay, mapi.PidLidAppointmentTimeZoneEndDisplay, mapi.PidLidAppointmentTimeZoneRecur,
	mapi.PidLidExceptionReplaceTime, mapi.PidLidIntendedBusyStatus, mapi.PidLidClipStart, mapi.PidLidClipEnd, mapi.PidLidRecurrencePattern, mapi.PidLidRecurrenceType,
	mapi.PidLidGlobalObjectID, mapi.PidLidCleanGlobalObjectID, mapi.PidLidIsRecurring, mapi.PidLidIsException, mapi.PidLidOwnerCriticalChange,
	mapi.PidLidReminderSet, mapi.PidLidReminderDelta, mapi.PidLidCommonStart, mapi.PidLidCommonEnd, mapi.PidLidAppointmentNotAllowPropose,
	mapi.PidLidConferencingCheck, mapi.PidLidConferencingType, mapi.PidLidMeetingWorkspaceURL, mapi.PidLidNetShowURL, mapi.PidNameICalendar,
}

// shared returns the properties of a bag that messages and events share.
func shared(from mapi.Bag) mapi.Bag {
	out := mapi.Bag{}
	for _, tag := range meetingTags {
		if t, v, ok := from.Find(tag); ok {
			out[t] = v
		}
	}
	return out
}

// maxText is the longest text of a meeting that is sent.
const maxText = oxcmail.MaxBody

// event reads an event with all that a message about it tells.
func event(ctx context.Context, box *store.Mailbox, id store.ID) (*Event, error) {
	e, err := Get(ctx, box, id, store.Want{All: true, Recipients: true, Attachments: true})
	if err != nil {
		return nil, err
	}
	return e, box.Resolve(ctx, e.Props, maxText)
}

// organized tells whether an event is a meeting that the mailbox's owner called.
func organized(props mapi.Bag, recipients []store.Recipient) bool {
	return props.Int32(mapi.PidLidAppointmentStateFlags)&StateReceived == 0 && len(recipients) > 0
}

// Invite asks the attendees of an event, or tells them of its new version; with only,
// none but those.
func (c *Calendar) Invite(ctx context.Context, from Sender, id store.ID, only []string) error {
	e, err := event(ctx, from.Box, id)
	if err != nil {
		return err
	}
	if !organized(e.Props, e.Recipients) {
		return nil
	}
	m := store.NewItem{Props: shared(e.Props), Recipients: addressed(e.Recipients, only), Attachments: e.Attachments}
	m.Props[mapi.PidTagMessageClass] = classRequest
	m.Props[mapi.PidLidIntendedBusyStatus] = e.Props.Int32(mapi.PidLidBusyStatus)
	m.Props[mapi.PidLidMeetingType] = int32(1)
	m.Props[mapi.PidLidAppointmentStateFlags] = StateMeeting | StateReceived
	m.Props[mapi.PidLidReminderSet] = false
	return c.send(ctx, from, m)
}

// MaySend refuses a sender whose messages would all be refused, before anything is
// done that they are to tell of.
func (c *Calendar) MaySend(ctx context.Context, from Sender) error {
	return c.cfg.Mail.MaySubmit(ctx, from.Own, from.SID, from.For.Email)
}

// mayEdit refuses a viewer who may not change an event, before anybody is told that it changed.
func mayEdit(ctx context.Context, box *store.Mailbox, it *store.Item) error {
	return may(ctx, box, it, store.RightEditAny, store.RightEditOwned)
}

// mayGo is mayEdit for an event, or an occurrence of one, that is about to go.
func mayGo(ctx context.Context, box *store.Mailbox, id store.ID, it *store.Item) error {
	if _, one := id.(store.OccurrenceID); one {
		return mayEdit(ctx, box, it)
	}
	return may(ctx, box, it, store.RightDeleteAny, store.RightDeleteOwned)
}

// may wants one of two rights in an item's folder, one for anybody's items or one for one's own.
func may(ctx context.Context, box *store.Mailbox, it *store.Item, anybodys, owns store.Rights) error {
	rights, _, err := box.Effective(ctx, it.Folder)
	if err == nil && rights&anybodys == 0 && (rights&owns == 0 || it.Creator != box.Viewer()) {
		err = fmt.Errorf("%v: %w", it.ID, store.ErrDenied)
	}
	return err
}

// Cancel deletes an event and, when it is a meeting of the calendar's owner, tells its
// attendees that it does not take place, in one write: those who are its attendees when
// it goes. A key that is not nil must be the change key of an occurrence's series.
func (c *Calendar) Cancel(ctx context.Context, from Sender, id store.ID, key []byte, how store.Deletion, text *oxcmail.Message) (stamp store.Stamp, err error) {
	if _, one := id.(store.OccurrenceID); !one {
		key = nil // who deletes a whole event does so whatever it is
	}
	err = retry(key, func() error {
		e, err := event(ctx, from.Box, id)
		if err == nil {
			err = mayGo(ctx, from.Box, id, e.Item)
		}
		if err != nil {
			return err
		}
		var d *transport.Departure
		var with []store.Step
		if organized(e.Props, e.Recipients) {
			if d, err = c.depart(ctx, from, c.cancellation(e, e.Recipients, nil, text)); err != nil {
				return err
			}
			with = d.Steps()
		}
		if stamp, err = drop(ctx, from.Box, id, cmpKey(key, e.Item.ChangeKey), how, with...); err == nil && d != nil {
			d.Send(ctx)
		}
		return err
	})
	return stamp, err
}

// drop deletes an event or an occurrence of a series, and does more in the same write. A
// key that is not nil must be the change key of the item.
func drop(ctx context.Context, box *store.Mailbox, id store.ID, key []byte, how store.Deletion, with ...store.Step) (stamp store.Stamp, err error) {
	if one, ok := id.(store.OccurrenceID); ok {
		return DeleteOccurrence(ctx, box, one, key, with...)
	}
	step, err := box.Deleting(ctx, id.(store.ItemID), key, how, &stamp)
	if err == nil {
		err = store.Together(ctx, append(slices.Clip(with), step)...)
	}
	return stamp, err
}

// cancellation makes the message that an event does not take place: for all attendees,
// or with only for those who are no longer asked.
func (c *Calendar) cancellation(e *Event, recipients []store.Recipient, only []string, text *oxcmail.Message) store.NewItem {
	m := store.NewItem{Props: shared(e.Props), Recipients: addressed(recipients, only)}
	p := m.Props
	p[mapi.PidTagMessageClass] = classCanceled
	p[mapi.PidLidAppointmentStateFlags] = StateMeeting | StateReceived | StateCanceled
	if only == nil { // who is no longer asked may be asked again to what stays as it is
		p[mapi.PidLidAppointmentSequence] = e.Props.Int32(mapi.PidLidAppointmentSequence) + 1
	}
	p[mapi.PidLidOwnerCriticalChange] = c.cfg.Now().UTC().Truncate(time.Second)
	p[mapi.PidLidBusyStatus], p[mapi.PidLidIntendedBusyStatus] = BusyFree, BusyFree
	p[mapi.PidLidReminderSet] = false
	retitle(p, "Canceled: ")
	replaceText(p, text)
	return m
}

// retitle puts a prefix before a message's subject.
func retitle(p mapi.Bag, prefix string) {
	subject := p.String(mapi.PidTagSubject)
	if !strings.HasPrefix(subject, prefix) {
		subject = prefix + subject
	}
	p[mapi.PidTagSubject] = subject
	delete(p, mapi.PidTagNormalizedSubject)
}

// replaceText gives a message another text; nil leaves it.
func replaceText(p mapi.Bag, text *oxcmail.Message) {
	if text == nil {
		return
	}
	for _, tag := range []mapi.Tag{mapi.PidTagBody, mapi.PidTagHTML, mapi.PidTagNativeBody} {
		if t, _, ok := p.Find(tag); ok {
			delete(p, t)
		}
	}
	if text.Text != "" || text.HTML == "" {
		p[mapi.PidTagBody] = text.Text
	}
	if text.HTML != "" {
		p[mapi.PidTagHTML] = []byte(text.HTML)
		p[mapi.PidTagInternetCodepage] = int32(65001)
	}
	p[mapi.PidTagNativeBody] = text.NativeBody()
}

// addressed returns the attendees as the recipients of a message: all of them are
// named in it, and it goes to those of only (nil is all).
func addressed(list []store.Recipient, only []string) []store.Recipient {
	out := make([]store.Recipient, len(list))
	for i, r := range list {
		props := mapi.Bag{}
		for tag, v := range r.Props {
			props[tag] = v
		}
		to := only == nil || slices.ContainsFunc(only, func(a string) bool { return sameAddress(a, addressOf(r)) })
		flags := props.Int32(mapi.PidTagRecipientFlags)
		if to {
			flags |= RecipientSendable
		} else {
			flags &^= RecipientSendable
		}
		props[mapi.PidTagRecipientFlags] = flags
		r.Props = props
		out[i] = r
	}
	return out
}

// depart readies a message for the write that changes what it tells of.
func (c *Calendar) depart(ctx context.Context, from Sender, m store.NewItem) (*transport.Departure, error) {
	var keep store.FolderID
	var err error
	if from.Save {
		if keep, err = from.Own.RoleID(store.RoleSentItems); err != nil {
			return nil, err
		}
	}
	if from.Own.GUID() != from.Box.GUID() {
		if err := from.Own.Carry(ctx, from.Box, &m); err != nil {
			return nil, err
		}
	}
	p := m.Props
	p[mapi.PidTagMessageFlags] = mapi.MsgFlagUnsent | mapi.MsgFlagUnmodified
	author := map[mapi.Tag]any{
		mapi.PidTagSenderName: from.Me.Display(), mapi.PidTagSenderAddressType: "SMTP", mapi.PidTagSenderEmail: from.Me.Email,
		mapi.PidTagSenderSmtpAddress: from.Me.Email, mapi.PidTagSenderEntryID: oxcmail.OneOff(from.Me),
	}
	for tag, v := range author {
		p[tag] = v
	}
	if p.String(mapi.PidTagSentRepresentingEmail) == "" {
		putAuthor(p, from.For)
	}
	s := transport.Submission{Mailbox: from.Own, SID: from.SID}
	if from.SID == "" {
		s.Author = from.Me.Email
	}
	return c.cfg.Mail.Depart(ctx, s, m, keep)
}

// send sends a message about what is written already.
func (c *Calendar) send(ctx context.Context, from Sender, m store.NewItem) error {
	d, err := c.depart(ctx, from, m)
	if err == nil {
		err = store.Together(ctx, d.Steps()...)
	}
	if err == nil {
		d.Send(ctx)
	}
	return err
}

// putAuthor names the author of a message, or the organizer of an event.
func putAuthor(p mapi.Bag, a oxcmail.Address) {
	p[mapi.PidTagSentRepresentingName], p[mapi.PidTagSentRepresentingAddressType] = a.Display(), "SMTP"
	p[mapi.PidTagSentRepresentingEmail], p[mapi.PidTagSentRepresentingSmtp] = a.Email, a.Email
	p[mapi.PidTagSentRepresentingEntryID] = oxcmail.OneOff(a)
}

// Removed returns the attendees of before who are not among those of after.
func Removed(before, after []store.Recipient) (addresses []string) {
	for _, r := range before {
		if find(after, addressOf(r)) < 0 {
			addresses = append(addresses, addressOf(r))
		}
	}
	return addresses
}

// Changed tells the attendees of a meeting that its owner changed it: those who are
// no longer among them that they are not, and the others, or with added alone the new
// ones, what it is now. before are the attendees before the change.
func (c *Calendar) Changed(ctx context.Context, from Sender, id store.ID, before []store.Recipient, addedAlone bool) error {
	e, err := event(ctx, from.Box, id)
	if err != nil {
		return err
	}
	if gone := Removed(before, e.Recipients); len(gone) > 0 && organized(e.Props, before) {
		if err := c.send(ctx, from, c.cancellation(e, before, gone, nil)); err != nil {
			return err
		}
	}
	if len(e.Recipients) == 0 {
		return nil
	}
	var only []string
	if addedAlone {
		if only = Removed(e.Recipients, before); len(only) == 0 {
			return nil
		}
	}
	return c.Invite(ctx, from, id, only)
}
