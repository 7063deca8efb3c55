package witness

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hma/internal/testenv"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// A curlDoor is a request of a door's protocol.
type curlDoor struct {
	name string
	args []string
}

// curlDoors are the seven doors under their public name, and /rpc.
var curlDoors = []curlDoor{
	{"autodiscover", []string{"--header", "Content-Type: text/xml", "--data", autodiscoverRequest, "https://autodiscover.contoso.com/autodiscover/autodiscover.xml"}},
	{"ews", []string{"--header", "Content-Type: text/xml; charset=utf-8", "--data", ewsRequest, "https://mail.contoso.com/EWS/Exchange.asmx"}},
	{"mapi", []string{"--request", "POST", "--header", "Content-Type: application/mapi-http", "--header", "X-RequestType: PING", "--header", "X-RequestId: {5C4C3A19-6B1D-4B1F-9E44-2F6B6B6B7C11}:1",
		"--header", "X-ClientInfo: {5C4C3A19-6B1D-4B1F-9E44-2F6B6B6B7C11}:1", "--header", "X-ClientApplication: curl/1.0", "https://mail.contoso.com/mapi/emsmdb/"}},
	{"activesync", []string{"--request", "OPTIONS", "https://mail.contoso.com/Microsoft-Server-ActiveSync"}},
	{"oab", []string{"https://mail.contoso.com/OAB/oab.xml"}},
	{"owa", []string{"https://mail.contoso.com/owa"}},
	{"ecp", []string{"https://mail.contoso.com/ecp"}},
	{"rpc", []string{"--request", "RPC_IN_DATA", "https://mail.contoso.com/rpc/rpcproxy.dll"}},
}

const (
	autodiscoverRequest = `<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request><EMailAddress>alice@contoso.com</EMailAddress><AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>`
	ewsRequest          = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"><s:Body><m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds><t:DistinguishedFolderId Id="inbox"/></m:FolderIds></m:GetFolder></s:Body></s:Envelope>`
)

// curlHandshakes compares the heads of the answers that curl gets with the golden
// ones: without a credential, with the empty bearer that is the probe, and (once
// there are any) with a good token and with one for another host.
func curlHandshakes(t *testing.T, e *testenv.Env, when string) {
	need(t, "curl")
	type credential struct{ name, header string }
	credentials := []credential{{"no credential", ""}, {"empty bearer", "Authorization: Bearer"}}
	var good, foreign string
	if when == "after" {
		foreign = curlAsks(t, e, e.Endpoints.Servers[1].URL)
	}
	for _, d := range curlDoors {
		list := slices.Clone(credentials)
		if when == "after" {
			u, err := url.Parse(d.args[len(d.args)-1])
			if err != nil {
				t.Fatal(err)
			}
			good = curlAsks(t, e, "https://"+u.Host)
			list = append(list, credential{"token", "Authorization: Bearer " + good}, credential{"token for EX2's own name", "Authorization: Bearer " + foreign})
		}
		var text strings.Builder
		for _, c := range list {
			args := []string{"--include", "--output", "-", "--header", "X-User-Identity: alice@contoso.com"}
			if c.header != "" {
				args = append(args, "--header", c.header)
			}
			answer := string(curl(t, e, append(args, d.args...)...))
			head, _, _ := strings.Cut(answer, "\r\n\r\n")
			fmt.Fprintf(&text, "== %s\n%s\n", c.name, shape(e, head))
		}
		golden(t, "curl-"+d.name+"-"+when+".txt", text.String())
	}
}

// curlToken shows the whole way with curl alone: the probe says where to sign
// in, the token opens the door.
func curlToken(t *testing.T, e *testenv.Env) {
	need(t, "curl")
	ews := "https://mail.contoso.com/EWS/Exchange.asmx"
	head := string(curl(t, e, "--include", "--header", "Authorization: Bearer", "--data", "", ews))
	authorize := between(head, `authorization_uri="`, `"`)
	if want := e.Endpoints.Cloud + "/common/oauth2/authorize"; authorize != want {
		t.Fatalf("authorization_uri is %q, want %q in\n%s", authorize, want, head)
	}
	metadata := string(curl(t, e, "--fail", strings.TrimSuffix(authorize, "/oauth2/authorize")+"/.well-known/openid-configuration"))
	if !strings.Contains(metadata, `"token_endpoint"`) {
		t.Errorf("no metadata beside the authorization endpoint: %s", metadata)
	}
	token := curlAsks(t, e, "https://mail.contoso.com")
	answer := string(curl(t, e, "--fail", "--header", "Authorization: Bearer "+token, "--header", "Content-Type: text/xml", "--data", ewsRequest, ews))
	if !strings.Contains(answer, "<m:ResponseCode>NoError</m:ResponseCode>") {
		t.Errorf("EWS answers %s", answer)
	}
}

var (
	guids    = regexp.MustCompile(`(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	nonces   = regexp.MustCompile(`(nonce=|nonce\.|state=)[^&;\s]+`)
	contexts = regexp.MustCompile(`((?:X-BEResource|MapiContext|MapiSequence|MapiRouting)=)[^;\s]+`)
)

// shape is the head of an answer with everything replaced that differs from run to run.
func shape(e *testenv.Env, head string) string {
	replace := strings.NewReplacer(e.Endpoints.Tenant.ID, "TENANT", strings.TrimPrefix(e.Endpoints.Cloud, "https://"), "CLOUD",
		url.QueryEscape(strings.TrimPrefix(e.Endpoints.Cloud, "https://")), "CLOUD",
		strings.TrimPrefix(e.Endpoints.Servers[0].URL, "https://"), "EX1", strings.TrimPrefix(e.Endpoints.Servers[1].URL, "https://"), "EX2")
	var lines []string
	for line := range strings.SplitSeq(replace.Replace(head), "\r\n") {
		switch name, _, _ := strings.Cut(strings.ToLower(line), ":"); name {
		case "date", "content-length", "last-modified", "expires", "etag":
			line = line[:len(name)] + ": ..."
		}
		line = guids.ReplaceAllStringFunc(line, func(id string) string {
			if strings.HasPrefix(id, "0000000") { // a well-known application
				return id
			}
			return "GUID"
		})
		line = nonces.ReplaceAllString(line, "${1}...")
		lines = append(lines, contexts.ReplaceAllString(line, "${1}..."))
	}
	if len(lines) > 1 { // the order of header lines says nothing
		slices.Sort(lines[1:])
	}
	return strings.Join(lines, "\n") + "\n"
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
	}
}
