package ews

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"hma/exchange/auth"
	"hma/exchange/org"
	"hma/exchange/store"
	"hma/exchange/transport"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/guid"
	"hma/wire/mapi"
	"hma/wire/soap"
)

const getInbox = `<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds><t:DistinguishedFolderId Id="inbox"/></m:FolderIds></m:GetFolder>`

// TestFaults holds that what is no good request gets a fault with the code that
// clients act on, whole and in the one content type.
func TestFaults(t *testing.T) {
	w := newWorld(t)
	nested := strings.Repeat("<t:a>", 10_000)
	find := func(inner string) string {
		return wrap(`<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>` + inner +
			`<m:ParentFolderIds><t:DistinguishedFolderId Id="inbox"/></m:ParentFolderIds></m:FindItem>`)
	}
	for _, c := range []struct{ name, document, code string }{
		{"empty", "", "ErrorSchemaValidation"},
		{"text", "hello", "ErrorSchemaValidation"},
		{"malformed", wrap("<m:GetFolder>"), "ErrorSchemaValidation"},
		{"truncated", wrap(getInbox)[:300], "ErrorSchemaValidation"},
		{"doctype", "<!DOCTYPE x [<!ENTITY a 'b'>]>" + wrap(getInbox), "ErrorSchemaValidation"},
		{"nested", wrap(nested), "ErrorInvalidOperation"},
		{"nested in an operation", wrap("<m:GetFolder>" + nested), "ErrorSchemaValidation"},
		{"not SOAP 1.1", strings.Replace(wrap(getInbox), soap.NSEnvelope, "http://www.w3.org/2003/05/soap-envelope", 1), "ErrorSchemaValidation"},
		{"unknown operation", wrap("<m:DropTables/>"), "ErrorInvalidOperation"},
		{"operation not offered", wrap("<m:PlayOnPhone/>"), "ErrorInvalidOperation"},
		{"operation of another namespace", wrap("<t:GetFolder/>"), "ErrorInvalidOperation"},
		{"version", strings.Replace(wrap(getInbox), "Exchange2016", "Exchange 97", 1), "ErrorInvalidServerVersion"},
		{"no shape", wrap("<m:GetItem><m:ItemIds/></m:GetItem>"), "ErrorSchemaValidation"},
		{"FieldURI", wrap(strings.Replace(getInbox, "</t:BaseShape>", `</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI="nonsense"/></t:AdditionalProperties>`, 1)), "ErrorSchemaValidation"},
		{"restriction too deep", find("<m:Restriction>" + strings.Repeat("<t:Not>", 50) + strings.Repeat("<t:And>", 50)), "ErrorSchemaValidation"},
		{"grouping without a path", find(`<m:GroupBy Order="Ascending"/>`), "ErrorSchemaValidation"},
		{"grouping without an aggregate", find(`<m:GroupBy Order="Ascending"><t:FieldURI FieldURI="item:Subject"/><t:AggregateOn><t:FieldURI FieldURI="item:Size"/></t:AggregateOn></m:GroupBy>`), "ErrorSchemaValidation"},
		{"another standard grouping", find(`<m:DistinguishedGroupBy Order="Ascending"><t:StandardGroupBy>Size</t:StandardGroupBy></m:DistinguishedGroupBy>`), "ErrorSchemaValidation"},
		{"two groupings", find(`<m:GroupBy Order="Ascending"/><m:DistinguishedGroupBy Order="Ascending"><t:StandardGroupBy>ConversationTopic</t:StandardGroupBy></m:DistinguishedGroupBy>`), "ErrorSchemaValidation"},
		{"seeking nothing", find(`<m:SeekToConditionPageItemView BasePoint="Beginning"/>`), "ErrorSchemaValidation"},
		{"changes", wrap(`<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:SyncFolderId><t:DistinguishedFolderId Id="inbox"/></m:SyncFolderId><m:MaxChangesReturned>513</m:MaxChangesReturned></m:SyncFolderItems>`), "ErrorSchemaValidation"},
		{"base64", wrap(`<m:CreateItem MessageDisposition="SaveOnly"><m:Items><t:Message><t:MimeContent>!!</t:MimeContent></t:Message></m:Items></m:CreateItem>`), "ErrorMimeContentInvalidBase64String"},
	} {
		status, answer := w.ask(c.document)
		if status != http.StatusInternalServerError || !strings.Contains(answer, "<faultcode>t:"+c.code+"</faultcode>") || !strings.Contains(answer, "<t:ServerVersionInfo ") {
			t.Errorf("%s: status %d, want a fault %s:\n%s", c.name, status, c.code, answer)
		}
		env, err := soap.NewReader(strings.NewReader(answer), soap.DefaultLimits).Envelope()
		if err == nil {
			_, err = env.Request(nil, nil)
		}
		if err != nil || len(env.Header) != 1 {
			t.Errorf("%s: answer is no envelope with one header block: %v", c.name, err)
		}
	}
}

// TestRequestProblems holds that what a request names wrongly is no fault but a
// response message for each object that it is about.
func TestRequestProblems(t *testing.T) {
	w := newWorld(t)
	find := func(inner string) string {
		return wrap(`<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>` + inner +
			`<m:ParentFolderIds><t:DistinguishedFolderId Id="inbox"/><t:DistinguishedFolderId Id="drafts"/></m:ParentFolderIds></m:FindItem>`)
	}
	for _, c := range []struct{ name, document, code string }{
		{"grouping by what has no order", find(`<m:GroupBy Order="Ascending"><t:FieldURI FieldURI="item:UniqueBody"/><t:AggregateOn Aggregate="Minimum"><t:FieldURI FieldURI="item:Size"/></t:AggregateOn></m:GroupBy>`), "ErrorUnsupportedPathForSortGroup"},
		{"seeking what cannot be searched", find(`<m:SeekToConditionPageItemView BasePoint="Beginning"><t:Condition><t:Exists><t:FieldURI FieldURI="item:UniqueBody"/></t:Exists></t:Condition></m:SeekToConditionPageItemView>`), "ErrorUnsupportedPathForQuery"},
		{"restriction too long", find("<m:Restriction><t:Or>" + strings.Repeat(`<t:Exists><t:FieldURI FieldURI="item:Subject"/></t:Exists>`, 300) + "</t:Or></m:Restriction>"), "ErrorRestrictionTooComplex"},
		{"no path for queries", find(`<m:Restriction><t:Exists><t:FieldURI FieldURI="item:UniqueBody"/></t:Exists></m:Restriction>`), "ErrorUnsupportedPathForQuery"},
		{"no path for order", find(`<m:SortOrder><t:FieldOrder Order="Ascending"><t:FieldURI FieldURI="item:UniqueBody"/></t:FieldOrder></m:SortOrder>`), "ErrorUnsupportedPathForSortGroup"},
		{"value", find(`<m:Restriction><t:IsEqualTo><t:FieldURI FieldURI="item:Size"/><t:FieldURIOrConstant><t:Constant Value="much"/></t:FieldURIOrConstant></t:IsEqualTo></m:Restriction>`), "ErrorInvalidValueForProperty"},
		{"extended property", wrap(`<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties><t:ExtendedFieldURI PropertyType="String"/></t:AdditionalProperties></m:ItemShape><m:ItemIds><t:ItemId Id="a"/><t:ItemId Id="b"/></m:ItemIds></m:GetItem>`), "ErrorInvalidExtendedProperty"},
	} {
		status, answer := w.ask(c.document)
		if status != http.StatusOK || strings.Count(answer, `ResponseClass="Error"`) != 2 || strings.Count(answer, "<m:ResponseCode>"+c.code+"<") != 2 {
			t.Errorf("%s: status %d, want two messages of %s:\n%s", c.name, status, c.code, answer)
		}
	}
}

// letters gives so many of them.
type letters struct{ left int64 }

func (l *letters) Read(p []byte) (int, error) {
	if l.left == 0 {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), l.left))
	for i := range n {
		p[i] = 'A'
	}
	l.left -= int64(n)
	return n, nil
}

