package ews

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"hma/exchange/auth"
	"hma/exchange/org"
	"hma/exchange/store"
	"hma/exchange/transport"
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
		{"grouping", find(`<m:GroupBy Order="Ascending"/>`), "ErrorInvalidOperation"},
		{"contacts from a name on", find(`<m:ContactsView InitialName="K"/>`), "ErrorInvalidOperation"},
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

// TestForeignMailbox holds that ids of another mailbox open nothing, sealed with
// the right key as they are.
func TestForeignMailbox(t *testing.T) {
	w := newWorld(t)
	w.deliver(plainMail)
	bob := w.mailbox(w.bob)
	inbox, err := bob.RoleID(store.RoleInbox)
	if err != nil {
		t.Fatal(err)
	}
	stamp, err := bob.CreateItem(t.Context(), store.NewItem{Folder: inbox})
	if err != nil {
		t.Fatal(err)
	}
	item, attachment := stamp.ID.Encode(idKey), store.AttachmentID{Item: stamp.ID}.Encode(idKey)
	folder, mine := inbox.Encode(idKey), w.items(store.RoleInbox)[0].ID.Encode(idKey)
	shape := `<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>`
	ids := `<m:ItemIds><t:ItemId Id="` + item + `"/></m:ItemIds>`
	for _, request := range []string{
		`<m:GetItem>` + shape + ids + `</m:GetItem>`,
		`<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds><t:FolderId Id="` + folder + `"/></m:FolderIds></m:GetFolder>`,
		`<m:FindItem Traversal="Shallow">` + shape + `<m:ParentFolderIds><t:FolderId Id="` + folder + `"/></m:ParentFolderIds></m:FindItem>`,
		`<m:FindFolder Traversal="Deep"><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:ParentFolderIds><t:FolderId Id="` + folder + `"/></m:ParentFolderIds></m:FindFolder>`,
		`<m:GetAttachment><m:AttachmentIds><t:AttachmentId Id="` + attachment + `"/></m:AttachmentIds></m:GetAttachment>`,
		`<m:MoveItem><m:ToFolderId><t:DistinguishedFolderId Id="inbox"/></m:ToFolderId>` + ids + `</m:MoveItem>`,
		`<m:MoveItem><m:ToFolderId><t:FolderId Id="` + folder + `"/></m:ToFolderId><m:ItemIds><t:ItemId Id="` + mine + `"/></m:ItemIds></m:MoveItem>`,
		`<m:DeleteItem DeleteType="HardDelete">` + ids + `</m:DeleteItem>`,
		`<m:SendItem SaveItemToFolder="false">` + ids + `</m:SendItem>`,
		`<m:UpdateItem ConflictResolution="AlwaysOverwrite"><m:ItemChanges><t:ItemChange><t:ItemId Id="` + item + `"/><t:Updates/></t:ItemChange></m:ItemChanges></m:UpdateItem>`,
		`<m:CreateItem MessageDisposition="SaveOnly"><m:SavedItemFolderId><t:FolderId Id="` + folder + `"/></m:SavedItemFolderId><m:Items><t:Message/></m:Items></m:CreateItem>`,
		`<m:UpdateItem ConflictResolution="AlwaysOverwrite"><m:ItemChanges><t:ItemChange><t:ItemId Id="` + item + `"/><t:Updates><t:DeleteItemField><t:IndexedFieldURI FieldURI="contacts:EmailAddress" FieldIndex="EmailAddress1"/></t:DeleteItemField></t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>`,
		`<m:CreateItem><m:SavedItemFolderId><t:FolderId Id="` + folder + `"/></m:SavedItemFolderId><m:Items><t:Contact/></m:Items></m:CreateItem>`,
		`<m:SyncFolderItems>` + shape + `<m:SyncFolderId><t:FolderId Id="` + folder + `"/></m:SyncFolderId><m:MaxChangesReturned>5</m:MaxChangesReturned></m:SyncFolderItems>`,
		`<m:SyncFolderHierarchy><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:SyncFolderId><t:FolderId Id="` + folder + `"/></m:SyncFolderId></m:SyncFolderHierarchy>`,
		`<m:ExportItems>` + ids + `</m:ExportItems>`,
		`<m:UploadItems><m:Items><t:Item CreateAction="CreateNew"><t:ParentFolderId Id="` + folder + `"/><t:Data>eA==</t:Data></t:Item></m:Items></m:UploadItems>`,
		`<m:CopyItem><m:ToFolderId><t:DistinguishedFolderId Id="inbox"/></m:ToFolderId>` + ids + `</m:CopyItem>`,
		`<m:MarkAsJunk IsJunk="true" MoveItem="true">` + ids + `</m:MarkAsJunk>`,
		`<m:CreateAttachment><m:ParentItemId Id="` + item + `"/><m:Attachments><t:FileAttachment><t:Name>x</t:Name><t:Content>eA==</t:Content></t:FileAttachment></m:Attachments></m:CreateAttachment>`,
		`<m:DeleteAttachment><m:AttachmentIds><t:AttachmentId Id="` + attachment + `"/></m:AttachmentIds></m:DeleteAttachment>`,
		`<m:CreateFolder><m:ParentFolderId><t:FolderId Id="` + folder + `"/></m:ParentFolderId><m:Folders><t:Folder><t:DisplayName>x</t:DisplayName></t:Folder></m:Folders></m:CreateFolder>`,
		`<m:UpdateFolder><m:FolderChanges><t:FolderChange><t:FolderId Id="` + folder + `"/><t:Updates/></t:FolderChange></m:FolderChanges></m:UpdateFolder>`,
		`<m:DeleteFolder DeleteType="HardDelete"><m:FolderIds><t:FolderId Id="` + folder + `"/></m:FolderIds></m:DeleteFolder>`,
		`<m:EmptyFolder DeleteType="HardDelete" DeleteSubFolders="true"><m:FolderIds><t:FolderId Id="` + folder + `"/></m:FolderIds></m:EmptyFolder>`,
		`<m:MoveFolder><m:ToFolderId><t:DistinguishedFolderId Id="inbox"/></m:ToFolderId><m:FolderIds><t:FolderId Id="` + folder + `"/></m:FolderIds></m:MoveFolder>`,
		`<m:CopyFolder><m:ToFolderId><t:FolderId Id="` + folder + `"/></m:ToFolderId><m:FolderIds><t:DistinguishedFolderId Id="inbox"/></m:FolderIds></m:CopyFolder>`,
		`<m:MarkAllItemsAsRead><m:ReadFlag>true</m:ReadFlag><m:SuppressReadReceipts>true</m:SuppressReadReceipts><m:FolderIds><t:FolderId Id="` + folder + `"/></m:FolderIds></m:MarkAllItemsAsRead>`,
		`<m:ConvertId DestinationFormat="EntryId"><m:SourceIds><t:AlternateId Format="EwsId" Id="` + item + `"/></m:SourceIds></m:ConvertId>`,
	} {
		status, answer := w.ask(wrap(request))
		if status != 200 || !strings.Contains(answer, "<m:ResponseCode>ErrorAccessDenied</m:ResponseCode>") || strings.Contains(answer, "Success") {
			t.Errorf("%.60s: status %d: %s", request, status, answer)
		}
	}
	if _, err := bob.Item(t.Context(), stamp.ID, store.Want{}); err != nil {
		t.Errorf("the other's item: %v", err)
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
		store.ErrDenied, store.ErrInvalid, store.ErrTooComplex, store.ErrUnsorted, store.ErrFull, store.ErrMalformedItem,
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
