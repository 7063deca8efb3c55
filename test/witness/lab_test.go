package witness

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hma/internal/testenv"
	"hma/lab"
	"hma/wire/wellknown"
)

// TestLab starts one lab for every client that is content with free ports: as
// the Hybrid Configuration Wizard leaves it, then enabled.
func TestLab(t *testing.T) {
	if os.Getenv("HMA_WITNESS") == "none" {
		t.Skip("HMA_WITNESS=none leaves out the tests that drive installed clients")
	}
	e := testenv.Start(t, lab.Options{Messages: 60})
	t.Run("curl before", func(t *testing.T) { curlHandshakes(t, e, "before") })
	t.Run("curl by NTLM and Negotiate", func(t *testing.T) { curlWindows(t, e) })
	t.Run("exchangelib by NTLM", func(t *testing.T) { exchangelibNTLM(t, e) })
	t.Run("Chromium before", func(t *testing.T) { chromiumBefore(t, e) })
	team(t, e)
	e.Enable(t)
	t.Run("curl after", func(t *testing.T) { curlHandshakes(t, e, "after") })
	t.Run("curl token", func(t *testing.T) { curlToken(t, e) })
	t.Run("Chromium after", func(t *testing.T) { chromiumAfter(t, e) })
	t.Run("Chromium consent", func(t *testing.T) { chromiumConsent(t, e) })
	t.Run("wbxml2xml", func(t *testing.T) { activeSync(t, e) })
	t.Run("libmspack", func(t *testing.T) { offlineAddressBook(t, e) })
	t.Run("exchangelib", func(t *testing.T) { exchangelib(t, e) })
	t.Run("exchangelib for a team", func(t *testing.T) { exchangelibTeam(t, e) })
	t.Run("ews-javascript-api", func(t *testing.T) { ewsjs(t, e) })
	t.Run("exchangelib discovers", func(t *testing.T) { exchangelibDiscovers(t, e) })
	t.Run("smtplib", func(t *testing.T) { mailIn(t, e) })
	t.Run("Thunderbird", func(t *testing.T) { thunderbird(t, e) })
	t.Run("evolution-ews", func(t *testing.T) { evolution(t, e) })
	t.Run("DavMail", func(t *testing.T) {
		d := startDavMail(t, e)
		t.Run("mbsync", func(t *testing.T) { davMailMirror(t, d) })
		t.Run("CalDAV", func(t *testing.T) { davMailCalendar(t, d) })
	})
}

// TestMSAL gives python3-msal an authority on port 443, where it insists on that
// port for the user realm.
func TestMSAL(t *testing.T) {
	needPython(t, "msal")
	// An address of its own keeps the cloud apart from anything else on this port.
	e := testenv.Start(t, lab.Options{Messages: 5, Cloud: "127.0.0.2:443"})
	user, service := e.User("user"), e.Endpoints.Clients[1]
	lines := script(t, map[string]string{
		"HMA_AUTHORITY": e.Endpoints.Cloud + "/" + e.Endpoints.Tenant.ID, "HMA_CLIENT": e.Endpoints.Clients[0].ID,
		"HMA_USER": user.UPN, "HMA_PASSWORD": user.Password, "HMA_RESOURCE": "https://mail.contoso.com",
		"HMA_CONFIDENTIAL": service.ID, "HMA_SECRET": service.Secret, "REQUESTS_CA_BUNDLE": e.Endpoints.CA, "NO_PROXY": "*", "no_proxy": "*",
	}, python, "msal/main.py")
	expect(t, lines, "code with PKCE: ok", "refresh: ok", "device code: ok", "password: ok", "client credentials: ok")
}

