package ews

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/oxcmail"
	"hma/wire/soap"
)

func create(disposition string, items ...string) string {
	return wrap(`<m:CreateItem MessageDisposition="` + disposition + `"><m:Items>` + strings.Join(items, "") + `</m:Items></m:CreateItem>`)
}

// TestPartialFailure holds that a broken element does not hide what was done before it.
func TestPartialFailure(t *testing.T) {
	w := newWorld(t)
	good, bad := `<t:Message><t:Subject>x</t:Subject></t:Message>`, `<t:Message><t:Body BodyType="RTF">x</t:Body></t:Message>`
	if status, answer := w.ask(create("SaveOnly", bad, good)); status != 500 || len(w.items(store.RoleDrafts)) != 0 {
		t.Errorf("status %d, want a fault before anything was done: %s", status, answer)
	}
	status, answer := w.ask(create("SaveOnly", good, bad))
	if status != 200 || strings.Count(answer, "NoError") != 1 || strings.Count(answer, "ErrorSchemaValidation") != 1 || len(w.items(store.RoleDrafts)) != 1 {
		t.Errorf("status %d, want one success and one error: %s", status, answer)
	}
}

const ownMIME = "From: anna@contoso.com\r\nTo: anna@contoso.com\r\nSubject: own\r\n\r\nbody\r\n"

func mimeContent(mime string) string {
	return `<t:MimeContent>` + base64.StdEncoding.EncodeToString([]byte(mime)) + `</t:MimeContent>`
}

// TestBccOfElements holds that a blind copy that only the elements name arrives,
// at once or by way of a draft, and that no copy shows it.
func TestBccOfElements(t *testing.T) {
	const bcc = `<t:BccRecipients><t:Mailbox><t:EmailAddress>bob@contoso.com</t:EmailAddress></t:Mailbox></t:BccRecipients>`
	received := func(w *world) *store.Item {
		t.Helper()
		bob := w.mailbox(w.bob)
		inbox, err := bob.RoleID(store.RoleInbox)
		if err != nil {
			t.Fatal(err)
		}
		page, err := bob.List(t.Context(), store.Query{Folder: inbox, Want: store.Want{All: true, Recipients: true}})
		if err != nil || len(page.Items) != 1 {
			t.Fatalf("%v, %v", page, err)
		}
		return page.Items[0]
	}
	message := `<t:Message>` + mimeContent(ownMIME) + bcc + `</t:Message>`
	t.Run("sent", func(t *testing.T) {
		w := newWorld(t)
		if status, answer := w.ask(create("SendAndSaveCopy", message)); status != 200 || !strings.Contains(answer, "NoError") {
			t.Fatal(answer)
		}
		for _, r := range received(w).Recipients {
			if r.Type == mapi.RecipientBcc {
				t.Error("the copy shows the blind copy")
			}
		}
		sent := w.items(store.RoleSentItems)
		if len(sent) != 1 || !sent[0].Read || sent[0].Props.String(mapi.PidTagInternetMessageID) == "" {
			t.Errorf("copy in Sent Items: %+v", sent)
		}
	})
	t.Run("draft", func(t *testing.T) {
		w := newWorld(t)
		w.ask(create("SaveOnly", message))
		status, answer := w.ask(wrap(w.fill(`<m:SendItem SaveItemToFolder="false"><m:ItemIds><t:ItemId Id="{draft0}" ChangeKey="{draft0.key}"/></m:ItemIds></m:SendItem>`)))
		if status != 200 || !strings.Contains(answer, "NoError") {
			t.Fatal(answer)
		}
		received(w)
		if len(w.items(store.RoleDrafts)) != 0 {
			t.Error("the draft is still there")
		}
	})
}

// TestRefusedSubmission holds that nothing is left of a message that could not be sent.
func TestRefusedSubmission(t *testing.T) {
	w := newWorld(t)
	_, answer := w.ask(create("SendAndSaveCopy",
		`<t:Message><t:Subject>x</t:Subject></t:Message>`,
		`<t:Message><t:ToRecipients><t:Mailbox><t:EmailAddress>anna@contoso.com</t:EmailAddress></t:Mailbox></t:ToRecipients><t:From><t:Mailbox><t:EmailAddress>bob@contoso.com</t:EmailAddress></t:Mailbox></t:From></t:Message>`))
	if !strings.Contains(answer, "ErrorInvalidRecipients") || !strings.Contains(answer, "ErrorSendAsDenied") {
		t.Error(answer)
	}
	for _, role := range []store.Role{store.RoleOutbox, store.RoleSentItems, store.RoleDrafts, store.RoleInbox} {
		if n := len(w.items(role)); n != 0 {
			t.Errorf("%d items in %s", n, role)
		}
	}
}

