package ews

import (
	"strings"
	"testing"

	"hma/exchange/store"
)

// TestArchiveItem moves items to the archive mailbox, to the place where they were,
// and holds that the owner alone opens it.
func TestArchiveItem(t *testing.T) {
	w := newWorld(t)
	w.deliver(plainMail)
	w.deliver(plainMail)
	mailbox := w.mailbox(w.anna)
	projects, err := mailbox.CreateFolder(t.Context(), store.NewFolder{Parent: w.folder(store.RoleInbox), Name: "Projects"})
	if err != nil {
		t.Fatal(err)
	}
	list := w.items(store.RoleInbox)
	below, err := mailbox.MoveItem(t.Context(), list[1].ID, projects.ID)
	if err != nil {
		t.Fatal(err)
	}
	archive := func(folder string, id store.ItemID) string {
		return `<m:ArchiveItem><m:ArchiveSourceFolderId>` + folder + `</m:ArchiveSourceFolderId><m:ItemIds><t:ItemId Id="` + id.Encode(idKey) + `"/></m:ItemIds></m:ArchiveItem>`
	}
	const inbox = `<t:DistinguishedFolderId Id="inbox"/>`
	root := `<m:GetFolder><m:FolderShape><t:BaseShape>Default</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI="folder:DistinguishedFolderId"/></t:AdditionalProperties></m:FolderShape>` +
		`<m:FolderIds><t:DistinguishedFolderId Id="archiveinbox"/></m:FolderIds></m:GetFolder>`
	w.refused("ErrorArchiveMailboxNotEnabled", archive(inbox, list[0].ID))
	w.refused("ErrorFolderNotFound", root)

	w.anna.EnableArchive("Old")
	folder := `<t:FolderId Id="` + projects.ID.Encode(idKey) + `"/>`
	answer := w.answered(archive(inbox, list[0].ID)) + w.answered(archive(folder, below.ID))
	ids := itemIDs.FindAllString(answer, -1)
	if len(ids) != 2 || !strings.Contains(answer, "<m:ArchiveItemResponseMessage") {
		t.Fatal(answer)
	}
	if got := w.answered(root); !strings.Contains(got, "<t:DistinguishedFolderId>archiveinbox</t:DistinguishedFolderId>") || !strings.Contains(got, "<t:TotalCount>1</t:TotalCount>") {
		t.Error(got)
	}
	tree := w.answered(`<m:FindFolder Traversal="Deep"><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape><m:ParentFolderIds><t:DistinguishedFolderId Id="archivemsgfolderroot"/></m:ParentFolderIds></m:FindFolder>`)
	if !strings.Contains(tree, "<t:DisplayName>Projects</t:DisplayName><t:TotalCount>1</t:TotalCount>") {
		t.Error(tree)
	}
	for _, id := range ids {
		if got := w.answered(get(id, "item:Subject")); !strings.Contains(got, "<t:Subject>") {
			t.Error(got)
		}
	}
	if left := w.items(store.RoleInbox); len(left) != 0 {
		t.Errorf("%d items are left", len(left))
	}
	w.refused("ErrorItemNotFound", get(`<t:ItemId Id="`+list[0].ID.Encode(idKey)+`"/>`))
	w.refused("ErrorCrossMailboxMoveCopy", archive(`<t:DistinguishedFolderId Id="archiveinbox"/>`, list[0].ID))

	// Bob may open Anna's mailbox, and not her archive.
	w.bob.FullAccess = append(w.bob.FullAccess, w.anna.GUID)
	w.bob.EnableArchive("")
	w.refused("ErrorFolderNotFound", `<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds><t:DistinguishedFolderId Id="archiveinbox"><t:Mailbox><t:EmailAddress>bob@contoso.com</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId></m:FolderIds></m:GetFolder>`)

	w.anna.Archive.Disabled = true
	w.refused("ErrorItemNotFound", get(ids[0], "item:Subject"))
}
