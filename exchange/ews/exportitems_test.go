package ews

import (
	"bytes"
	"encoding/base64"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"hma/exchange/store"
	"hma/wire/mapi"
)

// packed returns the base64 of an item's packed form.
func (w *world) packed(item *store.Item) string {
	w.t.Helper()
	var out bytes.Buffer
	if err := w.mailbox(w.anna).Pack(w.t.Context(), item.Again(), &out); err != nil {
		w.t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(out.Bytes())
}

func upload(attrs, id, data string) string {
	if id != "" {
		id = `<t:ItemId Id="` + id + `"/>`
	}
	return wrap(`<m:UploadItems><m:Items><t:Item ` + attrs + `><t:ParentFolderId Id="{inbox}"/>` + id + `<t:Data>` + data + `</t:Data></t:Item></m:Items></m:UploadItems>`)
}

// TestExportUpload holds that what was exported makes the same item, as a new one
// and in place of another.
func TestExportUpload(t *testing.T) {
	w := newWorld(t)
	w.deliver(plainMail)
	w.deliver(attachedMail)
	_, answer := w.ask(wrap(w.fill(`<m:ExportItems><m:ItemIds><t:ItemId Id="{item0}"/></m:ItemIds></m:ExportItems>`)))
	data := regexp.MustCompile(`<m:Data>([^<]+)</m:Data>`).FindStringSubmatch(answer)
	if data == nil {
		t.Fatal(answer)
	}
	original, other := w.items(store.RoleInbox)[0], w.items(store.RoleInbox)[1]
	gone := w.fill("{item1}")
	same := func(how string, id store.ItemID) {
		t.Helper()
		got, err := w.mailbox(w.anna).Item(t.Context(), id, store.Want{All: true, Recipients: true, Attachments: true})
		if err != nil {
			t.Fatal(how, err)
		}
		for _, tag := range []mapi.Tag{mapi.PidTagLastModificationTime, mapi.PidTagInternetArticleNumber} {
			delete(got.Props, tag)
			delete(original.Props, tag)
		}
		if !reflect.DeepEqual(got.Props, original.Props) || got.MIME != original.MIME || len(got.Attachments) != 2 || !reflect.DeepEqual(got.Recipients, original.Recipients) {
			t.Errorf("%s: %+v, want %+v", how, got, original)
		}
	}
	ask := func(document, want string) {
		t.Helper()
		if _, answer := w.ask(w.fill(document)); !strings.Contains(answer, want) || strings.Contains(answer, "ErrorInternalServerError") {
			t.Errorf("want %s: %s", want, answer)
		}
	}
	ask(upload(`CreateAction="CreateNew"`, "", data[1]), "NoError")
	items := w.items(store.RoleInbox)
	if len(items) != 3 {
		t.Fatalf("%d items", len(items))
	}
	for _, item := range items {
		if item.ID != original.ID && item.ID != other.ID {
			same("new", item.ID)
		}
	}
	ask(upload(`CreateAction="Update"`, other.ID.Encode(idKey), data[1]), "NoError")
	same("updated", other.ID)
	ask(upload(`CreateAction="UpdateOrCreate"`, other.ID.Encode(idKey), data[1]), "NoError")
	if _, err := w.mailbox(w.anna).DeleteItem(t.Context(), other.ID, store.HardDelete); err != nil {
		t.Fatal(err)
	}
	ask(upload(`CreateAction="Update"`, gone, data[1]), "ErrorItemNotFound")
	ask(upload(`CreateAction="UpdateOrCreate"`, gone, data[1]), "NoError")
	if n := len(w.items(store.RoleInbox)); n != 3 {
		t.Errorf("%d items", n)
	}
	ask(upload(`CreateAction="CreateNew" IsAssociated="true"`, "", data[1]), "NoError")
	if n := len(w.items(store.RoleInbox)); n != 3 {
		t.Errorf("an associated item is among %d in the normal view", n)
	}
	ask(upload(`CreateAction="CreateNew"`, "", "AAAA"), "ErrorCorruptData")
	ask(upload(`CreateAction="CreateNew"`, "", ""), "ErrorCorruptData")
	ask(upload(`CreateAction="CreateNew"`, "", data[1][:len(data[1])/8*4]), "ErrorCorruptData")
	ask(upload(`CreateAction="CreateNew"`, gone, data[1]), "ErrorSchemaValidation")
	ask(upload(`CreateAction="Update"`, "", data[1]), "ErrorSchemaValidation")
	ask(upload(`CreateAction="Replace"`, "", data[1]), "ErrorSchemaValidation")
	if err := w.mailbox(w.anna).Check(t.Context(), false, func(d store.Damage) { t.Errorf("%+v", d) }); err != nil {
		t.Error(err)
	}
}
