package ews

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"hma/exchange/store"
	"hma/wire/mapi"
)

func ruleXML(name string, priority int, inner string) string {
	return fmt.Sprintf("<t:Rule><t:DisplayName>%s</t:DisplayName><t:Priority>%d</t:Priority><t:IsEnabled>true</t:IsEnabled>%s</t:Rule>", name, priority, inner)
}

func createRule(rule string) string {
	return "<t:CreateRuleOperation>" + rule + "</t:CreateRuleOperation>"
}

func updateRules(operations string) string {
	return wrap("<m:UpdateInboxRules><m:RemoveOutlookRuleBlob>true</m:RemoveOutlookRuleBlob><m:Operations>" + operations + "</m:Operations></m:UpdateInboxRules>")
}

// getRules returns the Rule elements of the Inbox.
func (w *world) getRules() []string {
	w.t.Helper()
	status, answer := w.ask(wrap("<m:GetInboxRules/>"))
	if status != 200 || !strings.Contains(answer, `<m:GetInboxRulesResponse ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode><m:OutlookRuleBlobExists>`) {
		w.t.Fatalf("status %d: %s", status, answer)
	}
	return regexp.MustCompile(`(?s)<t:Rule>.*?</t:Rule>`).FindAllString(answer, -1)
}

func (w *world) changeRules(operations string) {
	w.t.Helper()
	if status, answer := w.ask(updateRules(operations)); status != 200 || !strings.Contains(answer, `<m:UpdateInboxRulesResponse ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode></m:UpdateInboxRulesResponse>`) {
		w.t.Fatalf("status %d: %s", status, answer)
	}
}

func (w *world) clearRules() {
	w.t.Helper()
	if err := w.mailbox(w.anna).UpdateRules(w.t.Context(), w.folder(store.RoleInbox), func([]*store.Rule) ([]*store.Rule, error) { return nil, nil }); err != nil {
		w.t.Fatal(err)
	}
}

var ruleIDs = regexp.MustCompile(`<t:RuleId>([^<]*)</t:RuleId>`)

const stopAction = "<t:Actions><t:StopProcessingRules>true</t:StopProcessingRules></t:Actions>"

// everyPredicate has an element of each predicate that a rule can have here.
var everyPredicate = []string{
	"<t:Categories><t:String>red</t:String><t:String>blue</t:String></t:Categories>",
	"<t:ContainsBodyStrings><t:String>a &amp; b</t:String></t:ContainsBodyStrings>",
	"<t:ContainsHeaderStrings><t:String>X-Mailer</t:String></t:ContainsHeaderStrings>",
	"<t:ContainsRecipientStrings><t:String>team</t:String><t:String>all</t:String></t:ContainsRecipientStrings>",
	"<t:ContainsSenderStrings><t:String>bob</t:String></t:ContainsSenderStrings>",
	"<t:ContainsSubjectOrBodyStrings><t:String>x</t:String><t:String>y</t:String></t:ContainsSubjectOrBodyStrings>",
	"<t:ContainsSubjectStrings><t:String>Grüße</t:String></t:ContainsSubjectStrings>",
	"<t:FlaggedForAction>FYI</t:FlaggedForAction>", "<t:FlaggedForAction>Any</t:FlaggedForAction>",
	"<t:FromAddresses><t:Address><t:Name>bob@contoso.com</t:Name><t:EmailAddress>bob@contoso.com</t:EmailAddress><t:RoutingType>SMTP</t:RoutingType></t:Address></t:FromAddresses>",
	"<t:HasAttachments>true</t:HasAttachments>", "<t:Importance>High</t:Importance>", "<t:IsApprovalRequest>true</t:IsApprovalRequest>",
	"<t:IsAutomaticForward>true</t:IsAutomaticForward>", "<t:IsAutomaticReply>true</t:IsAutomaticReply>", "<t:IsEncrypted>true</t:IsEncrypted>",
	"<t:IsMeetingRequest>true</t:IsMeetingRequest>", "<t:IsMeetingResponse>true</t:IsMeetingResponse>", "<t:IsNDR>true</t:IsNDR>",
	"<t:IsPermissionControlled>true</t:IsPermissionControlled>", "<t:IsReadReceipt>true</t:IsReadReceipt>", "<t:IsSigned>true</t:IsSigned>", "<t:IsVoicemail>true</t:IsVoicemail>",
	"<t:ItemClasses><t:String>IPM.Note</t:String></t:ItemClasses>", "<t:NotSentToMe>true</t:NotSentToMe>", "<t:SentCcMe>true</t:SentCcMe>", "<t:SentOnlyToMe>true</t:SentOnlyToMe>",
	"<t:SentToAddresses><t:Address><t:Name>a@b.example</t:Name><t:EmailAddress>a@b.example</t:EmailAddress><t:RoutingType>SMTP</t:RoutingType></t:Address></t:SentToAddresses>",
	"<t:SentToMe>true</t:SentToMe>", "<t:SentToOrCcMe>true</t:SentToOrCcMe>", "<t:Sensitivity>Private</t:Sensitivity>",
	"<t:WithinDateRange><t:StartDateTime>2026-01-01T00:00:00Z</t:StartDateTime></t:WithinDateRange>",
	"<t:WithinDateRange><t:StartDateTime>2026-01-01T00:00:00Z</t:StartDateTime><t:EndDateTime>2026-02-01T00:00:00Z</t:EndDateTime></t:WithinDateRange>",
	"<t:WithinSizeRange><t:MinimumSize>10</t:MinimumSize><t:MaximumSize>20</t:MaximumSize></t:WithinSizeRange>",
	"<t:WithinSizeRange><t:MaximumSize>20</t:MaximumSize></t:WithinSizeRange>",
}

