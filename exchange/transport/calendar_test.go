package transport

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"hma/exchange/store"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/mapi"
	"hma/wire/oxcical"
	"hma/wire/oxocal"
)

// dialect returns one of the calendars that wire/oxcical is tested with.
func dialect(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile("../../wire/oxcical/testdata/" + name + ".ics")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// invitation is a message that carries a calendar as an alternative, and once more
// as a file.
func invitation(method, calendar string) string {
	return "From: Calendar <noreply@example.com>\r\nTo: ann@contoso.com\r\nSubject: Invitation\r\nMessage-ID: <invitation@example.com>\r\nMIME-Version: 1.0\r\n" +
		"Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: multipart/alternative; boundary=i\r\n\r\n" +
		"--i\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nYou are invited.\r\n" +
		"--i\r\nContent-Type: text/calendar; charset=\"UTF-8\"; method=" + method + "\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + calendar + "\r\n--i--\r\n" +
		"--o\r\nContent-Type: application/ics; name=invite.ics\r\nContent-Disposition: attachment; filename=invite.ics\r\n\r\n" + calendar + "\r\n--o--\r\n"
}

// TestMeetingMessages sees what delivery makes of messages with a calendar.
func TestMeetingMessages(t *testing.T) {
	p := newPost(t, sqldbtest.Memory(t))
	for _, c := range []struct{ file, method, class string }{
		{"google", "REQUEST", "IPM.Schedule.Meeting.Request"},
		{"exchange", "CANCEL", "IPM.Schedule.Meeting.Canceled"},
		{"thunderbird", "REPLY", "IPM.Schedule.Meeting.Resp.Neg"},
		{"zimbra", "COUNTER", "IPM.Schedule.Meeting.Resp.Tent"},
		{"outlook-desktop", "PUBLISH", "IPM.Note"},
	} {
		message := invitation(c.method, dialect(t, c.file))
		item, err := Prepare(t.Context(), p.mailbox("ann"), strings.NewReader(message))
		if err != nil {
			t.Fatal(err)
		}
		if class := item.Props.String(mapi.PidTagMessageClass); class != c.class {
			t.Errorf("%s: class %s, want %s", c.file, class, c.class)
		}
		if item.Props.String(mapi.PidTagSubject) != "Invitation" || item.Props.String(mapi.PidTagBody) != "You are invited.\r\n" && item.Props.String(mapi.PidTagBody) != "You are invited." {
			t.Errorf("%s: subject %q, body %q", c.file, item.Props.String(mapi.PidTagSubject), item.Props.String(mapi.PidTagBody))
		}
		want := 1 // the file; the other is what the item tells
		if c.class == "IPM.Note" {
			want = 2
		}
		if len(item.Attachments) != want {
			t.Errorf("%s: %d attachments", c.file, len(item.Attachments))
		}
		if item.MIME.Size != int64(len(message)) {
			t.Errorf("%s: %d bytes of MIME, want %d", c.file, item.MIME.Size, len(message))
		}
	}
}

func TestMeetingRequestDelivered(t *testing.T) {
	p := newPost(t, sqldbtest.Memory(t))
	message := invitation("REQUEST", dialect(t, "google"))
	results, err := p.Deliver(t.Context(), Envelope{From: "greta@example.com", To: []string{"ann@contoso.com"}}, strings.NewReader(message))
	if err != nil || results[0].Err != nil {
		t.Fatal(err, results)
	}
	item := p.inbox("ann", 1)[0]
	if start := item.Props.Time(mapi.PidLidAppointmentStartWhole); !start.Equal(time.Date(2026, 3, 4, 8, 0, 0, 0, time.UTC)) {
		t.Errorf("start %s", start)
	}
	// Greta is the ORGANIZER: that is not who wrote.
	if from := item.Props.String(mapi.PidTagSentRepresentingSmtp); from != "noreply@example.com" || item.Props.String(mapi.PidTagSenderSmtpAddress) != "noreply@example.com" {
		t.Errorf("from %s", from)
	}
	var to []string
	for _, r := range item.Recipients {
		to = append(to, r.SMTP)
	}
	if got := strings.Join(to, " "); got != "ann@contoso.com anna@contoso.com" {
		t.Errorf("recipients %s", got)
	}
	if raw := p.mime("ann", item.ID); !strings.HasSuffix(raw, message) {
		t.Errorf("the message is not what came:\n%s", raw)
	}
}

// TestEventThereAndBack makes an item of an iCalendar, and an iCalendar of the item.
func TestEventThereAndBack(t *testing.T) {
	p := newPost(t, sqldbtest.Memory(t))
	box := p.mailbox("ann")
	folder, err := box.RoleID(store.RoleCalendar)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"google", "apple", "outlook-desktop", "evolution", "notes", "nextcloud", "fastmail", "old"} {
		calendar := dialect(t, name)
		for form, text := range map[string]string{
			"bare": calendar, "as a part": invitation("PUBLISH", calendar),
			"as a message": "MIME-Version: 1.0\r\nContent-Type: text/calendar; charset=utf-8\r\n\r\n" + calendar,
		} {
			item, err := PrepareEvent(t.Context(), box, strings.NewReader(text), "anna@contoso.com", nil)
			if err != nil {
				t.Errorf("%s %s: %v", name, form, err)
				continue
			}
			item.Folder = folder
			stamp, err := box.CreateItem(t.Context(), item)
			if err != nil {
				t.Errorf("%s %s: %v", name, form, err)
				continue
			}
			raw := p.mime("ann", stamp.ID)
			if !strings.Contains(raw, "Content-Type: text/calendar; ") {
				t.Errorf("%s %s: no calendar in\n%s", name, form, raw)
			}
			again, err := PrepareEvent(t.Context(), box, strings.NewReader(raw), "anna@contoso.com", nil)
			if err != nil {
				t.Errorf("%s %s: %v\n%s", name, form, err, raw)
				continue
			}
			for _, tag := range []mapi.Tag{mapi.PidTagMessageClass, mapi.PidTagSubject, mapi.PidLidLocation, mapi.PidLidAppointmentStartWhole, mapi.PidLidAppointmentEndWhole, mapi.PidLidAppointmentSubType,
				mapi.PidLidRecurring, mapi.PidLidBusyStatus, mapi.PidLidReminderSet, mapi.PidLidReminderDelta, mapi.PidNameICalendar, mapi.PidLidResponseStatus, mapi.PidLidAppointmentStateFlags, mapi.PidTagBody} {
				if again.Props[tag] != item.Props[tag] {
					t.Errorf("%s %s: %s was %v, is %v", name, form, tag, item.Props[tag], again.Props[tag])
				}
			}
			for _, tag := range []mapi.Tag{mapi.PidLidAppointmentRecur, mapi.PidLidGlobalObjectID} {
				if !bytes.Equal(again.Props.Bytes(tag), item.Props.Bytes(tag)) {
					t.Errorf("%s %s: %s was %x, is %x", name, form, tag, item.Props.Bytes(tag), again.Props.Bytes(tag))
				}
			}
			if len(again.Recipients) != len(item.Recipients) {
				t.Errorf("%s %s: %d recipients became %d", name, form, len(item.Recipients), len(again.Recipients))
			}
			if len(again.Attachments) != len(item.Attachments) {
				t.Errorf("%s %s: %d attachments became %d", name, form, len(item.Attachments), len(again.Attachments))
			}
		}
	}
	if _, err := PrepareEvent(t.Context(), box, strings.NewReader("Subject: x\r\n\r\nhello"), "", nil); err != ErrNoEvent {
		t.Error(err)
	}
}

