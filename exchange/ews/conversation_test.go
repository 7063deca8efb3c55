package ews

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hma/exchange/store"
)

// thread delivers a message and answers to it, and one that has nothing to do with them.
func (w *world) thread() {
	w.deliver("From: Bob <bob@contoso.com>\nTo: Anna <anna@contoso.com>\nSubject: Plan\nMessage-ID: <1@contoso.com>\nDate: Sun, 01 Mar 2026 10:00:00 +0000\n\nfirst words\n")
	w.deliver("From: Carol <carol@example.net>\nTo: Anna <anna@contoso.com>\nSubject: Other\nMessage-ID: <x@contoso.com>\nDate: Sun, 01 Mar 2026 10:10:00 +0000\n\nelse\n")
	w.deliver("From: Carol <carol@example.net>\nTo: Anna <anna@contoso.com>\nCc: Dora <dora@example.net>\nSubject: RE: Plan\nMessage-ID: <2@contoso.com>\nIn-Reply-To: <1@contoso.com>\nReferences: <1@contoso.com>\nDate: Sun, 01 Mar 2026 10:20:00 +0000\nImportance: high\n\nsecond words\n")
}

// body returns the answer without its envelope, or the code of its failure.
func (w *world) body(request string) string {
	w.t.Helper()
	_, answer := w.ask(wrap(request))
	if code := regexp.MustCompile(`ResponseCode[^>]*>(Error\w+)`).FindStringSubmatch(answer); code != nil {
		return code[1]
	}
	_, rest, _ := strings.Cut(answer, "<s:Body>")
	return rest
}

func values(answer, element string) (list []string) {
	for _, m := range regexp.MustCompile(`<t:`+element+`>(.*?)</t:`+element+`>`).FindAllStringSubmatch(answer, -1) {
		list = append(list, strings.NewReplacer("<t:String>", "", "</t:String>", ",").Replace(m[1]))
	}
	return list
}

var conversationIDs = regexp.MustCompile(`<t:ConversationId Id="(.*?)"/>`)

func TestConversations(t *testing.T) {
	w := newWorld(t)
	w.thread()
	find := func(more string) string {
		return w.body(`<m:FindConversation>` + more + `<m:ParentFolderId><t:DistinguishedFolderId Id="inbox"/></m:ParentFolderId></m:FindConversation>`)
	}
	answer := find("")
	for element, want := range map[string]string{
		"ConversationTopic": "Plan Other", "MessageCount": "2 1", "GlobalMessageCount": "2 1", "UnreadCount": "2 1",
		"UniqueSenders": "Carol,Bob, Carol,", "UniqueRecipients": "Anna,Dora, Anna,", "FlagStatus": "NotFlagged NotFlagged",
		"HasAttachments": "false false", "Importance": "High Normal",
	} {
		if got := strings.Join(values(answer, element), " "); got != want {
			t.Errorf("%s: %q, want %q", element, got, want)
		}
	}
	if !strings.Contains(answer, "<m:TotalConversationsInView>2</m:TotalConversationsInView><m:IndexedOffset>2</m:IndexedOffset>") {
		t.Errorf("no totals: %s", answer)
	}
	if got := values(find(`<m:IndexedPageItemView MaxEntriesReturned="1" Offset="1" BasePoint="Beginning"/>`), "ConversationTopic"); !slices.Equal(got, []string{"Other"}) {
		t.Errorf("second page: %v", got)
	}
	if got := values(w.body(`<m:FindConversation><m:ParentFolderId><t:DistinguishedFolderId Id="inbox"/></m:ParentFolderId><m:QueryString>second</m:QueryString></m:FindConversation>`), "ConversationTopic"); !slices.Equal(got, []string{"Plan"}) {
		t.Errorf("by words: %v", got)
	}
	order := func(uri string) string {
		return find(`<m:SortOrder><t:FieldOrder Order="Descending"><t:FieldURI FieldURI="` + uri + `"/></t:FieldOrder></m:SortOrder>`)
	}
	if got := order("conversation:LastDeliveryTime"); len(values(got, "ConversationTopic")) != 2 {
		t.Error(got)
	}
	if got := order("conversation:ConversationTopic"); got != "ErrorUnsupportedPathForSortGroup" {
		t.Error(got)
	}

	// An item's own conversation id is that of FindConversation.
	plan := conversationIDs.FindStringSubmatch(answer)[1]
	item := w.body(`<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI="item:ConversationId"/></t:AdditionalProperties></m:ItemShape>` + inInbox + `</m:FindItem>`)
	if got := conversationIDs.FindAllStringSubmatch(item, -1); len(got) != 3 || got[0][1] != plan || got[1][1] == plan || got[2][1] != plan {
		t.Errorf("ids of items: %v", got)
	}

	items := func(id, more string) string {
		return w.body(`<m:GetConversationItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI="item:Subject"/></t:AdditionalProperties></m:ItemShape>` +
			more + `<m:Conversations><t:Conversation><t:ConversationId Id="` + id + `"/></t:Conversation></m:Conversations></m:GetConversationItems>`)
	}
	answer = items(plan, "")
	if got := values(answer, "InternetMessageId"); !slices.Equal(got, []string{"&lt;1@contoso.com&gt;", "&lt;2@contoso.com&gt;"}) {
		t.Errorf("nodes: %v", got)
	}
	if got := values(answer, "ParentInternetMessageId"); !slices.Equal(got, []string{"&lt;1@contoso.com&gt;"}) {
		t.Errorf("parents: %v", got)
	}
	if got := values(items(plan, "<m:SortOrder>DateOrderDescending</m:SortOrder>"), "Subject"); !slices.Equal(got, []string{"RE: Plan", "Plan"}) {
		t.Errorf("newest first: %v", got)
	}
	if got := values(items(plan, "<m:MaxItemsToReturn>1</m:MaxItemsToReturn>"), "Subject"); len(got) != 1 {
		t.Errorf("one: %v", got)
	}
	if got := values(items(plan, `<m:FoldersToIgnore><t:DistinguishedFolderId Id="inbox"/></m:FoldersToIgnore>`), "Subject"); len(got) != 0 {
		t.Errorf("without the inbox: %v", got)
	}
	state := values(answer, "SyncState")[0]
	since := func(state string) string {
		return w.body(`<m:GetConversationItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:Conversations><t:Conversation><t:ConversationId Id="` +
			plan + `"/><t:SyncState>` + state + `</t:SyncState></t:Conversation></m:Conversations></m:GetConversationItems>`)
	}
	if got := since(state); strings.Contains(got, "ItemId") || strings.HasPrefix(got, "Error") {
		t.Errorf("nothing new: %s", got)
	}
	if got := since("bm9uZQ=="); got != "ErrorInvalidSyncStateData" {
		t.Errorf("no state: %s", got)
	}
	// Ids that name nothing, another mailbox or something else.
	other := store.ConversationID{Mailbox: w.bob.MailboxGUID, Conversation: [16]byte{1}}
	mine := store.ConversationID{Mailbox: w.anna.MailboxGUID, Conversation: [16]byte{1}}
	for id, want := range map[string]string{
		other.Encode(idKey): "ErrorAccessDenied", mine.Encode(idKey): "ErrorItemNotFound", "": "ErrorInvalidIdEmpty",
		plan[:60]: "ErrorInvalidIdMalformed", w.folder(store.RoleInbox).Encode(idKey): "ErrorInvalidId",
	} {
		if got := items(id, ""); got != want {
			t.Errorf("%q: %s, want %s", id, got, want)
		}
	}
}