// TestRulePredicates holds that what a rule says comes back as it was said, for
// each predicate as a condition and as an exception, and for all of them together.
func TestRulePredicates(t *testing.T) {
	w := newWorld(t)
	var all []string
	for i, p := range everyPredicate {
		name := p[:strings.Index(p, ">")]
		if i == 0 || !strings.HasPrefix(everyPredicate[i-1], name) {
			all = append(all, p)
		}
	}
	for _, p := range append(everyPredicate, strings.Join(all, "")) {
		w.clearRules()
		inner := "<t:Conditions>" + p + "</t:Conditions><t:Exceptions>" + p + "</t:Exceptions>" + stopAction
		w.changeRules(createRule(ruleXML("one", 1, inner)))
		got := w.getRules()
		if len(got) != 1 || !strings.HasSuffix(got[0], "<t:IsEnabled>true</t:IsEnabled>"+inner+"</t:Rule>") {
			t.Errorf("said %s\ngot  %s", inner, got)
		}
	}
	for _, known := range predicates {
		if known.code == "" && !strings.Contains(strings.Join(everyPredicate, ""), "<t:"+known.name+">") {
			t.Errorf("no predicate of the test is %s", known.name)
		}
	}
}

// TestRuleActions holds the same of actions.
func TestRuleActions(t *testing.T) {
	w := newWorld(t)
	archive, err := w.mailbox(w.anna).Role(t.Context(), store.RoleArchive)
	if err != nil {
		t.Fatal(err)
	}
	folder := fmt.Sprintf(`<t:FolderId Id="%s" ChangeKey="%s"/>`, archive.ID.Encode(idKey), changeKey(folderKey, archive.ChangeKey))
	to := "<t:Address><t:Name>Bob</t:Name><t:EmailAddress>bob@contoso.com</t:EmailAddress><t:RoutingType>SMTP</t:RoutingType></t:Address>"
	for _, actions := range []string{
		"<t:AssignCategories><t:String>red</t:String></t:AssignCategories><t:CopyToFolder>" + folder + "</t:CopyToFolder><t:Delete>true</t:Delete>" +
			"<t:ForwardAsAttachmentToRecipients>" + to + "</t:ForwardAsAttachmentToRecipients><t:ForwardToRecipients>" + to + "</t:ForwardToRecipients>" +
			"<t:MarkImportance>Low</t:MarkImportance><t:MarkAsRead>true</t:MarkAsRead><t:MoveToFolder>" + folder + "</t:MoveToFolder>" +
			"<t:PermanentDelete>true</t:PermanentDelete><t:RedirectToRecipients>" + to + "</t:RedirectToRecipients><t:StopProcessingRules>true</t:StopProcessingRules>",
		"<t:MoveToFolder>" + folder + "</t:MoveToFolder>",
	} {
		w.clearRules()
		w.changeRules(createRule(ruleXML("one", 1, "<t:Actions>"+actions+"</t:Actions>")))
		if got := w.getRules(); len(got) != 1 || !strings.Contains(got[0], "<t:Actions>"+actions+"</t:Actions>") {
			t.Errorf("said %s\ngot  %s", actions, got)
		}
	}
	// Delivery does what was said.
	w.deliver(plainMail)
	if got := w.items(store.RoleArchive); len(got) != 1 || len(w.items(store.RoleInbox)) != 0 {
		t.Errorf("%d messages in the archive", len(got))
	}
	// A rule whose folder goes is in error, and still shown.
	w.clearRules()
	made, err := w.mailbox(w.anna).CreateFolder(t.Context(), store.NewFolder{Parent: w.folder(store.RoleMsgFolderRoot), Name: "Work"})
	if err != nil {
		t.Fatal(err)
	}
	w.changeRules(createRule(ruleXML("one", 1, `<t:Actions><t:MoveToFolder><t:FolderId Id="`+made.ID.Encode(idKey)+`"/></t:MoveToFolder></t:Actions>`)))
	if err := w.mailbox(w.anna).DeleteFolder(t.Context(), made.ID, store.HardDelete); err != nil {
		t.Fatal(err)
	}
	w.deliver(plainMail)
	if got := w.getRules(); len(w.items(store.RoleInbox)) != 1 || !strings.Contains(got[0], "<t:IsInError>true</t:IsInError>") || !strings.Contains(got[0], made.ID.Encode(idKey)) {
		t.Errorf("got %s", got)
	}
}

