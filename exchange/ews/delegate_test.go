package ews

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"hma/exchange/org"
	"hma/exchange/store"
	"hma/exchange/transport"
	"hma/wire/guid"
	"hma/wire/mapi"
)

// delegates asks an operation about Anna's delegates.
func delegates(operation, inner string) string {
	attr := ""
	if operation == "GetDelegate" {
		attr = ` IncludePermissions="true"`
	}
	return wrap("<m:" + operation + attr + "><m:Mailbox><t:EmailAddress>anna@contoso.com</t:EmailAddress></m:Mailbox>" + inner + "</m:" + operation + ">")
}

// delegateUser is a DelegateUsers element of one.
func delegateUser(id, rest string) string {
	return "<m:DelegateUsers><t:DelegateUser><t:UserId>" + id + "</t:UserId>" + rest + "</t:DelegateUser></m:DelegateUsers>"
}

const bobsAddress = "<t:PrimarySmtpAddress>bob@contoso.com</t:PrimarySmtpAddress>"

// TestDelegateProblems asks for what cannot be. Nothing is changed by it.
func TestDelegateProblems(t *testing.T) {
	w := newWorld(t)
	w.room = person(3, "Carol", "cccccccc-0000-4000-8000-000000000003")
	if _, answer := w.ask(delegates("AddDelegate", delegateUser(bobsAddress, "<t:ViewPrivateItems>true</t:ViewPrivateItems>"))); strings.Contains(answer, `"Error"`) {
		t.Fatal(answer)
	}
	level := func(level string) string {
		return "<t:DelegatePermissions><t:CalendarFolderPermissionLevel>" + level + "</t:CalendarFolderPermissionLevel></t:DelegatePermissions>"
	}
	carol := "<t:SID>" + w.room.SID + "</t:SID>"
	many := "<m:DelegateUsers>" + strings.Repeat("<t:DelegateUser><t:UserId>"+carol+"</t:UserId></t:DelegateUser>", store.MaxDelegates+1) + "</m:DelegateUsers>"
	before, err := w.mailbox(w.anna).Delegates(t.Context())
	if err != nil || len(before.List) != 1 {
		t.Fatal(before, err)
	}
	for _, c := range []struct{ name, document, code string }{
		{"again", delegates("AddDelegate", delegateUser(bobsAddress, "")), "ErrorDelegateAlreadyExists"},
		{"the owner", delegates("AddDelegate", delegateUser("<t:SID>"+w.anna.SID+"</t:SID>", "")), "ErrorDelegateCannotAddOwner"},
		{"nobody", delegates("AddDelegate", delegateUser("<t:PrimarySmtpAddress>nobody@contoso.com</t:PrimarySmtpAddress>", "")), "ErrorDelegateNoUser"},
		{"nobody's SID", delegates("AddDelegate", delegateUser("<t:SID>S-1-5-21-9-9-9-9</t:SID>", "")), "ErrorDelegateNoUser"},
		{"no SID", delegates("AddDelegate", delegateUser("<t:SID>XXX</t:SID>", "")), "ErrorInvalidUserSid"},
		{"long SID", delegates("AddDelegate", delegateUser("<t:SID>S-1-5"+strings.Repeat("-1", 100)+"</t:SID>", "")), "ErrorInvalidUserSid"},
		{"no name", delegates("AddDelegate", delegateUser("<t:DisplayName>Bob</t:DisplayName>", "")), "ErrorInvalidDelegateUserId"},
		{"everybody", delegates("AddDelegate", delegateUser("<t:DistinguishedUser>Default</t:DistinguishedUser>", "")), "ErrorDistinguishedUserNotSupported"},
		{"custom level", delegates("AddDelegate", delegateUser(carol, level("Custom"))), "ErrorInvalidDelegatePermission"},
		{"level above an editor's", delegates("UpdateDelegate", delegateUser(bobsAddress, level("Owner"))), "ErrorInvalidDelegatePermission"},
		{"too many", delegates("AddDelegate", many), "ErrorDelegateValidationFailed"},
		{"not yet", delegates("UpdateDelegate", delegateUser(carol, "")), "ErrorNotDelegate"},
		{"update of nobody", delegates("UpdateDelegate", delegateUser("<t:SID>S-1-5-21-9-9-9-9</t:SID>", "")), "ErrorDelegateNoUser"},
		{"remove another", delegates("RemoveDelegate", "<m:UserIds><t:UserId>"+carol+"</t:UserId></m:UserIds>"), "ErrorNotDelegate"},
		{"get another", delegates("GetDelegate", "<m:UserIds><t:UserId>"+carol+"</t:UserId></m:UserIds>"), "ErrorNotDelegate"},
		{"get nobody", delegates("GetDelegate", "<m:UserIds><t:UserId><t:PrimarySmtpAddress>nobody@contoso.com</t:PrimarySmtpAddress></t:UserId></m:UserIds>"), "ErrorDelegateNoUser"},
		{"no Boolean", delegates("UpdateDelegate", delegateUser(bobsAddress, "<t:ViewPrivateItems>perhaps</t:ViewPrivateItems>")), "ErrorSchemaValidation"},
		{"no delivery", delegates("UpdateDelegate", "<m:DeliverMeetingRequests>Everybody</m:DeliverMeetingRequests>"), "ErrorSchemaValidation"},
		{"nothing to change", delegates("UpdateDelegate", ""), "ErrorSchemaValidation"},
		{"names alone", delegates("UpdateDelegate", "<m:DelegateUsers><t:UserId>"+bobsAddress+"</t:UserId></m:DelegateUsers>"), "ErrorSchemaValidation"},
	} {
		if _, answer := w.ask(c.document); !strings.Contains(answer, ">"+c.code+"<") && !strings.Contains(answer, ">t:"+c.code+"<") {
			t.Errorf("%s: want %s: %s", c.name, c.code, answer)
		}
		after, err := w.mailbox(w.anna).Delegates(t.Context())
		if err != nil || after.Delivery != before.Delivery || !slices.Equal(after.List, before.List) {
			t.Errorf("%s: delegates %+v, %v", c.name, after, err)
		}
	}
}

