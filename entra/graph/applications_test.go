package graph

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"hma/entra"
	"hma/wire/wellknown"
)

// certificate is a self-signed one, base64 DER.
func (e *env) certificate(bits int) string {
	e.t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: e.clock, NotAfter: e.clock.AddDate(5, 0, 0)}
	var der []byte
	if bits == 0 {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			e.t.Fatal(err)
		}
		der, err = x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		if err != nil {
			e.t.Fatal(err)
		}
	} else {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			e.t.Fatal(err)
		}
		der, err = x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		if err != nil {
			e.t.Fatal(err)
		}
	}
	return base64.StdEncoding.EncodeToString(der)
}

func keyBody(key, more string) string {
	return `{"keyCredentials":[{"type":"AsymmetricX509Cert","usage":"Verify","key":"` + key + `"` + more + `}]}`
}

func keysOf(out map[string]any) []map[string]any {
	var all []map[string]any
	list, _ := out["keyCredentials"].([]any)
	for _, k := range list {
		all = append(all, k.(map[string]any))
	}
	return all
}

func TestKeyCredentials(t *testing.T) {
	e := newEnv(t)
	token := e.token(e.admin, readWrite, nil)
	exchange := "/v1.0/servicePrincipals(appId='" + wellknown.Exchange + "')"
	first, second := e.certificate(2048), e.certificate(2048)
	patch := func(body string, want int) {
		t.Helper()
		if status, out, _ := e.do(token, "PATCH", exchange, body); status != want {
			t.Errorf("%.120s: %d %v", body, status, out)
		}
	}
	patch(keyBody(first, `,"displayName":"CN=Microsoft Exchange Server Auth Certificate"`), 204)
	_, out, _ := e.do(token, "GET", exchange, "")
	keys := keysOf(out)
	if len(keys) != 1 || keys[0]["key"] != nil || keys[0]["type"] != "AsymmetricX509Cert" || keys[0]["usage"] != "Verify" {
		t.Fatalf("%v", keys)
	}
	der, err := base64.StdEncoding.DecodeString(first)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha1.Sum(der)
	if keys[0]["customKeyIdentifier"] != base64.StdEncoding.EncodeToString(sum[:]) || keys[0]["endDateTime"] != "2031-03-01T12:00:00Z" || keys[0]["startDateTime"] != "2026-03-01T12:00:00Z" {
		t.Errorf("%v", keys[0])
	}
	if _, out, _ = e.do(token, "GET", exchange+"?$select=keyCredentials", ""); keysOf(out)[0]["key"] != first {
		t.Error("the key is not shown where it was selected")
	}
	// The list replaces; an element without a key keeps the stored one.
	kept := keys[0]["keyId"].(string)
	patch(`{"keyCredentials":[{"keyId":"`+kept+`","key":null},{"type":"AsymmetricX509Cert","usage":"Verify","key":"`+second+`","endDateTime":"2027-03-01T12:00:00Z","startDateTime":"2026-04-01T00:00:00Z"}]}`, 204)
	_, out, _ = e.do(token, "GET", exchange+"?$select=keyCredentials", "")
	if keys = keysOf(out); len(keys) != 2 || keys[0]["keyId"] != kept || keys[0]["key"] != first || keys[1]["key"] != second || keys[1]["endDateTime"] != "2027-03-01T12:00:00Z" {
		t.Errorf("%v", keys)
	}
	many := strings.Repeat(`{"type":"AsymmetricX509Cert","usage":"Verify","key":"`+first+`"},`, 51)
	for _, body := range []string{
		keyBody(e.certificate(1024), ""), keyBody(e.certificate(0), ""), keyBody("AAAA", ""), keyBody("no base64!", ""), keyBody("", ""),
		keyBody(first, `,"endDateTime":"2040-01-01T00:00:00Z"`), keyBody(first, `,"endDateTime":"2020-01-01T00:00:00Z"`), keyBody(first, `,"endDateTime":"soon"`),
		keyBody(first, `,"startDateTime":"2026-03-01T11:59:59Z"`),
		keyBody(first, `,"displayName":"`+strings.Repeat("x", 300)+`"`), strings.ReplaceAll(keyBody(first, ""), "Verify", "Sign"),
		strings.ReplaceAll(keyBody(first, ""), "AsymmetricX509Cert", "Symmetric"), `{"keyCredentials":null}`, `{"keyCredentials":{}}`, `{"keyCredentials":["x"]}`,
		`{"keyCredentials":[{"keyId":"` + tenantID + `"}]}`, `{"keyCredentials":[{"keyId":"` + kept + `"},{"keyId":"` + kept + `"}]}`,
		`{"keyCredentials":[` + strings.TrimSuffix(many, ",") + `]}`,
	} {
		patch(body, 400)
	}
	_, out, _ = e.do(token, "GET", exchange, "")
	if len(keysOf(out)) != 2 {
		t.Error("a refused change changed something")
	}
	patch(`{"keyCredentials":[]}`, 204)
	if _, out, _ = e.do(token, "GET", exchange, ""); len(keysOf(out)) != 0 {
		t.Error("the empty list did not empty")
	}
	if status, _, _ := e.do(e.token(e.reader, readWrite, nil), "PATCH", exchange, keyBody(first, "")); status != 403 {
		t.Errorf("without a role: %d", status)
	}
}

