package target

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"hma/client/graph"
	"hma/wire/psobject"
	"hma/wire/wellknown"
)

func reading(t *testing.T, texts ...string) Target {
	t.Helper()
	o, err := open(texts...)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func open(texts ...string) (Target, error) {
	var files []io.Reader
	for _, text := range texts {
		files = append(files, strings.NewReader(text))
	}
	return ReadSnapshot(files...)
}

func exchangePart(cmdlet, objects string) string {
	return `{"version":1,"part":"exchange","sections":[{"cmdlet":"` + cmdlet + `","parameters":{},"error":"","objects":` + objects + `}]}`
}

// Each value is read in every form in which ConvertTo-Json may have written it.
func TestQuirks(t *testing.T) {
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, property, value, text string
		want                        any
	}{
		{"text", "Name", `"EX1"`, "EX1", "EX1"},
		{"null", "Name", `null`, "", nil},
		{"Boolean", "Enabled", `true`, "True", true},
		{"Boolean as text", "Enabled", `"False"`, "False", false},
		{"list", "InternalAuthenticationMethods", `["Ntlm","OAuth"]`, "{Ntlm, OAuth}", nil},
		{"list of one", "InternalAuthenticationMethods", `"OAuth"`, "{OAuth}", nil},
		{"list made a sentence", "InternalAuthenticationMethods", `"Ntlm OAuth"`, "{Ntlm, OAuth}", nil},
		{"list with a count", "InternalAuthenticationMethods", `{"value":["Ntlm","OAuth"],"Count":2}`, "{Ntlm, OAuth}", nil},
		{"empty list", "InternalAuthenticationMethods", `[]`, "{}", nil},
		{"enumeration of a session", "Status", `{"value":0,"Value":"Valid"}`, "Valid", "Valid"},
		{"list of them", "InternalAuthenticationMethods", `[{"value":10,"Value":"OAuth"}]`, "{OAuth}", nil},
		{"time of 5.1", "NotAfter", `"\/Date(1795435200000)\/"`, "", noon},
		{"time of 5.1 with its day", "NotAfter", `{"value":"\/Date(1795435200000)\/","DisplayHint":2,"DateTime":"Monday"}`, "", noon},
		{"time of 7", "NotAfter", `"2026-11-23T13:00:00+01:00"`, "", noon},
		{"URL", "InternalUrl", `{"AbsolutePath":"/owa","AbsoluteUri":"https://m/owa","OriginalString":"https://m/owa"}`, "https://m/owa", nil},
		{"version", "AdminDisplayVersion", `{"Major":15,"Minor":2,"Build":1544,"Revision":9}`, "Version 15.2 (Build 1544.9)", nil},
		{"address", "PrimarySmtpAddress", `{"Local":"a","Domain":"b.c","Address":"a@b.c","Length":5}`, "a@b.c", nil},
		{"SID", "Sid", `{"BinaryLength":28,"AccountDomainSid":{},"Value":"S-1-5-21-1-2-3-1104"}`, "S-1-5-21-1-2-3-1104", nil},
		{"disabled account", "UserAccountControl", `514`, "AccountDisabled", nil},
	} {
		got, err := reading(t, exchangePart("Get-X", `[{"`+c.property+`":`+c.value+`}]`)).Cmdlets.Invoke(t.Context(), psobject.Invocation{Cmdlet: "get-x"})
		if err != nil || len(got.Output) != 1 {
			t.Errorf("%s: %v, %v", c.name, got.Output, err)
			continue
		}
		value, _ := got.Output[0].Get(c.property)
		if at, ok := c.want.(time.Time); ok && value != at || !ok && psobject.Text(value) != c.text || !ok && c.want != nil && value != c.want {
			t.Errorf("%s: %#v", c.name, value)
		}
	}
	for name, value := range map[string]string{
		`number of an enumeration`: `"Type":4`, `number of a method`: `"InternalAuthenticationMethods":[4,10]`, `depth`: `"Name":"System.Collections.ArrayList"`,
		`depth of a property`: `"X":["@{a=1}"]`, `no text`: `"X":{"Y":1}`, `no time`: `"NotAfter":"next year"`, `fraction`: `"X":1.5`, `nested list`: `"X":[["a"]]`,
	} {
		if got, err := reading(t, exchangePart("Get-X", `[{`+value+`}]`)).Cmdlets.Invoke(t.Context(), psobject.Invocation{Cmdlet: "Get-X"}); err == nil {
			t.Errorf("%s is taken: %v", name, got.Output)
		}
	}
}

