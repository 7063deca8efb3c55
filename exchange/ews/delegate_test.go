package ews

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"hma/exchange/store"
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
