package adminapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hma/exchange/adminapi"
	"hma/exchange/cmdlet"
)

// beta serves the Admin API for whoever the header X-Caller names.
func beta(t *testing.T) func(caller, target, body string, header ...string) (int, string) {
	t.Helper()
	h := adminapi.New(contoso(t), adminapi.Options{Now: startNow, Identify: func(r *http.Request) (cmdlet.Caller, error) {
		caller := cmdlet.Caller{Name: r.Header.Get("X-Caller") + "@contoso.com", Server: "EX1"}
		switch r.Header.Get("X-Caller") {
		case "":
			return cmdlet.Caller{}, adminapi.ErrUnauthorized
		case "admin":
			caller.Administrator = true
		case "viewer":
			caller.ViewOnly = true
		}
		return caller, nil
	}})
	return func(caller, target, body string, header ...string) (int, string) {
		t.Helper()
		r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(body))
		r.Host = "mail.contoso.com"
		r.Header.Set("Content-Type", "application/json; odata.metadata=minimal")
		r.Header.Set("X-Caller", caller)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		text, err := io.ReadAll(w.Result().Body)
		must(t, err)
		return w.Code, string(text)
	}
}

const betaPath = "/adminapi/beta/contoso.com/InvokeCommand"

func input(name, parameters string) string {
	return fmt.Sprintf(`{"CmdletInput":{"CmdletName":%q,"Parameters":%s}}`, name, parameters)
}

func TestInvokeCommand(t *testing.T) {
	send := beta(t)
	status, text := send("admin", betaPath, input("Get-AuthServer", `{"Identity":"EvoSts - 11111111-2222-3333-4444-555555555555"}`))
	if status != http.StatusOK {
		t.Fatalf("%d: %s", status, text)
	}
	var shown bytes.Buffer
	must(t, json.Indent(&shown, []byte(text), "", "  "))
	shown.WriteByte('\n')
	golden := filepath.Join("testdata", "invokecommand.json")
	if *update {
		must(t, os.WriteFile(golden, shown.Bytes(), 0o644))
	}
	want, err := os.ReadFile(golden)
	must(t, err)
	if shown.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", shown.String(), want)
	}

	for name, test := range map[string]struct {
		caller, target, body, header, value string
		status                              int
		text                                string
	}{
		"name":              {"admin", "/adminapi/beta/Contoso/InvokeCommand", input("Get-ExchangeServer", "{}"), "", "", 200, `"Name":"EX2"`},
		"tenant":            {"admin", "/adminapi/beta/11111111-2222-3333-4444-555555555555/InvokeCommand", input("Get-ExchangeServer", "{}"), "", "", 200, ""},
		"another":           {"admin", "/adminapi/beta/fabrikam.com/InvokeCommand", input("Get-ExchangeServer", "{}"), "", "", 404, `"code":"NotFound"`},
		"edit":              {"admin", betaPath, input("Set-MapiVirtualDirectory", `{"Identity":"EX1\\mapi (Default Web Site)","IISAuthenticationMethods":{"@odata.type":"#Exchange.GenericHashTable","remove":"OAuth"}}`), "", "", 200, `"value":[]`},
		"warning":           {"admin", betaPath, input("Set-OrganizationConfig", `{"OAuth2ClientProfileEnabled":false}`), "", "", 200, `"@adminapi.warnings":["The command completed successfully but no settings of 'Contoso' have been modified."]`},
		"what if":           {"admin", betaPath, input("Set-OrganizationConfig", `{"OAuth2ClientProfileEnabled":true,"WhatIf":true}`), "", "", 200, `What if: `},
		"no such object":    {"admin", betaPath, input("Get-AuthServer", `{"Identity":"none"}`), "", "", 404, `"message":"|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|The operation couldn't be performed`},
		"no such parameter": {"admin", betaPath, input("Get-AuthServer", `{"Nope":1}`), "", "", 400, `"internalexception":{"message":"A parameter cannot be found`},
		"no such cmdlet":    {"admin", betaPath, input("Get-Nope", "{}"), "", "", 403, `"code":"Forbidden"`},
		"not supported":     {"admin", betaPath, input("New-MailUser", "{}"), "", "", 403, `NotSupportedException`},
		"viewer gets":       {"viewer", betaPath, input("Get-AuthServer", "{}"), "", "", 200, ""},
		"viewer sets":       {"viewer", betaPath, input("Set-OrganizationConfig", `{"OAuth2ClientProfileEnabled":true}`), "", "", 403, `may not run Set-OrganizationConfig`},
		"user":              {"anna", betaPath, input("Get-AuthServer", "{}"), "", "", 403, `"code":"Forbidden"`},
		"nobody":            {"", betaPath, input("Get-AuthServer", "{}"), "", "", 401, `"code":"Unauthorized"`},
		"clixml":            {"admin", betaPath, input("Get-AuthServer", "{}"), "X-ResponseFormat", "clixml", 406, ""},
		"json":              {"admin", betaPath, input("Get-AuthServer", "{}"), "X-ResponseFormat", "json", 200, ""},
		"form":              {"admin", betaPath, input("Get-AuthServer", "{}"), "Content-Type", "text/plain", 415, ""},
		"float":             {"admin", betaPath, input("Get-AuthServer", `{"Identity":1.5}`), "", "", 400, `parameter \"Identity\": 1.5 is no whole number`},
		"page of a change":  {"admin", betaPath + "?%24skiptoken=5", input("Set-OrganizationConfig", `{"OAuth2ClientProfileEnabled":true}`), "", "", 400, "not run again"},
		"bad page":          {"admin", betaPath + "?%24skiptoken=x", input("Get-AuthServer", "{}"), "", "", 400, "skiptoken"},
	} {
		var header []string
		if test.header != "" {
			header = []string{test.header, test.value}
		}
		status, text := send(test.caller, test.target, test.body, header...)
		if status != test.status || !strings.Contains(text, test.text) || !json.Valid([]byte(text)) {
			t.Errorf("%s: %d %s; want %d ...%s...", name, status, text, test.status, test.text)
		}
	}
	if _, text := send("admin", betaPath, input("Search-AdminAuditLog", `{"UserIds":"admin@contoso.com"}`)); strings.Count(text, `"CmdletName"`) != 2 || !strings.Contains(text, `"OriginatingServer":"EX1"`) {
		t.Errorf("recorded: %s", text)
	}
}

func TestInvokeCommandPages(t *testing.T) {
	send := beta(t)
	seen := map[string]int{}
	pages := 0
	for target := betaPath; target != ""; pages++ {
		status, text := send("viewer", target, input("Get-MapiVirtualDirectory", "{}"), "Prefer", "return=minimal, odata.maxpagesize=1")
		var body struct {
			Next  string `json:"@odata.nextLink"`
			Value []struct{ Server string }
		}
		if err := json.Unmarshal([]byte(text), &body); err != nil || status != 200 || len(body.Value) != 1 || pages > 2 {
			t.Fatalf("%d %s: %v", status, text, err)
		}
		seen[body.Value[0].Server]++
		if target = body.Next; target != "" && !strings.HasPrefix(target, "https://mail.contoso.com"+betaPath+"?") {
			t.Fatalf("the next page is at %s", target)
		}
	}
	if pages != 2 || seen["EX1"] != 1 || seen["EX2"] != 1 {
		t.Errorf("%d pages: %v", pages, seen)
	}
}