// exchangelib signs in by OAuth against the lab's token endpoint and works with a mailbox.
func exchangelib(t *testing.T, e *testenv.Env) {
	needPython(t, "exchangelib")
	user, origin := e.User("user"), e.Endpoints.Servers[0].URL
	lines := script(t, map[string]string{
		"HMA_EWS": origin + "/EWS/Exchange.asmx", "HMA_USER": user.UPN, "HMA_SMTP": user.UPN, "HMA_OTHER": e.Endpoints.Users[1].UPN,
		"HMA_TOKEN_URL": e.Endpoints.Cloud + "/" + e.Endpoints.Tenant.ID + "/oauth2/v2.0/token", "HMA_SCOPE": origin + "/.default",
		"HMA_CLIENT_ID": e.Endpoints.Clients[0].ID, "HMA_PASSWORD": user.Password, "HMA_CA": e.Endpoints.CA, "NO_PROXY": "*", "no_proxy": "*",
		"HMA_GROUP": "sales@contoso.com", "HMA_ROOMS": "rooms@contoso.com",
	}, python, "exchangelib/smoke.py")
	expect(t, lines, "ok sign in", "ok list folders", "ok list inbox", "ok filter", "ok send to self with attachment", "ok read it with body and attachment",
		"ok send to another user", "ok draft, then send it", "ok sync hierarchy and items", "ok move", "ok contacts", "ok tasks", "ok contact photo", "ok find people", "ok private distribution lists", "ok resolve names", "ok room lists and rooms", "ok expand a distribution group", "ok reply, reply to all and forward", "ok export and upload", "ok time zones",
		"ok many at once, and wiped", "ok delete", "ok all")
}

// The team's shared mailbox and room, of the lab.
const sharedMailbox, room = "info@contoso.com", "danube@contoso.com"

// team lets the lab's first users work with each other and with a shared mailbox, and the
// lab's service impersonate two of them.
func team(t *testing.T, e *testenv.Env) {
	t.Helper()
	first, second, service := e.Endpoints.Users[0].UPN, e.Endpoints.Users[1].UPN, e.Endpoints.Clients[1].ID
	e.Run(t, "Add-MailboxPermission", "Identity", sharedMailbox, "User", first, "AccessRights", "FullAccess")
	e.Run(t, "Add-ADPermission", "Identity", sharedMailbox, "User", first, "ExtendedRights", "Send As")
	e.Run(t, "Enable-Mailbox", "Identity", first, "Archive", true)
	e.Run(t, "Set-Mailbox", "Identity", second, "GrantSendOnBehalfTo", []string{first})
	e.Run(t, "New-ManagementRoleAssignment", "Role", "ApplicationImpersonation", "App", service, "RecipientGroupScope", "sales@contoso.com")
	if err := e.Roles.Entra.AssignRole(t.Context(), e.Endpoints.Tenant.ID, service, wellknown.Exchange, "full_access_as_app"); err != nil {
		t.Fatal(err)
	}
}

// exchangelibTeam has exchangelib be several people, and an application that impersonates.
func exchangelibTeam(t *testing.T, e *testenv.Env) {
	needPython(t, "exchangelib")
	people, err := json.Marshal(e.Endpoints.Users[:4])
	if err != nil {
		t.Fatal(err)
	}
	origin := e.Endpoints.Servers[0].URL
	lines := script(t, map[string]string{
		"HMA_EWS": origin + "/EWS/Exchange.asmx", "HMA_PEOPLE": string(people), "HMA_SHARED": sharedMailbox, "HMA_ROOM": room,
		"HMA_TOKEN_URL": e.Endpoints.Cloud + "/" + e.Endpoints.Tenant.ID + "/oauth2/v2.0/token", "HMA_SCOPE": origin + "/.default",
		"HMA_CLIENT_ID": e.Endpoints.Clients[0].ID, "HMA_SERVICE_ID": e.Endpoints.Clients[1].ID, "HMA_SERVICE_SECRET": e.Endpoints.Clients[1].Secret,
		"HMA_CA": e.Endpoints.CA, "NO_PROXY": "*", "no_proxy": "*",
	}, python, "exchangelib/team.py")
	expect(t, lines, "ok shared mailbox with full access, sent as it", "ok send on behalf, and not as anybody", "ok folder permissions", "ok delegates", "ok user configurations",
		"ok out of office answers each sender once", "ok impersonation by an application", "ok meeting asked for, accepted and declined", "ok room that is taken declines",
		"ok meeting moved and taken away", "ok series of meetings, one of them changed and one cancelled", "ok archive mailbox, moved to and read", "ok all")
}

