package ews

import (
	"encoding/base64"
	"regexp"
	"strings"
	"testing"
	"time"

	"hma/exchange/store"
	"hma/wire/guid"
)

// TestContentOfOthers writes everything that has content into Bob's mailbox as Anna, who has full access there or
// is an editor: Bob reads it back to the last byte, it is whole, and once it is swept nothing of it is in Anna's mailbox.
func TestContentOfOthers(t *testing.T) {
	encode := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	long := strings.Repeat("long secret words ", 20_000)
	message := "Subject: by hand\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsecret body\r\n--b\r\nContent-Type: text/plain; name=inner.txt\r\nContent-Disposition: attachment; filename=inner.txt\r\n\r\n" + long + "\r\n--b--\r\n"
	replaced := strings.ReplaceAll(message, "by hand", "replaced")
	calendar := event(nine + "DESCRIPTION:secret body\r\n")
	file := func(name, text string) string {
		return `<t:FileAttachment><t:Name>` + name + `</t:Name><t:Content>` + encode(text) + `</t:Content></t:FileAttachment>`
	}
	attachments := `<t:Attachments>` + file("file.txt", long+"1") +
		`<t:ItemAttachment><t:Name>elements</t:Name><t:Message><t:Subject>nested</t:Subject><t:Body BodyType="Text">` + long + `</t:Body><t:Attachments>` + file("deep.txt", long+"2") + `</t:Attachments></t:Message></t:ItemAttachment>` +
		`<t:ItemAttachment><t:Name>mime</t:Name><t:Message><t:MimeContent>` + encode(message) + `</t:MimeContent></t:Message></t:ItemAttachment></t:Attachments>`
	create := func(element string) string {
		return `<m:CreateItem MessageDisposition="SaveOnly" SendMeetingInvitations="SendToNone"><m:SavedItemFolderId>{where}</m:SavedItemFolderId><m:Items>` + element + `</m:Items></m:CreateItem>`
	}
	update := func(element string) string {
		return `<m:UpdateItem ConflictResolution="AlwaysOverwrite" MessageDisposition="SaveOnly" SendMeetingInvitationsOrCancellations="SendToNone"><m:ItemChanges><t:ItemChange><t:ItemId Id="{item}"/><t:Updates>` + element + `</t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>`
	}
	attach := func(list string) string {
		return `<m:CreateAttachment><m:ParentItemId Id="{item}"/><m:Attachments>` + list + `</m:Attachments></m:CreateAttachment>`
	}
	for _, c := range []struct {
		name, role string
		requests   []string
		mime       string   // the MIME that is read back, "" for any
		contents   []string // of the attachments, in their order
		parts      []string // of what else is read back
	}{
		{"MIME", "inbox", []string{create(`<t:Message><t:MimeContent>` + encode(message) + `</t:MimeContent></t:Message>`)}, message, []string{long}, []string{"secret body"}},
		{"elements", "inbox", []string{create(`<t:Message><t:Subject>x</t:Subject><t:Body BodyType="Text">` + long + `</t:Body>` + attachments + `</t:Message>`)}, "", []string{long + "1", "", ""}, []string{long}},
		{"MIME and files", "inbox", []string{create(`<t:Message><t:MimeContent>` + encode(message) + `</t:MimeContent>` + attachments + `</t:Message>`)}, "", []string{long, long + "1", "", ""}, []string{"secret body"}},
		{"MIME put in place of another", "inbox", []string{create(`<t:Message><t:Subject>x</t:Subject></t:Message>`),
			update(`<t:SetItemField><t:FieldURI FieldURI="item:MimeContent"/><t:Message><t:MimeContent>` + encode(replaced) + `</t:MimeContent></t:Message></t:SetItemField>`)}, replaced, []string{long}, []string{"replaced"}},
		{"a long body put in place of another", "inbox", []string{create(`<t:Message><t:Subject>x</t:Subject></t:Message>`),
			update(`<t:SetItemField><t:FieldURI FieldURI="item:Body"/><t:Message><t:Body BodyType="Text">` + long + `</t:Body></t:Message></t:SetItemField>`)}, "", nil, []string{long}},
		{"attachments put on", "inbox", []string{create(`<t:Message><t:Subject>x</t:Subject></t:Message>`), attach(file("a.txt", long+"3")),
			attach(`<t:ItemAttachment><t:Name>m</t:Name><t:Message><t:MimeContent>` + encode(message) + `</t:MimeContent></t:Message></t:ItemAttachment>`)}, "", []string{long + "3", ""}, nil},
		{"contact", "contacts", []string{create(`<t:Contact><t:GivenName>x</t:GivenName><t:Body BodyType="Text">` + long + `</t:Body><t:Attachments>` + file("photo.jpg", long+"4") + `</t:Attachments></t:Contact>`)}, "", []string{long + "4"}, []string{long}},
		{"task", "tasks", []string{create(`<t:Task><t:Subject>x</t:Subject><t:Body BodyType="Text">` + long + `</t:Body><t:Attachments>` + file("t.txt", long+"5") + `</t:Attachments></t:Task>`)}, "", []string{long + "5"}, []string{long}},
		{"event", "calendar", []string{create(`<t:CalendarItem><t:Subject>x</t:Subject><t:Body BodyType="Text">` + long + `</t:Body><t:Attachments>` + file("e.txt", long+"6") + `</t:Attachments><t:Start>2026-03-16T09:00:00Z</t:Start><t:End>2026-03-16T10:00:00Z</t:End></t:CalendarItem>`)},
			"", []string{long + "6"}, []string{long}},
		{"event of iCalendar", "calendar", []string{create(`<t:CalendarItem><t:MimeContent>` + encode(calendar) + `</t:MimeContent></t:CalendarItem>`)}, "", nil, []string{"<t:Subject>bomb<", "secret body"}},
		{"event, changed", "calendar", []string{create(`<t:CalendarItem><t:Subject>x</t:Subject><t:Start>2026-03-16T09:00:00Z</t:Start><t:End>2026-03-16T10:00:00Z</t:End></t:CalendarItem>`),
			update(`<t:SetItemField><t:FieldURI FieldURI="item:Body"/><t:CalendarItem><t:Body BodyType="Text">` + long + `</t:Body></t:CalendarItem></t:SetItemField>`), attach(file("e.txt", long+"7"))}, "", []string{long + "7"}, []string{long}},
		{"upload", "inbox", []string{`<m:UploadItems><m:Items><t:Item CreateAction="CreateNew"><t:ParentFolderId Id="{folder}"/><t:Data>{packed}</t:Data></t:Item></m:Items></m:UploadItems>`}, "", []string{"\x00\x01\x02\x03\x04\x05", ""}, []string{"With files"}},
		{"copy", "inbox", []string{`<m:CopyItem><m:ToFolderId>{where}</m:ToFolderId><m:ItemIds><t:ItemId Id="{mine}"/></m:ItemIds></m:CopyItem>`}, strings.ReplaceAll(attachedMail, "\n", "\r\n"), []string{"\x00\x01\x02\x03\x04\x05", ""}, []string{"With files"}},
	} {
		for _, full := range []bool{true, false} {
			name := c.name + " by an editor"
			if full {
				name = c.name + " with full access"
			}
			t.Run(name, func(t *testing.T) {
				w := newWorld(t)
				w.deliver(attachedMail)
				mine := w.items(store.RoleInbox)[0]
				bob := w.mailbox(w.bob)
				folder, err := bob.RoleID(store.Role(c.role))
				if err != nil {
					t.Fatal(err)
				}
				if full {
					w.bob.FullAccess = []guid.GUID{w.anna.GUID}
				} else {
					rights, _ := levelRights("Editor", false)
					if err := bob.SetPermissions(t.Context(), folder, []store.Permission{{Member: w.anna.SID, Rights: rights}}); err != nil {
						t.Fatal(err)
					}
				}
				words := []string{"{where}", `<t:DistinguishedFolderId Id="` + c.role + `"><t:Mailbox><t:EmailAddress>bob@contoso.com</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>`,
					"{folder}", folder.Encode(idKey), "{mine}", mine.ID.Encode(idKey), "{packed}", w.packed(mine)}
				for _, request := range c.requests {
					if items := w.contents(w.bob, store.Role(c.role)); len(items) > 0 {
						words = append(words, "{item}", items[0].ID.Encode(idKey))
					}
					w.answered(strings.NewReplacer(words...).Replace(request))
				}
				// What she came with is all that she has.
				if err := w.mailbox(w.anna).EmptyFolder(t.Context(), w.folder(store.RoleInbox), store.HardDelete, false); err != nil {
					t.Fatal(err)
				}
				at := w.now().Add(365 * 24 * time.Hour)
				st, err := store.Open(t.Context(), w.db, store.Options{Now: func() time.Time { return at }})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := st.Sweep(t.Context()); err != nil {
					t.Fatal(err)
				}
				var blobs, items int
				if err := w.db.QueryRow(t.Context(), "SELECT (SELECT COUNT(*) FROM blob WHERE mailbox = m.id), (SELECT COUNT(*) FROM item WHERE mailbox = m.id) FROM mailbox m WHERE guid = $1", w.anna.MailboxGUID.String()).Scan(&blobs, &items); err != nil || blobs != 0 || items != 0 {
					t.Errorf("%d blobs and %d items are in Anna's mailbox (%v)", blobs, items, err)
				}
				if err := bob.Check(t.Context(), false, func(d store.Damage) { t.Errorf("%+v", d) }); err != nil {
					t.Error(err)
				}
				made := w.contents(w.bob, store.Role(c.role))
				if len(made) != 1 {
					t.Fatalf("%d items in Bob's folder", len(made))
				}
				asBob := func(request string) string {
					t.Helper()
					status, answer := w.askAs(w.bob, wrap(request))
					if status != 200 || !strings.Contains(answer, "NoError") || strings.Contains(answer, `ResponseClass="Error"`) {
						t.Fatalf("%d %.500s", status, answer)
					}
					return answer
				}
				answer := asBob(`<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape><t:IncludeMimeContent>true</t:IncludeMimeContent><t:BodyType>Text</t:BodyType></m:ItemShape><m:ItemIds><t:ItemId Id="` + made[0].ID.Encode(idKey) + `"/></m:ItemIds></m:GetItem>`)
				for _, part := range c.parts {
					if !strings.Contains(answer, part) {
						t.Errorf("no %.50s in %.1000s", part, answer)
					}
				}
				_, mime, _ := strings.Cut(answer, `<t:MimeContent CharacterSet="UTF-8">`)
				mime, _, _ = strings.Cut(mime, "<")
				raw, err := base64.StdEncoding.DecodeString(mime)
				if err != nil || c.mime != "" && !strings.HasSuffix(string(raw), c.mime) {
					t.Errorf("the MIME is %.300q (%v)", raw, err)
				}
				if len(made[0].Attachments) != len(c.contents) {
					t.Fatalf("%d attachments, want %d", len(made[0].Attachments), len(c.contents))
				}
				for i, want := range c.contents {
					answer := asBob(`<m:GetAttachment><m:AttachmentShape><t:IncludeMimeContent>true</t:IncludeMimeContent></m:AttachmentShape><m:AttachmentIds><t:AttachmentId Id="` + made[0].Attachments[i].ID.Encode(idKey) + `"/></m:AttachmentIds></m:GetAttachment>`)
					if want == "" { // an item: it is there with what is in it
						if !strings.Contains(answer, "<t:Subject>") {
							t.Errorf("attachment %d: %.300s", i, answer)
						}
						for _, inner := range attachmentTag.FindAllStringSubmatch(answer, -1)[1:] {
							if inner := asBob(`<m:GetAttachment><m:AttachmentIds><t:AttachmentId Id="` + inner[1] + `"/></m:AttachmentIds></m:GetAttachment>`); !strings.Contains(inner, encode(long)[:1000]) {
								t.Errorf("what is in attachment %d: %.300s", i, inner)
							}
						}
						continue
					}
					got := regexp.MustCompile(`<t:Content>([^<]*)</t:Content>`).FindStringSubmatch(answer)
					if got == nil {
						t.Fatalf("attachment %d: %.300s", i, answer)
					}
					if text, err := base64.StdEncoding.DecodeString(got[1]); err != nil || strings.TrimRight(string(text), "\r\n") != want {
						t.Errorf("attachment %d is %.100q (%v), want %.100q", i, text, err, want)
					}
				}
			})
		}
	}
}
