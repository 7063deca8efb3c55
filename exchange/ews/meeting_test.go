package ews

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"hma/exchange/calendar"
	"hma/exchange/org"
	"hma/exchange/store"
	"hma/exchange/transport"
	"hma/wire/mapi"
)

// as sends a request as somebody and wants it answered with success.
func (w *world) as(r *org.Recipient, body string) string {
	w.t.Helper()
	status, answer := w.askAs(r, wrap(body))
	if status != 200 || strings.Contains(answer, `ResponseClass="Error"`) {
		w.t.Fatalf("%d: %s\n%s", status, body, answer)
	}
	return answer
}

// contents returns what a folder of somebody's holds, newest first.
func (w *world) contents(r *org.Recipient, role store.Role) []*store.Item {
	w.t.Helper()
	m := w.mailbox(r)
	id, err := m.RoleID(role)
	if err != nil {
		w.t.Fatal(err)
	}
	page, err := m.List(w.t.Context(), store.Query{Folder: id, Want: store.Want{All: true, Recipients: true, Attachments: true}})
	if err != nil {
		w.t.Fatal(err)
	}
	return page.Items
}

func (w *world) one(r *org.Recipient, role store.Role) *store.Item {
	w.t.Helper()
	list := w.contents(r, role)
	if len(list) != 1 {
		w.t.Fatalf("%d items in %s of %s", len(list), role, r.DisplayName)
	}
	return list[0]
}

func attendees(list ...string) string {
	var b strings.Builder
	b.WriteString("<t:RequiredAttendees>")
	for _, a := range list {
		b.WriteString("<t:Attendee><t:Mailbox><t:EmailAddress>" + a + "</t:EmailAddress></t:Mailbox></t:Attendee>")
	}
	return b.String() + "</t:RequiredAttendees>"
}

const reviewTimes = `<t:Start>2026-03-10T10:00:00Z</t:Start><t:End>2026-03-10T11:00:00Z</t:End>`

func invite(how, elements string) string {
	return `<m:CreateItem SendMeetingInvitations="` + how + `"><m:Items><t:CalendarItem>` + elements + `</t:CalendarItem></m:Items></m:CreateItem>`
}

func respond(element, ref, disposition, more string) string {
	return `<m:CreateItem MessageDisposition="` + disposition + `"><m:Items><t:` + element + `>` + more + `<t:ReferenceItemId Id="` + ref + `"/></t:` + element + `></m:Items></m:CreateItem>`
}

func updateMeeting(id [3]string, how, updates string) string {
	return strings.Replace(updateOne(id[1], id[2], "AlwaysOverwrite", updates), "SendToNone", how, 1)
}

