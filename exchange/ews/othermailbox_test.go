package ews

import (
	"net/http/httptest"
	"strings"
	"testing"

	"hma/exchange/store"
	"hma/wire/guid"
	"hma/wire/mapi"
)

// desk is Bob's mailbox with the folder Desk in it, which Anna is to open.
type desk struct {
	*world
	folder store.FolderID
	item   store.Stamp
	words  *strings.Replacer
}

// newDesk gives Anna the rights in the folder, and with full everything in the mailbox.
func newDesk(t *testing.T, rights store.Rights, full bool) *desk {
	t.Helper()
	w := newWorld(t)
	w.deliver(plainMail)
	bob := w.mailbox(w.bob)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	inbox, _ := bob.RoleID(store.RoleInbox)
	contacts, _ := bob.RoleID(store.RoleContacts)
	f, err := bob.CreateFolder(t.Context(), store.NewFolder{Parent: inbox, Name: "Desk"})
	must(err)
	content, err := bob.WriteBlob(t.Context(), strings.NewReader("secret file"))
	must(err)
	item := func(folder store.FolderID, sensitivity int32) store.Stamp {
		t.Helper()
		stamp, err := bob.CreateItem(t.Context(), store.NewItem{Folder: folder, Props: mapi.Bag{mapi.PidTagSubject: "secret", mapi.PidTagBody: "secret text",
			mapi.PidTagSensitivity: sensitivity}, Attachments: []store.Attachment{{Filename: "secret.txt", Content: content}}})
		must(err)
		return stamp
	}
	d := &desk{world: w, folder: f.ID, item: item(f.ID, 0)}
	private, outside := item(f.ID, 2), item(inbox, 0)
	must(bob.SetPermissions(t.Context(), contacts, []store.Permission{{Member: w.anna.SID, Rights: store.RightFolderVisible}}))
	must(bob.SetPermissions(t.Context(), f.ID, []store.Permission{{Member: w.anna.SID, Rights: rights}}))
	if full {
		w.bob.FullAccess = []guid.GUID{w.anna.GUID}
	}
	d.words = strings.NewReplacer("{desk}", f.ID.Encode(idKey), "{inbox}", inbox.Encode(idKey), "{item}", d.item.ID.Encode(idKey), "{key}", changeKey(itemKey, d.item.ChangeKey),
		"{private}", private.ID.Encode(idKey), "{outside}", outside.ID.Encode(idKey), "{file}", store.AttachmentID{Item: d.item.ID}.Encode(idKey),
		"{mine}", w.items(store.RoleInbox)[0].ID.Encode(idKey),
		"{shape}", `<m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape>`,
		"{foldershape}", `<m:FolderShape><t:BaseShape>AllProperties</t:BaseShape></m:FolderShape>`)
	return d
}

// ask sends a request as Anna.
func (d *desk) ask(request string) (int, string) {
	d.t.Helper()
	return d.world.ask(wrap(d.words.Replace(request)))
}