// TestWhoManagesDelegates: the owner and who has full access, not a delegate with
// everything in a folder.
func TestWhoManagesDelegates(t *testing.T) {
	w := newWorld(t)
	w.ask(delegates("AddDelegate", delegateUser(bobsAddress, "<t:DelegatePermissions><t:CalendarFolderPermissionLevel>Editor</t:CalendarFolderPermissionLevel></t:DelegatePermissions>")))
	for _, full := range []bool{false, true} {
		if full {
			w.anna.FullAccess = []guid.GUID{w.bob.GUID}
		}
		for operation, inner := range map[string]string{
			"GetDelegate":    "",
			"AddDelegate":    delegateUser(bobsAddress, ""),
			"UpdateDelegate": delegateUser(bobsAddress, "<t:ViewPrivateItems>true</t:ViewPrivateItems>"),
		} {
			_, answer := w.askAs(w.bob, delegates(operation, inner))
			if denied := strings.Contains(answer, "ErrorAccessDenied"); denied == full || !full && strings.Contains(answer, "Editor") {
				t.Errorf("%s, full access %v: %s", operation, full, answer)
			}
		}
	}
}

// TestDelegateAccess lets Bob into Anna's calendar by the level that makes him a
// delegate, shows him a private event with ViewPrivateItems alone, and shuts him out
// again with RemoveDelegate.
func TestDelegateAccess(t *testing.T) {
	w := newWorld(t)
	calendar := w.folder(store.RoleCalendar)
	event, err := w.mailbox(w.anna).CreateItem(t.Context(), store.NewItem{Folder: calendar, Props: mapi.Bag{
		mapi.PidTagMessageClass: "IPM.Appointment", mapi.PidTagSubject: "Doctor", mapi.PidTagSensitivity: int32(2)}})
	if err != nil {
		t.Fatal(err)
	}
	get := wrap(fmt.Sprintf(`<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape><m:ItemIds><t:ItemId Id="%s"/></m:ItemIds></m:GetItem>`, event.ID.Encode(idKey)))
	find := wrap(fmt.Sprintf(`<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:ParentFolderIds><t:FolderId Id="%s"/></m:ParentFolderIds></m:FindItem>`, calendar.Encode(idKey)))
	level := func(level string) string {
		return "<t:DelegatePermissions><t:CalendarFolderPermissionLevel>" + level + "</t:CalendarFolderPermissionLevel></t:DelegatePermissions>"
	}
	for _, step := range []struct{ name, document, find, get string }{
		{"a stranger", "", "ErrorAccessDenied", "ErrorAccessDenied"},
		{"a reviewer", delegates("AddDelegate", delegateUser(bobsAddress, level("Reviewer"))), `TotalItemsInView="0"`, "ErrorItemNotFound"},
		{"private items too", delegates("UpdateDelegate", delegateUser(bobsAddress, "<t:ViewPrivateItems>true</t:ViewPrivateItems>")), `TotalItemsInView="1"`, "Doctor"},
		{"not any more", delegates("UpdateDelegate", delegateUser(bobsAddress, "<t:ViewPrivateItems>false</t:ViewPrivateItems>")), `TotalItemsInView="0"`, "ErrorItemNotFound"},
		{"without a level", delegates("UpdateDelegate", delegateUser(bobsAddress, level("None"))), "ErrorAccessDenied", "ErrorAccessDenied"},
		{"an editor", delegates("UpdateDelegate", delegateUser(bobsAddress, level("Editor"))), `TotalItemsInView="0"`, "ErrorItemNotFound"},
		{"no delegate", delegates("RemoveDelegate", "<m:UserIds><t:UserId>"+bobsAddress+"</t:UserId></m:UserIds>"), "ErrorAccessDenied", "ErrorAccessDenied"},
	} {
		if step.document != "" {
			if _, answer := w.ask(step.document); strings.Contains(answer, `"Error"`) {
				t.Errorf("%s: %s", step.name, answer)
			}
		}
		if _, answer := w.askAs(w.bob, find); !strings.Contains(answer, step.find) {
			t.Errorf("%s: want %s: %s", step.name, step.find, answer)
		}
		if _, answer := w.askAs(w.bob, get); !strings.Contains(answer, step.get) {
			t.Errorf("%s: want %s: %s", step.name, step.get, answer)
		}
	}
	rights, err := w.mailbox(w.anna).Rights(t.Context(), calendar, w.bob.SID)
	if err != nil || rights != store.RightFreeBusySimple {
		t.Errorf("afterwards Bob has %#x, %v", rights, err)
	}
}

