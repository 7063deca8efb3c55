package ews

import (
	"encoding/base64"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"hma/exchange/store"
	"hma/wire/mapi"
)

var attachmentIDs = regexp.MustCompile(`AttachmentId Id="([^"]+)"`)

func (w *world) attachmentsOf(document string) (ids []string) {
	w.t.Helper()
	_, answer := w.ask(document)
	if strings.Contains(answer, `ResponseClass="Error"`) || strings.Contains(answer, "Fault") {
		w.t.Fatal(answer)
	}
	for _, m := range attachmentIDs.FindAllStringSubmatch(answer, -1) {
		ids = append(ids, m[1])
	}
	return ids
}

func gettingAttachment(shape, id string) string {
	return wrap(`<m:GetAttachment>` + shape + `<m:AttachmentIds><t:AttachmentId Id="` + id + `"/></m:AttachmentIds></m:GetAttachment>`)
}

// TestItemAttachments holds that items of every kind lie in a message as
// attachments, whole, one within another, and that what goes out as MIME has them.
func TestItemAttachments(t *testing.T) {
	w := newWorld(t)
	file := `<t:FileAttachment><t:Name>deep.txt</t:Name><t:Content>` + base64.StdEncoding.EncodeToString([]byte("deep words")) + `</t:Content></t:FileAttachment>`
	inner := `<t:ItemAttachment><t:Name>inner</t:Name><t:Message><t:Subject>inner subject</t:Subject><t:Body BodyType="HTML">&lt;p&gt;inner words&lt;/p&gt;</t:Body><t:Attachments>` + file +
		`</t:Attachments><t:Categories><t:String>red</t:String></t:Categories>` + mailboxes("ToRecipients", "bob@contoso.com") + `</t:Message></t:ItemAttachment>`
	outer := `<t:ItemAttachment><t:Name>outer</t:Name><t:Message><t:Subject>outer subject</t:Subject><t:Attachments>` + inner + `</t:Attachments></t:Message></t:ItemAttachment>`
	contact := `<t:ItemAttachment><t:Name>eva</t:Name><t:Contact><t:DisplayName>Eva</t:DisplayName><t:CompanyName>Contoso</t:CompanyName></t:Contact></t:ItemAttachment>`
	task := `<t:ItemAttachment><t:Name>do</t:Name><t:Task><t:Subject>do it</t:Subject><t:PercentComplete>50</t:PercentComplete></t:Task></t:ItemAttachment>`
	event := `<t:ItemAttachment><t:Name>meet</t:Name><t:CalendarItem><t:Subject>meet</t:Subject><t:Start>2026-03-02T10:00:00Z</t:Start><t:End>2026-03-02T11:00:00Z</t:End></t:CalendarItem></t:ItemAttachment>`
	ids := w.attachmentsOf(create("SaveOnly", `<t:Message><t:Subject>all</t:Subject><t:Attachments>`+outer+contact+task+event+`</t:Attachments>`+mailboxes("ToRecipients", "bob@contoso.com")+`</t:Message>`))
	if len(ids) != 4 {
		t.Fatalf("%d ids", len(ids))
	}
	get := func(shape, id string, want ...string) string {
		t.Helper()
		_, answer := w.ask(gettingAttachment(shape, id))
		for _, text := range want {
			if !strings.Contains(answer, text) {
				t.Errorf("no %s in %s", text, answer)
			}
		}
		return answer
	}
	get("", ids[1], "<t:Contact>", "<t:CompanyName>Contoso</t:CompanyName>")
	get("", ids[2], "<t:Task>", "<t:PercentComplete>50</t:PercentComplete>")
	get("", ids[3], "<t:CalendarItem>", "<t:Start>2026-03-02T10:00:00Z</t:Start>")
	answer := get("", ids[0], "<t:ItemAttachment>", "outer subject", "<t:Name>inner</t:Name>")
	if strings.Contains(answer, "<t:ItemId") || strings.Contains(answer, "ParentFolderId") {
		t.Errorf("an item without a folder has an id: %s", answer)
	}
	first := attachmentIDs.FindAllStringSubmatch(answer, -1)[1][1]
	answer = get(`<m:AttachmentShape><t:IncludeMimeContent>true</t:IncludeMimeContent><t:BodyType>Text</t:BodyType><t:AdditionalProperties><t:FieldURI FieldURI="item:TextBody"/></t:AdditionalProperties></m:AttachmentShape>`,
		first, "inner subject", `<t:Body BodyType="Text">inner words</t:Body>`, "<t:TextBody", "<t:String>red</t:String>", "<t:EmailAddress>bob@contoso.com</t:EmailAddress>", "deep.txt", "<t:MimeContent")
	second := attachmentIDs.FindAllStringSubmatch(answer, -1)[1][1]
	get("", second, "<t:Name>deep.txt</t:Name>", base64.StdEncoding.EncodeToString([]byte("deep words")))
	// What is within is only read.
	if _, answer := w.ask(wrap(`<m:DeleteAttachment><m:AttachmentIds><t:AttachmentId Id="` + second + `"/></m:AttachmentIds></m:DeleteAttachment>`)); !strings.Contains(answer, "ErrorInvalidId") {
		t.Error(answer)
	}
	parsed, err := store.ParseID(idKey, second)
	if err != nil {
		t.Fatal(err)
	}
	for _, place := range []string{"\x00\x09", "\x00\x00\x00\x00"} {
		id := parsed.(store.AttachmentID)
		id.Inner = id.Inner[:2] + place
		get("", id.Encode(idKey), "ErrorItemNotFound")
	}
	// By mail everything is MIME.
	w.ask(wrap(w.fill(`<m:SendItem SaveItemToFolder="false"><m:ItemIds><t:ItemId Id="{draft0}" ChangeKey="{draft0.key}"/></m:ItemIds></m:SendItem>`)))
	got := w.inbox(w.bob)
	if len(got) != 1 || len(got[0].Attachments) != 4 {
		t.Fatalf("%d items with %v", len(got), got)
	}
	a := got[0].Attachments[0]
	in := &embedded{id: a.ID, box: w.mailbox(w.bob), open: func() io.ReadCloser { return io.NopCloser(w.mailbox(w.bob).OpenBlob(t.Context(), a.Content)) }}
	item, err := in.item(nil)
	if err != nil || item.Props.String(mapi.PidTagSubject) != "outer subject" || len(item.Attachments) != 1 || item.Attachments[0].Content.Size < 100 {
		t.Errorf("%v, %+v", err, item)
	}
}