// TestOtherPeoplesMailbox asks for what is in Bob's mailbox as Anna, who has there
// in turn: something in another folder alone, and in Desk the levels Reviewer,
// Author, Editor, Owner; and full access. y is an answer, n a refusal. Nobody who
// is refused sees a word of what there is.
func TestOtherPeoplesMailbox(t *testing.T) {
	levels := []string{"None", "Reviewer", "Author", "Editor", "Owner"}
	for _, c := range []struct{ name, want, request string }{
		{"GetFolder", "nyyyyy", `<m:GetFolder>{foldershape}<m:FolderIds><t:FolderId Id="{desk}"/></m:FolderIds></m:GetFolder>`},
		{"GetFolder by name", "nnnnny", `<m:GetFolder>{foldershape}<m:FolderIds><t:DistinguishedFolderId Id="inbox"><t:Mailbox><t:EmailAddress>bob@contoso.com</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId></m:FolderIds></m:GetFolder>`},
		{"FindFolder", "nyyyyy", `<m:FindFolder Traversal="Deep">{foldershape}<m:ParentFolderIds><t:FolderId Id="{desk}"/></m:ParentFolderIds></m:FindFolder>`},
		{"CreateFolder", "nnnnyy", `<m:CreateFolder><m:ParentFolderId><t:FolderId Id="{desk}"/></m:ParentFolderId><m:Folders><t:Folder><t:DisplayName>x</t:DisplayName></t:Folder></m:Folders></m:CreateFolder>`},
		{"UpdateFolder", "nnnnyy", `<m:UpdateFolder><m:FolderChanges><t:FolderChange><t:FolderId Id="{desk}"/><t:Updates><t:SetFolderField><t:FieldURI FieldURI="folder:DisplayName"/><t:Folder><t:DisplayName>y</t:DisplayName></t:Folder></t:SetFolderField></t:Updates></t:FolderChange></m:FolderChanges></m:UpdateFolder>`},
		{"UpdateFolder, permissions", "nnnnyy", `<m:UpdateFolder><m:FolderChanges><t:FolderChange><t:FolderId Id="{desk}"/><t:Updates><t:SetFolderField><t:FieldURI FieldURI="folder:PermissionSet"/><t:Folder><t:PermissionSet><t:Permissions><t:Permission><t:UserId><t:DistinguishedUser>Default</t:DistinguishedUser></t:UserId><t:PermissionLevel>Owner</t:PermissionLevel></t:Permission></t:Permissions></t:PermissionSet></t:Folder></t:SetFolderField></t:Updates></t:FolderChange></m:FolderChanges></m:UpdateFolder>`},
		{"DeleteFolder", "nnnnyy", `<m:DeleteFolder DeleteType="HardDelete"><m:FolderIds><t:FolderId Id="{desk}"/></m:FolderIds></m:DeleteFolder>`},
		{"EmptyFolder", "nnnyyy", `<m:EmptyFolder DeleteType="HardDelete" DeleteSubFolders="false"><m:FolderIds><t:FolderId Id="{desk}"/></m:FolderIds></m:EmptyFolder>`},
		{"MoveFolder to another mailbox", "nnnnnn", `<m:MoveFolder><m:ToFolderId><t:DistinguishedFolderId Id="inbox"/></m:ToFolderId><m:FolderIds><t:FolderId Id="{desk}"/></m:FolderIds></m:MoveFolder>`},
		{"MarkAllItemsAsRead", "nnnyyy", `<m:MarkAllItemsAsRead><m:ReadFlag>true</m:ReadFlag><m:SuppressReadReceipts>true</m:SuppressReadReceipts><m:FolderIds><t:FolderId Id="{desk}"/></m:FolderIds></m:MarkAllItemsAsRead>`},
		{"FindItem", "nyyyyy", `<m:FindItem Traversal="Shallow">{shape}<m:ParentFolderIds><t:FolderId Id="{desk}"/></m:ParentFolderIds></m:FindItem>`},
		{"FindItem outside", "nnnnny", `<m:FindItem Traversal="Shallow">{shape}<m:ParentFolderIds><t:FolderId Id="{inbox}"/></m:ParentFolderIds></m:FindItem>`},
		{"SyncFolderItems", "nyyyyy", `<m:SyncFolderItems>{shape}<m:SyncFolderId><t:FolderId Id="{desk}"/></m:SyncFolderId><m:MaxChangesReturned>5</m:MaxChangesReturned></m:SyncFolderItems>`},
		{"SyncFolderHierarchy", "nyyyyy", `<m:SyncFolderHierarchy>{foldershape}<m:SyncFolderId><t:FolderId Id="{desk}"/></m:SyncFolderId></m:SyncFolderHierarchy>`},
		{"Subscribe", "nyyyyy", `<m:Subscribe><m:PullSubscriptionRequest><t:FolderIds><t:FolderId Id="{desk}"/></t:FolderIds><t:EventTypes><t:EventType>CreatedEvent</t:EventType></t:EventTypes><t:Timeout>5</t:Timeout></m:PullSubscriptionRequest></m:Subscribe>`},
		{"GetItem", "nyyyyy", `<m:GetItem>{shape}<m:ItemIds><t:ItemId Id="{item}"/></m:ItemIds></m:GetItem>`},
		{"GetItem, private", "nnnnny", `<m:GetItem>{shape}<m:ItemIds><t:ItemId Id="{private}"/></m:ItemIds></m:GetItem>`},
		{"GetItem outside", "nnnnny", `<m:GetItem>{shape}<m:ItemIds><t:ItemId Id="{outside}"/></m:ItemIds></m:GetItem>`},
		{"GetAttachment", "nyyyyy", `<m:GetAttachment><m:AttachmentIds><t:AttachmentId Id="{file}"/></m:AttachmentIds></m:GetAttachment>`},
		{"ConvertId", "nyyyyy", `<m:ConvertId DestinationFormat="EntryId"><m:SourceIds><t:AlternateId Format="EwsId" Id="{item}" Mailbox="bob@contoso.com"/></m:SourceIds></m:ConvertId>`},
		{"CreateItem", "nnyyyy", `<m:CreateItem MessageDisposition="SaveOnly"><m:SavedItemFolderId><t:FolderId Id="{desk}"/></m:SavedItemFolderId><m:Items><t:Message><t:Subject>x</t:Subject><t:Attachments><t:FileAttachment><t:Name>x</t:Name><t:Content>eA==</t:Content></t:FileAttachment></t:Attachments><t:ExtendedProperty><t:ExtendedFieldURI DistinguishedPropertySetId="PublicStrings" PropertyName="Own" PropertyType="String"/><t:Value>v</t:Value></t:ExtendedProperty></t:Message></m:Items></m:CreateItem>`},
		{"CreateItem of MIME", "nnyyyy", `<m:CreateItem MessageDisposition="SaveOnly"><m:SavedItemFolderId><t:FolderId Id="{desk}"/></m:SavedItemFolderId><m:Items><t:Message><t:MimeContent>U3ViamVjdDogeAoKeAo=</t:MimeContent></t:Message></m:Items></m:CreateItem>`},
		{"UpdateItem", "nnnyyy", `<m:UpdateItem ConflictResolution="AlwaysOverwrite" MessageDisposition="SaveOnly"><m:ItemChanges><t:ItemChange><t:ItemId Id="{item}" ChangeKey="{key}"/><t:Updates><t:SetItemField><t:FieldURI FieldURI="item:Subject"/><t:Message><t:Subject>y</t:Subject></t:Message></t:SetItemField></t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>`},
		{"MoveItem here", "nnnyyy", `<m:MoveItem><m:ToFolderId><t:DistinguishedFolderId Id="inbox"/></m:ToFolderId><m:ItemIds><t:ItemId Id="{item}"/></m:ItemIds></m:MoveItem>`},
		{"MoveItem there", "nnyyyy", `<m:MoveItem><m:ToFolderId><t:FolderId Id="{desk}"/></m:ToFolderId><m:ItemIds><t:ItemId Id="{mine}"/></m:ItemIds></m:MoveItem>`},
		{"CopyItem here", "nyyyyy", `<m:CopyItem><m:ToFolderId><t:DistinguishedFolderId Id="inbox"/></m:ToFolderId><m:ItemIds><t:ItemId Id="{item}"/></m:ItemIds></m:CopyItem>`},
		{"DeleteItem", "nnnyyy", `<m:DeleteItem DeleteType="MoveToDeletedItems"><m:ItemIds><t:ItemId Id="{item}"/></m:ItemIds></m:DeleteItem>`},
		{"CreateAttachment", "nnnyyy", `<m:CreateAttachment><m:ParentItemId Id="{item}"/><m:Attachments><t:FileAttachment><t:Name>x</t:Name><t:Content>eA==</t:Content></t:FileAttachment></m:Attachments></m:CreateAttachment>`},
		{"DeleteAttachment", "nnnyyy", `<m:DeleteAttachment><m:AttachmentIds><t:AttachmentId Id="{file}"/></m:AttachmentIds></m:DeleteAttachment>`},
	} {
		for i, want := range strings.Split(c.want, "") {
			var rights store.Rights
			name := "full access"
			if i < len(levels) {
				name = levels[i]
				rights, _ = levelRights(name, false)
			}
			d := newDesk(t, rights, i == len(levels))
			status, answer := d.ask(c.request)
			got := "y"
			if status != 200 || strings.Contains(answer, `ResponseClass="Error"`) {
				got = "n"
			}
			if got != want || got == "n" && (strings.Contains(answer, "secret") || strings.Contains(answer, "Desk")) {
				t.Errorf("%s with %s: %s, want %s: status %d: %s", c.name, name, got, want, status, answer)
			}
			if i < len(levels) && strings.Count(answer, "<t:Subject>secret<") > 1 {
				t.Errorf("%s with %s shows the private item: %s", c.name, name, answer)
			}
		}
	}
}

