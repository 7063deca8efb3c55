package shell

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"hma/wire/psobject"
)

// person answers from a list and writes down what was asked.
type person struct {
	answers []string
	asked   strings.Builder
}

func (p *person) next() (string, error) {
	if len(p.answers) == 0 {
		return "", context.Canceled
	}
	answer := p.answers[0]
	p.answers = p.answers[1:]
	return answer, nil
}

func (p *person) Choose(_ context.Context, caption, message string, choices []Choice, def int) (int, error) {
	fmt.Fprintf(&p.asked, "%s|%s|%s\n", caption, strings.ReplaceAll(message, "\n", "|"), choices[def].Key)
	answer, err := p.next()
	for i, c := range choices {
		if c.Key == answer {
			return i, err
		}
	}
	return def, err
}

func (p *person) Value(_ context.Context, parameter string) (string, error) {
	fmt.Fprintf(&p.asked, "%s:\n", parameter)
	return p.next()
}

func TestConfirm(t *testing.T) {
	const sure = "Confirm|Are you sure you want to perform this action?|"
	set := func(server string) string {
		return sure + `Performing the operation "Set-OwaVirtualDirectory" on target "` + server + `\owa (Default Web Site)".|Y` + "\n"
	}
	remove := sure + `Performing the operation "Remove-OwaVirtualDirectory" on target "x".|Y` + "\n"
	const both = "Get-OwaVirtualDirectory | Set-OwaVirtualDirectory -BasicAuthentication $false "
	for _, test := range []struct{ text, answers, asked, did string }{
		{both + "-Confirm", "Y Y", set("EX1") + set("EX2"), "EX1 EX2"},
		{both + "-Confirm:$true", "N Y", set("EX1") + set("EX2"), "EX2"},
		{both + "-Confirm", "A", set("EX1"), "EX1 EX2"},
		{both + "-Confirm", "L", set("EX1"), ""},
		{both + "-Confirm", "Y L", set("EX1") + set("EX2"), "EX1"},
		{both + "-Confirm", "", set("EX1"), ""},
		{both + "-Confirm:$false", "", "", "EX1 EX2"},
		{both + "-Confirm -WhatIf", "", "", ""},
		{both, "", "", "EX1 EX2"},
		{"Remove-OwaVirtualDirectory x", "Y", remove, "x"},
		{"Remove-OwaVirtualDirectory x", "N", remove, ""},
		{"Remove-OwaVirtualDirectory x -Confirm:$false", "", "", "x"},
		{"Remove-OwaVirtualDirectory x -WhatIf", "", "", ""},
	} {
		who := &person{answers: strings.Fields(test.answers)}
		server := &doing{organization: newOrganization()}
		err := Run(t.Context(), test.text, Session{Client: server, Out: io.Discard, Err: io.Discard, Ask: who})
		if who.asked.String() != test.asked || strings.Join(server.did, " ") != test.did || (err != nil) != (test.answers == "" && test.asked != "") {
			t.Errorf("%s, %s: asked %q, did %q, %v", test.text, test.answers, who.asked.String(), server.did, err)
		}
	}
}

// TestConfirmWithoutTerminal: what nobody can be asked about goes to the server as it is, which refuses -Confirm.
func TestConfirmWithoutTerminal(t *testing.T) {
	for text, want := range map[string]string{
		"Set-OwaVirtualDirectory x -Confirm":    "Set-OwaVirtualDirectory -Confirm True -Identity x",
		"Remove-OwaVirtualDirectory x":          "Remove-OwaVirtualDirectory -Identity x",
		"Remove-OwaVirtualDirectory":            "Remove-OwaVirtualDirectory",
		"'x' | Remove-OwaVirtualDirectory -vb ": "VERBOSE: Performing the operation \"Remove-OwaVirtualDirectory\" on target \"x\".\nWARNING: Remove-OwaVirtualDirectory <x>",
	} {
		var errs strings.Builder
		err := Run(t.Context(), text, Session{Client: newOrganization(), Out: io.Discard, Err: &errs})
		if got := strings.TrimPrefix(strings.TrimSpace(errs.String()), "WARNING: "); err != nil || got != want {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
}

func TestMissingParametersAreAskedFor(t *testing.T) {
	for _, test := range []struct{ text, answers, asked, said string }{
		{"Remove-OwaVirtualDirectory -Confirm:$false", "x", "Identity:\n", "\ncmdlet Remove-OwaVirtualDirectory at command pipeline position 1\nSupply values for the following parameters:\nWARNING: Remove-OwaVirtualDirectory -Identity x\n"},
		{"Restart-Service -Force", "W3SVC WAS -", "Name[0]:\nName[1]:\nName[2]:\n", "\ncmdlet Restart-Service at command pipeline position 1\nSupply values for the following parameters:\nWARNING: Restart-Service -Force True -Name {W3SVC, WAS}\n"},
		{"'x' | Remove-OwaVirtualDirectory -Confirm:$false", "", "", "WARNING: Remove-OwaVirtualDirectory <x>\n"},
		{"'abc' | select-string", "b", "Pattern:\n", "\ncmdlet Select-String at command pipeline position 2\nSupply values for the following parameters:\n"},
		{"Get-Content", "-", "Path:\n", "...Cannot bind argument to parameter 'Path' because it is an empty string."},
		{"Get-Content", "", "Path:\n", "\ncmdlet Get-Content at command pipeline position 1\nSupply values for the following parameters:\n"},
	} {
		who := &person{}
		for answer := range strings.FieldsSeq(test.answers) {
			who.answers = append(who.answers, strings.TrimPrefix(answer, "-"))
		}
		var errs strings.Builder
		_ = Run(t.Context(), test.text, Session{Client: newOrganization(), Out: io.Discard, Err: &errs, Ask: who})
		want, part := strings.CutPrefix(test.said, "...")
		if who.asked.String() != test.asked || errs.String() != want && !(part && strings.Contains(errs.String(), want)) {
			t.Errorf("%s: asked %q, said %q", test.text, who.asked.String(), errs.String())
		}
	}
}

// doing writes down what was really done to what.
type doing struct {
	*organization
	did []string
}

func (d *doing) Invoke(ctx context.Context, inv psobject.Invocation) (psobject.Result, error) {
	if !strings.HasPrefix(inv.Cmdlet, "Get-") && !tried(inv) {
		for _, p := range inv.Parameters {
			if p.Name == "Identity" {
				d.did = append(d.did, psobject.Text(p.Value))
			}
		}
		for _, x := range inv.Input {
			d.did = append(d.did, x.String("Server"))
		}
	}
	return d.organization.Invoke(ctx, inv)
}

// tried tells whether nothing is to be done.
func tried(inv psobject.Invocation) bool {
	return slices.ContainsFunc(inv.Parameters, func(p psobject.Property) bool { return p.Name == "WhatIf" })
}