func TestRuleOperations(t *testing.T) {
	w := newWorld(t)
	order := func() string {
		t.Helper()
		var list []string
		for _, r := range w.getRules() {
			name := regexp.MustCompile(`<t:DisplayName>(.*)</t:DisplayName><t:Priority>(\d+)<`).FindStringSubmatch(r)
			list = append(list, name[1]+name[2])
		}
		return strings.Join(list, " ")
	}
	w.changeRules(createRule(ruleXML("a", 1, stopAction)) + createRule(ruleXML("b", 2, stopAction)))
	w.changeRules(createRule(ruleXML("c", 1, stopAction)))
	if got := order(); got != "c1 a2 b3" {
		t.Errorf("order %s", got)
	}
	id := func(n int) string { return ruleIDs.FindStringSubmatch(w.getRules()[n])[1] }
	set := func(id, rule string) string {
		return "<t:SetRuleOperation>" + strings.Replace(rule, "<t:Rule>", "<t:Rule><t:RuleId>"+id+"</t:RuleId>", 1) + "</t:SetRuleOperation>"
	}
	b := id(2)
	w.changeRules(set(b, ruleXML("changed", 1, stopAction)) + "<t:DeleteRuleOperation><t:RuleId>" + id(1) + "</t:RuleId></t:DeleteRuleOperation>")
	if got := order(); got != "changed1 c2" || id(0) != b {
		t.Errorf("order %s, id %s, want %s", got, id(0), b)
	}
	w.deliver(plainMail)

	// What a MAPI client made is shown, and left alone.
	inbox := w.folder(store.RoleInbox)
	if err := w.mailbox(w.anna).UpdateRules(t.Context(), inbox, func(list []*store.Rule) ([]*store.Rule, error) {
		return append(list, &store.Rule{Name: "mapi", Sequence: 9, State: store.RuleEnabled, Condition: mapi.Exist{Tag: mapi.PidTagSubject}, Actions: []mapi.Action{{Type: mapi.ActionDefer, Data: []byte{1}}}}), nil
	}); err != nil {
		t.Fatal(err)
	}
	got := w.getRules()
	if len(got) != 3 || !strings.Contains(got[2], "<t:IsNotSupported>true</t:IsNotSupported></t:Rule>") {
		t.Errorf("got %s", got)
	}

	// Rules that only Outlook runs.
	if _, err := w.mailbox(w.anna).CreateItem(t.Context(), store.NewItem{Folder: inbox, Associated: true, Props: mapi.Bag{mapi.PidTagMessageClass: ruleOrganizer}}); err != nil {
		t.Fatal(err)
	}
	keep := strings.Replace(updateRules(createRule(ruleXML("d", 20, stopAction))), "Blob>true", "Blob>false", 1)
	if _, answer := w.ask(keep); !strings.Contains(answer, "ErrorOutlookRuleBlobExists") {
		t.Errorf("got %s", answer)
	}
	if _, answer := w.ask(wrap("<m:GetInboxRules/>")); !strings.Contains(answer, "<m:OutlookRuleBlobExists>true<") {
		t.Errorf("got %s", answer)
	}
	w.changeRules(createRule(ruleXML("d", 20, stopAction)))
	if _, answer := w.ask(keep); !strings.Contains(answer, "NoError") {
		t.Errorf("got %s", answer)
	}
}