// TestExceptionsThereAndBack keeps and tells the text and the attendees that one
// occurrence of a series has of its own, and no more of them than there is room for.
func TestExceptionsThereAndBack(t *testing.T) {
	p := newPost(t, sqldbtest.Memory(t))
	box := p.mailbox("ann")
	folder, err := box.RoleID(store.RoleCalendar)
	if err != nil {
		t.Fatal(err)
	}
	event := func(lines ...string) string {
		return crlf("BEGIN:VEVENT", "UID:1", "ORGANIZER:mailto:anna@contoso.com", "SUMMARY:Review") + crlf(lines...) + crlf("END:VEVENT")
	}
	ics := crlf("BEGIN:VCALENDAR", "VERSION:2.0") +
		event("DTSTART;TZID=Europe/Berlin:20260310T100000", "DTEND;TZID=Europe/Berlin:20260310T110000", "RRULE:FREQ=DAILY;COUNT=3", "DESCRIPTION:Every day", "ATTENDEE:mailto:ben@contoso.com") +
		event("RECURRENCE-ID;TZID=Europe/Berlin:20260311T100000", "DTSTART;TZID=Europe/Berlin:20260311T140000", "DTEND;TZID=Europe/Berlin:20260311T150000", "DESCRIPTION:This time alone",
			"ATTENDEE:mailto:ben@contoso.com", "ATTENDEE:mailto:cleo@contoso.com") + crlf("END:VCALENDAR")
	item, err := PrepareEvent(t.Context(), box, strings.NewReader(ics), "anna@contoso.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	item.Folder = folder
	if item.Props.Bool(mapi.PidTagHasAttachments) {
		t.Error("an exception is an attachment for everybody to see")
	}
	stamp, err := box.CreateItem(t.Context(), item)
	if err != nil {
		t.Fatal(err)
	}
	r, err := OpenEvent(t.Context(), box, stamp.ID)
	if err != nil {
		t.Fatal(err)
	}
	cal, err := oxcical.ReadEvents(r, nil)
	if err != nil || len(cal.Events) != 1 || len(cal.Events[0].Exceptions) != 1 {
		t.Fatalf("%+v, %v", cal, err)
	}
	e := cal.Events[0]
	own := e.Exceptions[0]
	if e.Text != "Every day" || len(e.Attendees) != 1 || own.Text != "This time alone" || len(own.Attendees) != 2 || own.Attendees[1].Email != "cleo@contoso.com" ||
		!own.Original.Equal(time.Date(2026, 3, 11, 9, 0, 0, 0, time.UTC)) || !own.Start.Equal(time.Date(2026, 3, 11, 13, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v, own %+v", e, own)
	}
	full, err := box.Item(t.Context(), stamp.ID, store.Want{Attachments: true})
	if err != nil {
		t.Fatal(err)
	}
	list := slices.Clone(full.Attachments)
	list[0].Content.Size = maxExceptions + 1
	over := &oxcical.Event{}
	if err := withExceptions(over, list, stored(t.Context(), box)); err != nil || len(over.Exceptions) != 0 {
		t.Errorf("%d exceptions, %v", len(over.Exceptions), err)
	}
}

// TestMeetingFromProperties sends a request and an answer that were made of
// properties, and sees that they come as what they are.
func TestMeetingFromProperties(t *testing.T) {
	p := newPost(t, sqldbtest.Memory(t))
	ann := p.mailbox("ann")
	drafts, err := ann.RoleID(store.RoleDrafts)
	if err != nil {
		t.Fatal(err)
	}
	id := oxocal.NewGlobalID(now, [16]byte{1, 2, 3})
	start := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	berlin, _ := oxocal.IANAZone("Europe/Berlin")
	props := func(class string) mapi.Bag {
		bag := mapi.Bag{
			mapi.PidTagMessageClass: class, mapi.PidTagSubject: "Planning", mapi.PidTagBody: "Let us meet.\r\n",
			mapi.PidLidAppointmentStartWhole: start, mapi.PidLidAppointmentEndWhole: start.Add(time.Hour), mapi.PidLidLocation: "Room 1",
			mapi.PidLidAppointmentTimeZoneStartDisplay: berlin.AppendDefinition(nil, 2026), mapi.PidLidAppointmentSequence: int32(2),
			mapi.PidLidGlobalObjectID: id.Bytes(), mapi.PidLidCleanGlobalObjectID: id.Clean(), mapi.PidLidOwnerCriticalChange: now, mapi.PidLidBusyStatus: int32(2),
			mapi.PidTagSentRepresentingName: "ann", mapi.PidTagSentRepresentingSmtp: "ann@contoso.com", mapi.PidTagSentRepresentingEmail: "ann@contoso.com", mapi.PidTagResponseRequested: true,
		}
		return bag
	}
	for _, class := range []string{"IPM.Schedule.Meeting.Request", "IPM.Schedule.Meeting.Canceled", "IPM.Schedule.Meeting.Resp.Pos", "IPM.Schedule.Meeting.Resp.Neg", "IPM.Schedule.Meeting.Resp.Tent"} {
		stamp, err := ann.CreateItem(t.Context(), store.NewItem{Folder: drafts, Props: props(class),
			Recipients: []store.Recipient{{Type: mapi.RecipientTo, AddressType: "SMTP", Address: "ben@contoso.com", SMTP: "ben@contoso.com", Name: "ben"}}})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := p.SubmitItem(t.Context(), ann, ann, "S-1-5-21-ann", stamp.ID, nil, store.FolderID{}); err != nil {
			t.Fatal(err)
		}
		item := p.items("ben", store.RoleInbox)[0]
		if item.Props.String(mapi.PidTagMessageClass) != class || !item.Props.Time(mapi.PidLidAppointmentStartWhole).Equal(start) || !bytes.Equal(item.Props.Bytes(mapi.PidLidCleanGlobalObjectID), id.Clean()) ||
			item.Props.Int32(mapi.PidLidAppointmentSequence) != 2 || item.Props.String(mapi.PidLidLocation) != "Room 1" {
			t.Errorf("%s came as %s, %s, sequence %d", class, item.Props.String(mapi.PidTagMessageClass), item.Props.Time(mapi.PidLidAppointmentStartWhole), item.Props.Int32(mapi.PidLidAppointmentSequence))
		}
		if oxcical.IsMeeting(class) && item.Props.String(mapi.PidTagSentRepresentingSmtp) != "ann@contoso.com" {
			t.Errorf("%s is from %s", class, item.Props.String(mapi.PidTagSentRepresentingSmtp))
		}
	}
}

// TestCalendarBombs delivers what is made to cost much.
func TestCalendarBombs(t *testing.T) {
	p := newPost(t, sqldbtest.Memory(t))
	event := func(lines string) string {
		return "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:x\r\nORGANIZER:mailto:a@example.com\r\nATTENDEE:mailto:ann@contoso.com\r\nDTSTART:20260101T090000Z\r\n" + lines + "END:VEVENT\r\nEND:VCALENDAR\r\n"
	}
	for name, calendar := range map[string]string{
		"a million occurrences": event("RRULE:FREQ=DAILY;COUNT=1000000\r\n"),
		"every second":          event("RRULE:FREQ=SECONDLY\r\n"),
		"many exceptions":       event("RRULE:FREQ=DAILY\r\n" + strings.Repeat("EXDATE:20260102T090000Z\r\n", 50_000)),
		"many attendees":        event(strings.Repeat("ATTENDEE:mailto:someone@example.com\r\n", 30_000)),
		"nothing":               "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\n",
		"too long":              event("DESCRIPTION:" + strings.Repeat("a", 3<<20) + "\r\n"),
	} {
		start := time.Now()
		results, err := p.Deliver(t.Context(), Envelope{From: "a@example.com", To: []string{"ann@contoso.com"}}, strings.NewReader(invitation("REQUEST", calendar)))
		if err != nil || results[0].Err != nil {
			t.Errorf("%s: %v %v", name, err, results)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
	}
}