// TestFolderPermissions sets a folder's permissions as Bob and reads them back, and
// Anna's rights with them.
func TestFolderPermissions(t *testing.T) {
	d := newDesk(t, 0, false)
	asBob := func(request string) string {
		t.Helper()
		rec := httptest.NewRecorder()
		d.door.ServeDoor(rec, d.request(d.bob, strings.NewReader(wrap(d.words.Replace(request)))))
		return rec.Body.String()
	}
	set := func(folder, element, set string) string {
		return asBob(`<m:UpdateFolder><m:FolderChanges><t:FolderChange>` + folder + `<t:Updates><t:SetFolderField><t:FieldURI FieldURI="folder:PermissionSet"/><t:` + element + `><t:PermissionSet>` +
			set + `</t:PermissionSet></t:` + element + `></t:SetFolderField></t:Updates></t:FolderChange></m:FolderChanges></m:UpdateFolder>`)
	}
	get := func(folder string) string {
		return `<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI="folder:PermissionSet"/><t:FieldURI FieldURI="folder:EffectiveRights"/></t:AdditionalProperties></m:FolderShape><m:FolderIds>` + folder + `</m:FolderIds></m:GetFolder>`
	}
	const deskID, calendar = `<t:FolderId Id="{desk}"/>`, `<t:DistinguishedFolderId Id="calendar"/>`
	anna := `<t:UserId><t:PrimarySmtpAddress>anna@contoso.com</t:PrimarySmtpAddress></t:UserId>`
	permission := func(user, level string) string {
		return `<t:Permissions><t:Permission>` + user + level + `</t:Permission></t:Permissions>`
	}
	for level := range map[string]bool{"None": true, "Owner": true, "PublishingEditor": true, "Editor": true, "PublishingAuthor": true, "Author": true, "NoneditingAuthor": true, "Reviewer": true, "Contributor": true} {
		if answer := set(deskID, "Folder", permission(anna, "<t:PermissionLevel>"+level+"</t:PermissionLevel>")); !strings.Contains(answer, "NoError") {
			t.Fatalf("%s: %s", level, answer)
		}
		if answer := asBob(get(deskID)); !strings.Contains(answer, "<t:SID>"+d.anna.SID+"</t:SID>") || !strings.Contains(answer, "<t:PermissionLevel>"+level+"</t:PermissionLevel>") {
			t.Errorf("%s: %s", level, answer)
		}
		_, answer := d.ask(get(deskID))
		if sees := level == "Owner"; strings.Contains(answer, "<t:PermissionSet>") != sees {
			t.Errorf("%s: Anna sees the permissions or not: %s", level, answer)
		}
		if reads := level != "None" && level != "Contributor"; strings.Contains(answer, "<t:Read>true</t:Read>") != reads {
			t.Errorf("%s: Anna reads or not: %s", level, answer)
		}
	}
	asBob(`<m:CreateFolder><m:ParentFolderId><t:DistinguishedFolderId Id="inbox"/></m:ParentFolderId><m:Folders><t:Folder><t:DisplayName>Taken</t:DisplayName></t:Folder></m:Folders></m:CreateFolder>`)
	custom := permission(anna, `<t:CanCreateItems>true</t:CanCreateItems><t:IsFolderVisible>true</t:IsFolderVisible><t:EditItems>All</t:EditItems><t:DeleteItems>None</t:DeleteItems><t:ReadItems>FullDetails</t:ReadItems><t:PermissionLevel>Custom</t:PermissionLevel>`)
	set(deskID, "Folder", custom)
	if rights, err := d.mailbox(d.bob).Rights(t.Context(), d.folder, d.anna.SID); err != nil ||
		rights != store.RightCreate|store.RightFolderVisible|store.RightEditOwned|store.RightEditAny|store.RightReadAny {
		t.Errorf("custom is %#x, %v", rights, err)
	}
	// A change is made whole or not at all.
	taken := asBob(`<m:UpdateFolder><m:FolderChanges><t:FolderChange>` + deskID + `<t:Updates><t:SetFolderField><t:FieldURI FieldURI="folder:PermissionSet"/><t:Folder><t:PermissionSet>` +
		permission(anna, `<t:PermissionLevel>Owner</t:PermissionLevel>`) + `</t:PermissionSet></t:Folder></t:SetFolderField>` +
		`<t:SetFolderField><t:FieldURI FieldURI="folder:DisplayName"/><t:Folder><t:DisplayName>Taken</t:DisplayName></t:Folder></t:SetFolderField></t:Updates></t:FolderChange></m:FolderChanges></m:UpdateFolder>`)
	if rights, err := d.mailbox(d.bob).Rights(t.Context(), d.folder, d.anna.SID); err != nil || !strings.Contains(taken, "ErrorFolderExists") || rights == store.AllRights {
		t.Errorf("a name that is taken leaves the rights %#x, %v\n%s", rights, err, taken)
	}
	for _, level := range []string{"FreeBusyTimeOnly", "FreeBusyTimeAndSubjectAndLocation", "Reviewer", "Editor"} {
		rows := `<t:CalendarPermissions><t:CalendarPermission>` + anna + `<t:CalendarPermissionLevel>` + level + `</t:CalendarPermissionLevel></t:CalendarPermission></t:CalendarPermissions>`
		if answer := set(calendar, "CalendarFolder", rows); !strings.Contains(answer, "NoError") {
			t.Fatalf("%s: %s", level, answer)
		}
		if answer := asBob(get(calendar)); !strings.Contains(answer, "<t:CalendarPermissionLevel>"+level+"</t:CalendarPermissionLevel>") {
			t.Errorf("%s: %s", level, answer)
		}
	}
	for code, answer := range map[string]string{
		"ErrorCannotSetNonCalendarPermissionOnCalendarFolder": set(calendar, "CalendarFolder", custom),
		"ErrorCannotSetCalendarPermissionOnNonCalendarFolder": set(deskID, "Folder", `<t:CalendarPermissions/>`),
		"ErrorDuplicateUserIdsSpecified":                      set(deskID, "Folder", `<t:Permissions>`+strings.Repeat(`<t:Permission>`+anna+`<t:PermissionLevel>None</t:PermissionLevel></t:Permission>`, 2)+`</t:Permissions>`),
		"ErrorInvalidUserInfo":                                set(deskID, "Folder", permission(`<t:UserId><t:SID>S-1-5-21-9</t:SID></t:UserId>`, `<t:PermissionLevel>None</t:PermissionLevel>`)),
		"ErrorInvalidPermissionSettings":                      set(deskID, "Folder", permission(anna, `<t:PermissionLevel>Everything</t:PermissionLevel>`)),
	} {
		if !strings.Contains(answer, "<m:ResponseCode>"+code+"<") {
			t.Errorf("want %s: %s", code, answer)
		}
	}
	made := asBob(`<m:CreateFolder><m:ParentFolderId><t:DistinguishedFolderId Id="inbox"/></m:ParentFolderId><m:Folders><t:Folder><t:DisplayName>Shared</t:DisplayName><t:PermissionSet>` +
		permission(`<t:UserId><t:DistinguishedUser>Default</t:DistinguishedUser></t:UserId>`, `<t:PermissionLevel>Reviewer</t:PermissionLevel>`) + `</t:PermissionSet></t:Folder></m:Folders></m:CreateFolder>`)
	if !strings.Contains(made, "NoError") {
		t.Fatal(made)
	}
	list, err := d.mailbox(d.bob).Folders(t.Context(), d.folder, false)
	if err != nil || len(list) != 0 {
		t.Fatal(list, err)
	}
}