// exchangelibDiscovers has exchangelib ask both forms of Autodiscover where the mailbox is.
func exchangelibDiscovers(t *testing.T, e *testenv.Env) {
	needPython(t, "exchangelib")
	user, origin := e.User("user"), e.Endpoints.Servers[0].URL
	lines := script(t, map[string]string{
		"HMA_AUTODISCOVER": origin + "/autodiscover/autodiscover", "HMA_USER": user.UPN, "HMA_EWS": "https://mail.contoso.com/EWS/Exchange.asmx", "HMA_OTHER": e.Endpoints.Users[1].UPN,
		"HMA_TOKEN": curlAsks(t, e, origin), "HMA_CA": e.Endpoints.CA, "NO_PROXY": "*", "no_proxy": "*",
	}, python, "exchangelib/autodiscover.py")
	expect(t, lines, "ok user settings by SOAP", "ok nobody else's by SOAP", "ok settings by POX", "ok all")
}

// mailIn hands mail in with Python's LMTP client and finds it over EWS.
func mailIn(t *testing.T, e *testenv.Env) {
	need(t, python, "curl")
	user, subject := e.User("user"), "Grüße <von> außen"
	lines := script(t, map[string]string{"HMA_LMTP": e.Endpoints.LMTP, "HMA_TO": user.UPN, "HMA_SUBJECT": subject}, python, "lmtp/deliver.py")
	expect(t, lines, "ok one recipient of two", "ok no relay", "ok all")
	answer := string(curl(t, e, "--fail", "--header", "Authorization: Bearer "+curlAsks(t, e, "https://mail.contoso.com"), "--header", "Content-Type: text/xml", "--data",
		`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"><s:Body>
		<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>Default</t:BaseShape></m:ItemShape><m:Restriction><t:IsEqualTo><t:FieldURI FieldURI="message:InternetMessageId"/>
		<t:FieldURIOrConstant><t:Constant Value="&lt;lmtp-witness@example.org&gt;"/></t:FieldURIOrConstant></t:IsEqualTo></m:Restriction>
		<m:ParentFolderIds><t:DistinguishedFolderId Id="inbox"/></m:ParentFolderIds></m:FindItem></s:Body></s:Envelope>`, "https://mail.contoso.com/EWS/Exchange.asmx"))
	for _, want := range []string{`TotalItemsInView="1"`, "<t:Subject>Grüße &lt;von&gt; außen</t:Subject>", "<t:HasAttachments>true</t:HasAttachments>", "<t:Name>Zoë Outside</t:Name>"} {
		if !strings.Contains(answer, want) {
			t.Errorf("EWS does not find %s in\n%s", want, answer)
		}
	}
}

// expect wants every line among a script's lines.
func expect(t *testing.T, lines []string, want ...string) {
	t.Helper()
	have := map[string]bool{}
	for _, line := range lines {
		have[line] = true
	}
	for _, line := range want {
		if !have[line] {
			t.Errorf("the script did not print %q", line)
		}
	}
	if t.Failed() {
		t.Log(strings.Join(lines, "\n"))
	}
}

// curl runs curl with the lab's authority and names, and returns what it prints.
func curl(t *testing.T, e *testenv.Env, args ...string) []byte {
	t.Helper()
	all := []string{"--http1.1", "--silent", "--show-error", "--noproxy", "*", "--max-time", "30", "--cacert", e.Endpoints.CA}
	for name, at := range e.Endpoints.Names {
		all = append(all, "--connect-to", name+":443:"+at)
	}
	out, err := exec.CommandContext(t.Context(), "curl", append(all, args...)...).Output()
	if err != nil {
		if e, ok := err.(*exec.ExitError); ok {
			t.Fatalf("curl %s: %v: %s", strings.Join(args, " "), err, e.Stderr)
		}
		t.Fatal(err)
	}
	return out
}

// curlAsks has curl get a token by the password grant, as any shell script would.
func curlAsks(t *testing.T, e *testenv.Env, resource string) string {
	t.Helper()
	user := e.User("user")
	var answer struct {
		Token string `json:"access_token"`
	}
	out := curl(t, e, e.Endpoints.Cloud+"/"+e.Endpoints.Tenant.ID+"/oauth2/v2.0/token", "--data", "grant_type=password", "--data", "client_id="+e.Endpoints.Clients[0].ID,
		"--data-urlencode", "scope="+resource+"/.default", "--data-urlencode", "username="+user.UPN, "--data-urlencode", "password="+user.Password)
	if err := json.Unmarshal(out, &answer); err != nil || answer.Token == "" {
		t.Fatalf("the token endpoint answered curl: %s", out)
	}
	return answer.Token
}