func TestApplyConversationAction(t *testing.T) {
	w := newWorld(t)
	w.thread()
	inbox := w.items(store.RoleInbox)
	id, _ := inbox[0].Conversation()
	act := func(action string) string {
		got := w.body(`<m:ApplyConversationAction><m:ConversationActions><t:ConversationAction>` + action + `</t:ConversationAction></m:ConversationActions></m:ApplyConversationAction>`)
		if !strings.HasPrefix(got, "Error") {
			return ""
		}
		return got
	}
	name := func(action, more string) string {
		return "<t:Action>" + action + `</t:Action><t:ConversationId Id="` + id.Encode(idKey) + `"/>` + more
	}
	counts := func(want string) {
		t.Helper()
		var got []string
		for _, role := range []store.Role{store.RoleInbox, store.RoleArchive, store.RoleDeletedItems} {
			list := w.items(role)
			unread := 0
			for _, it := range list {
				if !it.Read {
					unread++
				}
			}
			got = append(got, fmt.Sprintf("%d/%d", unread, len(list)))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("inbox, archive, deleted items have %v, want %s", got, want)
		}
	}
	archive, bin := `<t:DestinationFolderId><t:DistinguishedFolderId Id="archive"/></t:DestinationFolderId>`, `<t:ContextFolderId><t:DistinguishedFolderId Id="archive"/></t:ContextFolderId>`
	for _, step := range []struct{ action, want, after string }{
		{name("SetReadState", "<t:IsRead>true</t:IsRead>"), "", "1/3 0/0 0/0"},
		{name("SetReadState", "<t:ConversationLastSyncTime>2020-01-01T00:00:00Z</t:ConversationLastSyncTime><t:IsRead>false</t:IsRead>"), "", "1/3 0/0 0/0"},
		{name("Copy", archive), "", "1/3 0/2 0/0"},
		{name("Delete", bin+"<t:DeleteType>MoveToDeletedItems</t:DeleteType>"), "", "1/3 0/0 0/2"},
		{name("Move", `<t:ContextFolderId><t:DistinguishedFolderId Id="inbox"/></t:ContextFolderId>`+archive), "", "1/1 0/2 0/2"},
		{name("Delete", "<t:DeleteType>HardDelete</t:DeleteType>"), "", "1/1 0/0 0/0"},
		{name("AlwaysMove", archive), "ErrorInvalidOperation", "1/1 0/0 0/0"},
		{name("Move", ""), "ErrorSchemaValidation", "1/1 0/0 0/0"},
		{name("Delete", "<t:DeleteType>Burn</t:DeleteType>"), "ErrorSchemaValidation", "1/1 0/0 0/0"},
		{`<t:Action>Move</t:Action><t:ConversationId Id="x"/>` + archive, "ErrorInvalidIdMalformed", "1/1 0/0 0/0"},
	} {
		if got := act(step.action); got != step.want {
			t.Errorf("%s: %q, want %q", step.action, got, step.want)
		}
		counts(step.after)
	}
}
