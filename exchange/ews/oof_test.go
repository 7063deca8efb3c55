package ews

import (
	"strings"
	"testing"

	"hma/exchange/store"
)

func oofRequest(mailbox, settings string) string {
	return wrap("<m:SetUserOofSettingsRequest><t:Mailbox><t:Address>" + mailbox + "</t:Address></t:Mailbox><t:UserOofSettings>" + settings + "</t:UserOofSettings></m:SetUserOofSettingsRequest>")
}

func TestOof(t *testing.T) {
	w := newWorld(t)
	get := func() string {
		t.Helper()
		status, answer := w.ask(wrap("<m:GetUserOofSettingsRequest><t:Mailbox><t:Address>Anna@contoso.com</t:Address></t:Mailbox></m:GetUserOofSettingsRequest>"))
		if status != 200 || !strings.Contains(answer, `<m:GetUserOofSettingsResponse><m:ResponseMessage ResponseClass="Success">`) {
			t.Fatalf("%d %s", status, answer)
		}
		return answer
	}
	if answer := get(); !strings.Contains(answer, "<t:OofState>Disabled</t:OofState><t:ExternalAudience>All</t:ExternalAudience><t:Duration><t:StartTime>2026-03-01T13:00:00Z</t:StartTime>") {
		t.Errorf("a new mailbox: %s", answer)
	}
	status, answer := w.ask(oofRequest("anna@contoso.com", "<t:OofState>Enabled</t:OofState><t:ExternalAudience>None</t:ExternalAudience><t:InternalReply xml:lang=\"sv\"><t:Message>&lt;p&gt;borta&lt;/p&gt;</t:Message></t:InternalReply>"))
	if status != 200 || !strings.Contains(answer, `<m:SetUserOofSettingsResponse><m:ResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode></m:ResponseMessage></m:SetUserOofSettingsResponse>`) {
		t.Fatalf("%d %s", status, answer)
	}
	if answer := get(); !strings.Contains(answer, `<t:OofState>Enabled</t:OofState>`) || !strings.Contains(answer, `<t:InternalReply xml:lang="sv"><t:Message>&lt;p&gt;borta&lt;/p&gt;</t:Message></t:InternalReply><t:ExternalReply>`) {
		t.Errorf("got %s", answer)
	}
	// The next message is answered.
	w.deliver(plainMail)
	bob := w.mailbox(w.bob)
	inbox, err := bob.Role(t.Context(), store.RoleInbox)
	if err != nil || inbox.Total != 1 {
		t.Errorf("bob has %d messages, %v", inbox.Total, err)
	}
	for name, c := range map[string]struct{ body, want string }{
		"another's": {oofRequest("bob@contoso.com", "<t:OofState>Disabled</t:OofState><t:ExternalAudience>None</t:ExternalAudience>"), "ErrorAccessDenied"},
		"nobody's":  {oofRequest("nobody@contoso.com", "<t:OofState>Disabled</t:OofState><t:ExternalAudience>None</t:ExternalAudience>"), "ErrorAccessDenied"},
		"state":     {oofRequest("anna@contoso.com", "<t:OofState>Asleep</t:OofState><t:ExternalAudience>None</t:ExternalAudience>"), "ErrorSchemaValidation"},
		"no time":   {oofRequest("anna@contoso.com", "<t:OofState>Scheduled</t:OofState><t:ExternalAudience>None</t:ExternalAudience>"), "ErrorInvalidUserOofSettings"},
		"bad time":  {oofRequest("anna@contoso.com", "<t:OofState>Scheduled</t:OofState><t:ExternalAudience>None</t:ExternalAudience><t:Duration><t:StartTime>x</t:StartTime><t:EndTime>y</t:EndTime></t:Duration>"), "ErrorSchemaValidation"},
		"long":      {oofRequest("anna@contoso.com", "<t:OofState>Enabled</t:OofState><t:ExternalAudience>None</t:ExternalAudience><t:InternalReply><t:Message>"+strings.Repeat("x", store.MaxOofText+1)+"</t:Message></t:InternalReply>"), "ErrorInvalidUserOofSettings"},
		"no box":    {wrap("<m:GetUserOofSettingsRequest/>"), "ErrorSchemaValidation"},
	} {
		if _, answer := w.ask(c.body); !strings.Contains(answer, c.want) {
			t.Errorf("%s: want %s, got %s", name, c.want, answer)
		}
	}
	if answer := get(); !strings.Contains(answer, `<t:OofState>Enabled</t:OofState>`) {
		t.Errorf("what was refused changed %s", answer)
	}
}

func TestMailTips(t *testing.T) {
	w := newWorld(t)
	if err := w.mailbox(w.bob).SetOof(t.Context(), store.Oof{State: store.OofEnabled, Internal: store.OofReply{Text: "Bob is away"}}); err != nil {
		t.Fatal(err)
	}
	ask := func(recipients, wanted string) string {
		_, answer := w.ask(wrap("<m:GetMailTips><m:SendingAs><t:EmailAddress>anna@contoso.com</t:EmailAddress></m:SendingAs><m:Recipients>" + recipients + "</m:Recipients><m:MailTipsRequested>" + wanted + "</m:MailTipsRequested></m:GetMailTips>"))
		return answer
	}
	bob := "<t:Mailbox><t:EmailAddress>bob@contoso.com</t:EmailAddress></t:Mailbox>"
	if answer := ask(bob, "OutOfOfficeMessage"); !strings.Contains(answer, "<t:PendingMailTips></t:PendingMailTips><t:OutOfOffice><t:ReplyBody><t:Message>Bob is away</t:Message></t:ReplyBody></t:OutOfOffice></m:MailTips>") {
		t.Errorf("got %s", answer)
	}
	if answer := ask(bob, "MailboxFullStatus InvalidRecipient"); !strings.Contains(answer, "<t:MailboxFull>false</t:MailboxFull><t:InvalidRecipient>false</t:InvalidRecipient></m:MailTips>") {
		t.Errorf("got %s", answer)
	}
	for name, answer := range map[string]string{"many": ask(strings.Repeat(bob, maxTips+1), "All"), "type": ask(bob, "Weather"), "none": ask("", "All")} {
		if strings.Contains(answer, `ResponseClass="Success"`) {
			t.Errorf("%s: %s", name, answer)
		}
	}
}