// TestConflict holds the rules of change keys.
func TestConflict(t *testing.T) {
	w := newWorld(t)
	w.ask(create("SaveOnly", `<t:Message><t:Subject>x</t:Subject></t:Message>`))
	change := func(resolution string) string {
		return `<m:UpdateItem ConflictResolution="` + resolution + `" MessageDisposition="SaveOnly"><m:ItemChanges><t:ItemChange><t:ItemId Id="{draft0}" ChangeKey="{draft0.key}"/>` +
			`<t:Updates><t:SetItemField><t:FieldURI FieldURI="item:Subject"/><t:Message><t:Subject>` + resolution + `</t:Subject></t:Message></t:SetItemField></t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>`
	}
	never, auto := wrap(w.fill(change("NeverOverwrite"))), wrap(w.fill(change("AutoResolve")))
	for i, c := range []struct{ document, want string }{
		{never, "NoError"}, {never, "ErrorIrresolvableConflict"}, {auto, "NoError"},
	} {
		if _, answer := w.ask(c.document); !strings.Contains(answer, c.want) {
			t.Errorf("%d: want %s: %s", i, c.want, answer)
		}
	}
}

// TestBytesStay holds that a message comes back byte for byte until its text is changed.
func TestBytesStay(t *testing.T) {
	w := newWorld(t)
	w.ask(create("SaveOnly", `<t:Message>`+mimeContent(ownMIME)+`<t:Importance>High</t:Importance></t:Message>`))
	get := wrap(w.fill(`<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:IncludeMimeContent>true</t:IncludeMimeContent></m:ItemShape><m:ItemIds><t:ItemId Id="{draft0}"/></m:ItemIds></m:GetItem>`))
	encoded := base64.StdEncoding.EncodeToString([]byte(ownMIME))
	if _, answer := w.ask(get); !strings.Contains(answer, ">"+encoded+"<") {
		t.Error(answer)
	}
	w.ask(wrap(w.fill(`<m:UpdateItem ConflictResolution="AlwaysOverwrite"><m:ItemChanges><t:ItemChange><t:ItemId Id="{draft0}"/><t:Updates><t:SetItemField><t:FieldURI FieldURI="item:Body"/><t:Message><t:Body BodyType="Text">other</t:Body></t:Message></t:SetItemField></t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>`)))
	if _, answer := w.ask(get); strings.Contains(answer, encoded) || !strings.Contains(answer, "MimeContent") {
		t.Error(answer)
	}
}

// TestLongMessage holds that a message of several megabytes goes in and out whole.
func TestLongMessage(t *testing.T) {
	w := newWorld(t)
	var b strings.Builder
	b.WriteString("From: anna@contoso.com\r\nSubject: long\r\n\r\n")
	for i := range 100_000 {
		fmt.Fprintf(&b, "line %d of a long message\r\n", i)
	}
	if _, answer := w.ask(create("SaveOnly", `<t:Message>`+mimeContent(b.String())+`</t:Message>`)); !strings.Contains(answer, "NoError") {
		t.Fatal(answer)
	}
	_, answer := w.ask(wrap(w.fill(`<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:IncludeMimeContent>true</t:IncludeMimeContent></m:ItemShape><m:ItemIds><t:ItemId Id="{draft0}"/></m:ItemIds></m:GetItem>`)))
	if !strings.Contains(answer, base64.StdEncoding.EncodeToString([]byte(b.String()))) {
		t.Error("the message did not come back whole")
	}
}

// TestNotFiledNotSent holds that a message which cannot come to the folder of its copy
// goes to nobody: the client, who is told of a failure, may send it again.
func TestNotFiledNotSent(t *testing.T) {
	w := newWorld(t)
	w.ask(create("SaveOnly", `<t:Message>`+mimeContent(ownMIME)+`</t:Message>`))
	gone := store.FolderID{Mailbox: w.anna.MailboxGUID, Folder: 0xFFFF}
	c := &call{door: w.door, ctx: t.Context(), request: w.request(w.anna, nil), person: w.anna, mailbox: w.mailbox(w.anna)}
	if err := c.submit(w.items(store.RoleDrafts)[0].ID, nil, gone); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
	if len(w.items(store.RoleInbox)) != 0 || len(w.items(store.RoleDrafts)) != 1 {
		t.Errorf("%d received, %d kept", len(w.items(store.RoleInbox)), len(w.items(store.RoleDrafts)))
	}
}