// TestMixedMailboxes holds that named properties, which have an id in each mailbox,
// are never those of another: a request about two mailboxes is refused them.
func TestMixedMailboxes(t *testing.T) {
	d := newDesk(t, 0, true)
	for _, m := range []*store.Mailbox{d.mailbox(d.anna), d.mailbox(d.bob)} {
		// The ids differ.
		names := []mapi.Name{{Set: mapi.PSPublicStrings, Text: m.Info().DisplayName}, {Set: mapi.PSPublicStrings, Text: "Own"}}
		if m.GUID() == d.bob.MailboxGUID {
			names = names[1:]
		}
		if _, err := m.NamedIDs(t.Context(), names, true); err != nil {
			t.Fatal(err)
		}
	}
	ask := func(ids string) string {
		_, answer := d.ask(`<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties><t:ExtendedFieldURI DistinguishedPropertySetId="PublicStrings" PropertyName="Own" PropertyType="String"/></t:AdditionalProperties></m:ItemShape><m:ItemIds>` + ids + `</m:ItemIds></m:GetItem>`)
		return answer
	}
	_, answer := d.ask(`<m:UpdateItem ConflictResolution="AlwaysOverwrite" MessageDisposition="SaveOnly"><m:ItemChanges><t:ItemChange><t:ItemId Id="{item}"/><t:Updates><t:SetItemField><t:ExtendedFieldURI DistinguishedPropertySetId="PublicStrings" PropertyName="Own" PropertyType="String"/><t:Message><t:ExtendedProperty><t:ExtendedFieldURI DistinguishedPropertySetId="PublicStrings" PropertyName="Own" PropertyType="String"/><t:Value>blue</t:Value></t:ExtendedProperty></t:Message></t:SetItemField></t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>`)
	if !strings.Contains(answer, "NoError") {
		t.Fatal(answer)
	}
	if answer := ask(`<t:ItemId Id="{item}"/>`); !strings.Contains(answer, "<t:Value>blue<") {
		t.Error(answer)
	}
	if answer := ask(`<t:ItemId Id="{mine}"/>`); !strings.Contains(answer, "NoError") {
		t.Error(answer)
	}
	if answer := ask(`<t:ItemId Id="{item}"/><t:ItemId Id="{mine}"/>`); strings.Contains(answer, "blue") || !strings.Contains(answer, "ErrorInvalidOperation") {
		t.Error(answer)
	}
}