// TestRuleErrors holds that a wrong operation is told with its place and field, and that nothing of the request is done.
func TestRuleErrors(t *testing.T) {
	w := newWorld(t)
	bob := w.mailbox(w.bob)
	foreign, err := bob.RoleID(store.RoleInbox)
	if err != nil {
		t.Fatal(err)
	}
	w.changeRules(createRule(ruleXML("kept", 1, stopAction)))
	kept := ruleIDs.FindStringSubmatch(w.getRules()[0])[1]
	condition := func(p string) string {
		return createRule(ruleXML("bad", 5, "<t:Conditions>"+p+"</t:Conditions>"+stopAction))
	}
	action := func(a string) string { return createRule(ruleXML("bad", 5, "<t:Actions>"+a+"</t:Actions>")) }
	for _, c := range []struct{ operation, field, code string }{
		{createRule(ruleXML("bad", 5, "")), "Actions", "MissingAction"},
		{action(""), "Actions", "MissingAction"},
		{createRule(ruleXML(" ", 5, stopAction)), "DisplayName", "EmptyValueFound"},
		{createRule(ruleXML(strings.Repeat("x", 300), 5, stopAction)), "DisplayName", "StringValueTooBig"},
		{createRule(ruleXML("bad", 0, stopAction)), "Priority", "InvalidValue"},
		{createRule(strings.Replace(ruleXML("bad", 5, stopAction), "<t:Rule>", "<t:Rule><t:RuleId>AAAAAAAAAAE=</t:RuleId>", 1)), "RuleId", "CreateWithRuleId"},
		{"<t:SetRuleOperation>" + ruleXML("bad", 5, stopAction) + "</t:SetRuleOperation>", "RuleId", "MissingParameter"},
		{"<t:DeleteRuleOperation><t:RuleId>AAAAAAAAAAE=</t:RuleId></t:DeleteRuleOperation>", "RuleId", "RuleNotFound"},
		{"<t:DeleteRuleOperation><t:RuleId>x</t:RuleId></t:DeleteRuleOperation>", "RuleId", "RuleNotFound"},
		{condition("<t:ContainsSubjectStrings/>"), "Condition:ContainsSubjectStrings", "EmptyValueFound"},
		{condition("<t:ContainsSubjectStrings><t:String>" + strings.Repeat("x", 256) + "</t:String></t:ContainsSubjectStrings>"), "Condition:ContainsSubjectStrings", "StringValueTooBig"},
		{condition("<t:ContainsSubjectStrings>" + numbered(101) + "</t:ContainsSubjectStrings>"), "Condition:ContainsSubjectStrings", "InvalidValue"},
		{condition("<t:ContainsSubjectOrBodyStrings>" + numbered(100) + "</t:ContainsSubjectOrBodyStrings>"), "IsNotSupported", "UnsupportedRule"},
		{condition("<t:Importance>Extreme</t:Importance>"), "Condition:Importance", "InvalidValue"},
		{condition("<t:HasAttachments>maybe</t:HasAttachments>"), "Condition:HasAttachments", "InvalidValue"},
		{condition("<t:FromConnectedAccounts><t:String>x</t:String></t:FromConnectedAccounts>"), "Condition:FromConnectedAccounts", "ConnectedAccountNotFound"},
		{condition("<t:WithinSizeRange/>"), "Condition:WithinSizeRange", "MissingRangeValue"},
		{condition("<t:WithinSizeRange><t:MinimumSize>-1</t:MinimumSize></t:WithinSizeRange>"), "Condition:WithinSizeRange", "SizeLessThanZero"},
		{condition("<t:WithinSizeRange><t:MinimumSize>2</t:MinimumSize><t:MaximumSize>1</t:MaximumSize></t:WithinSizeRange>"), "Condition:WithinSizeRange", "InvalidSizeRange"},
		{condition("<t:WithinDateRange><t:StartDateTime>2026-02-01T00:00:00Z</t:StartDateTime><t:EndDateTime>2026-01-01T00:00:00Z</t:EndDateTime></t:WithinDateRange>"), "Condition:WithinDateRange", "InvalidDateRange"},
		{condition("<t:FromAddresses><t:Address><t:EmailAddress>nobody</t:EmailAddress></t:Address></t:FromAddresses>"), "Condition:FromAddresses", "InvalidAddress"},
		{action(`<t:MoveToFolder><t:FolderId Id="` + foreign.Encode(idKey) + `"/></t:MoveToFolder>`), "Action:MoveToFolder", "InvalidFolderId"},
		{action(`<t:MoveToFolder><t:FolderId Id="AAMkxx"/></t:MoveToFolder>`), "Action:MoveToFolder", "InvalidFolderId"},
		{action(`<t:MoveToFolder><t:FolderId Id="` + store.FolderID{Mailbox: w.mailbox(w.anna).GUID(), Folder: 9999}.Encode(idKey) + `"/></t:MoveToFolder>`), "Action:MoveToFolder", "FolderDoesNotExist"},
		{action("<t:ForwardToRecipients><t:Address><t:EmailAddress>a@b&#10;c</t:EmailAddress></t:Address></t:ForwardToRecipients>"), "Action:ForwardToRecipients", "InvalidAddress"},
		{action("<t:ForwardToRecipients><t:Address><t:EmailAddress>/o=x</t:EmailAddress><t:RoutingType>EX</t:RoutingType></t:Address></t:ForwardToRecipients>"), "Action:ForwardToRecipients", "UnsupportedAddress"},
		{action("<t:ForwardToRecipients>" + strings.Repeat("<t:Address><t:EmailAddress>a@b.example</t:EmailAddress></t:Address>", 11) + "</t:ForwardToRecipients>"), "Action:ForwardToRecipients", "InvalidValue"},
		{action(`<t:ServerReplyWithMessage Id="x"/>`), "Action:ServerReplyWithMessage", "NotSettable"},
		{action("<t:SendSMSAlertToRecipients/>"), "Action:SendSMSAlertToRecipients", "NotSettable"},
		{createRule(ruleXML("other", 4, stopAction)) + createRule(ruleXML("bad", 4, stopAction)), "Priority", "DuplicatedPriority"},
	} {
		first := createRule(ruleXML("good", 3, stopAction)) + "<t:DeleteRuleOperation><t:RuleId>" + kept + "</t:RuleId></t:DeleteRuleOperation>"
		status, answer := w.ask(updateRules(first + c.operation))
		index := 2 + strings.Count(c.operation, "RuleOperation>")/2 - 1
		want := fmt.Sprintf("<t:OperationIndex>%d</t:OperationIndex><t:ValidationErrors><t:Error><t:FieldURI>%s</t:FieldURI><t:ErrorCode>%s</t:ErrorCode>", index, c.field, c.code)
		if status != 200 || !strings.Contains(answer, want) || !strings.Contains(answer, `ResponseClass="Error"`) || !strings.Contains(answer, "ErrorInboxRulesValidationError") {
			t.Errorf("%s: want %s, got %s", c.operation, want, answer)
		}
	}
	for name, body := range map[string]string{
		"twice":       updateRules("<t:DeleteRuleOperation><t:RuleId>" + kept + "</t:RuleId></t:DeleteRuleOperation><t:DeleteRuleOperation><t:RuleId>" + kept + "</t:RuleId></t:DeleteRuleOperation>"),
		"another box": wrap("<m:GetInboxRules><m:MailboxSmtpAddress>bob@contoso.com</m:MailboxSmtpAddress></m:GetInboxRules>"),
		"no box":      wrap("<m:GetInboxRules><m:MailboxSmtpAddress>nobody@contoso.com</m:MailboxSmtpAddress></m:GetInboxRules>"),
		"many":        updateRules(strings.Repeat(createRule(ruleXML("bad", 1, stopAction)), 1001)),
		"no such":     updateRules("<t:RenameRuleOperation/>"),
		"unknown":     updateRules(createRule(ruleXML("bad", 1, "<t:Conditions><t:IsFunny>true</t:IsFunny></t:Conditions>"+stopAction))),
		"doubled":     updateRules(createRule(ruleXML("bad", 1, "<t:Conditions><t:SentToMe>true</t:SentToMe><t:SentToMe>true</t:SentToMe></t:Conditions>"+stopAction))),
	} {
		if status, answer := w.ask(body); status == 200 && !strings.Contains(answer, `ResponseClass="Error"`) {
			t.Errorf("%s: %d %s", name, status, answer)
		}
	}
	if got := w.getRules(); len(got) != 1 || !strings.Contains(got[0], "kept") {
		t.Errorf("what was refused left %s", got)
	}
}

func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "<t:String>%d</t:String>", i)
	}
	return b.String()
}

// TestRuleLimit fills the rules up to what a folder holds.
func TestRuleLimit(t *testing.T) {
	w := newWorld(t)
	var b strings.Builder
	for i := range store.MaxRules {
		b.WriteString(createRule(ruleXML("r", i+1, stopAction)))
	}
	w.changeRules(b.String())
	if _, answer := w.ask(updateRules(createRule(ruleXML("one more", 1, stopAction)))); !strings.Contains(answer, "ErrorQuotaExceeded") {
		t.Errorf("got %s", answer)
	}
	if got := w.getRules(); len(got) != store.MaxRules {
		t.Errorf("%d rules", len(got))
	}
}