// TestSentOnce holds that a draft is sent once, however many ask for it at the same
// moment, and that the others are told that it is not there any more.
func TestSentOnce(t *testing.T) {
	for _, save := range []string{"true", "false"} {
		w := newWorld(t)
		w.ask(create("SaveOnly", `<t:Message>`+mimeContent(ownMIME)+`</t:Message>`))
		send := wrap(w.fill(`<m:SendItem SaveItemToFolder="` + save + `"><m:ItemIds><t:ItemId Id="{draft0}" ChangeKey="{draft0.key}"/></m:ItemIds></m:SendItem>`))
		var all sync.WaitGroup
		answers := make([]string, 6)
		for i := range answers {
			all.Go(func() {
				rec := httptest.NewRecorder()
				w.door.ServeDoor(rec, w.request(w.anna, strings.NewReader(send)))
				answers[i] = rec.Body.String()
			})
		}
		all.Wait()
		text := strings.Join(answers, "\n")
		if strings.Count(text, "NoError") != 1 || strings.Count(text, "ErrorItemNotFound") != len(answers)-1 {
			t.Error(text)
		}
		if received, drafts := len(w.items(store.RoleInbox)), len(w.items(store.RoleDrafts)); received != 1 || drafts != 0 {
			t.Errorf("%d received, %d drafts", received, drafts)
		}
	}
}

// TestLongBodyOfElements holds that a body which could not be read back is refused.
func TestLongBodyOfElements(t *testing.T) {
	w := newWorld(t)
	for length, want := range map[int]string{oxcmail.MaxBody: "NoError", oxcmail.MaxBody + 1: "ErrorMessageSizeExceeded"} {
		if _, answer := w.ask(create("SaveOnly", `<t:Message><t:Body BodyType="HTML">`+strings.Repeat("x", length)+`</t:Body></t:Message>`)); !strings.Contains(answer, want) {
			t.Errorf("%d bytes, want %s: %.2000s", length, want, answer)
		}
	}
	body := w.items(store.RoleDrafts)[0].Props[mapi.PidTagHTML].(mapi.Blob)
	_, answer := w.ask(wrap(w.fill(`<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI="item:Body"/></t:AdditionalProperties></m:ItemShape><m:ItemIds><t:ItemId Id="{draft0}"/></m:ItemIds></m:GetItem>`)))
	if n := strings.Count(answer, "x"); int64(n) < body.Size {
		t.Errorf("%d of %d letters came back", n, body.Size)
	}
}

// TestLongValueIsNotKept holds that a long extended property is in memory only
// while it is written.
func TestLongValueIsNotKept(t *testing.T) {
	w := newWorld(t)
	path := `<t:ExtendedFieldURI PropertyTag="0x3004" PropertyType="String"/>`
	long := strings.Repeat("long ", 10_000)
	w.ask(create("SaveOnly", `<t:Message><t:ExtendedProperty>`+path+`<t:Value>`+long+`</t:Value></t:ExtendedProperty></t:Message>`))
	item := w.items(store.RoleDrafts)[0]
	var out strings.Builder
	c := &call{door: w.door, ctx: t.Context(), request: w.request(w.anna, nil), person: w.anna, mailbox: w.mailbox(w.anna), w: soap.NewWriter(&out)}
	x := extended{tag: mapi.PidTagComment}
	if err := c.writeItem(&readItem{shape: &shape{extended: []extended{x}}, tags: []mapi.Tag{mapi.PidTagComment}}, item); err != nil {
		t.Fatal(err)
	}
	c.w.Flush()
	if _, apart := item.Props[mapi.PidTagComment].(mapi.Blob); !apart || !strings.Contains(out.String(), long) {
		t.Errorf("%T is kept, %d bytes written", item.Props[mapi.PidTagComment], out.Len())
	}
}

// TestLongHeader holds that a header of very many lines costs what its length costs: the
// time for each line does not grow with those before it.
func TestLongHeader(t *testing.T) {
	w := newWorld(t)
	const lines = 400_000
	_, answer := w.ask(create("SaveOnly", `<t:Message><t:Subject>x</t:Subject><t:ExtendedProperty><t:ExtendedFieldURI PropertyTag="0x7d" PropertyType="String"/><t:Value>a: b`+
		strings.Repeat("\n x", lines)+"\nc: d"+`</t:Value></t:ExtendedProperty></t:Message>`))
	began := time.Now()
	answer = w.answered(get(itemIDs.FindString(answer), "item:InternetMessageHeaders"))
	if want := `<t:InternetMessageHeader HeaderName="a">b` + strings.Repeat(" x", lines) + `</t:InternetMessageHeader><t:InternetMessageHeader HeaderName="c">d<`; !strings.Contains(answer, want) {
		t.Errorf("%d bytes: %.200s", len(answer), answer)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("%v for a header of %d lines", took, lines)
	}
}
