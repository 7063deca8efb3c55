package shell

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hma/wire/psobject"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// organization is a server with a few objects, which Set- cmdlets change.
type organization struct {
	objects map[string][]psobject.Object // by the cmdlet that gets them, in lower case
}

const example = "Microsoft.Exchange.Data.Directory.SystemConfiguration."

func newOrganization() *organization {
	texts := func(s string) []string { return strings.Split(s, ",") }
	mapi := func(server string) psobject.Object {
		return psobject.Object{Type: example + "ADMapiVirtualDirectory", Properties: []psobject.Property{{Name: "Name", Value: "mapi (Default Web Site)"}, {Name: "Server", Value: server},
			{Name: "InternalUrl", Value: "https://mail.contoso.com/mapi"}, {Name: "ExternalUrl", Value: "https://mail.contoso.com/mapi"}, {Name: "IISAuthenticationMethods", Value: texts("Ntlm,OAuth,Negotiate")},
			{Name: "InternalAuthenticationMethods", Value: texts("Ntlm,OAuth,Negotiate")}, {Name: "ExternalAuthenticationMethods", Value: texts("Ntlm,OAuth,Negotiate")}, {Name: "Identity", Value: server + `\mapi (Default Web Site)`}}}
	}
	owa := func(server string) psobject.Object {
		return psobject.Object{Type: example + "ADOwaVirtualDirectory", Properties: []psobject.Property{{Name: "Name", Value: "owa (Default Web Site)"}, {Name: "Server", Value: server},
			{Name: "ExternalUrl", Value: "https://mail.contoso.com/owa"}, {Name: "BasicAuthentication", Value: true}, {Name: "FormsAuthentication", Value: true}, {Name: "Identity", Value: server + `\owa (Default Web Site)`}}}
	}
	return &organization{map[string][]psobject.Object{
		"get-mapivirtualdirectory": {mapi("EX1")},
		"get-owavirtualdirectory":  {owa("EX1"), owa("EX2")},
		"get-exchangeserver": {{Type: "Microsoft.Exchange.Data.Directory.Management.ExchangeServer", Properties: []psobject.Property{{Name: "Name", Value: "EX1"}}},
			{Type: "Microsoft.Exchange.Data.Directory.Management.ExchangeServer", Properties: []psobject.Property{{Name: "Name", Value: "EX2"}}}},
		"get-authserver": {
			{Type: example + "AuthServer", Properties: []psobject.Property{{Name: "Name", Value: "EvoSts - 11111111-2222-3333-4444-555555555555"}, {Name: "Realm", Value: "t"}, {Name: "Enabled", Value: true}, {Name: "DomainName", Value: texts("contoso.onmicrosoft.com")}}},
			{Type: example + "AuthServer", Properties: []psobject.Property{{Name: "Name", Value: "ACS - 11111111-2222-3333-4444-555555555555"}, {Name: "Realm", Value: "t"}, {Name: "Enabled", Value: false}, {Name: "DomainName", Value: []string{}}}}},
	}}
}

func (o *organization) Commands(context.Context) ([]psobject.Command, error) {
	identity := psobject.Parameter{Name: "Identity", Type: "string", Position: new(0), Pipeline: true}
	confirm, whatIf := named("Confirm", "switch"), named("WhatIf", "switch", "wi")
	list := []psobject.Command{
		{Name: "Set-OwaVirtualDirectory", Synopsis: "Changes OWA's virtual directory.", Params: []psobject.Parameter{identity, {Name: "AdfsAuthentication", Type: "bool"}, {Name: "BasicAuthentication", Type: "bool"}, {Name: "FormsAuthentication", Type: "bool"}, {Name: "DigestAuthentication", Type: "bool"}, confirm, whatIf}},
		{Name: "Remove-OwaVirtualDirectory", Params: []psobject.Parameter{needed(identity), confirm, whatIf}},
		{Name: "Restart-Service", Params: []psobject.Parameter{needed(at(0, named("Name", "strings"))), named("Force", "switch")}},
		{Name: "Set-AuthServer", Params: []psobject.Parameter{identity, {Name: "IsDefaultAuthorizationEndpoint", Type: "bool"}, {Name: "DomainName", Type: "strings"}, {Name: "WhatIf", Type: "switch"}}},
		{Name: "New-SettingOverride", Params: []psobject.Parameter{{Name: "Name", Type: "string"}, {Name: "Parameters", Type: "strings"}}},
	}
	for _, name := range []string{"Get-MapiVirtualDirectory", "Get-OwaVirtualDirectory", "Get-ExchangeServer", "Get-AuthServer"} {
		list = append(list, psobject.Command{Name: name, Synopsis: "Gets it.", Params: []psobject.Parameter{identity, {Name: "Server", Type: "string"}, {Name: "Filter", Type: "string"}, {Name: "ADPropertiesOnly", Type: "switch"}}})
	}
	return list, nil
}

