package ews

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hma/exchange/auth"
	"hma/exchange/clientaccess"
	"hma/exchange/org"
	"hma/exchange/store"
	"hma/wire/guid"
	"hma/wire/mapi"
)

// photos are people's photos by GUID.
type photos map[guid.GUID]string

func (p photos) Photo(_ context.Context, id guid.GUID) ([]byte, time.Time, error) {
	if photo, ok := p[id]; ok {
		return []byte(photo), time.Time{}, nil
	}
	return nil, time.Time{}, org.ErrNotFound
}

// HasPicture tells of a photo among a contact's attachments, however it came and went.
func TestContactPhoto(t *testing.T) {
	w := newWorld(t)
	has := func(id string) bool {
		return strings.Contains(w.get(id, `<t:BaseShape>AllProperties</t:BaseShape>`), "<t:HasPicture>true<")
	}
	file := func(photo string) string {
		return `<t:FileAttachment><t:Name>ContactPicture.jpg</t:Name><t:IsContactPhoto>` + photo + `</t:IsContactPhoto><t:Content>em9l</t:Content></t:FileAttachment>`
	}
	address := `<t:EmailAddresses><t:Entry Key="EmailAddress1">zoe@example.org</t:Entry></t:EmailAddresses>`
	made := w.made(`<t:Contact><t:Attachments>` + file("true") + `</t:Attachments><t:DisplayName>Zoë</t:DisplayName>` + address + `</t:Contact>`)
	if !has(made) {
		t.Error("a contact made with a photo has none")
	}
	if answer := w.say(`<m:GetUserPhoto><m:Email>ZOE@example.org</m:Email><m:SizeRequested>HR48x48</m:SizeRequested></m:GetUserPhoto>`); !strings.Contains(answer, "<m:PictureData>em9l<") {
		t.Errorf("the photo is %s", answer)
	}
	later := w.made(`<t:Contact><t:DisplayName>Later</t:DisplayName></t:Contact>`)
	attach := func(photo string) string {
		answer := w.say(`<m:CreateAttachment><m:ParentItemId Id="` + later + `"/><m:Attachments>` + file(photo) + `</m:Attachments></m:CreateAttachment>`)
		_, rest, _ := strings.Cut(answer, `<t:AttachmentId Id="`)
		id, _, _ := strings.Cut(rest, `"`)
		return id
	}
	if attach("false"); has(later) {
		t.Error("a file that is no photo is one")
	}
	photo := attach("true")
	if !has(later) {
		t.Error("a photo was attached and is not told of")
	}
	if w.say(`<m:DeleteAttachment><m:AttachmentIds><t:AttachmentId Id="` + photo + `"/></m:AttachmentIds></m:DeleteAttachment>`); has(later) {
		t.Error("the photo is gone and told of")
	}
}

func TestGetUserPhoto(t *testing.T) {
	w := newWorld(t)
	mailbox := w.mailbox(w.anna)
	blob, err := mailbox.WriteBlob(t.Context(), strings.NewReader("zoe's face"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = mailbox.CreateItem(t.Context(), store.NewItem{Folder: w.folder(store.RoleContacts),
		Props:       mapi.Bag{mapi.PidTagMessageClass: "IPM.Contact", mapi.PidTagDisplayName: "Zoë", mapi.PidLidEmail1EmailAddress: "zoe@example.org"},
		Attachments: []store.Attachment{{Filename: "ContactPicture.jpg", Rendering: -1, Content: blob, Props: mapi.Bag{mapi.PidTagAttachmentContactPhoto: true}}}})
	if err != nil {
		t.Fatal(err)
	}
	get := func(email, size string) (int, string) {
		return w.ask(wrap(`<m:GetUserPhoto><m:Email>` + email + `</m:Email><m:SizeRequested>` + size + `</m:SizeRequested></m:GetUserPhoto>`))
	}
	for email, want := range map[string]string{"BOB@contoso.com": "bob's face", "zoe@example.org": "zoe's face", "anna@contoso.com": "", "hidden@contoso.com": "",
		"nobody@contoso.com": "", "": "", strings.Repeat("x", 65536): "", "*": ""} {
		_, answer := get(email, "HR96x96")
		if want != "" && !strings.Contains(answer, "<m:PictureData>"+base64.StdEncoding.EncodeToString([]byte(want))+"</m:PictureData>") ||
			want == "" && !strings.Contains(answer, `<m:GetUserPhotoResponse ResponseClass="Error"><m:MessageText>The specified object was not found in the store.</m:MessageText><m:ResponseCode>ErrorItemNotFound</m:ResponseCode>`) {
			t.Errorf("%.40q: %s", email, answer)
		}
	}
	if status, answer := get("bob@contoso.com", "HR1x1"); status != http.StatusInternalServerError {
		t.Errorf("a size that is none: %d %s", status, answer)
	}

	plain := func(query, etag string, who *org.Recipient) *http.Response {
		req := httptest.NewRequest("GET", "https://mail.contoso.com/EWS/Exchange.asmx/s/GetUserPhoto?"+query, nil)
		if etag != "" {
			req.Header.Set("If-None-Match", etag)
		}
		rec := httptest.NewRecorder()
		w.door.ServeDoor(rec, &clientaccess.Request{Request: req, ID: "test", Rest: "/exchange.asmx/s/getuserphoto", Identity: &auth.Identity{Recipient: who}, Record: &clientaccess.Record{}})
		return rec.Result()
	}
	res := plain("email=bob@contoso.com&size=HR648x648", "", w.anna)
	body, _ := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "image/jpeg" || !bytes.Equal(body, []byte("bob's face")) {
		t.Errorf("%d %v %q", res.StatusCode, res.Header, body)
	}
	if again := plain("email=bob@contoso.com&size=HR648x648", res.Header.Get("ETag"), w.anna); again.StatusCode != http.StatusNotModified {
		t.Errorf("the same photo again: %d", again.StatusCode)
	}
	for query, want := range map[string]int{"email=hidden@contoso.com&size=HR96x96": 404, "email=nobody@contoso.com&size=HR96x96": 404, "size=HR96x96": 404, "email=bob@contoso.com": 400, "email=bob@contoso.com&size=../x": 400} {
		if res := plain(query, "", w.anna); res.StatusCode != want {
			t.Errorf("%s: %d, want %d", query, res.StatusCode, want)
		}
	}
	if res := plain("email=bob@contoso.com&size=HR96x96", "", nil); res.StatusCode != http.StatusForbidden {
		t.Errorf("an application: %d", res.StatusCode)
	}
	w.anna.EwsEnabled = false
	if res := plain("email=bob@contoso.com&size=HR96x96", "", w.anna); res.StatusCode != http.StatusForbidden {
		t.Errorf("who may not use EWS: %d", res.StatusCode)
	}
}