// activeSync has wbxml2xml read what the lab's ActiveSync door answers a token.
func activeSync(t *testing.T, e *testenv.Env) {
	need(t, "curl", "wbxml2xml")
	dir := t.TempDir()
	request, answer, decoded := filepath.Join(dir, "request"), filepath.Join(dir, "answer"), filepath.Join(dir, "answer.xml")
	// Settings, UserInformation, Get.
	if err := os.WriteFile(request, []byte{0x03, 0x01, 0x6A, 0x00, 0x00, 0x12, 0x45, 0x5D, 0x07, 0x01, 0x01}, 0o600); err != nil {
		t.Fatal(err)
	}
	door := "https://mail.contoso.com/Microsoft-Server-ActiveSync"
	bearer := "Authorization: Bearer " + curlAsks(t, e, "https://mail.contoso.com")
	options := string(curl(t, e, "--request", "OPTIONS", "--head", "--header", bearer, door))
	if !strings.Contains(options, "Ms-Asprotocolversions:") || !strings.Contains(options, "Settings") {
		t.Errorf("OPTIONS answers\n%s", options)
	}
	curl(t, e, "--fail", "--header", bearer, "--header", "MS-ASProtocolVersion: 14.1", "--header", "Content-Type: application/vnd.ms-sync.wbxml",
		"--data-binary", "@"+request, "--output", answer, door+"?Cmd=Settings&User=alice&DeviceId=d1&DeviceType=curl")
	if out, err := exec.CommandContext(t.Context(), "wbxml2xml", "-l", "ACTIVESYNC", "-o", decoded, answer).CombinedOutput(); err != nil {
		t.Fatalf("wbxml2xml: %v\n%s", err, out)
	}
	text, err := os.ReadFile(decoded)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<UserDisplayName>" + e.User("user").Name, "<PrimarySmtpAddress>" + e.User("user").UPN} {
		if !strings.Contains(string(text), want) {
			t.Errorf("wbxml2xml reads no %s in\n%s", want, text)
		}
	}
}

// offlineAddressBook follows Autodiscover to the offline address book, fetches
// it with a token, and has libmspack open it.
func offlineAddressBook(t *testing.T, e *testenv.Env) {
	need(t, "curl", "gcc")
	dir := t.TempDir()
	program := filepath.Join(dir, "oabextract")
	if out, err := exec.Command("gcc", "-o", program, "oab/testdata/oabextract.c", "-lmspack").CombinedOutput(); err != nil {
		missing(t, fmt.Sprintf("libmspack-dev is not installed (test/scripts/install.sh installs it): %s", lastLine(out)))
	}
	bearer := "Authorization: Bearer " + curlAsks(t, e, "https://mail.contoso.com")
	about := string(curl(t, e, "--fail", "--header", bearer, "--header", "Content-Type: text/xml", "--data",
		`<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request><EMailAddress>`+e.User("user").UPN+
			`</EMailAddress><AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>`,
		"https://mail.contoso.com/autodiscover/autodiscover.xml"))
	book := between(about, "<OABUrl>https://mail.contoso.com", "</OABUrl>")
	if book == "" {
		t.Fatalf("Autodiscover names no offline address book under the public name:\n%s", about)
	}
	manifest := string(curl(t, e, "--fail", "--header", bearer, "https://mail.contoso.com"+book+"oab.xml"))
	name := between(manifest[strings.Index(manifest, "<Full"):], ">", "<")
	packed, opened := filepath.Join(dir, "packed"), filepath.Join(dir, "opened")
	curl(t, e, "--fail", "--header", bearer, "--output", packed, "https://mail.contoso.com"+book+name)
	if out, err := exec.CommandContext(t.Context(), program, packed, opened).CombinedOutput(); err != nil {
		t.Fatalf("libmspack: %v\n%s", err, out)
	}
	records, err := os.ReadFile(opened)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range e.Endpoints.Users {
		if listed := strings.Contains(string(records), u.UPN); listed != u.Synced {
			t.Errorf("%s is in the address book: %t, want %t (the built-in account is hidden)", u.UPN, listed, u.Synced)
		}
	}
}

// between returns what stands between two texts, "" where they are not there.
func between(text, begin, end string) string {
	_, rest, found := strings.Cut(text, begin)
	if !found {
		return ""
	}
	inner, _, _ := strings.Cut(rest, end)
	return inner
}