// A file is read in each encoding that PowerShell writes.
func TestEncodings(t *testing.T) {
	text := exchangePart("Get-X", `{"Name":"Zoë"}`)
	utf16With := func(order binary.AppendByteOrder) string {
		var raw []byte
		for _, u := range utf16.Encode([]rune("\ufeff" + text)) {
			raw = order.AppendUint16(raw, u)
		}
		return string(raw)
	}
	for name, file := range map[string]string{"UTF-8": text, "with a mark": "\ufeff" + text, "UTF-16": utf16With(binary.LittleEndian), "big-endian": utf16With(binary.BigEndian)} {
		got, err := reading(t, file).Cmdlets.Invoke(t.Context(), psobject.Invocation{Cmdlet: "Get-X"})
		if err != nil || len(got.Output) != 1 || got.Output[0].String("Name") != "Zoë" {
			t.Errorf("%s: %v, %v", name, got.Output, err)
		}
	}
}

// What is not there, or failed, is an error of its reading and never an empty list.
func TestMissing(t *testing.T) {
	o := reading(t, `{"version":1,"part":"exchange","sections":[
		{"cmdlet":"Get-OwaVirtualDirectory","parameters":{"ADPropertiesOnly":true},"error":"","objects":[{"Name":"owa"}]},
		{"cmdlet":"Get-User","parameters":{"ResultSize":"Unlimited"},"error":"","objects":[]},
		{"cmdlet":"Get-AuthServer","parameters":{},"error":"","objects":{"Type":"AzureAD","Enabled":true,"Realm":"11111111-1111-1111-1111-111111111111"}},
		{"cmdlet":"Get-Mailbox","parameters":{"ResultSize":"Unlimited"},"error":"Access is denied.","objects":[]}]}`,
		`{"version":1,"part":"graph","sections":[{"cmdlet":"Get-MgServicePrincipal","parameters":{"All":true},"error":"","objects":[{"Id":"p","AppId":"a","ServicePrincipalNames":["https://m/"]}]}]}`)
	unlimited := []psobject.Property{{Name: "ResultSize", Value: "Unlimited"}}
	if got, err := o.Cmdlets.Invoke(t.Context(), psobject.Invocation{Cmdlet: "Get-OwaVirtualDirectory", Parameters: []psobject.Property{{Name: "ADPropertiesOnly", Value: true}}}); err != nil || len(got.Output) != 1 {
		t.Errorf("%v, %v", got, err)
	}
	for want, call := range map[string]psobject.Invocation{
		"not in the snapshot": {Cmdlet: "Get-OwaVirtualDirectory"},
		"found nothing":       {Cmdlet: "Get-User", Parameters: unlimited},
		"Access is denied.":   {Cmdlet: "Get-Mailbox", Parameters: unlimited},
	} {
		if _, err := o.Cmdlets.Invoke(t.Context(), call); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", call.Cmdlet, err, want)
		}
	}
	if len(o.Tenants) != 2 || o.Tenants[1].Name != "11111111-1111-1111-1111-111111111111" {
		t.Fatalf("the tenant without a Graph part is not said: %v", o.Tenants)
	}
	g := o.Tenants[0].Graph
	if held, err := g.NameHolders(t.Context(), "https://M"); err != nil || len(held) != 1 || held[0].ID != "p" {
		t.Errorf("holders: %v, %v", held, err)
	}
	if grants, err := g.Grants(t.Context(), "b"); err != nil || grants != nil {
		t.Errorf("grants of an application without a principal: %v, %v", grants, err)
	}
	if _, err := g.Grants(t.Context(), "a"); err == nil {
		t.Error("grants that were not collected are taken for none")
	}
	if _, err := g.Users(t.Context()); err == nil {
		t.Error("people that were not collected are taken for none")
	}
	if _, err := g.ServicePrincipal(t.Context(), wellknown.Exchange); err == nil {
		t.Error("a principal that was not collected is taken for none")
	}
	if g.SetReplyURLs(t.Context(), "p", nil) == nil || g.SetServicePrincipalNames(t.Context(), "p", nil) == nil {
		t.Error("a snapshot is changed")
	}
}