// Invoke gets objects, and says what any other cmdlet was given.
func (o *organization) Invoke(_ context.Context, inv psobject.Invocation) (psobject.Result, error) {
	objects, ok := o.objects[strings.ToLower(inv.Cmdlet)]
	if ok {
		for _, p := range inv.Parameters {
			objects = slices.DeleteFunc(slices.Clone(objects), func(x psobject.Object) bool {
				return p.Name == "Server" && x.String("Server") != p.Value || p.Name == "Identity" && x.String("Name") != p.Value
			})
			if p.Name == "Identity" && len(objects) == 0 {
				return psobject.Result{}, &psobject.ErrorRecord{Message: fmt.Sprintf("The operation couldn't be performed because object '%s' couldn't be found.", p.Value), Category: "ObjectNotFound", Reason: "ManagementObjectNotFoundException", Target: psobject.Text(p.Value), Cmdlet: inv.Cmdlet}
			}
		}
		return psobject.Result{Output: objects}, nil
	}
	if strings.HasPrefix(inv.Cmdlet, "Get-") {
		return psobject.Result{}, &psobject.ErrorRecord{Message: "The term '" + inv.Cmdlet + "' is not recognized as the name of a cmdlet.", Category: "ObjectNotFound", Reason: "CommandNotFoundException", Target: inv.Cmdlet, Cmdlet: inv.Cmdlet}
	}
	said := inv.Cmdlet
	var res psobject.Result
	for _, p := range inv.Parameters {
		if p.Name == "WhatIf" {
			for _, x := range inv.Input {
				res.WhatIf = append(res.WhatIf, fmt.Sprintf("What if: Performing the operation %q on target \"%s\".", inv.Cmdlet, x.String("Identity")))
			}
			if inv.Input == nil {
				res.WhatIf = append(res.WhatIf, `What if: Performing the operation "`+inv.Cmdlet+`" on target "x".`)
			}
		}
		if e, ok := p.Value.(psobject.Edit); ok {
			p.Value = fmt.Sprintf("+%v -%v", e.Add, e.Remove)
		}
		said += fmt.Sprintf(" -%s %s", p.Name, psobject.Text(p.Value))
	}
	for _, x := range inv.Input {
		said += " <" + x.String("Identity") + ">"
	}
	res.Warnings = []string{said}
	return res, nil
}

// TestTranscripts plays the texts of testdata, separated by lines of ---, in one session
// for each file, and compares what an administrator sees.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.ps1")
	if err != nil || len(files) < 3 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			input, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			t.Chdir(t.TempDir())
			var out strings.Builder
			s := &Session{Client: newOrganization(), Out: &out, Err: &out, Width: 100, Graph: cloudOf(t, newDirectory())}
			for text := range strings.SplitSeq(strings.TrimSpace(string(input)), "\n---\n") {
				prompt := "[PS] C:\\>"
				for line := range strings.Lines(text) {
					fmt.Fprintf(&out, "%s%s\n", prompt, strings.TrimSuffix(line, "\n"))
					prompt = ">> "
				}
				_ = s.Run(t.Context(), text) // errors are part of what is seen; the next text goes on, as at a prompt
			}
			compareGolden(t, file, out.String())
		})
	}
}

// here is where the tests began: a transcript plays in a folder of its own.
var here, _ = os.Getwd()

func compareGolden(t *testing.T, file, got string) {
	t.Helper()
	golden := filepath.Join(here, strings.TrimSuffix(file, ".ps1")+".golden")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