// TestLongBody sends 100 MB over a real connection: the answer is a fault, memory
// stays bounded, and the connection takes the next request.
func TestLongBody(t *testing.T) {
	w := newWorld(t)
	s := w.server()
	dials := 0
	client := s.Client()
	tr := client.Transport.(*http.Transport).Clone()
	tr.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		dials++
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
	client.Transport = tr
	post := func(body io.Reader, size int64) string {
		t.Helper()
		req, _ := http.NewRequest("POST", s.URL+"/EWS/Exchange.asmx", body)
		req.ContentLength = size
		req.Header.Set("Authorization", "Bearer anna")
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(answer)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const size = 100 << 20
	for _, head := range []string{
		wrap("<m:GetFolder><m:FolderShape>")[:len(wrap("<m:GetFolder><m:FolderShape>"))-len("</s:Body></s:Envelope>")],
		strings.Split(wrap(`<m:CreateItem MessageDisposition="SaveOnly"><m:Items><t:Message><t:Subject>|`), "|")[0],
	} {
		answer := post(io.MultiReader(strings.NewReader(head), &letters{size}), int64(len(head))+size)
		if !strings.Contains(answer, "t:ErrorSchemaValidation") {
			t.Errorf("answer %.300s", answer)
		}
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 200<<20 {
		t.Errorf("two bodies of 100 MB took %d MB of allocations in all", got>>20)
	}
	if answer := post(strings.NewReader(wrap(getInbox)), -1); !strings.Contains(answer, "NoError") {
		t.Errorf("the connection is not usable: %.300s", answer)
	}
	if dials != 1 {
		t.Errorf("%d connections, want 1", dials)
	}
}

// TestTruncatedConnection ends a connection in the middle of a request; the server goes on.
func TestTruncatedConnection(t *testing.T) {
	w := newWorld(t)
	s := httptest.NewServer(w.server().Config.Handler)
	defer s.Close()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST /EWS/Exchange.asmx HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer anna\r\nContent-Length: 5000\r\n\r\n%s", wrap(getInbox)[:200])
	conn.(*net.TCPConn).CloseWrite()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusInternalServerError || !bytes.Contains(answer, []byte("ErrorSchemaValidation")) {
		t.Errorf("status %d: %s", resp.StatusCode, answer)
	}
}

func impersonate(sid string) string {
	return strings.Replace(wrap(getInbox), "</s:Header>", `<t:ExchangeImpersonation><t:ConnectingSID>`+sid+`</t:ConnectingSID></t:ExchangeImpersonation></s:Header>`, 1)
}

func TestImpersonation(t *testing.T) {
	w := newWorld(t)
	grant := func(_ context.Context, application string, caller, p *org.Recipient) (bool, error) {
		return (application == "granted" && caller == nil || application == "" && caller == w.bob) && p != w.anna, nil
	}
	app := func(id string, roles ...string) *auth.Identity {
		return &auth.Identity{AuthN: "Bearer*", Application: id, Roles: roles}
	}
	anna := &auth.Identity{Recipient: w.anna, AuthN: "Bearer*"}
	const bob, denied = "<t:PrimarySmtpAddress>bob@contoso.com</t:PrimarySmtpAddress>", "ErrorImpersonateUserDenied"
	for _, c := range []struct {
		name     string
		identity *auth.Identity
		document string
		grant    bool
		status   int
		want     string
	}{
		{"a person, herself", anna, impersonate("<t:PrincipalName>ANNA@contoso.com</t:PrincipalName>"), true, 200, "NoError"},
		{"a person, somebody else", anna, impersonate(bob), true, 500, denied},
		{"a person with the role, out of scope", &auth.Identity{Recipient: w.bob, AuthN: "Bearer*"}, impersonate("<t:PrincipalName>anna@contoso.com</t:PrincipalName>"), true, 500, denied},
		{"nobody", nil, wrap(getInbox), true, 500, "ErrorAccessDenied"},
		{"application, granted", app("granted", "full_access_as_app"), impersonate(bob), true, 200, "NoError"},
		{"application by SID", app("granted", "full_access_as_app"), impersonate("<t:SID>" + w.bob.SID + "</t:SID>"), true, 200, "NoError"},
		{"application, not for her", app("granted", "full_access_as_app"), impersonate("<t:SmtpAddress>anna@contoso.com</t:SmtpAddress>"), true, 500, denied},
		{"application, for nobody", app("granted", "full_access_as_app"), impersonate("<t:SmtpAddress>nobody@contoso.com</t:SmtpAddress>"), true, 500, denied},
		{"application, for an unknown SID", app("granted", "full_access_as_app"), impersonate("<t:SID>S-1-5-21-9</t:SID>"), true, 500, denied},
		{"application, another", app("other", "full_access_as_app"), impersonate(bob), true, 500, denied},
		{"application, no grants at all", app("granted", "full_access_as_app"), impersonate(bob), false, 500, denied},
		{"application without the role", app("granted", "Mail.Read"), impersonate(bob), true, 403, "not enough scope"},
		{"application without a person", app("granted", "full_access_as_app"), wrap(getInbox), true, 403, "ExchangeImpersonation"},
		{"application, two persons", app("granted", "full_access_as_app"), impersonate(bob + bob), true, 500, "ErrorSchemaValidation"},
	} {
		opts := w.opts
		if c.grant {
			opts.MayImpersonate = grant
		}
		door := New(w.store, w.mail, opts)
		r := w.request(nil, strings.NewReader(c.document))
		r.Identity = c.identity
		rec := httptest.NewRecorder()
		door.ServeDoor(rec, r)
		if rec.Code != c.status || !strings.Contains(rec.Body.String(), c.want) {
			t.Errorf("%s: status %d, want %d and %s:\n%s", c.name, rec.Code, c.status, c.want, rec.Body)
		}
		if told := r.Record.Impersonated == "bob@contoso.com"; told != (c.status == 200 && c.identity != anna) {
			t.Errorf("%s: the record says %q", c.name, r.Record.Impersonated)
		}
		if c.status != 200 && c.want != "ErrorSchemaValidation" && r.Record.Reason == "" {
			t.Errorf("%s: the record has no reason", c.name)
		}
	}
}

// TestKinds holds that every kind of failure of the layers below has a code.
func TestKinds(t *testing.T) {
	w := newWorld(t)
	for _, kind := range []error{
		store.ErrNotFound, store.ErrConflict, store.ErrMalformedID, store.ErrExists, store.ErrStateTooOld, store.ErrQuota, store.ErrTooLarge,
		store.ErrDenied, store.ErrInvalid, store.ErrTooComplex, store.ErrUnsortable, store.ErrTooMany, store.ErrFull, store.ErrMalformedItem,
		transport.ErrUnknownRecipient, transport.ErrSendAsDenied, transport.ErrNoRecipients, transport.ErrTooLarge,
		transport.ErrTooMany, transport.ErrInvalidAddress,
	} {
		code, text := w.door.codeOf(w.request(w.anna, nil), fmt.Errorf("operation: %w", kind))
		if code == errInternalFailure.code || !strings.HasPrefix(code, "Error") || text == "" {
			t.Errorf("%v is %s %q", kind, code, text)
		}
	}
	if code, text := w.door.codeOf(w.request(w.anna, nil), errors.New("secret detail")); code != "ErrorInternalServerError" || strings.Contains(text, "secret") {
		t.Errorf("another error is %s %q", code, text)
	}
}

func TestOtherRequests(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		method, rest string
		status       int
	}{
		{"GET", "/exchange.asmx", 200}, {"HEAD", "/Exchange.asmx", 200}, {"GET", "/Services.wsdl", 200}, {"GET", "/other", 404}, {"PUT", "/Exchange.asmx", 405}, {"POST", "/other", 404},
	} {
		r := w.request(w.anna, strings.NewReader(wrap(getInbox)))
		r.Method, r.Rest = c.method, c.rest
		rec := httptest.NewRecorder()
		w.door.ServeDoor(rec, r)
		if rec.Code != c.status {
			t.Errorf("%s %s: %d, want %d", c.method, c.rest, rec.Code, c.status)
		}
	}
}

// FuzzDoor throws documents at the door: whatever comes in, a complete envelope goes out.
func FuzzDoor(f *testing.F) {
	w := newWorld(f)
	w.deliver(plainMail)
	w.deliver(attachedMail)
	for _, seed := range requests(f) {
		f.Add(wrap(w.fill(seed)))
	}
	f.Fuzz(func(t *testing.T, document string) {
		w.t = t
		status, answer := w.ask(document)
		if status != 200 && status != 500 {
			t.Errorf("status %d", status)
		}
		env, err := soap.NewReader(strings.NewReader(answer), soap.DefaultLimits).Envelope()
		if err == nil {
			_, err = env.Request(nil, nil)
		}
		if err != nil {
			t.Errorf("answer: %v\n%s", err, answer)
		}
		if strings.Contains(answer, "ErrorInternalServerError") {
			t.Errorf("internal error for %q", document)
		}
	})
}

// belongings are the ids of one thing of each kind that has an id, by kind, and the change key of the item.
type belongings map[string]string

// idTag and attachmentTag find the ids that an answer tells.
var (
	idTag         = regexp.MustCompile(`<t:(?:ItemId|FolderId) Id="([^"]+)" ChangeKey="([^"]+)"`)
	attachmentTag = regexp.MustCompile(`<t:AttachmentId Id="([^"]+)"`)
)

// belong makes a folder in somebody's mailbox with one thing of each kind in it, all with the mark
// in the words of them, and a rule and a subscription.
func (w *world) belong(who *org.Recipient, mark string) belongings {
	w.t.Helper()
	has := belongings{}
	ask := func(request string, names ...string) []string {
		w.t.Helper()
		words := []string{"MARK", mark, "{shape}", `<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>`}
		for name, id := range has {
			words = append(words, "{"+name+"}", id)
		}
		status, answer := w.askAs(who, wrap(strings.NewReplacer(words...).Replace(request)))
		if status != 200 || strings.Contains(answer, `ResponseClass="Error"`) {
			w.t.Fatalf("%s: %s", request, answer)
		}
		if len(names) > 0 {
			at := idTag
			if names[0] == "attachment" {
				at = attachmentTag
			}
			found := at.FindStringSubmatch(answer)
			if found == nil {
				w.t.Fatalf("%s: %s", request, answer)
			}
			for i, name := range names {
				has[name] = found[i+1]
			}
		}
		return regexp.MustCompile(`<(?:m|t):(?:SubscriptionId|SyncState|RuleId)>([^<]+)`).FindStringSubmatch(answer)
	}
	create := func(item string) string {
		return `<m:CreateItem MessageDisposition="SaveOnly" SendMeetingInvitations="SendToNone"><m:SavedItemFolderId><t:FolderId Id="{folder}"/></m:SavedItemFolderId><m:Items>` + item + `</m:Items></m:CreateItem>`
	}
	ask(`<m:CreateFolder><m:ParentFolderId><t:DistinguishedFolderId Id="inbox"/></m:ParentFolderId><m:Folders><t:Folder><t:DisplayName>MARK</t:DisplayName></t:Folder></m:Folders></m:CreateFolder>`, "folder")
	ask(create(`<t:Message><t:Subject>MARK</t:Subject><t:Body BodyType="Text">MARK</t:Body><t:Attachments><t:FileAttachment><t:Name>MARK.txt</t:Name><t:Content>eA==</t:Content></t:FileAttachment></t:Attachments><t:ToRecipients><t:Mailbox><t:EmailAddress>`+who.PrimarySMTP+`</t:EmailAddress></t:Mailbox></t:ToRecipients></t:Message>`), "item")
	ask(`<m:GetItem>{shape}<m:ItemIds><t:ItemId Id="{item}"/></m:ItemIds></m:GetItem>`, "item", "key")
	ask(strings.Replace(`<m:GetItem>{shape}<m:ItemIds><t:ItemId Id="{item}"/></m:ItemIds></m:GetItem>`, "{shape}", `<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI="item:Attachments"/></t:AdditionalProperties></m:ItemShape>`, 1), "attachment")
	ask(create(`<t:CalendarItem><t:Subject>MARK</t:Subject><t:Start>2026-03-16T09:00:00Z</t:Start><t:End>2026-03-16T10:00:00Z</t:End><t:Location>MARK</t:Location><t:Recurrence><t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence><t:NumberedRecurrence><t:StartDate>2026-03-16</t:StartDate><t:NumberOfOccurrences>3</t:NumberOfOccurrences></t:NumberedRecurrence></t:Recurrence></t:CalendarItem>`), "event")
	ask(`<m:GetItem>{shape}<m:ItemIds><t:OccurrenceItemId RecurringMasterId="{event}" InstanceIndex="2"/></m:ItemIds></m:GetItem>`, "occurrence")
	ask(create(`<t:Contact><t:DisplayName>MARK</t:DisplayName><t:GivenName>MARK</t:GivenName><t:EmailAddresses><t:Entry Key="EmailAddress1">MARK@example.net</t:Entry></t:EmailAddresses></t:Contact>`), "contact")
	ask(create(`<t:DistributionList><t:DisplayName>MARK</t:DisplayName><t:Members><t:Member><t:Mailbox><t:Name>MARK</t:Name><t:EmailAddress>MARK@example.net</t:EmailAddress><t:RoutingType>SMTP</t:RoutingType><t:MailboxType>OneOff</t:MailboxType></t:Mailbox></t:Member></t:Members></t:DistributionList>`), "list")
	has["subscription"] = ask(`<m:Subscribe><m:PullSubscriptionRequest><t:FolderIds><t:FolderId Id="{folder}"/></t:FolderIds><t:EventTypes><t:EventType>CreatedEvent</t:EventType></t:EventTypes><t:Timeout>5</t:Timeout></m:PullSubscriptionRequest></m:Subscribe>`)[1]
	has["items state"] = ask(`<m:SyncFolderItems>{shape}<m:SyncFolderId><t:FolderId Id="{folder}"/></m:SyncFolderId><m:MaxChangesReturned>1</m:MaxChangesReturned></m:SyncFolderItems>`)[1]
	has["folders state"] = ask(`<m:SyncFolderHierarchy><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:SyncFolderId><t:FolderId Id="{folder}"/></m:SyncFolderId></m:SyncFolderHierarchy>`)[1]
	ask(`<m:UpdateInboxRules><m:RemoveOutlookRuleBlob>true</m:RemoveOutlookRuleBlob><m:Operations><t:CreateRuleOperation><t:Rule><t:DisplayName>MARK</t:DisplayName><t:Priority>1</t:Priority><t:IsEnabled>true</t:IsEnabled><t:Conditions/><t:Exceptions/><t:Actions><t:MarkAsRead>true</t:MarkAsRead></t:Actions></t:Rule></t:CreateRuleOperation></m:Operations></m:UpdateInboxRules>`)
	has["rule"] = ask(`<m:GetInboxRules/>`)[1]
	m, at := w.mailbox(who), w.id(has["item"]).(store.ItemID)
	item, err := m.Item(w.t.Context(), at, store.Want{All: true})
	if err != nil {
		w.t.Fatal(err)
	}
	conversation, ok := item.Conversation()
	if !ok {
		w.t.Fatal("an item without a conversation")
	}
	has["conversation"], has["address"], has["mailbox"] = conversation.Encode(idKey), who.PrimarySMTP, who.MailboxGUID.String()
	return has
}

// id reads an id.
func (w *world) id(text string) store.ID {
	w.t.Helper()
	id, err := store.ParseID(idKey, text)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// hostileRow is a request of an operation with one place for an id, {id}; {folder} and other kinds of
// belongings stand for what the caller has. Every such place of an operation has a row.
type hostileRow struct {
	operation string
	takes     string // the kind of belonging whose id has its place there
	request   string
	// codes are those of ways in which the place differs from others of its kind; "" allows any answer that
	// tells nothing and changes nothing. "good" is what the id of an own thing gets, NoError without it.
	codes map[string]string
}

// hostileCodes are the response codes for a bad id in the place of one of a kind, by what is wrong with
// it: missing, of another kind, foreign (in a mailbox in which the caller may do nothing), hidden (in one of
// which the caller may see another folder), forged, gone, moved, and a forged change key with a good id.
var hostileCodes = map[string]map[string]string{
	"item": {"missing": "ErrorInvalidIdEmpty", "element": "ErrorSchemaValidation", "folder": "ErrorCannotUseFolderIdForItemId", "attachment": "ErrorInvalidId", "conversation": "ErrorInvalidId", "items state": "ErrorInvalidIdMalformed",
		"foreign": "ErrorAccessDenied", "hidden": "ErrorItemNotFound", "forged": "ErrorInvalidIdMalformed", "gone": "ErrorItemNotFound", "moved": "ErrorItemNotFound", "change key": "ErrorInvalidChangeKey"},
	"folder": {"missing": "ErrorInvalidIdEmpty", "element": "ErrorSchemaValidation", "item": "ErrorCannotUseItemIdForFolderId", "attachment": "ErrorInvalidId", "conversation": "ErrorInvalidId", "items state": "ErrorInvalidIdMalformed",
		"foreign": "ErrorAccessDenied", "hidden": "ErrorFolderNotFound", "forged": "ErrorInvalidIdMalformed", "gone": "ErrorFolderNotFound", "change key": "ErrorInvalidChangeKey", "named": "ErrorAccessDenied", "nobody's": "ErrorNonExistentMailbox"},
	"attachment": {"missing": "ErrorInvalidIdEmpty", "element": "ErrorSchemaValidation", "item": "ErrorInvalidId", "folder": "ErrorInvalidId", "conversation": "ErrorInvalidId", "items state": "ErrorInvalidIdMalformed",
		"foreign": "ErrorAccessDenied", "hidden": "ErrorItemNotFound", "forged": "ErrorInvalidIdMalformed", "gone": "ErrorItemNotFound", "moved": "ErrorItemNotFound"},
	"conversation": {"missing": "ErrorInvalidIdEmpty", "element": "ErrorInvalidIdEmpty", "item": "ErrorInvalidId", "folder": "ErrorInvalidId", "attachment": "ErrorInvalidId", "items state": "ErrorInvalidIdMalformed",
		"foreign": "ErrorAccessDenied", "hidden": "ErrorItemNotFound", "forged": "ErrorInvalidIdMalformed", "gone": "ErrorItemNotFound"},
	"subscription": {"missing": "ErrorSubscriptionNotFound", "element": "ErrorSchemaValidation", "item": "ErrorSubscriptionNotFound", "foreign": "ErrorSubscriptionNotFound", "hidden": "ErrorSubscriptionNotFound", "forged": "ErrorSubscriptionNotFound", "gone": "ErrorSubscriptionNotFound"},
	"items state":  {"missing": "", "element": "", "item": "ErrorInvalidSyncStateData", "folders state": "ErrorInvalidSyncStateData", "foreign": "ErrorInvalidSyncStateData", "hidden": "ErrorInvalidSyncStateData", "forged": "ErrorInvalidSyncStateData", "gone": "ErrorInvalidSyncStateData"},
	"rule":         {"missing": "", "element": "ErrorSchemaValidation", "item": "", "foreign": "", "hidden": "", "forged": "", "gone": ""},
	// A person is named by an address. What everybody may know of somebody is no secret.
	"address": {"missing": "", "element": "", "item": "", "foreign": "ErrorAccessDenied", "hidden": "ErrorAccessDenied"},
}

func init() {
	hostileCodes["folders state"] = maps.Clone(hostileCodes["items state"])
	delete(hostileCodes["folders state"], "folders state")
	hostileCodes["folders state"]["items state"] = "ErrorInvalidSyncStateData"
	for _, kind := range []string{"event", "contact", "list"} {
		hostileCodes[kind] = hostileCodes["item"]
	}
	occurrence := maps.Clone(hostileCodes["item"])
	occurrence["item"] = "ErrorCalendarCannotUseIdForOccurrenceId"
	hostileCodes["occurrence"] = occurrence
}

// everyWay is one code for everything that can be wrong with an id of a kind, where there is one.
func everyWay(kind, code string) map[string]string {
	codes := map[string]string{}
	for way := range hostileCodes[kind] {
		if way != "element" {
			codes[way] = code
		}
	}
	return codes
}

// without are the operations whose requests have no place for an id, and why.
var without = map[string]string{
	"GetRoomLists":            "it is about the address list",
	"GetSearchableMailboxes":  "it is about the address list",
	"GetServerTimeZones":      "its ids are the names of time zones",
	"GetServiceConfiguration": "it is about the server",
}

const (
	idOnly        = `<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>`
	everything    = `<m:ItemShape><t:BaseShape>AllProperties</t:BaseShape><t:AdditionalProperties><t:ExtendedFieldURI DistinguishedPropertySetId="PublicStrings" PropertyName="Own" PropertyType="String"/></t:AdditionalProperties></m:ItemShape>`
	wholeFolder   = `<m:FolderShape><t:BaseShape>AllProperties</t:BaseShape></m:FolderShape>`
	itemSlot      = `<m:ItemIds><t:ItemId Id="{id}"/></m:ItemIds>`
	ownItem       = `<m:ItemIds><t:ItemId Id="{item}"/></m:ItemIds>`
	folderSlot    = `<m:FolderIds><t:FolderId Id="{id}"/></m:FolderIds>`
	ownFolder     = `<m:FolderIds><t:FolderId Id="{folder}"/></m:FolderIds>`
	parentSlot    = `<m:ParentFolderIds><t:FolderId Id="{id}"/></m:ParentFolderIds>`
	targetSlot    = `<m:ToFolderId><t:FolderId Id="{id}"/></m:ToFolderId>`
	toDrafts      = `<m:ToFolderId><t:DistinguishedFolderId Id="drafts"/></m:ToFolderId>`
	configName    = `<t:UserConfigurationName Name="Mine"><t:FolderId Id="{id}"/></t:UserConfigurationName>`
	configNamed   = `<m:UserConfigurationName Name="Mine"><t:FolderId Id="{id}"/></m:UserConfigurationName>`
	changeNothing = `<t:Updates><t:SetItemField><t:FieldURI FieldURI="item:Subject"/><t:Message><t:Subject>new</t:Subject></t:Message></t:SetItemField></t:Updates>`
)

// hostileRows has the places for ids of all operations that are offered.
var hostileRows = []hostileRow{
	{"AddDelegate", "address", `<m:AddDelegate><m:Mailbox><t:EmailAddress>{id}</t:EmailAddress></m:Mailbox><m:DelegateUsers><t:DelegateUser><t:UserId><t:PrimarySmtpAddress>bob@contoso.com</t:PrimarySmtpAddress></t:UserId></t:DelegateUser></m:DelegateUsers></m:AddDelegate>`, map[string]string{"missing": "ErrorNonExistentMailbox", "element": "ErrorSchemaValidation", "item": "ErrorNonExistentMailbox"}},
	{"AddDelegate", "address", `<m:AddDelegate><m:Mailbox><t:EmailAddress>anna@contoso.com</t:EmailAddress></m:Mailbox><m:DelegateUsers><t:DelegateUser><t:UserId><t:PrimarySmtpAddress>{id}</t:PrimarySmtpAddress></t:UserId></t:DelegateUser></m:DelegateUsers></m:AddDelegate>`, map[string]string{"element": "", "foreign": "", "hidden": ""}},
	{"ApplyConversationAction", "conversation", `<m:ApplyConversationAction><m:ConversationActions><t:ConversationAction><t:Action>SetReadState</t:Action><t:ConversationId Id="{id}"/><t:IsRead>true</t:IsRead></t:ConversationAction></m:ConversationActions></m:ApplyConversationAction>`,
		map[string]string{"gone": "", "hidden": ""}}, // there is nothing to act on
	{"ApplyConversationAction", "folder", `<m:ApplyConversationAction><m:ConversationActions><t:ConversationAction><t:Action>SetReadState</t:Action><t:ConversationId Id="{conversation}"/><t:ContextFolderId><t:FolderId Id="{id}"/></t:ContextFolderId><t:IsRead>true</t:IsRead></t:ConversationAction></m:ConversationActions></m:ApplyConversationAction>`, nil},
	{"ApplyConversationAction", "folder", `<m:ApplyConversationAction><m:ConversationActions><t:ConversationAction><t:Action>Move</t:Action><t:ConversationId Id="{conversation}"/><t:DestinationFolderId><t:FolderId Id="{id}"/></t:DestinationFolderId></t:ConversationAction></m:ConversationActions></m:ApplyConversationAction>`, nil},
	{"ArchiveItem", "item", `<m:ArchiveItem><m:ArchiveSourceFolderId><t:DistinguishedFolderId Id="inbox"/></m:ArchiveSourceFolderId>` + itemSlot + `</m:ArchiveItem>`, nil},
	{"ArchiveItem", "folder", `<m:ArchiveItem><m:ArchiveSourceFolderId><t:FolderId Id="{id}"/></m:ArchiveSourceFolderId>` + ownItem + `</m:ArchiveItem>`, nil},
	// An id of any kind is turned into another form; whether the thing is there is not looked at.
	{"ConvertId", "item", `<m:ConvertId DestinationFormat="EntryId"><m:SourceIds><t:AlternateId Format="EwsId" Id="{id}" Mailbox="anna@contoso.com"/></m:SourceIds></m:ConvertId>`,
		map[string]string{"folder": "", "attachment": "", "gone": "", "moved": "", "hidden": "", "conversation": "", "change key": ""}},
	{"CopyFolder", "folder", `<m:CopyFolder>` + toDrafts + folderSlot + `</m:CopyFolder>`, nil},
	{"CopyFolder", "folder", `<m:CopyFolder>` + targetSlot + ownFolder + `</m:CopyFolder>`, map[string]string{"good": ""}},
	{"CopyItem", "item", `<m:CopyItem>` + toDrafts + itemSlot + `</m:CopyItem>`, nil},
	{"CopyItem", "folder", `<m:CopyItem>` + targetSlot + ownItem + `</m:CopyItem>`, nil},
	{"CreateAttachment", "item", `<m:CreateAttachment><m:ParentItemId Id="{id}"/><m:Attachments><t:FileAttachment><t:Name>x</t:Name><t:Content>eA==</t:Content></t:FileAttachment></m:Attachments></m:CreateAttachment>`, map[string]string{"hidden": "ErrorAccessDenied"}}, // nothing can be written there
	{"CreateFolder", "folder", `<m:CreateFolder><m:ParentFolderId><t:DistinguishedFolderId Id="searchfolders"/></m:ParentFolderId><m:Folders><t:SearchFolder><t:DisplayName>x</t:DisplayName><t:SearchParameters><t:Restriction><t:Exists><t:FieldURI FieldURI="item:Subject"/></t:Exists></t:Restriction><t:BaseFolderIds><t:FolderId Id="{id}"/></t:BaseFolderIds></t:SearchParameters></t:SearchFolder></m:Folders></m:CreateFolder>`, nil},
	{"CreateFolder", "folder", `<m:CreateFolder><m:ParentFolderId><t:FolderId Id="{id}"/></m:ParentFolderId><m:Folders><t:Folder><t:DisplayName>x</t:DisplayName></t:Folder></m:Folders></m:CreateFolder>`, nil},
	{"CreateItem", "folder", `<m:CreateItem MessageDisposition="SaveOnly"><m:SavedItemFolderId><t:FolderId Id="{id}"/></m:SavedItemFolderId><m:Items><t:Message><t:Subject>x</t:Subject></t:Message></m:Items></m:CreateItem>`, nil},
	{"CreateItem", "folder", `<m:CreateItem><m:SavedItemFolderId><t:FolderId Id="{id}"/></m:SavedItemFolderId><m:Items><t:Contact><t:GivenName>x</t:GivenName></t:Contact></m:Items></m:CreateItem>`, nil},
	{"CreateItem", "folder", `<m:CreateItem SendMeetingInvitations="SendToNone"><m:SavedItemFolderId><t:FolderId Id="{id}"/></m:SavedItemFolderId><m:Items><t:CalendarItem><t:Subject>x</t:Subject><t:Start>2026-03-16T09:00:00Z</t:Start><t:End>2026-03-16T10:00:00Z</t:End></t:CalendarItem></m:Items></m:CreateItem>`, nil},
	{"CreateItem", "item", `<m:CreateItem MessageDisposition="SaveOnly"><m:Items><t:ReplyToItem><t:ReferenceItemId Id="{id}"/></t:ReplyToItem></m:Items></m:CreateItem>`, nil},
	{"CreateItem", "item", `<m:CreateItem MessageDisposition="SaveOnly"><m:Items><t:ReplyAllToItem><t:ReferenceItemId Id="{id}"/></t:ReplyAllToItem></m:Items></m:CreateItem>`, nil},
	{"CreateItem", "item", `<m:CreateItem MessageDisposition="SaveOnly"><m:Items><t:ForwardItem><t:ReferenceItemId Id="{id}"/></t:ForwardItem></m:Items></m:CreateItem>`, nil},
	{"CreateItem", "item", `<m:CreateItem MessageDisposition="SaveOnly"><m:Items><t:PostReplyItem><t:ReferenceItemId Id="{id}"/></t:PostReplyItem></m:Items></m:CreateItem>`, map[string]string{"good": "ErrorInvalidOperation"}},
	{"CreateItem", "item", `<m:CreateItem MessageDisposition="SaveOnly"><m:Items><t:SuppressReadReceipt><t:ReferenceItemId Id="{id}"/></t:SuppressReadReceipt></m:Items></m:CreateItem>`, nil},
	{"CreateItem", "event", `<m:CreateItem MessageDisposition="SaveOnly"><m:Items><t:AcceptItem><t:ReferenceItemId Id="{id}"/></t:AcceptItem></m:Items></m:CreateItem>`, map[string]string{"good": "ErrorInvalidOperation"}},
	{"CreateItem", "event", `<m:CreateItem MessageDisposition="SaveOnly"><m:Items><t:TentativelyAcceptItem><t:ReferenceItemId Id="{id}"/></t:TentativelyAcceptItem></m:Items></m:CreateItem>`, map[string]string{"good": "ErrorInvalidOperation"}},
	{"CreateItem", "event", `<m:CreateItem MessageDisposition="SaveOnly"><m:Items><t:DeclineItem><t:ReferenceItemId Id="{id}"/></t:DeclineItem></m:Items></m:CreateItem>`, map[string]string{"good": "ErrorInvalidOperation"}},
	{"CreateItem", "event", `<m:CreateItem MessageDisposition="SendOnly"><m:Items><t:CancelCalendarItem><t:ReferenceItemId Id="{id}"/></t:CancelCalendarItem></m:Items></m:CreateItem>`, nil},
	{"CreateItem", "event", `<m:CreateItem MessageDisposition="SaveOnly"><m:Items><t:RemoveItem><t:ReferenceItemId Id="{id}"/></t:RemoveItem></m:Items></m:CreateItem>`, map[string]string{"good": "ErrorCalendarIsOrganizerForAccept"}},
	{"CreateItem", "contact", `<m:CreateItem><m:Items><t:DistributionList><t:DisplayName>x</t:DisplayName><t:Members><t:Member><t:Mailbox><t:MailboxType>Contact</t:MailboxType><t:ItemId Id="{id}"/></t:Mailbox></t:Member></t:Members></t:DistributionList></m:Items></m:CreateItem>`, map[string]string{"element": "ErrorInvalidRecipients"}},
	{"CreateUserConfiguration", "folder", `<m:CreateUserConfiguration><m:UserConfiguration>` + configName + `<t:BinaryData>AAEC</t:BinaryData></m:UserConfiguration></m:CreateUserConfiguration>`, nil},
	{"DeleteAttachment", "attachment", `<m:DeleteAttachment><m:AttachmentIds><t:AttachmentId Id="{id}"/></m:AttachmentIds></m:DeleteAttachment>`, nil},
	{"DeleteFolder", "folder", `<m:DeleteFolder DeleteType="HardDelete">` + folderSlot + `</m:DeleteFolder>`, nil},
	{"DeleteItem", "item", `<m:DeleteItem DeleteType="HardDelete">` + itemSlot + `</m:DeleteItem>`, nil},
	{"DeleteItem", "item", `<m:DeleteItem DeleteType="HardDelete" SuppressReadReceipts="true">` + itemSlot + `</m:DeleteItem>`, nil},
	{"DeleteItem", "event", `<m:DeleteItem DeleteType="HardDelete" SendMeetingCancellations="SendToNone"><m:ItemIds><t:OccurrenceItemId RecurringMasterId="{id}" InstanceIndex="1"/></m:ItemIds></m:DeleteItem>`, nil},
	{"DeleteItem", "occurrence", `<m:DeleteItem DeleteType="HardDelete" SendMeetingCancellations="SendToNone"><m:ItemIds><t:RecurringMasterItemId OccurrenceId="{id}"/></m:ItemIds></m:DeleteItem>`, nil},
	{"DeleteUserConfiguration", "folder", `<m:DeleteUserConfiguration>` + configNamed + `</m:DeleteUserConfiguration>`, map[string]string{"good": "ErrorItemNotFound", "gone": "ErrorItemNotFound", "hidden": "ErrorItemNotFound"}},
	{"EmptyFolder", "folder", `<m:EmptyFolder DeleteType="HardDelete" DeleteSubFolders="true">` + folderSlot + `</m:EmptyFolder>`, nil},
	{"ExpandDL", "list", `<m:ExpandDL><m:Mailbox><t:ItemId Id="{id}"/></m:Mailbox></m:ExpandDL>`, map[string]string{"element": "ErrorNameResolutionNoResults"}},
	{"ExpandDL", "address", `<m:ExpandDL><m:Mailbox><t:EmailAddress>{id}</t:EmailAddress></m:Mailbox></m:ExpandDL>`, map[string]string{"foreign": "ErrorNameResolutionNoResults", "hidden": "ErrorNameResolutionNoResults", "good": "ErrorNameResolutionNoResults"}},
	{"ExportItems", "item", `<m:ExportItems>` + itemSlot + `</m:ExportItems>`, nil},
	{"FindConversation", "folder", `<m:FindConversation><m:IndexedPageItemView MaxEntriesReturned="10" Offset="0" BasePoint="Beginning"/><m:ParentFolderId><t:FolderId Id="{id}"/></m:ParentFolderId></m:FindConversation>`, nil},
	{"FindFolder", "folder", `<m:FindFolder Traversal="Deep">` + wholeFolder + parentSlot + `</m:FindFolder>`, nil},
	{"FindItem", "folder", `<m:FindItem Traversal="Shallow">` + everything + parentSlot + `</m:FindItem>`, nil},
	{"FindItem", "folder", `<m:FindItem Traversal="Shallow">` + everything + `<m:CalendarView StartDate="2026-03-01T00:00:00Z" EndDate="2026-04-01T00:00:00Z"/>` + parentSlot + `</m:FindItem>`, nil},
	{"FindItem", "folder", `<m:FindItem Traversal="Shallow">` + everything + parentSlot + `<m:QueryString>secret</m:QueryString></m:FindItem>`, nil},
	{"FindPeople", "folder", `<m:FindPeople><m:PersonaShape><t:BaseShape>Default</t:BaseShape></m:PersonaShape><m:IndexedPageItemView MaxEntriesReturned="9" Offset="0" BasePoint="Beginning"/><m:ParentFolderId><t:FolderId Id="{id}"/></m:ParentFolderId></m:FindPeople>`, nil},
	{"GetAttachment", "attachment", `<m:GetAttachment><m:AttachmentIds><t:AttachmentId Id="{id}"/></m:AttachmentIds></m:GetAttachment>`, nil},
	{"GetConversationItems", "conversation", `<m:GetConversationItems>` + everything + `<m:Conversations><t:Conversation><t:ConversationId Id="{id}"/></t:Conversation></m:Conversations></m:GetConversationItems>`, nil},
	{"GetDelegate", "address", `<m:GetDelegate IncludePermissions="true"><m:Mailbox><t:EmailAddress>{id}</t:EmailAddress></m:Mailbox></m:GetDelegate>`, map[string]string{"missing": "ErrorNonExistentMailbox", "element": "ErrorSchemaValidation", "item": "ErrorNonExistentMailbox"}},
	{"GetDelegate", "address", `<m:GetDelegate IncludePermissions="true"><m:Mailbox><t:EmailAddress>anna@contoso.com</t:EmailAddress></m:Mailbox><m:UserIds><t:UserId><t:PrimarySmtpAddress>{id}</t:PrimarySmtpAddress></t:UserId></m:UserIds></m:GetDelegate>`, map[string]string{"element": "", "foreign": "", "hidden": ""}},
	{"GetEvents", "subscription", `<m:GetEvents><m:SubscriptionId>{id}</m:SubscriptionId><m:Watermark>AQAAAAAAAAAA</m:Watermark></m:GetEvents>`, nil},
	{"GetFolder", "folder", `<m:GetFolder>` + wholeFolder + folderSlot + `</m:GetFolder>`, nil},
	{"GetInboxRules", "address", `<m:GetInboxRules><m:MailboxSmtpAddress>{id}</m:MailboxSmtpAddress></m:GetInboxRules>`, nil},
	{"GetItem", "item", `<m:GetItem>` + everything + itemSlot + `</m:GetItem>`, nil},
	{"GetItem", "event", `<m:GetItem>` + everything + `<m:ItemIds><t:OccurrenceItemId RecurringMasterId="{id}" InstanceIndex="1"/></m:ItemIds></m:GetItem>`, nil},
	{"GetItem", "occurrence", `<m:GetItem>` + everything + `<m:ItemIds><t:RecurringMasterItemId OccurrenceId="{id}"/></m:ItemIds></m:GetItem>`, nil},
	{"GetMailTips", "address", `<m:GetMailTips><m:SendingAs><t:EmailAddress>anna@contoso.com</t:EmailAddress></m:SendingAs><m:Recipients><t:Mailbox><t:EmailAddress>{id}</t:EmailAddress></t:Mailbox></m:Recipients><m:MailTipsRequested>All</m:MailTipsRequested></m:GetMailTips>`, map[string]string{"foreign": "NoError", "hidden": "NoError"}},
	{"GetPasswordExpirationDate", "address", `<m:GetPasswordExpirationDate><m:MailboxSmtpAddress>{id}</m:MailboxSmtpAddress></m:GetPasswordExpirationDate>`, nil},
	{"GetPersona", "contact", `<m:GetPersona><m:PersonaId Id="{id}"/></m:GetPersona>`, map[string]string{"folder": "ErrorInvalidId", "change key": ""}},
	{"GetRooms", "address", `<m:GetRooms><m:RoomList><t:EmailAddress>{id}</t:EmailAddress></m:RoomList></m:GetRooms>`, map[string]string{"foreign": "ErrorNameResolutionNoResults", "hidden": "ErrorNameResolutionNoResults", "good": "ErrorNameResolutionNoResults"}},
	{"GetStreamingEvents", "subscription", `<m:GetStreamingEvents><m:SubscriptionIds><t:SubscriptionId>{id}</t:SubscriptionId></m:SubscriptionIds><m:ConnectionTimeout>1</m:ConnectionTimeout></m:GetStreamingEvents>`, map[string]string{"good": "ErrorSubscriptionNotFound"}},
	{"GetUserAvailabilityRequest", "address", `<m:GetUserAvailabilityRequest><m:MailboxDataArray><t:MailboxData><t:Email><t:Address>{id}</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType></t:MailboxData></m:MailboxDataArray><t:FreeBusyViewOptions><t:TimeWindow><t:StartTime>2026-03-16T00:00:00Z</t:StartTime><t:EndTime>2026-03-18T00:00:00Z</t:EndTime></t:TimeWindow><t:RequestedView>Detailed</t:RequestedView></t:FreeBusyViewOptions></m:GetUserAvailabilityRequest>`, map[string]string{"foreign": "NoError", "hidden": "NoError"}},
	{"GetUserConfiguration", "folder", `<m:GetUserConfiguration>` + configNamed + `<m:UserConfigurationProperties>All</m:UserConfigurationProperties></m:GetUserConfiguration>`, map[string]string{"good": "ErrorItemNotFound", "gone": "ErrorItemNotFound", "hidden": "ErrorItemNotFound"}},
	{"GetUserOofSettingsRequest", "address", `<m:GetUserOofSettingsRequest><t:Mailbox><t:Address>{id}</t:Address></t:Mailbox></m:GetUserOofSettingsRequest>`, nil},
	{"GetUserPhoto", "address", `<m:GetUserPhoto><m:Email>{id}</m:Email><m:SizeRequested>HR96x96</m:SizeRequested></m:GetUserPhoto>`, map[string]string{"foreign": "NoError", "hidden": "", "good": ""}},
	{"MarkAllItemsAsRead", "folder", `<m:MarkAllItemsAsRead><m:ReadFlag>true</m:ReadFlag><m:SuppressReadReceipts>true</m:SuppressReadReceipts>` + folderSlot + `</m:MarkAllItemsAsRead>`, nil},
	{"MarkAsJunk", "item", `<m:MarkAsJunk IsJunk="true" MoveItem="true">` + itemSlot + `</m:MarkAsJunk>`, nil},
	{"MoveFolder", "folder", `<m:MoveFolder>` + toDrafts + folderSlot + `</m:MoveFolder>`, nil},
	{"MoveFolder", "folder", `<m:MoveFolder>` + targetSlot + ownFolder + `</m:MoveFolder>`, map[string]string{"good": ""}},
	{"MoveItem", "item", `<m:MoveItem>` + toDrafts + itemSlot + `</m:MoveItem>`, nil},
	{"MoveItem", "folder", `<m:MoveItem>` + targetSlot + ownItem + `</m:MoveItem>`, nil},
	{"RemoveDelegate", "address", `<m:RemoveDelegate><m:Mailbox><t:EmailAddress>{id}</t:EmailAddress></m:Mailbox><m:UserIds><t:UserId><t:PrimarySmtpAddress>bob@contoso.com</t:PrimarySmtpAddress></t:UserId></m:UserIds></m:RemoveDelegate>`, map[string]string{"missing": "ErrorNonExistentMailbox", "element": "ErrorSchemaValidation", "item": "ErrorNonExistentMailbox"}},
	{"RemoveDelegate", "address", `<m:RemoveDelegate><m:Mailbox><t:EmailAddress>anna@contoso.com</t:EmailAddress></m:Mailbox><m:UserIds><t:UserId><t:PrimarySmtpAddress>{id}</t:PrimarySmtpAddress></t:UserId></m:UserIds></m:RemoveDelegate>`, map[string]string{"element": "", "foreign": "", "hidden": ""}},
	{"ResolveNames", "folder", `<m:ResolveNames ReturnFullContactData="true" SearchScope="Contacts"><m:ParentFolderIds><t:FolderId Id="{id}"/></m:ParentFolderIds><m:UnresolvedEntry>secret</m:UnresolvedEntry></m:ResolveNames>`, map[string]string{"good": "ErrorNameResolutionNoResults", "element": "ErrorNameResolutionNoResults"}},
	{"SendItem", "item", `<m:SendItem SaveItemToFolder="false"><m:ItemIds><t:ItemId Id="{id}" ChangeKey="{key}"/></m:ItemIds></m:SendItem>`, map[string]string{"old change key": "ErrorStaleObject"}},
	{"SendItem", "folder", `<m:SendItem SaveItemToFolder="true"><m:ItemIds><t:ItemId Id="{item}" ChangeKey="{key}"/></m:ItemIds><m:SavedItemFolderId><t:FolderId Id="{id}"/></m:SavedItemFolderId></m:SendItem>`, nil},
	{"SetUserOofSettingsRequest", "address", `<m:SetUserOofSettingsRequest><t:Mailbox><t:Address>{id}</t:Address></t:Mailbox><t:UserOofSettings><t:OofState>Disabled</t:OofState><t:ExternalAudience>None</t:ExternalAudience></t:UserOofSettings></m:SetUserOofSettingsRequest>`, nil},
	{"Subscribe", "folder", `<m:Subscribe><m:PullSubscriptionRequest><t:FolderIds><t:FolderId Id="{id}"/></t:FolderIds><t:EventTypes><t:EventType>CreatedEvent</t:EventType></t:EventTypes><t:Timeout>5</t:Timeout></m:PullSubscriptionRequest></m:Subscribe>`, map[string]string{"element": "ErrorInvalidSubscriptionRequest"}},
	{"Subscribe", "folder", `<m:Subscribe><m:PushSubscriptionRequest><t:FolderIds><t:FolderId Id="{id}"/></t:FolderIds><t:EventTypes><t:EventType>CreatedEvent</t:EventType></t:EventTypes><t:URL>https://listener.contoso.com/</t:URL></m:PushSubscriptionRequest></m:Subscribe>`, map[string]string{"element": "ErrorInvalidSubscriptionRequest"}},
	{"Subscribe", "folder", `<m:Subscribe><m:StreamingSubscriptionRequest><t:FolderIds><t:FolderId Id="{id}"/></t:FolderIds><t:EventTypes><t:EventType>CreatedEvent</t:EventType></t:EventTypes></m:StreamingSubscriptionRequest></m:Subscribe>`, map[string]string{"element": "ErrorInvalidSubscriptionRequest"}},
	{"SyncFolderHierarchy", "folder", `<m:SyncFolderHierarchy>` + wholeFolder + `<m:SyncFolderId><t:FolderId Id="{id}"/></m:SyncFolderId></m:SyncFolderHierarchy>`, map[string]string{"gone": "ErrorSyncFolderNotFound", "hidden": "ErrorSyncFolderNotFound"}},
	{"SyncFolderHierarchy", "folders state", `<m:SyncFolderHierarchy>` + wholeFolder + `<m:SyncFolderId><t:FolderId Id="{folder}"/></m:SyncFolderId><m:SyncState>{id}</m:SyncState></m:SyncFolderHierarchy>`, nil},
	{"SyncFolderItems", "folder", `<m:SyncFolderItems>` + everything + `<m:SyncFolderId><t:FolderId Id="{id}"/></m:SyncFolderId><m:MaxChangesReturned>9</m:MaxChangesReturned></m:SyncFolderItems>`, map[string]string{"gone": "ErrorSyncFolderNotFound", "hidden": "ErrorSyncFolderNotFound"}},
	{"SyncFolderItems", "items state", `<m:SyncFolderItems>` + everything + `<m:SyncFolderId><t:FolderId Id="{folder}"/></m:SyncFolderId><m:SyncState>{id}</m:SyncState><m:MaxChangesReturned>9</m:MaxChangesReturned></m:SyncFolderItems>`, nil},
	{"Unsubscribe", "subscription", `<m:Unsubscribe><m:SubscriptionId>{id}</m:SubscriptionId></m:Unsubscribe>`, nil},
	{"UpdateDelegate", "address", `<m:UpdateDelegate><m:Mailbox><t:EmailAddress>{id}</t:EmailAddress></m:Mailbox><m:DelegateUsers><t:DelegateUser><t:UserId><t:PrimarySmtpAddress>bob@contoso.com</t:PrimarySmtpAddress></t:UserId></t:DelegateUser></m:DelegateUsers><m:DeliverMeetingRequests>DelegatesOnly</m:DeliverMeetingRequests></m:UpdateDelegate>`, map[string]string{"missing": "ErrorNonExistentMailbox", "element": "ErrorSchemaValidation", "item": "ErrorNonExistentMailbox"}},
	{"UpdateDelegate", "address", `<m:UpdateDelegate><m:Mailbox><t:EmailAddress>anna@contoso.com</t:EmailAddress></m:Mailbox><m:DelegateUsers><t:DelegateUser><t:UserId><t:PrimarySmtpAddress>{id}</t:PrimarySmtpAddress></t:UserId></t:DelegateUser></m:DelegateUsers></m:UpdateDelegate>`, map[string]string{"element": "", "foreign": "", "hidden": ""}},
	{"UpdateFolder", "folder", `<m:UpdateFolder><m:FolderChanges><t:FolderChange><t:FolderId Id="{id}"/><t:Updates><t:SetFolderField><t:FieldURI FieldURI="folder:DisplayName"/><t:Folder><t:DisplayName>y</t:DisplayName></t:Folder></t:SetFolderField></t:Updates></t:FolderChange></m:FolderChanges></m:UpdateFolder>`, nil},
	{"UpdateInboxRules", "rule", `<m:UpdateInboxRules><m:RemoveOutlookRuleBlob>true</m:RemoveOutlookRuleBlob><m:Operations><t:SetRuleOperation><t:Rule><t:RuleId>{id}</t:RuleId><t:DisplayName>x</t:DisplayName><t:Priority>1</t:Priority><t:IsEnabled>true</t:IsEnabled><t:Actions><t:Delete>true</t:Delete></t:Actions></t:Rule></t:SetRuleOperation></m:Operations></m:UpdateInboxRules>`, map[string]string{"element": "ErrorInboxRulesValidationError"}},
	{"UpdateInboxRules", "rule", `<m:UpdateInboxRules><m:RemoveOutlookRuleBlob>true</m:RemoveOutlookRuleBlob><m:Operations><t:DeleteRuleOperation><t:RuleId>{id}</t:RuleId></t:DeleteRuleOperation></m:Operations></m:UpdateInboxRules>`, nil},
	{"UpdateInboxRules", "folder", `<m:UpdateInboxRules><m:RemoveOutlookRuleBlob>true</m:RemoveOutlookRuleBlob><m:Operations><t:CreateRuleOperation><t:Rule><t:DisplayName>x</t:DisplayName><t:Priority>1</t:Priority><t:IsEnabled>true</t:IsEnabled><t:Actions><t:MoveToFolder><t:FolderId Id="{id}"/></t:MoveToFolder></t:Actions></t:Rule></t:CreateRuleOperation></m:Operations></m:UpdateInboxRules>`, everyWay("folder", "ErrorInboxRulesValidationError")},
	{"UpdateInboxRules", "address", `<m:UpdateInboxRules><m:MailboxSmtpAddress>{id}</m:MailboxSmtpAddress><m:RemoveOutlookRuleBlob>true</m:RemoveOutlookRuleBlob><m:Operations><t:DeleteRuleOperation><t:RuleId>{rule}</t:RuleId></t:DeleteRuleOperation></m:Operations></m:UpdateInboxRules>`, map[string]string{"good": ""}},
	{"UpdateItem", "item", `<m:UpdateItem ConflictResolution="AlwaysOverwrite" MessageDisposition="SaveOnly" SuppressReadReceipts="true"><m:ItemChanges><t:ItemChange><t:ItemId Id="{id}"/><t:Updates><t:SetItemField><t:FieldURI FieldURI="message:IsRead"/><t:Message><t:IsRead>true</t:IsRead></t:Message></t:SetItemField></t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>`, nil},
	{"UpdateItem", "item", `<m:UpdateItem ConflictResolution="AlwaysOverwrite" MessageDisposition="SaveOnly"><m:ItemChanges><t:ItemChange><t:ItemId Id="{id}"/>` + changeNothing + `</t:ItemChange></m:ItemChanges></m:UpdateItem>`, nil},
	{"UpdateItem", "item", `<m:UpdateItem ConflictResolution="NeverOverwrite" MessageDisposition="SaveOnly"><m:ItemChanges><t:ItemChange><t:ItemId Id="{id}" ChangeKey="{key}"/>` + changeNothing + `</t:ItemChange></m:ItemChanges></m:UpdateItem>`, map[string]string{"old change key": "ErrorIrresolvableConflict"}},
	{"UpdateItem", "folder", `<m:UpdateItem ConflictResolution="AlwaysOverwrite" MessageDisposition="SendAndSaveCopy"><m:SavedItemFolderId><t:FolderId Id="{id}"/></m:SavedItemFolderId><m:ItemChanges><t:ItemChange><t:ItemId Id="{item}"/>` + changeNothing + `</t:ItemChange></m:ItemChanges></m:UpdateItem>`, nil},
	{"UpdateItem", "event", `<m:UpdateItem ConflictResolution="AlwaysOverwrite" SendMeetingInvitationsOrCancellations="SendToNone"><m:ItemChanges><t:ItemChange><t:OccurrenceItemId RecurringMasterId="{id}" InstanceIndex="1"/><t:Updates><t:SetItemField><t:FieldURI FieldURI="item:Subject"/><t:CalendarItem><t:Subject>new</t:Subject></t:CalendarItem></t:SetItemField></t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>`, nil},
	{"UpdateUserConfiguration", "folder", `<m:UpdateUserConfiguration><m:UserConfiguration>` + configName + `<t:BinaryData>AAEC</t:BinaryData></m:UserConfiguration></m:UpdateUserConfiguration>`, map[string]string{"good": "ErrorItemNotFound", "gone": "ErrorItemNotFound", "hidden": "ErrorItemNotFound"}},
	{"UploadItems", "folder", `<m:UploadItems><m:Items><t:Item CreateAction="CreateNew"><t:ParentFolderId Id="{id}"/><t:Data>{packed}</t:Data></t:Item></m:Items></m:UploadItems>`, nil},
	{"UploadItems", "item", `<m:UploadItems><m:Items><t:Item CreateAction="Update"><t:ParentFolderId Id="{folder}"/><t:ItemId Id="{id}"/><t:Data>{packed}</t:Data></t:Item></m:Items></m:UploadItems>`, nil},
	{"UploadItems", "item", `<m:UploadItems><m:Items><t:Item CreateAction="UpdateOrCreate"><t:ParentFolderId Id="{folder}"/><t:ItemId Id="{id}"/><t:Data>{packed}</t:Data></t:Item></m:Items></m:UploadItems>`, map[string]string{"gone": "", "moved": "", "hidden": "", "element": ""}},
}

// slot is a place for an id in a request: as an attribute or as text, and the element that has it.
var (
	slotAttr    = regexp.MustCompile(` [A-Za-z]+="\{id\}"`)
	slotElement = regexp.MustCompile(`<(?:t|m):[A-Za-z]+ [^>]*"\{id\}"[^>]*/>|<(t|m):[A-Za-z]+>\{id\}</(t|m):[A-Za-z]+>`)
	slotFolder  = `<t:FolderId Id="{id}"/>`
)

// forgeries are what a client can make of a good id and of the mailbox of somebody else.
func (w *world) forgeries(good string, other guid.GUID) []string {
	out := []string{"x", "AAMk", good + "AAAA", good[:len(good)-4]}
	if raw, err := base64.StdEncoding.DecodeString(good); err == nil && len(raw) > 40 {
		change := func(at int, with ...byte) {
			b := slices.Clone(raw)
			copy(b[at:], with)
			out = append(out, base64.StdEncoding.EncodeToString(b))
		}
		change(len(raw)-1, raw[len(raw)-1]^1)   // its seal
		change(len(raw)-11, raw[len(raw)-11]^1) // what it names
		change(4, raw[4]%3+1)                   // its kind
		change(5, other[:]...)                  // its mailbox
		change(5, make([]byte, 16)...)          // to one that nobody has
		change(0, 1)                            // its first byte
	}
	if id, err := store.ParseID(idKey, good); err == nil {
		out = append(out, id.Encode([]byte("another key of another server ...")))
	}
	return out
}

// TestHostileIDs gives every operation ids that are missing, of another kind, of other people's mailboxes,
// forged and stale, wherever it takes one: the answer has the code of that and no word of another
// mailbox, and nothing has changed in any mailbox. Whether a foreign thing exists is not told.
func TestHostileIDs(t *testing.T) {
	for i, row := range hostileRows {
		t.Run(fmt.Sprint(row.operation, " ", row.takes, " ", i), func(t *testing.T) {
			codes := maps.Clone(hostileCodes[row.takes])
			maps.Copy(codes, row.codes)
			w := newWorld(t)
			w.door.pushes = newPushes(PushOptions{To: []string{"https://listener.contoso.com"}})
			w.room = person(3, "Carol", "cccccccc-0000-4000-8000-000000000003")
			w.anna.EnableArchive("")
			foreign, hidden, foreignGone := w.belong(w.bob, "secret"), w.belong(w.room, "secret"), w.belong(w.bob, "secret, gone")
			gone, moved, mine := w.belong(w.anna, "plain, gone"), w.belong(w.anna, "plain, moved"), w.belong(w.anna, "plain")
			ctx := t.Context()
			must := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			for who, has := range map[*org.Recipient]belongings{w.bob: foreignGone, w.anna: gone} {
				must(w.mailbox(who).DeleteFolder(ctx, w.id(has["folder"]).(store.FolderID), store.HardDelete))
				must(w.mailbox(who).RemoveSubscription(ctx, w.subscribed(has["subscription"])))
			}
			for _, kind := range []string{"item", "event", "contact", "list"} {
				_, err := w.mailbox(w.anna).MoveItem(ctx, w.id(moved[kind]).(store.ItemID), w.folder(store.RoleDrafts))
				must(err)
			}
			contacts, err := w.mailbox(w.room).RoleID(store.RoleContacts)
			must(err)
			must(w.mailbox(w.room).SetPermissions(ctx, contacts, []store.Permission{{Member: w.anna.SID, Rights: store.RightFolderVisible}}))
			old := mine["key"]
			stamp, err := w.mailbox(w.anna).UpdateItem(ctx, w.id(mine["item"]).(store.ItemID), store.ItemUpdate{Set: mapi.Bag{mapi.PidTagSubject: "plain"}})
			must(err)
			mine["key"] = changeKey(itemKey, stamp.ChangeKey)
			item, err := w.mailbox(w.anna).Item(ctx, stamp.ID, store.Want{All: true, Recipients: true, Attachments: true})
			must(err)
			words := []string{"{packed}", w.packed(item)}
			for kind, id := range mine {
				words = append(words, "{"+kind+"}", id)
			}
			fill := strings.NewReplacer(words...).Replace

			state := func() (changes [3]mapi.GlobCnt) {
				for i, who := range []*org.Recipient{w.bob, w.room, w.anna} {
					changes[i], err = w.mailbox(who).LastChange(ctx)
					must(err)
				}
				return changes
			}
			ask := func(way, request, code string) string {
				t.Helper()
				before := state()
				status, answer := w.ask(wrap(fill(request)))
				after := state()
				if status != 200 && status != 500 || strings.Contains(answer, "ErrorInternalServerError") {
					t.Errorf("%s: status %d: %s", way, status, answer)
				}
				if strings.Contains(strings.ToLower(answer), "secret") {
					t.Errorf("%s: tells of another mailbox: %s", way, answer)
				}
				if before[0] != after[0] || before[1] != after[1] {
					t.Errorf("%s: changed another mailbox: %s", way, answer)
				}
				switch {
				case code == "":
				case !strings.Contains(answer, ">"+code+"<") && !strings.Contains(answer, ">t:"+code+"<"):
					t.Errorf("%s: want %s: %s", way, code, answer)
				case code != "NoError" && (strings.Contains(answer, `ResponseClass="Success"`) || before != after):
					t.Errorf("%s: did something: %s", way, answer)
				}
				return normal(answer)
			}
			put := func(id string) string { return strings.Replace(row.request, "{id}", id, 1) }
			used := map[string]bool{"good": true, "old change key": true}
			try := func(way, request string) string {
				used[way] = true
				code, known := codes[way]
				if !known {
					t.Fatalf("no code for %s", way)
				}
				return ask(way, request, code)
			}
			try("missing", slotAttr.ReplaceAllString(strings.Replace(row.request, ">{id}<", "><", 1), ""))
			try("missing", put(""))
			try("element", slotElement.ReplaceAllString(row.request, ""))
			for kind := range codes {
				if id := mine[kind]; id != "" && kind != row.takes {
					try(kind, put(id))
				}
			}
			if there, gone := try("foreign", put(foreign[row.takes])), try("foreign", put(foreignGone[row.takes])); there != gone && row.takes != "rule" && row.takes != "address" {
				t.Errorf("tells whether something exists in another mailbox:\n%s\n%s", there, gone)
			}
			try("hidden", put(hidden[row.takes]))
			if _, may := codes["forged"]; may {
				for _, id := range w.forgeries(mine[row.takes], w.bob.MailboxGUID) {
					try("forged", put(id))
				}
			}
			for way, has := range map[string]belongings{"gone": gone, "moved": moved} {
				if _, may := codes[way]; may {
					try(way, put(has[row.takes]))
				}
			}
			if strings.Contains(row.request, slotFolder) {
				named := func(address string) string {
					return strings.Replace(row.request, slotFolder, `<t:DistinguishedFolderId Id="contacts"><t:Mailbox><t:EmailAddress>`+address+`</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>`, 1)
				}
				try("named", named(w.bob.PrimarySMTP))
				try("nobody's", named("nobody@contoso.com"))
			}
			withKey := func(key string) string {
				return regexp.MustCompile(`"\{id\}"( ChangeKey="[^"]*")?`).ReplaceAllString(row.request, `"`+mine[row.takes]+`" ChangeKey="`+key+`"`)
			}
			if _, may := codes["change key"]; may {
				for _, key := range []string{"", "x", "AAAA", changeKey(7, make([]byte, 22)), changeKey(itemKey, make([]byte, 21))} {
					try("change key", withKey(key))
				}
			}
			if code := codes["old change key"]; code != "" {
				ask("old change key", withKey(old), code)
			}
			for way := range codes {
				if !used[way] && way != "named" && way != "nobody's" {
					t.Errorf("nothing tried %s", way)
				}
			}
			for _, has := range []belongings{foreign, hidden} {
				who := w.bob
				if has["address"] == w.room.PrimarySMTP {
					who = w.room
				}
				if _, err := w.mailbox(who).Subscription(ctx, w.subscribed(has["subscription"])); err != nil {
					t.Errorf("the subscription of another: %v", err)
				}
			}
			good, given := codes["good"]
			if !given {
				good = "NoError"
			}
			ask("good", put(mine[row.takes]), good)
		})
	}
}

// subscribed returns the row that a subscription's id names.
func (w *world) subscribed(id string) string {
	w.t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(raw[16:])
}

// TestHostileRows holds that every operation that is offered has a row for each place in which a request
// of testdata has an id of it, or none for a reason.
func TestHostileRows(t *testing.T) {
	rows := map[string]bool{}
	for _, row := range hostileRows {
		if operations[row.operation] == nil || operations[row.operation].serve == nil {
			t.Errorf("a row is of %s, which is not offered", row.operation)
		}
		rows[row.operation] = true
		if !strings.HasPrefix(row.request, "<m:"+row.operation) || strings.Count(row.request, "{id}") != 1 || hostileCodes[row.takes] == nil {
			t.Errorf("a row of %s has another request, or not one place for an id", row.operation)
		}
		for _, place := range places(t, strings.ReplaceAll(row.request, "{packed}", "")) {
			rows[place] = true
		}
	}
	for name, op := range operations {
		if op.serve == nil {
			continue
		}
		if reason := without[name]; rows[name] == (reason != "") {
			t.Errorf("%s has no row in the table of hostile ids and no reason for that, or both", name)
		}
	}
	for _, request := range requests(t) {
		for _, place := range places(t, regexp.MustCompile(`<t:Data>[^<]*`).ReplaceAllString(request, "<t:Data>")) {
			if !rows[place] {
				t.Errorf("no row in the table of hostile ids for %s", place)
			}
		}
	}
}

// places returns the places in a request that have ids: the operation, and the last two elements of the way there.
func places(t *testing.T, request string) (out []string) {
	t.Helper()
	env, err := soap.NewReader(strings.NewReader(wrap(request)), soap.DefaultLimits).Envelope()
	if err != nil {
		t.Fatalf("%v: %s", err, request)
	}
	top, err := env.Request(nil, nil)
	if err != nil {
		t.Fatalf("%v: %s", err, request)
	}
	var walk func(parent string, e *soap.Element)
	walk = func(parent string, e *soap.Element) {
		name := e.Name.Local
		has := (name == "SyncState" || strings.HasSuffix(name, "Id") && name != "Id") && e.Text != ""
		for _, a := range e.Attrs {
			has = has || strings.HasSuffix(a.Name.Local, "Id") && strings.HasSuffix(name, "Id")
		}
		if has {
			name = strings.TrimPrefix(name, "Distinguished")
			out = append(out, top.Name.Local+" "+parent+" "+name)
		}
		for _, child := range e.Children {
			walk(name, child)
		}
	}
	walk("", top)
	return out
}

// TestFull fills the database to a limit of pages, which SQLite answers as it answers a full disk, and makes
// the requests of the table: each is done, or refused with the code for that and not done; reading goes on, and
// everything when there is room again.
func TestFull(t *testing.T) {
	w := newWorldIn(t, sqldbtest.Disk(t))
	ctx := t.Context()
	w.room = person(3, "Carol", "cccccccc-0000-4000-8000-000000000003")
	w.belong(w.bob, "secret")
	mine, m := w.belong(w.anna, "plain"), w.mailbox(w.anna)
	item, err := m.Item(ctx, w.id(mine["item"]).(store.ItemID), store.Want{All: true, Recipients: true, Attachments: true})
	if err != nil {
		t.Fatal(err)
	}
	words := []string{"{packed}", w.packed(item)}
	for kind, id := range mine {
		words = append(words, "{"+kind+"}", id)
	}
	fill := strings.NewReplacer(words...).Replace
	limit := func(pages int) {
		t.Helper()
		if err := w.db.Statement(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", pages)); err != nil {
			t.Fatal(err)
		}
	}
	// Small items fill what is left in the pages that are there.
	limit(1)
	folder := w.folder(store.RoleDrafts)
	for size := 100_000; size > 0; size /= 10 {
		for err = nil; err == nil; {
			_, err = m.CreateItem(ctx, store.NewItem{Folder: folder, Props: mapi.Bag{mapi.PidTagSubject: "x", mapi.PidTagBody: strings.Repeat("x", size)}})
		}
		if !errors.Is(err, store.ErrFull) {
			t.Fatal(err)
		}
	}
	refused := map[string]bool{}
	long := strings.Repeat("a long text ", 5000)
	var rules strings.Builder
	for n := range 300 {
		fmt.Fprintf(&rules, `<t:CreateRuleOperation><t:Rule><t:DisplayName>%[1]d</t:DisplayName><t:Priority>%[1]d</t:Priority><t:IsEnabled>true</t:IsEnabled><t:Conditions/><t:Exceptions/><t:Actions><t:MarkAsRead>true</t:MarkAsRead></t:Actions></t:Rule></t:CreateRuleOperation>`, n+1)
	}
	requests := []hostileRow{
		{"SetUserOofSettingsRequest", "", `<m:SetUserOofSettingsRequest><t:Mailbox><t:Address>anna@contoso.com</t:Address></t:Mailbox><t:UserOofSettings><t:OofState>Enabled</t:OofState><t:ExternalAudience>All</t:ExternalAudience><t:InternalReply><t:Message>` + long + `</t:Message></t:InternalReply></t:UserOofSettings></m:SetUserOofSettingsRequest>`, nil},
		{"UpdateInboxRules", "", `<m:UpdateInboxRules><m:RemoveOutlookRuleBlob>true</m:RemoveOutlookRuleBlob><m:Operations>` + rules.String() + `</m:Operations></m:UpdateInboxRules>`, nil},
		{"UpdateItem", "event", strings.Replace(updateOne("{id}", "", "AlwaysOverwrite", strings.Replace(setField("item:Body", long), "<t:Body>", `<t:Body BodyType="Text">`, 1)), ` ChangeKey=""`, "", 1), nil},
		{"UpdateFolder", "folder", `<m:UpdateFolder><m:FolderChanges><t:FolderChange><t:FolderId Id="{id}"/><t:Updates><t:SetFolderField><t:ExtendedFieldURI DistinguishedPropertySetId="PublicStrings" PropertyName="Long" PropertyType="String"/><t:Folder><t:ExtendedProperty><t:ExtendedFieldURI DistinguishedPropertySetId="PublicStrings" PropertyName="Long" PropertyType="String"/><t:Value>` + long[:4000] + `</t:Value></t:ExtendedProperty></t:Folder></t:SetFolderField></t:Updates></t:FolderChange></m:FolderChanges></m:UpdateFolder>`, nil},
		{"CreateUserConfiguration", "folder", `<m:CreateUserConfiguration><m:UserConfiguration><t:UserConfigurationName Name="Long"><t:FolderId Id="{id}"/></t:UserConfigurationName><t:BinaryData>` + base64.StdEncoding.EncodeToString([]byte(long)) + `</t:BinaryData></m:UserConfiguration></m:CreateUserConfiguration>`, nil},
	}
	reads := map[string]bool{}
	for _, name := range []string{"ConvertId", "ExpandDL", "ExportItems", "FindConversation", "FindFolder", "FindItem", "FindPeople", "GetAttachment", "GetConversationItems", "GetEvents", "GetFolder", "GetInboxRules", "GetItem",
		"GetMailTips", "GetPersona", "GetUserAvailabilityRequest", "GetUserOofSettingsRequest", "SyncFolderHierarchy", "SyncFolderItems"} {
		reads[name] = true
	}
	ask := func(row hostileRow) string {
		_, answer := w.ask(wrap(fill(strings.Replace(row.request, "{id}", mine[row.takes], 1))))
		return answer
	}
	// What a mailbox holds: a copy that is undone takes numbers and leaves nothing.
	state := func() (state [3]int64) {
		t.Helper()
		if err := w.db.QueryRow(ctx, "SELECT (SELECT COUNT(*) FROM item), (SELECT COUNT(*) FROM folder WHERE deleted_cn IS NULL), (SELECT SUM(size) FROM mailbox)").Scan(&state[0], &state[1], &state[2]); err != nil {
			t.Fatal(err)
		}
		return state
	}
	for _, row := range hostileRows {
		if !reads[row.operation] {
			continue
		}
		if answer := ask(row); !strings.Contains(answer, ">"+cmp.Or(row.codes["good"], "NoError")+"<") {
			t.Errorf("%s: %s", row.request, answer)
		}
	}
	for _, row := range append(requests, hostileRows...) {
		if reads[row.operation] {
			continue
		}
		before := state()
		answer := ask(row)
		full := strings.Contains(answer, ">ErrorInsufficientResources<") || strings.Contains(answer, ">t:ErrorInsufficientResources<")
		if strings.Contains(answer, "ErrorInternalServerError") {
			t.Errorf("%s: %s", row.request, answer)
		}
		if after := state(); full && after != before {
			t.Errorf("%s: refused and done, %d before and %d after: %s", row.request, before, after, answer)
		}
		refused[row.operation] = refused[row.operation] || full
	}
	for _, row := range requests {
		if !refused[row.operation] {
			t.Errorf("there was room for %s: %.600s", row.operation, ask(row))
		}
	}
	limit(1 << 20)
	for _, row := range requests {
		if answer := ask(row); strings.Contains(answer, "ErrorInsufficientResources") || strings.Contains(answer, "ErrorInternalServerError") {
			t.Errorf("with room again: %s", answer)
		}
	}
	for _, who := range []*org.Recipient{w.anna, w.bob} {
		if err := w.mailbox(who).Check(ctx, false, func(d store.Damage) { t.Errorf("%+v", d) }); err != nil {
			t.Error(err)
		}
	}
}