// TestDelegateGone: a delegate whom the directory does not know any more is shown by
// the SID and can be removed by it.
func TestDelegateGone(t *testing.T) {
	w := newWorld(t)
	const sid = "S-1-5-21-1-2-3-1777"
	if err := w.mailbox(w.anna).UpdateDelegates(t.Context(), func(d *store.Delegates) error {
		d.List = append(d.List, store.Delegate{SID: sid})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if _, answer := w.ask(delegates("GetDelegate", "")); !strings.Contains(answer, "<t:UserId><t:SID>"+sid+"</t:SID></t:UserId>") {
		t.Error(answer)
	}
	if _, answer := w.ask(delegates("RemoveDelegate", "<m:UserIds><t:UserId><t:SID>"+sid+"</t:SID></t:UserId></m:UserIds>")); strings.Contains(answer, `"Error"`) {
		t.Error(answer)
	}
	if d, err := w.mailbox(w.anna).Delegates(t.Context()); err != nil || len(d.List) != 0 {
		t.Errorf("left %+v, %v", d, err)
	}
}

// newOffice is a world in which Bob is Anna's delegate with a level in her calendar,
// and Carol somebody whom she meets.
func newOffice(t *testing.T, level string) *world {
	t.Helper()
	w := newWorld(t)
	w.carol = person(3, "Carol", "cccccccc-0000-4000-8000-000000000003")
	w.as(w.anna, addBob(level, ""))
	return w
}

// addBob makes Bob Anna's delegate.
func addBob(level, more string) string {
	return "<m:AddDelegate><m:Mailbox><t:EmailAddress>anna@contoso.com</t:EmailAddress></m:Mailbox>" + delegateUser(bobsAddress, "<t:DelegatePermissions><t:CalendarFolderPermissionLevel>"+level+
		"</t:CalendarFolderPermissionLevel></t:DelegatePermissions>"+more) + "</m:AddDelegate>"
}

// inviteFor creates a meeting in Anna's calendar.
func inviteFor(how, elements string) string {
	return strings.Replace(invite(how, elements), "<m:Items>", `<m:SavedItemFolderId><t:DistinguishedFolderId Id="calendar"><t:Mailbox><t:EmailAddress>anna@contoso.com</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId></m:SavedItemFolderId><m:Items>`, 1)
}

const reviewByBob = `<t:Subject>Review</t:Subject><t:Attachments><t:FileAttachment><t:Name>plan.txt</t:Name><t:Content>YWxsIG9mIGl0</t:Content></t:FileAttachment></t:Attachments>` + reviewTimes

// TestDelegatedMeeting follows a meeting that Bob calls, moves and cancels in Anna's
// calendar: it is hers, he writes on her behalf, and what is attached comes along.
func TestDelegatedMeeting(t *testing.T) {
	w := newOffice(t, "Editor")
	id := [3]string(itemIDs.FindStringSubmatch(w.as(w.bob, inviteFor("SendToAllAndSaveCopy", reviewByBob+attendees("carol@contoso.com")))))
	hers := func() string { return w.as(w.anna, get(`<t:ItemId Id="`+id[1]+`"/>`)) }
	answer := hers()
	for _, want := range []string{"<t:MyResponseType>Organizer<", "<t:Organizer><t:Mailbox><t:Name>Anna<", "<t:MeetingRequestWasSent>true<", "<t:Name>plan.txt<", "<t:CancelCalendarItem/>"} {
		if !strings.Contains(answer, want) {
			t.Errorf("the organizer's lacks %s\n%s", want, answer)
		}
	}
	request := w.one(w.carol, store.RoleInbox)
	answer = w.as(w.carol, get(`<t:ItemId Id="`+request.ID.Encode(idKey)+`"/>`))
	for _, want := range []string{"<t:From><t:Mailbox><t:Name>Anna<", "<t:Sender><t:Mailbox><t:Name>Bob<", "<t:EmailAddress>anna@contoso.com<", "<t:Name>plan.txt<"} {
		if !strings.Contains(answer, want) {
			t.Errorf("the request lacks %s\n%s", want, answer)
		}
	}
	event := w.one(w.carol, store.RoleCalendar)
	theirs := func() string { return w.as(w.carol, get(`<t:ItemId Id="`+event.ID.Encode(idKey)+`"/>`)) }
	if answer = theirs(); !strings.Contains(answer, "<t:Organizer><t:Mailbox><t:Name>Anna<") {
		t.Error(answer)
	}
	sent := w.one(w.bob, store.RoleSentItems)
	if len(sent.Attachments) != 1 || len(w.contents(w.bob, store.RoleCalendar)) != 0 || len(w.contents(w.anna, store.RoleSentItems)) != 0 {
		t.Errorf("sent by Bob: %v", sent)
	}

	// Carol's answer goes to Anna.
	w.as(w.carol, respond("AcceptItem", request.ID.Encode(idKey), "SendOnly", ""))
	if answer = hers(); !strings.Contains(answer, "<t:ResponseType>Accept<") || len(w.contents(w.anna, store.RoleInbox)) != 1 || len(w.contents(w.bob, store.RoleInbox)) != 0 {
		t.Error(answer)
	}
	w.as(w.bob, updateMeeting(id, "SendToAllAndSaveCopy", setField("calendar:Start", "2026-03-11T10:00:00Z")+setField("calendar:End", "2026-03-11T11:00:00Z")))
	if answer = theirs(); !strings.Contains(answer, "<t:Start>2026-03-11T10:00:00Z<") || !strings.Contains(answer, "<t:MyResponseType>NoResponseReceived<") {
		t.Error(answer)
	}
	w.as(w.bob, respond("CancelCalendarItem", id[1], "SendOnly", ""))
	if answer = theirs(); !strings.Contains(answer, "<t:IsCancelled>true<") {
		t.Error(answer)
	}
	if left := w.contents(w.anna, store.RoleCalendar); len(left) != 0 {
		t.Errorf("left in Anna's calendar: %v", left)
	}
}

// TestUndelegatedMeeting: nobody is told in Anna's name, and nothing is changed, by who
// may not change her calendar or may not write on her behalf.
func TestUndelegatedMeeting(t *testing.T) {
	for _, c := range []struct {
		level    string
		delegate bool
		code     string
	}{{"Reviewer", true, "ErrorAccessDenied"}, {"Editor", false, "ErrorSendAsDenied"}} {
		w := newOffice(t, c.level)
		id := [3]string(itemIDs.FindStringSubmatch(w.answered(invite("SendToAllAndSaveCopy", `<t:Subject>Review</t:Subject>`+reviewTimes+attendees("carol@contoso.com")))))
		if !c.delegate {
			if err := w.mailbox(w.anna).UpdateDelegates(t.Context(), func(d *store.Delegates) error { d.List = nil; return nil }); err != nil {
				t.Fatal(err)
			}
		}
		before := w.one(w.anna, store.RoleCalendar).ChangeKey
		for name, document := range map[string]string{
			"create": inviteFor("SendToAllAndSaveCopy", reviewByBob+attendees("carol@contoso.com")),
			"update": updateMeeting(id, "SendToAllAndSaveCopy", setField("item:Subject", "Taken over")),
			"cancel": respond("CancelCalendarItem", id[1], "SendOnly", ""),
			"delete": `<m:DeleteItem DeleteType="MoveToDeletedItems" SendMeetingCancellations="SendToAllAndSaveCopy"><m:ItemIds><t:ItemId Id="` + id[1] + `"/></m:ItemIds></m:DeleteItem>`,
		} {
			if _, answer := w.askAs(w.bob, wrap(document)); !strings.Contains(answer, ">"+c.code+"<") {
				t.Errorf("%s with %s: want %s: %s", name, c.level, c.code, answer)
			}
		}
		if event := w.one(w.anna, store.RoleCalendar); !slices.Equal(event.ChangeKey, before) {
			t.Errorf("%s: the event was changed: %v", c.level, event.Props)
		}
		w.one(w.carol, store.RoleInbox) // the invitation alone
	}
}

// TestUntoldChange: a change that is stored and cannot be told is a warning, with the
// change key that the event has now.
func TestUntoldChange(t *testing.T) {
	w := newWorld(t)
	id := [3]string(itemIDs.FindStringSubmatch(w.answered(invite("SendToNone", `<t:Subject>Review</t:Subject>`+reviewTimes+attendees("bob@contoso.com")))))
	many := []string{"bob@contoso.com"}
	for i := range transport.MaxRecipients {
		many = append(many, fmt.Sprintf("a%d@contoso.com", i))
	}
	update := `<t:SetItemField><t:FieldURI FieldURI="calendar:RequiredAttendees"/><t:CalendarItem>` + attendees(many...) + `</t:CalendarItem></t:SetItemField>`
	_, answer := w.ask(wrap(updateMeeting(id, "SendOnlyToAll", update)))
	event := w.one(w.anna, store.RoleCalendar)
	if !strings.Contains(answer, `ResponseClass="Warning"`) || !strings.Contains(answer, ">ErrorInvalidRecipients<") || !strings.Contains(answer, changeKey(itemKey, event.ChangeKey)) {
		t.Error(answer)
	}
	if len(event.Recipients) != len(many) || len(w.contents(w.bob, store.RoleInbox)) != 0 {
		t.Errorf("%d attendees", len(event.Recipients))
	}
	// What is known before is refused before.
	w.anna.OwnQuota, w.anna.Quota = true, org.Quota{IssueWarning: 1, ProhibitSend: 1}
	_, answer = w.ask(wrap(updateMeeting(id, "SendOnlyToAll", setField("item:Subject", "Too late"))))
	if now := w.one(w.anna, store.RoleCalendar); !strings.Contains(answer, ">ErrorQuotaExceeded<") || !slices.Equal(now.ChangeKey, event.ChangeKey) {
		t.Error(answer)
	}
}

// byCarol is a meeting that Carol asks Anna to.
func byCarol(more string) string {
	return invite("SendOnlyToAll", `<t:Subject>Talk</t:Subject>`+more+`<t:Attachments><t:FileAttachment><t:Name>plan.txt</t:Name><t:Content>YWxsIG9mIGl0</t:Content></t:FileAttachment></t:Attachments>`+reviewTimes+attendees("anna@contoso.com"))
}

// TestMeetingDelivery asks Anna to a meeting and looks who has the request: she, in the
// Inbox or in Deleted Items, and Bob, her delegate. It is in her calendar whatever the setting is.
func TestMeetingDelivery(t *testing.T) {
	for _, c := range []struct {
		delivery, copies, more, kind string
		inbox, deleted, bob          int
	}{
		{"NoForward", "true", "", "NewMeetingRequest", 1, 0, 0},
		{"DelegatesAndMe", "true", "", "NewMeetingRequest", 1, 0, 1},
		{"DelegatesAndSendInformationToMe", "true", "", "PrincipalWantsCopy", 1, 0, 1},
		{"DelegatesOnly", "true", "", "NewMeetingRequest", 0, 1, 1},
		{"DelegatesOnly", "false", "", "NewMeetingRequest", 1, 0, 0},
		{"DelegatesOnly", "true", "<t:Sensitivity>Private</t:Sensitivity>", "NewMeetingRequest", 1, 0, 0},
	} {
		w := newOffice(t, "Editor")
		w.answered(strings.NewReplacer("@copies", c.copies, "@delivery", c.delivery).Replace(
			"<m:UpdateDelegate><m:Mailbox><t:EmailAddress>anna@contoso.com</t:EmailAddress></m:Mailbox>" +
				delegateUser(bobsAddress, "<t:ReceiveCopiesOfMeetingMessages>@copies</t:ReceiveCopiesOfMeetingMessages>") + "<m:DeliverMeetingRequests>@delivery</m:DeliverMeetingRequests></m:UpdateDelegate>"))
		w.as(w.carol, byCarol(c.more))
		inbox, deleted, bob := w.contents(w.anna, store.RoleInbox), w.contents(w.anna, store.RoleDeletedItems), w.contents(w.bob, store.RoleInbox)
		if len(inbox) != c.inbox || len(deleted) != c.deleted || len(bob) != c.bob {
			t.Errorf("%+v: inbox %d, deleted %d, Bob %d", c, len(inbox), len(deleted), len(bob))
			continue
		}
		w.one(w.anna, store.RoleCalendar)
		request := append(inbox, deleted...)[0]
		answer := w.answered(get(`<t:ItemId Id="` + request.ID.Encode(idKey) + `"/>`))
		if !strings.Contains(answer, "<t:MeetingRequestType>"+c.kind+"<") || !strings.Contains(answer, "<t:IsDelegated>false<") || !strings.Contains(answer, "<t:HasBeenProcessed>true<") {
			t.Errorf("%+v: %s", c, answer)
		}
		// What the delegates answer is not offered to be answered.
		if strings.Contains(answer, "<t:AcceptItem/>") == (c.kind == "PrincipalWantsCopy") || !strings.Contains(answer, "<t:ReplyToItem/>") {
			t.Errorf("%+v: %s", c, answer)
		}
		if len(w.contents(w.bob, store.RoleCalendar)) != 0 {
			t.Errorf("%+v: Bob has the event", c)
		}
	}
}

// TestDeletedMeetingNotCopied: what a rule of Anna's deletes goes to no delegate.
func TestDeletedMeetingNotCopied(t *testing.T) {
	w := newOffice(t, "Editor")
	w.answered("<m:UpdateDelegate><m:Mailbox><t:EmailAddress>anna@contoso.com</t:EmailAddress></m:Mailbox>" +
		delegateUser(bobsAddress, "<t:ReceiveCopiesOfMeetingMessages>true</t:ReceiveCopiesOfMeetingMessages>") + "<m:DeliverMeetingRequests>DelegatesOnly</m:DeliverMeetingRequests></m:UpdateDelegate>")
	anna := w.mailbox(w.anna)
	inbox, err := anna.RoleID(store.RoleInbox)
	if err != nil {
		t.Fatal(err)
	}
	away := &store.Rule{State: store.RuleEnabled, Condition: mapi.And{}, Actions: []mapi.Action{{Type: mapi.ActionDelete}}}
	if err := anna.UpdateRules(t.Context(), inbox, func([]*store.Rule) ([]*store.Rule, error) { return []*store.Rule{away}, nil }); err != nil {
		t.Fatal(err)
	}
	w.as(w.carol, byCarol(""))
	if n, copies := len(w.contents(w.anna, store.RoleInbox))+len(w.contents(w.anna, store.RoleDeletedItems)), len(w.contents(w.bob, store.RoleInbox)); n != 0 || copies != 0 {
		t.Errorf("Anna has %d, Bob %d", n, copies)
	}
}

// TestDelegateAnswers lets Bob answer for Anna from his copy of the request, and remove
// the meeting from her calendar by that of the cancellation. Carol hears of Anna alone.
func TestDelegateAnswers(t *testing.T) {
	w := newOffice(t, "Editor")
	w.answered("<m:UpdateDelegate><m:Mailbox><t:EmailAddress>anna@contoso.com</t:EmailAddress></m:Mailbox>" +
		delegateUser(bobsAddress, "<t:ReceiveCopiesOfMeetingMessages>true</t:ReceiveCopiesOfMeetingMessages>") + "<m:DeliverMeetingRequests>DelegatesAndMe</m:DeliverMeetingRequests></m:UpdateDelegate>")
	meeting := itemIDs.FindStringSubmatch(w.as(w.carol, byCarol("")))[1]
	request, event := w.one(w.bob, store.RoleInbox), w.one(w.anna, store.RoleCalendar)
	answer := w.as(w.bob, get(`<t:ItemId Id="`+request.ID.Encode(idKey)+`"/>`))
	for _, want := range []string{"<t:IsDelegated>true<", "<t:ReceivedBy><t:Mailbox><t:Name>Bob<", "<t:ReceivedRepresenting><t:Mailbox><t:Name>Anna<", "<t:From><t:Mailbox><t:Name>Carol<",
		`<t:AssociatedCalendarItemId Id="` + event.ID.Encode(idKey), "<t:IsOutOfDate>false<", "<t:AcceptItem/>", "<t:Name>plan.txt<"} {
		if !strings.Contains(answer, want) {
			t.Errorf("the copy lacks %s\n%s", want, answer)
		}
	}
	w.as(w.bob, respond("AcceptItem", request.ID.Encode(idKey), "SendAndSaveCopy", `<t:Body BodyType="Text">She will come</t:Body>`))
	if answer = w.answered(get(`<t:ItemId Id="` + event.ID.Encode(idKey) + `"/>`)); !strings.Contains(answer, "<t:MyResponseType>Accept<") {
		t.Error(answer)
	}
	if answer = w.as(w.carol, get(`<t:ItemId Id="`+meeting+`"/>`)); !strings.Contains(answer, "<t:EmailAddress>anna@contoso.com<") || !strings.Contains(answer, "<t:ResponseType>Accept<") || strings.Contains(answer, "bob@") {
		t.Error(answer)
	}
	response := w.one(w.carol, store.RoleInbox)
	if answer = w.as(w.carol, get(`<t:ItemId Id="`+response.ID.Encode(idKey)+`"/>`)); !strings.Contains(answer, "<t:From><t:Mailbox><t:Name>Anna<") || !strings.Contains(answer, "<t:Sender><t:Mailbox><t:Name>Bob<") || !strings.Contains(answer, "She will come") {
		t.Error(answer)
	}
	w.one(w.bob, store.RoleDeletedItems)
	w.one(w.bob, store.RoleSentItems)
	w.one(w.anna, store.RoleInbox)

	w.as(w.carol, respond("CancelCalendarItem", meeting, "SendOnly", ""))
	cancellation := w.one(w.bob, store.RoleInbox)
	w.as(w.bob, respond("RemoveItem", cancellation.ID.Encode(idKey), "SaveOnly", ""))
	if len(w.contents(w.anna, store.RoleCalendar)) != 0 || len(w.contents(w.bob, store.RoleInbox)) != 0 {
		t.Error("the meeting or the cancellation stays")
	}
}

// TestDelegateMayNotAnswer: without the right to change Anna's calendar a copy of the
// request shows what it is about and can be answered by nobody.
func TestDelegateMayNotAnswer(t *testing.T) {
	for _, level := range []string{"None", "Reviewer"} {
		w := newOffice(t, level)
		w.answered("<m:UpdateDelegate><m:Mailbox><t:EmailAddress>anna@contoso.com</t:EmailAddress></m:Mailbox>" +
			delegateUser(bobsAddress, "<t:ReceiveCopiesOfMeetingMessages>true</t:ReceiveCopiesOfMeetingMessages>") + "</m:UpdateDelegate>")
		w.as(w.carol, byCarol(""))
		request := w.one(w.bob, store.RoleInbox)
		answer := w.as(w.bob, get(`<t:ItemId Id="`+request.ID.Encode(idKey)+`"/>`))
		if strings.Contains(answer, "AssociatedCalendarItemId") == (level == "None") || !strings.Contains(answer, "<t:Subject>Talk<") {
			t.Error(answer)
		}
		for _, element := range []string{"AcceptItem", "DeclineItem"} {
			if _, answer := w.askAs(w.bob, wrap(respond(element, request.ID.Encode(idKey), "SendOnly", ""))); !strings.Contains(answer, "ErrorAccessDenied") {
				t.Errorf("%s with %s: %s", element, level, answer)
			}
		}
		if len(w.contents(w.carol, store.RoleInbox)) != 0 {
			t.Errorf("%s: Carol was told", level)
		}
	}
}

// TestDelegateOfDelegate: copies go no further.
func TestDelegateOfDelegate(t *testing.T) {
	w := newOffice(t, "Editor")
	for who, to := range map[*org.Recipient]string{w.anna: w.bob.SID, w.bob: w.anna.SID} {
		if err := w.mailbox(who).UpdateDelegates(t.Context(), func(d *store.Delegates) error {
			d.List, d.Delivery = []store.Delegate{{SID: to, MeetingCopies: true}}, store.DelegatesOnly
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	w.as(w.carol, byCarol(""))
	w.one(w.bob, store.RoleInbox)
	w.one(w.anna, store.RoleDeletedItems)
	if len(w.contents(w.anna, store.RoleInbox)) != 0 || len(w.contents(w.bob, store.RoleDeletedItems)) != 0 {
		t.Error("a copy was copied")
	}
}