func TestApplications(t *testing.T) {
	e := newEnv(t)
	token := e.token(e.admin, readWrite, nil)
	cert := e.certificate(2048)
	do := func(method, path, body string, want int) map[string]any {
		t.Helper()
		status, out, _ := e.do(token, method, "/v1.0/"+path, body)
		if status != want {
			t.Errorf("%s %s %.80s: %d %v", method, path, body, status, out)
		}
		return out
	}
	app := do("POST", "applications", `{"displayName":"ExchangeServerApp","signInAudience":"AzureADMyOrg","keyCredentials":[{"type":"AsymmetricX509Cert","usage":"Verify","key":"`+cert+`"}],
		"requiredResourceAccess":[{"resourceAppId":"`+wellknown.Exchange+`","resourceAccess":[{"id":"`+wellknown.FullAccessAsApp+`","type":"Role"}]}]}`, 201)
	id, appID := app["id"].(string), app["appId"].(string)
	for _, path := range []string{"applications/" + id, "applications(appId='" + strings.ToUpper(appID) + "')"} {
		got := do("GET", path+"?$select=appId,displayName,keyCredentials,requiredResourceAccess", "", 200)
		if got["appId"] != appID || got["displayName"] != "ExchangeServerApp" || keysOf(got)[0]["key"] != cert || len(got["requiredResourceAccess"].([]any)) != 1 {
			t.Errorf("%s: %v", path, got)
		}
	}
	list := do("GET", "applications?$filter=displayName%20eq%20'ExchangeServerApp'", "", 200)
	if all := list["value"].([]any); len(all) != 1 || keysOf(all[0].(map[string]any))[0]["key"] != nil {
		t.Errorf("%v", list)
	}
	// Microsoft's own applications are no applications of the tenant.
	if all := do("GET", "applications", "", 200)["value"].([]any); len(all) != 2 {
		t.Errorf("%d applications", len(all))
	}
	// Without a service principal the application is no client yet.
	snapshot, err := e.dir.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := snapshot.Tenant(tenantID).Client(appID); ok {
		t.Error("a client without a service principal")
	}
	sp := do("POST", "servicePrincipals", `{"appId":"`+appID+`"}`, 201)
	spID := sp["id"].(string)
	if sp["displayName"] != "ExchangeServerApp" || names(t, sp, "servicePrincipalNames")[0] != appID {
		t.Errorf("%v", sp)
	}
	do("POST", "servicePrincipals", `{"appId":"`+appID+`"}`, 409)
	for _, body := range []string{`{}`, `{"appId":1}`, `{"appId":"x"}`, `{"appId":"` + tenantID + `"}`, `{"appId":"` + appID + `","tags":[]}`} {
		do("POST", "servicePrincipals", body, 400)
	}
	exchange := do("GET", "servicePrincipals(appId='"+wellknown.Exchange+"')", "", 200)["id"].(string)
	graph := do("GET", "servicePrincipals(appId='"+wellknown.Graph+"')", "", 200)
	assign := func(principal, resource, role string) string {
		return fmt.Sprintf(`{"principalId":%q,"resourceId":%q,"appRoleId":%q}`, principal, resource, role)
	}
	assignments := "servicePrincipals/" + spID + "/appRoleAssignments"
	made := do("POST", assignments, assign(spID, exchange, wellknown.FullAccessAsApp), 201)
	if made["principalId"] != spID || made["resourceId"] != exchange || made["appRoleId"] != wellknown.FullAccessAsApp || made["id"] == "" {
		t.Errorf("%v", made)
	}
	do("POST", assignments, assign(spID, exchange, wellknown.FullAccessAsApp), 400)
	do("POST", assignments, assign(exchange, exchange, wellknown.FullAccessAsApp), 400)
	do("POST", assignments, assign(spID, exchange, tenantID), 400)
	do("POST", assignments, assign(spID, tenantID, wellknown.FullAccessAsApp), 404)
	do("POST", assignments, `{"principalId":1}`, 400)
	role := graph["appRoles"].([]any)[0].(map[string]any)["id"].(string)
	do("POST", assignments, assign(spID, graph["id"].(string), role), 403) // wants a Global Administrator
	if err := e.dir.UpdateUser(t.Context(), e.admin, func(u *entra.User) error { u.Roles = []string{entra.RoleGlobalAdministrator}; return nil }); err != nil {
		t.Fatal(err)
	}
	do("POST", assignments, assign(spID, graph["id"].(string), role), 201)
	if held := do("GET", assignments, "", 200)["value"].([]any); len(held) != 2 {
		t.Errorf("%v", held)
	}
	do("PATCH", "applications/"+id, `{"displayName":"Renamed","keyCredentials":[]}`, 204)
	if got := do("GET", "applications/"+id, "", 200); got["displayName"] != "Renamed" || len(keysOf(got)) != 0 {
		t.Errorf("%v", got)
	}
	if got := do("GET", "servicePrincipals/"+spID, "", 200); got["displayName"] != "Renamed" {
		t.Errorf("%v", got["displayName"])
	}
	for _, body := range []string{`{}`, `{"displayName":""}`, `{"displayName":1}`, `{"displayName":"x","nothing":1}`, `{"displayName":"x","signInAudience":"AzureADMultipleOrgs"}`,
		`{"displayName":"x","requiredResourceAccess":[{"resourceAppId":"x"}]}`, `{"displayName":"x","requiredResourceAccess":null}`} {
		do("POST", "applications", body, 400)
	}
	do("PATCH", "applications/"+id, `{"appId":"`+tenantID+`"}`, 400)
	do("GET", "applications/"+tenantID, "", 404)
	do("GET", "applications/"+id+"/x", "", 400)
	do("DELETE", "applications/"+id, "", 405)
	// Nobody changes anything without the permission and the role.
	for _, who := range []string{e.token(e.reader, readWrite, nil), e.token(e.admin, "Application.Read.All", nil)} {
		for path, body := range map[string]string{"applications": `{"displayName":"x"}`, "servicePrincipals": `{"appId":"` + appID + `"}`, assignments: assign(spID, exchange, wellknown.FullAccessAsApp)} {
			if status, _, _ := e.do(who, "POST", "/v1.0/"+path, body); status != 403 {
				t.Errorf("%s: %d", path, status)
			}
		}
	}
}

// FuzzKeyCredentials: any list ends in credentials with certificates, or in a refusal.
func FuzzKeyCredentials(f *testing.F) {
	e := newEnv(f)
	cert := e.certificate(2048)
	f.Add(`[{"type":"AsymmetricX509Cert","usage":"Verify","key":"` + cert + `"}]`)
	f.Add(`[{"keyId":"x","key":null}]`)
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := readKeyCredentials(json.RawMessage(text), nil)
		if err != nil {
			return
		}
		for _, k := range keys {
			if k.Certificate == nil || k.ID == "" || !k.Ends.After(k.Starts) || k.Good(time.Time{}) {
				t.Errorf("%+v", k)
			}
		}
	})
}