// TestMeeting follows a meeting between two people: asked, accepted, moved, answered
// with another time, canceled and removed.
func TestMeeting(t *testing.T) {
	w := newWorld(t)
	id := [3]string(itemIDs.FindStringSubmatch(w.answered(invite("SendToAllAndSaveCopy", `<t:Subject>Review</t:Subject><t:Body BodyType="HTML">&lt;p&gt;all of it&lt;/p&gt;</t:Body>`+
		`<t:ReminderIsSet>true</t:ReminderIsSet>`+reviewTimes+`<t:LegacyFreeBusyStatus>OOF</t:LegacyFreeBusyStatus><t:Location>Room 1</t:Location>`+attendees("bob@contoso.com")))))
	mine := func() string { return w.answered(get(`<t:ItemId Id="` + id[1] + `"/>`)) }
	answer := mine()
	for _, want := range []string{"<t:IsMeeting>true<", "<t:MyResponseType>Organizer<", "<t:MeetingRequestWasSent>true<", "<t:AppointmentState>1<", "<t:ResponseType>Unknown<", "<t:CancelCalendarItem/>"} {
		if !strings.Contains(answer, want) {
			t.Errorf("the organizer's lacks %s\n%s", want, answer)
		}
	}
	if sent := w.one(w.anna, store.RoleSentItems); sent.Props.String(mapi.PidTagMessageClass) != "IPM.Schedule.Meeting.Request" {
		t.Errorf("in Sent Items: %v", sent.Props)
	}

	// Bob has a request, and a tentative event that is not answered.
	request := w.one(w.bob, store.RoleInbox)
	answer = w.as(w.bob, get(`<t:ItemId Id="`+request.ID.Encode(idKey)+`"/>`))
	for _, want := range []string{"<t:MeetingRequest>", "<t:MeetingRequestType>NewMeetingRequest<", "<t:IntendedFreeBusyStatus>OOF<", "<t:AssociatedCalendarItemId ", "<t:IsOutOfDate>false<", "<t:AcceptItem/>",
		"<t:HasBeenProcessed>true<", "<t:Start>2026-03-10T10:00:00Z<", "<t:Location>Room 1<", "all of it", "<t:EmailAddress>bob@contoso.com<"} {
		if !strings.Contains(answer, want) {
			t.Errorf("the request lacks %s\n%s", want, answer)
		}
	}
	event := w.one(w.bob, store.RoleCalendar)
	theirs := func() string { return w.as(w.bob, get(`<t:ItemId Id="`+event.ID.Encode(idKey)+`"/>`)) }
	answer = theirs()
	for _, want := range []string{"<t:MyResponseType>NoResponseReceived<", "<t:LegacyFreeBusyStatus>Tentative<", "<t:AppointmentState>3<", "<t:EmailAddress>anna@contoso.com<", "<t:ReminderIsSet>false<", "all of it"} {
		if !strings.Contains(answer, want) {
			t.Errorf("the attendee's lacks %s\n%s", want, answer)
		}
	}

	// An answer carries no attachments.
	_, answer = w.askAs(w.bob, wrap(respond("AcceptItem", request.ID.Encode(idKey), "SendAndSaveCopy", `<t:Attachments><t:FileAttachment><t:Name>a</t:Name><t:Content>YQ==</t:Content></t:FileAttachment></t:Attachments>`)))
	if !strings.Contains(answer, "ErrorInvalidOperation") {
		t.Error(answer)
	}

	// He accepts; she sees it.
	w.as(w.bob, respond("AcceptItem", request.ID.Encode(idKey), "SendAndSaveCopy", `<t:Body BodyType="Text">gladly</t:Body>`))
	if answer = theirs(); !strings.Contains(answer, "<t:MyResponseType>Accept<") || !strings.Contains(answer, "<t:LegacyFreeBusyStatus>OOF<") || !strings.Contains(answer, "<t:AppointmentReplyTime>") {
		t.Error(answer)
	}
	if left := w.contents(w.bob, store.RoleInbox); len(left) != 0 {
		t.Errorf("the answered request stays: %v", left)
	}
	response := w.one(w.anna, store.RoleInbox)
	answer = w.answered(get(`<t:ItemId Id="` + response.ID.Encode(idKey) + `"/>`))
	if !strings.Contains(answer, "<t:MeetingResponse>") || !strings.Contains(answer, "<t:ResponseType>Accept<") || !strings.Contains(answer, "<t:Subject>Accepted: Review<") || !strings.Contains(answer, "gladly") {
		t.Error(answer)
	}
	if answer = mine(); !strings.Contains(answer, "<t:ResponseType>Accept<") || !strings.Contains(answer, "<t:LastResponseTime>") {
		t.Error(answer)
	}

	// A new text is told and leaves the answer; a new time takes it back.
	w.answered(updateMeeting(id, "SendToAllAndSaveCopy", setField("calendar:Location", "Room 2")))
	if answer = theirs(); !strings.Contains(answer, "<t:MyResponseType>Accept<") || !strings.Contains(answer, "<t:Location>Room 2<") || !strings.Contains(answer, "<t:AppointmentSequenceNumber>0<") {
		t.Error(answer)
	}
	older := w.contents(w.bob, store.RoleInbox)[0]
	w.answered(updateMeeting(id, "SendOnlyToAll", setField("calendar:Start", "2026-03-11T10:00:00Z")+setField("calendar:End", "2026-03-11T11:00:00Z")))
	if answer = theirs(); !strings.Contains(answer, "<t:MyResponseType>NoResponseReceived<") || !strings.Contains(answer, "<t:Start>2026-03-11T10:00:00Z<") || !strings.Contains(answer, "<t:AppointmentSequenceNumber>1<") {
		t.Error(answer)
	}
	if answer = w.as(w.bob, get(`<t:ItemId Id="`+older.ID.Encode(idKey)+`"/>`)); !strings.Contains(answer, "<t:IsOutOfDate>true<") || !strings.Contains(answer, "<t:MeetingRequestType>InformationalUpdate<") {
		t.Error(answer)
	}
	_, answer = w.askAs(w.bob, wrap(respond("AcceptItem", older.ID.Encode(idKey), "SendOnly", "")))
	if !strings.Contains(answer, "ErrorCalendarMeetingRequestIsOutOfDate") {
		t.Error(answer)
	}

	// The message does not move the meeting.
	for _, update := range []string{setField("calendar:Start", "2026-03-20T10:00:00Z"), `<t:DeleteItemField><t:FieldURI FieldURI="calendar:Recurrence"/></t:DeleteItemField>`} {
		_, answer = w.askAs(w.bob, wrap(updateOne(older.ID.Encode(idKey), changeKey(itemKey, older.ChangeKey), "AlwaysOverwrite", update)))
		if !strings.Contains(answer, "ErrorInvalidPropertySet") {
			t.Error(answer)
		}
	}

	// He proposes another time, from the event itself.
	w.as(w.bob, respond("TentativelyAcceptItem", event.ID.Encode(idKey), "SendOnly", `<t:ProposedStart>2026-03-12T10:00:00Z</t:ProposedStart><t:ProposedEnd>2026-03-12T11:00:00Z</t:ProposedEnd>`))
	if answer = mine(); !strings.Contains(answer, "<t:ResponseType>Tentative<") || !strings.Contains(answer, "<t:ProposedStart>2026-03-12T10:00:00Z<") {
		t.Error(answer)
	}
	_, answer = w.ask(wrap(respond("AcceptItem", id[1], "SendOnly", "")))
	if !strings.Contains(answer, "ErrorCalendarIsOrganizerForAccept") {
		t.Error(answer)
	}
	_, answer = w.askAs(w.bob, wrap(respond("CancelCalendarItem", event.ID.Encode(idKey), "SendOnly", "")))
	if !strings.Contains(answer, "ErrorCalendarIsNotOrganizer") {
		t.Error(answer)
	}

	// She cancels; he removes it.
	w.answered(respond("CancelCalendarItem", id[1], "SendAndSaveCopy", `<t:NewBodyContent BodyType="Text">no time</t:NewBodyContent>`))
	if left := w.contents(w.anna, store.RoleCalendar); len(left) != 0 {
		t.Errorf("the canceled meeting stays with its organizer: %v", left)
	}
	if answer = theirs(); !strings.Contains(answer, "<t:IsCancelled>true<") || !strings.Contains(answer, "<t:LegacyFreeBusyStatus>Free<") || !strings.Contains(answer, "<t:Subject>Canceled: Review<") {
		t.Error(answer)
	}
	cancellation := w.contents(w.bob, store.RoleInbox)[0]
	if answer = w.as(w.bob, get(`<t:ItemId Id="`+cancellation.ID.Encode(idKey)+`"/>`)); !strings.Contains(answer, "<t:MeetingCancellation>") || !strings.Contains(answer, "<t:RemoveItem/>") || !strings.Contains(answer, "no time") {
		t.Error(answer)
	}
	w.as(w.bob, respond("RemoveItem", cancellation.ID.Encode(idKey), "SendOnly", ""))
	if left := w.contents(w.bob, store.RoleCalendar); len(left) != 0 {
		t.Errorf("the removed meeting stays: %v", left)
	}
}