func TestNoSnapshot(t *testing.T) {
	whole := exchangePart("Get-X", "[]")
	for _, text := range []string{"", "{}", "[]", whole + whole, whole[:len(whole)-1], strings.Replace(whole, `"version":1`, `"version":2`, 1),
		strings.Replace(whole, `"exchange"`, `"lotus"`, 1), "\xff\xfex", "\x80"} {
		if _, err := open(text); !errors.Is(err, ErrSnapshot) {
			t.Errorf("%.60q: %v", text, err)
		}
	}
	if _, err := open(whole, whole); !errors.Is(err, ErrSnapshot) {
		t.Errorf("two Exchange parts: %v", err)
	}
}

func FuzzSnapshot(f *testing.F) {
	f.Add(exchangePart("Get-AuthServer", `[{"Type":{"value":1,"Value":"AzureAD"},"Enabled":true,"NotAfter":"\/Date(1)\/"}]`))
	f.Add(`{"version":1,"part":"graph","sections":[{"cmdlet":"Get-MgOrganization","objects":{"Id":"x","VerifiedDomains":[{"Name":"c","IsInitial":true,"IsDefault":false}]}}]}`)
	f.Add("\xff\xfe{\x00}\x00")
	f.Fuzz(func(t *testing.T, text string) {
		o, err := open(text)
		hidden, hideErr := Pseudonyms(strings.NewReader(text), []byte("key"))
		if err != nil {
			return
		}
		if hideErr != nil {
			t.Fatal(hideErr)
		}
		if _, err := open(string(hidden)); err != nil {
			t.Fatalf("with pseudonyms it is none: %v", err)
		}
		if o.Cmdlets != nil {
			_, _ = o.Cmdlets.Invoke(t.Context(), psobject.Invocation{Cmdlet: "Get-AuthServer"})
		}
		for _, tenant := range o.Tenants {
			_, _ = tenant.Graph.ServicePrincipal(t.Context(), wellknown.Exchange)
			_, _ = tenant.Graph.Grants(t.Context(), wellknown.Exchange)
			_, _ = tenant.Graph.Users(t.Context())
		}
	})
}

// fake is a tenant's Graph that only tells who it is.
type fake struct {
	Graph
	id, domain string
}

func (f fake) Organization(context.Context) (graph.Organization, error) {
	if f.domain == "" {
		return graph.Organization{}, errors.New("refused")
	}
	return graph.Organization{ID: f.id, VerifiedDomains: []graph.VerifiedDomain{{Name: f.domain, IsInitial: true}}}, nil
}

// Tenants at which somebody signed in take the place of Graph parts; one that the organisation trusts
// and nobody signed in at is missing.
func TestSignedIn(t *testing.T) {
	read := func(files ...string) Target {
		t.Helper()
		var all []io.Reader
		for _, f := range files {
			text, err := os.ReadFile("../procedure/testdata/snapshots/multi-tenant/" + f)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, bytes.NewReader(text))
		}
		o, err := ReadSnapshot(all...)
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	whole := read("exchange.json", "graph-contoso.json", "graph-fabrikam.json")
	var tenants []Tenant
	for _, tenant := range whole.Tenants {
		o, err := tenant.Graph.Organization(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		tenants = append(tenants, Tenant{o.ID, fake{id: o.ID, domain: o.InitialDomain()}})
	}
	if err := whole.SignedIn(t.Context(), tenants...); !errors.Is(err, ErrSnapshot) {
		t.Errorf("beside Graph parts: %v", err)
	}
	o := read("exchange.json")
	if err := o.SignedIn(t.Context(), tenants...); err != nil || o.Missing() != nil || len(o.Tenants) != 2 || o.Tenants[0].Name != whole.Tenants[0].Name || !slices.Equal(o.Parts(), []string{PartExchange}) {
		t.Errorf("both: %v, %+v", err, o)
	}
	o = read("exchange.json")
	if err := o.SignedIn(t.Context(), tenants[0]); err != nil || len(o.Missing()) != 1 {
		t.Errorf("one of two: %v, %q", err, o.Missing())
	}
	o = read("exchange.json")
	silent := []Tenant{{tenants[0].Name, fake{}}, {tenants[1].Name, fake{}}}
	if err := o.SignedIn(t.Context(), silent...); err != nil || len(o.Tenants) != 2 || o.Tenants[0].Name != tenants[0].Name {
		t.Errorf("tenants that do not tell: %v, %+v", err, o.Tenants)
	}
}