// TestNestedTooDeep holds that elements within elements end somewhere, and that MIME of 20 levels is told as far as ids go.
func TestNestedTooDeep(t *testing.T) {
	w := newWorld(t)
	item := `<t:Message><t:Subject>0</t:Subject></t:Message>`
	for range maxNested + 1 {
		item = `<t:Message><t:Attachments><t:ItemAttachment><t:Name>x</t:Name>` + item + `</t:ItemAttachment></t:Attachments></t:Message>`
	}
	if _, answer := w.ask(create("SaveOnly", item)); !strings.Contains(answer, "ErrorInvalidOperation") {
		t.Error(answer)
	}
	mail := "Subject: innermost\r\n\r\nx\r\n"
	for i := range 20 {
		b := fmt.Sprintf("b%dx", i)
		mail = "MIME-Version: 1.0\r\nSubject: level\r\nContent-Type: multipart/mixed; boundary=" + b + "\r\n\r\n--" + b + "\r\nContent-Type: text/plain\r\n\r\nx\r\n--" + b +
			"\r\nContent-Type: message/rfc822\r\n\r\n" + mail + "\r\n--" + b + "--\r\n"
	}
	w.ask(create("SaveOnly", `<t:Message>`+mimeContent(mail)+`</t:Message>`))
	ids := w.attachmentsOf(wrap(w.fill(`<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI="item:Attachments"/></t:AdditionalProperties></m:ItemShape><m:ItemIds><t:ItemId Id="{draft0}"/></m:ItemIds></m:GetItem>`)))
	depth := 1
	for id := ids[0]; ; depth++ {
		ids = w.attachmentsOf(gettingAttachment("", id)) // its own, and that of what is in it
		if len(ids) < 2 {
			break
		}
		id = ids[1]
	}
	if depth != 9 {
		t.Errorf("%d levels have ids", depth)
	}
}

// TestOtherAttachments holds references, photos and files without content.
func TestOtherAttachments(t *testing.T) {
	w := newWorld(t)
	reference := func(url string) string {
		return `<t:ReferenceAttachment><t:Name>doc</t:Name><t:AttachLongPathName>` + url + `</t:AttachLongPathName><t:ProviderType>OneDrivePro</t:ProviderType><t:PermissionType>1</t:PermissionType><t:AttachmentIsFolder>false</t:AttachmentIsFolder></t:ReferenceAttachment>`
	}
	ids := w.attachmentsOf(create("SaveOnly", `<t:Message><t:Attachments>`+reference("https://files.contoso.com/doc")+
		`<t:FileAttachment><t:Name>me.jpg</t:Name><t:IsInline>true</t:IsInline><t:IsContactPhoto>true</t:IsContactPhoto><t:Content></t:Content></t:FileAttachment></t:Attachments></t:Message>`))
	for i, want := range [][]string{
		{"<t:ReferenceAttachment>", "<t:AttachLongPathName>https://files.contoso.com/doc</t:AttachLongPathName><t:ProviderType>OneDrivePro</t:ProviderType><t:PermissionType>1</t:PermissionType><t:AttachmentIsFolder>false</t:AttachmentIsFolder></t:ReferenceAttachment>"},
		{"<t:IsInline>true</t:IsInline><t:IsContactPhoto>true</t:IsContactPhoto><t:Content></t:Content>"},
	} {
		_, answer := w.ask(gettingAttachment("", ids[i]))
		for _, text := range want {
			if !strings.Contains(answer, text) {
				t.Errorf("no %s in %s", text, answer)
			}
		}
	}
	for _, url := range []string{"javascript:alert(1)", "file:///etc/passwd", "", "\\\\server\\share", "https:"} {
		if _, answer := w.ask(create("SaveOnly", `<t:Message><t:Attachments>`+reference(url)+`</t:Attachments></t:Message>`)); !strings.Contains(answer, "ErrorInvalidValueForProperty") {
			t.Errorf("%q: %s", url, answer)
		}
	}
}