// TestAttendees holds who is told when attendees come and go.
func TestAttendees(t *testing.T) {
	w := newWorld(t)
	id := [3]string(itemIDs.FindStringSubmatch(w.answered(invite("SendToNone", `<t:Subject>Review</t:Subject>`+reviewTimes+attendees("bob@contoso.com")))))
	if n := len(w.contents(w.bob, store.RoleInbox)); n != 0 {
		t.Errorf("%d messages although nobody is told", n)
	}
	add := `<t:SetItemField><t:FieldURI FieldURI="calendar:RequiredAttendees"/><t:CalendarItem>` + attendees("bob@contoso.com", "carol@contoso.com") + `</t:CalendarItem></t:SetItemField>`
	w.answered(updateMeeting(id, "SendToChangedAndSaveCopy", add)) // Carol has no mailbox: a report comes back
	if n := len(w.contents(w.bob, store.RoleInbox)); n != 0 {
		t.Errorf("%d messages to one who was asked before", n)
	}
	w.answered(updateMeeting(id, "SendOnlyToAll", setField("item:Subject", "Big review")))
	if got := w.one(w.bob, store.RoleCalendar); got.Props.String(mapi.PidTagSubject) != "Big review" || len(got.Recipients) != 2 {
		t.Errorf("%v, %v", got.Props, got.Recipients)
	}
	w.answered(updateMeeting(id, "SendOnlyToAll", `<t:SetItemField><t:FieldURI FieldURI="calendar:RequiredAttendees"/><t:CalendarItem>`+attendees("carol@contoso.com")+`</t:CalendarItem></t:SetItemField>`))
	if got := w.one(w.bob, store.RoleCalendar); got.Props.Int32(mapi.PidLidAppointmentStateFlags)&calendar.StateCanceled == 0 {
		t.Errorf("who is not asked any more is not told: %v", got.Props)
	}
	w.refused("ErrorInvalidRecipients", invite("SendOnlyToAll", `<t:Subject>x</t:Subject>`+strings.Replace(attendees("nobody"), "<t:EmailAddress>nobody</t:EmailAddress>", "", 1)))
}

