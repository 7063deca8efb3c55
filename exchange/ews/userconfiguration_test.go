package ews

import (
	"encoding/base64"
	"strings"
	"testing"

	"hma/exchange/store"
)

func configurationRequest(op, name, inner string) string {
	return wrap("<m:" + op + `><m:UserConfiguration><t:UserConfigurationName Name="` + name + `"><t:DistinguishedFolderId Id="inbox"/></t:UserConfigurationName>` + inner + "</m:UserConfiguration></m:" + op + ">")
}

func getConfiguration(folder, name, parts string) string {
	return wrap(`<m:GetUserConfiguration><m:UserConfigurationName Name="` + name + `">` + folder + `</m:UserConfigurationName><m:UserConfigurationProperties>` + parts + `</m:UserConfigurationProperties></m:GetUserConfiguration>`)
}

const ownInbox = `<t:DistinguishedFolderId Id="inbox"/>`

func dictionaryEntry(key, typ string, values ...string) string {
	var b strings.Builder
	b.WriteString("<t:DictionaryEntry><t:DictionaryKey><t:Type>String</t:Type><t:Value>" + key + "</t:Value></t:DictionaryKey><t:DictionaryValue><t:Type>" + typ + "</t:Type>")
	for _, v := range values {
		b.WriteString("<t:Value>" + v + "</t:Value>")
	}
	b.WriteString("</t:DictionaryValue></t:DictionaryEntry>")
	return b.String()
}

// TestUserConfiguration holds that a dictionary of every type comes back as it was said.
func TestUserConfiguration(t *testing.T) {
	w := newWorld(t)
	dictionary := "<t:Dictionary>" + dictionaryEntry("a &amp; b", "String", "x &lt; y") + dictionaryEntry("when", "DateTime", "2026-03-01T08:00:00Z") + dictionaryEntry("yes", "Boolean", "true") +
		dictionaryEntry("byte", "Byte", "7") + dictionaryEntry("int", "Integer32", "-7") + dictionaryEntry("uint", "UnsignedInteger32", "7") + dictionaryEntry("long", "Integer64", "-7000000000") +
		dictionaryEntry("ulong", "UnsignedInteger64", "7000000000") + dictionaryEntry("list", "StringArray", "a", "", "b") + dictionaryEntry("bytes", "ByteArray", "AAEC") + "</t:Dictionary>"
	if _, answer := w.ask(configurationRequest("CreateUserConfiguration", "Mine", dictionary)); !strings.Contains(answer, `<m:CreateUserConfigurationResponseMessage ResponseClass="Success">`) {
		t.Fatal(answer)
	}
	_, answer := w.ask(getConfiguration(ownInbox, "Mine", "Dictionary"))
	if !strings.Contains(answer, dictionary+"</m:UserConfiguration>") || strings.Contains(answer, "ItemId") {
		t.Errorf("said %s\ngot %s", dictionary, answer)
	}
	if _, answer := w.ask(configurationRequest("UpdateUserConfiguration", "Mine", "<t:XmlData>PGEvPg==</t:XmlData>")); !strings.Contains(answer, `ResponseClass="Success"`) {
		t.Error(answer)
	}
	if _, answer := w.ask(getConfiguration(ownInbox, "Mine", "All")); !strings.Contains(answer, dictionary+"<t:XmlData>PGEvPg==</t:XmlData></m:UserConfiguration>") {
		t.Error(answer)
	}
	if len(w.items(store.RoleInbox)) != 0 {
		t.Error("a configuration is among the messages")
	}
	_, answer = w.ask(getConfiguration(`<t:DistinguishedFolderId Id="calendar"/>`, "CategoryList", "XmlData"))
	_, rest, _ := strings.Cut(answer, "<t:XmlData>")
	data, _, _ := strings.Cut(rest, "</t:XmlData>")
	if list, err := base64.StdEncoding.DecodeString(data); err != nil || !strings.Contains(string(list), `<category name="Red Category" color="0"`) {
		t.Errorf("categories: %v in %s", err, answer)
	}
}

func TestUserConfigurationErrors(t *testing.T) {
	w := newWorld(t)
	foreign, err := w.mailbox(w.bob).RoleID(store.RoleInbox)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ body, want string }{
		"not there":      {getConfiguration(ownInbox, "None", "All"), "ErrorItemNotFound"},
		"update nothing": {configurationRequest("UpdateUserConfiguration", "None", ""), "ErrorItemNotFound"},
		"delete nothing": {wrap(`<m:DeleteUserConfiguration><m:UserConfigurationName Name="None">` + ownInbox + `</m:UserConfigurationName></m:DeleteUserConfiguration>`), "ErrorItemNotFound"},
		"another's":      {getConfiguration(`<t:FolderId Id="`+foreign.Encode(idKey)+`"/>`, "Mine", "All"), "ErrorAccessDenied"},
		"forged folder":  {getConfiguration(`<t:FolderId Id="AAMkx"/>`, "Mine", "All"), "ErrorInvalidIdMalformed"},
		"no folder":      {getConfiguration("", "Mine", "All"), "ErrorSchemaValidation"},
		"part":           {getConfiguration(ownInbox, "Mine", "Everything"), "ErrorSchemaValidation"},
		"name":           {configurationRequest("CreateUserConfiguration", "a b", ""), "ErrorInvalidValueForProperty"},
		"no name":        {configurationRequest("CreateUserConfiguration", "", ""), "ErrorInvalidValueForProperty"},
		"long name":      {configurationRequest("CreateUserConfiguration", strings.Repeat("x", 238), ""), "ErrorInvalidValueForProperty"},
		"key twice":      {configurationRequest("CreateUserConfiguration", "Mine", "<t:Dictionary>"+strings.Repeat(dictionaryEntry("a", "Byte", "1"), 2)+"</t:Dictionary>"), "ErrorInvalidValueForProperty"},
		"value":          {configurationRequest("CreateUserConfiguration", "Mine", "<t:Dictionary>"+dictionaryEntry("a", "Byte", "256")+"</t:Dictionary>"), "ErrorInvalidValueForProperty"},
		"type":           {configurationRequest("CreateUserConfiguration", "Mine", "<t:Dictionary>"+dictionaryEntry("a", "Float", "1")+"</t:Dictionary>"), "ErrorInvalidValueForProperty"},
		"base64":         {configurationRequest("CreateUserConfiguration", "Mine", "<t:XmlData>!</t:XmlData>"), "ErrorSchemaValidation"},
	} {
		if _, answer := w.ask(c.body); !strings.Contains(answer, c.want) {
			t.Errorf("%s: want %s, got %s", name, c.want, answer)
		}
	}
}