// TestMeetingSeries changes and cancels one occurrence of a meeting.
func TestMeetingSeries(t *testing.T) {
	w := newWorld(t)
	master := itemIDs.FindStringSubmatch(w.answered(invite("SendOnlyToAll", strings.Replace(weekly, "<t:Recurrence>", attendees("bob@contoso.com")+"<t:Recurrence>", 1))))
	view := func() []string {
		return allStarts(w.as(w.bob, viewOf("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "calendar:Start")))
	}
	if got := view(); len(got) != 10 || got[4] != "2026-03-30T07:00:00Z" {
		t.Fatalf("the attendee's occurrences: %v", got)
	}
	w.as(w.bob, respond("AcceptItem", w.one(w.bob, store.RoleInbox).ID.Encode(idKey), "SendOnly", ""))
	third := itemIDs.FindStringSubmatch(w.answered(get(fmt.Sprintf(`<t:OccurrenceItemId RecurringMasterId="%s" InstanceIndex="3"/>`, master[1]), "item:Subject")))
	w.answered(updateMeeting([3]string(third), "SendOnlyToAll", setField("calendar:Start", "2026-03-23T14:00:00Z")+setField("calendar:End", "2026-03-23T15:00:00Z")+setField("item:Subject", "Late")))
	if got := view(); len(got) != 10 || got[2] != "2026-03-23T14:00:00Z" {
		t.Errorf("after the move: %v", got)
	}
	// Bob declines that one: the organizer sees it with the occurrence, not with the series.
	w.as(w.bob, respond("DeclineItem", w.contents(w.bob, store.RoleInbox)[0].ID.Encode(idKey), "SendOnly", ""))
	if got := view(); len(got) != 9 {
		t.Errorf("after the decline: %v", got)
	}
	if answer := w.answered(get(third[0], "calendar:RequiredAttendees")); !strings.Contains(answer, "<t:ResponseType>Decline<") {
		t.Error(answer)
	}
	if answer := w.answered(get(master[0], "calendar:RequiredAttendees")); !strings.Contains(answer, "<t:ResponseType>Accept<") {
		t.Error(answer)
	}
	w.answered(fmt.Sprintf(`<m:DeleteItem DeleteType="MoveToDeletedItems" SendMeetingCancellations="SendOnlyToAll"><m:ItemIds><t:OccurrenceItemId RecurringMasterId="%s" InstanceIndex="5"/></m:ItemIds></m:DeleteItem>`, master[1]))
	answer := w.as(w.bob, viewOf("2026-03-30T00:00:00Z", "2026-03-31T00:00:00Z", "calendar:IsCancelled", "calendar:CalendarItemType"))
	if !strings.Contains(answer, "<t:IsCancelled>true<") {
		t.Error(answer)
	}
	// The seventh is moved, and stays an exception of the series that is canceled.
	seventh := itemIDs.FindStringSubmatch(w.answered(get(fmt.Sprintf(`<t:OccurrenceItemId RecurringMasterId="%s" InstanceIndex="7"/>`, master[1]), "item:Subject")))
	w.answered(updateMeeting([3]string(seventh), "SendOnlyToAll", setField("calendar:Start", "2026-04-06T14:00:00Z")+setField("calendar:End", "2026-04-06T15:00:00Z")))
	moved := viewOf("2026-04-06T00:00:00Z", "2026-04-07T00:00:00Z", "calendar:IsCancelled", "calendar:LegacyFreeBusyStatus")
	if answer := w.as(w.bob, moved); !strings.Contains(answer, "<t:IsCancelled>false<") {
		t.Error(answer)
	}
	w.answered(`<m:DeleteItem DeleteType="MoveToDeletedItems" SendMeetingCancellations="SendToAllAndSaveCopy"><m:ItemIds>` + master[0] + `</m:ItemIds></m:DeleteItem>`)
	if answer := w.as(w.bob, moved); !strings.Contains(answer, "<t:LegacyFreeBusyStatus>Free<") || !strings.Contains(answer, "<t:IsCancelled>true<") {
		t.Errorf("an exception of the canceled series: %s", answer)
	}
	if got := w.one(w.bob, store.RoleCalendar); got.Props.Int32(mapi.PidLidAppointmentStateFlags)&calendar.StateCanceled == 0 {
		t.Errorf("the series is not canceled: %v", got.Props)
	}
}

// meetingMail is a message with a calendar, written by hand.
func meetingMail(from, method, calendar string) string {
	return strings.ReplaceAll("From: "+from+"\nTo: anna@contoso.com, bob@contoso.com\nSubject: forged\nMIME-Version: 1.0\nContent-Type: text/calendar; method="+method+"; charset=utf-8\n\n"+
		"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nMETHOD:"+method+"\nBEGIN:VEVENT\n"+calendar+"\nEND:VEVENT\nEND:VCALENDAR\n", "\n", "\r\n")
}

// TestForgedMeetings lets others than those whom it concerns answer, change and
// cancel a meeting: nothing changes.
func TestForgedMeetings(t *testing.T) {
	w := newWorld(t)
	id := itemIDs.FindStringSubmatch(w.answered(invite("SendOnlyToAll", `<t:Subject>Review</t:Subject><t:UID>forge-me</t:UID>`+reviewTimes+attendees("bob@contoso.com"))))
	before := w.one(w.bob, store.RoleCalendar)
	const event = "UID:forge-me\nDTSTAMP:20300101T000000Z\nSEQUENCE:9\nSUMMARY:forged\nDTSTART:20260401T100000Z\nDTEND:20260401T110000Z\n"
	const organized = event + "ORGANIZER:mailto:anna@contoso.com\nATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:bob@contoso.com"
	for name, message := range map[string]string{
		"a request by somebody else":                meetingMail("mallory@example.net", "REQUEST", organized),
		"a cancellation by somebody else":           meetingMail("mallory@example.net", "CANCEL", organized),
		"a request with another organizer":          meetingMail("mallory@example.net", "REQUEST", event+"ORGANIZER:mailto:mallory@example.net\nATTENDEE:mailto:bob@contoso.com"),
		"a cancellation with another organizer":     meetingMail("mallory@example.net", "CANCEL", event+"ORGANIZER:mailto:mallory@example.net\nATTENDEE:mailto:bob@contoso.com"),
		"a request with two authors":                meetingMail("anna@contoso.com, mallory@example.net", "REQUEST", organized),
		"an answer in the attendee's name":          meetingMail("mallory@example.net", "REPLY", event+"ORGANIZER:mailto:anna@contoso.com\nATTENDEE;PARTSTAT=DECLINED:mailto:bob@contoso.com"),
		"an answer by one who was not asked":        meetingMail("mallory@example.net", "REPLY", event+"ORGANIZER:mailto:anna@contoso.com\nATTENDEE;PARTSTAT=DECLINED:mailto:mallory@example.net"),
		"a request for the organizer's own meeting": meetingMail("bob@contoso.com", "REQUEST", event+"ORGANIZER:mailto:bob@contoso.com\nATTENDEE:mailto:anna@contoso.com"),
	} {
		env := transport.Envelope{From: "mallory@example.net", To: []string{"anna@contoso.com", "bob@contoso.com"}}
		if results, err := w.mail.Deliver(t.Context(), env, strings.NewReader(message)); err != nil || results[0].Err != nil || results[1].Err != nil {
			t.Fatal(err, results)
		}
		if after := w.one(w.bob, store.RoleCalendar); !slices.Equal(after.ChangeKey, before.ChangeKey) {
			t.Errorf("%s changed the attendee's event: %v", name, after.Props)
		}
		if answer := w.answered(get(id[0])); !strings.Contains(answer, "<t:Subject>Review<") || !strings.Contains(answer, "<t:ResponseType>Unknown<") || !strings.Contains(answer, "<t:Start>2026-03-10T10:00:00Z<") {
			t.Errorf("%s changed the organizer's event\n%s", name, answer)
		}
	}
}

// TestStrangersInvitation: who writes that Anna calls a meeting is its organizer himself,
// in the message and in the calendar, and the answer goes to nobody of the organisation.
func TestStrangersInvitation(t *testing.T) {
	w := newWorld(t)
	env := transport.Envelope{From: "mallory@example.net", To: []string{"bob@contoso.com"}}
	message := meetingMail("mallory@example.net", "REQUEST", "UID:of-mallory\nDTSTAMP:20260301T000000Z\nSUMMARY:Payday\nDTSTART:20260401T100000Z\nDTEND:20260401T110000Z\n"+
		"ORGANIZER;CN=Anna:mailto:anna@contoso.com\nATTENDEE:mailto:bob@contoso.com")
	if results, err := w.mail.Deliver(t.Context(), env, strings.NewReader(message)); err != nil || results[0].Err != nil {
		t.Fatal(err, results)
	}
	request, event := w.one(w.bob, store.RoleInbox), w.one(w.bob, store.RoleCalendar)
	for what, id := range map[string]store.ItemID{"request": request.ID, "event": event.ID} {
		answer := w.as(w.bob, get(`<t:ItemId Id="`+id.Encode(idKey)+`"/>`))
		_, organizer, _ := strings.Cut(answer, "<t:Organizer>")
		organizer, _, _ = strings.Cut(organizer, "</t:Organizer>")
		if !strings.Contains(organizer, "mallory@example.net") || what == "request" && !strings.Contains(answer, "<t:From><t:Mailbox><t:Name>mallory@example.net<") {
			t.Errorf("the %s\n%s", what, answer)
		}
	}
	w.as(w.bob, respond("AcceptItem", request.ID.Encode(idKey), "SendAndSaveCopy", ""))
	if sent := w.one(w.bob, store.RoleSentItems); len(sent.Recipients) != 1 || sent.Recipients[0].SMTP != "mallory@example.net" {
		t.Errorf("answered to %v", sent.Recipients)
	}
	if n := len(w.contents(w.anna, store.RoleInbox)); n != 0 {
		t.Errorf("%d messages to Anna", n)
	}
	// He can move and cancel what is his.
	moved := strings.Replace(strings.Replace(message, "20260401T", "20260402T", 2), "DTSTAMP", "SEQUENCE:1\r\nDTSTAMP", 1)
	if results, err := w.mail.Deliver(t.Context(), env, strings.NewReader(moved)); err != nil || results[0].Err != nil {
		t.Fatal(err, results)
	}
	if answer := w.as(w.bob, get(`<t:ItemId Id="`+event.ID.Encode(idKey)+`"/>`)); !strings.Contains(answer, "<t:Start>2026-04-02T10:00:00Z<") {
		t.Error(answer)
	}
}

// TestRoom books a room twice for the same time, and far ahead.
func TestRoom(t *testing.T) {
	w := newWorld(t)
	w.room = person(3, "Room", "cccccccc-0000-4000-8000-000000000003")
	book := func(elements string) string {
		return itemIDs.FindString(w.answered(invite("SendOnlyToAll", `<t:Subject>Review</t:Subject>`+elements+strings.ReplaceAll(attendees("room@contoso.com"), "RequiredAttendees", "Resources"))))
	}
	daily := func(start string, n int) string {
		return fmt.Sprintf(`<t:Start>%s</t:Start><t:End>%s</t:End><t:Recurrence><t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence><t:NumberedRecurrence><t:StartDate>%s</t:StartDate>`+
			`<t:NumberOfOccurrences>%d</t:NumberOfOccurrences></t:NumberedRecurrence></t:Recurrence>`, start, start[:11]+"11:30:00Z", start[:10], n)
	}
	for _, c := range []struct{ name, elements, want string }{
		{"free", reviewTimes, "Accept"},
		{"taken", `<t:Start>2026-03-10T10:30:00Z</t:Start><t:End>2026-03-10T12:00:00Z</t:End>`, "Decline"},
		{"right behind", `<t:Start>2026-03-10T11:00:00Z</t:Start><t:End>2026-03-10T12:00:00Z</t:End>`, "Accept"},
		{"too far ahead", `<t:Start>2027-03-10T10:00:00Z</t:Start><t:End>2027-03-10T11:00:00Z</t:End>`, "Decline"},
		{"a free series", daily("2026-04-01T11:00:00Z", 5), "Accept"},
		{"a series that meets one event", daily("2026-03-08T11:15:00Z", 5), "Decline"},
		{"one event in a series", `<t:Start>2026-04-03T11:00:00Z</t:Start><t:End>2026-04-03T12:00:00Z</t:End>`, "Decline"},
		{"a series that meets a series", daily("2026-03-28T11:20:00Z", 5), "Decline"},
		{"a series without an end", strings.Replace(daily("2026-05-01T11:00:00Z", 5), `<t:NumberOfOccurrences>5</t:NumberOfOccurrences></t:NumberedRecurrence>`, `<t:NumberOfOccurrences>999</t:NumberOfOccurrences></t:NumberedRecurrence>`, 1), "Decline"},
	} {
		if answer := w.answered(get(book(c.elements), "calendar:Resources")); !strings.Contains(answer, "<t:ResponseType>"+c.want+"<") {
			t.Errorf("%s: want %s\n%s", c.name, c.want, answer)
		}
	}
	if n := len(w.contents(w.room, store.RoleCalendar)); n != 3 {
		t.Errorf("%d events in the room's calendar", n)
	}
	if n := len(w.contents(w.room, store.RoleInbox)); n != 0 {
		t.Errorf("%d messages in the room's Inbox", n)
	}
}
