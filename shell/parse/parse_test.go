package parse

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// show writes a script on one line: commands with their arguments in brackets.
func show(s *Script) string {
	var statements []string
	for _, pl := range s.Statements {
		var commands []string
		for _, c := range pl.Commands {
			text := c.Name
			for _, a := range c.Args {
				text += " ["
				if a.Parameter != "" {
					text += "-" + a.Parameter
				}
				if a.Value != nil {
					text += "=" + showValue(*a.Value)
				}
				text += "]"
			}
			commands = append(commands, text)
		}
		statements = append(statements, strings.Join(commands, " | "))
	}
	return strings.Join(statements, " ; ")
}

func showValue(v Value) string {
	switch v.Kind {
	case Bool:
		return "$" + fmt.Sprint(v.Bool)
	case Null:
		return "$null"
	case List:
		var items []string
		for _, i := range v.Items {
			items = append(items, showValue(i))
		}
		return "{" + strings.Join(items, ",") + "}"
	}
	return fmt.Sprintf("%q", v.Text)
}

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"":                                    "",
		" ; \n;# only a comment":              "",
		"Get-AuthServer":                      `Get-AuthServer`,
		"\ufeffGet-A; Get-B\nGet-C\r\n":       `Get-A ; Get-B ; Get-C`,
		"Get-A | fl server,*url*, *auth*":     `Get-A | fl [={"server","*url*","*auth*"}]`,
		"Set-A –OAuth $true —Basic:$FALSE":    `Set-A [-OAuth] [=$true] [-Basic=$false]`,
		"Get–A -Force -Name: 'x'":             `Get-A [-Force] [-Name="x"]`,
		`Set-A -Name "EvoSts - 1" -D 'it''s'`: `Set-A [-Name] [="EvoSts - 1"] [-D] [="it's"]`,
		"Set-A “two words” ‘one’":             `Set-A [="two words"] [="one"]`,
		"Set-A \"a`nb`$c$\"":                  `Set-A [="a\nb$c$"]`,
		"Set-A `\n -B 1,\n2 `\r\n -C":         `Set-A [-B] [={"1","2"}] [-C]`,
		"Get-A |\n fl":                        `Get-A | fl`,
		"Get-A <# note\n#> -B # rest":         `Get-A [-B]`,
		"Restart-Service -Name W3SVC, WAS":    `Restart-Service [-Name] [={"W3SVC","WAS"}]`,
		`Get-A EX1\owa` + "` (Default) ":      "error",
		"Set-A -N -5 $null, $true":            `Set-A [-N] [="-5"] [={$null,$true}]`,
		"Set-A a`,b":                          `Set-A [="a,b"]`,
	} {
		s, err := Parse(text)
		got := "error"
		if err == nil {
			got = show(s)
		}
		if got != want {
			t.Errorf("%q:\ngot  %s (%v)\nwant %s", text, got, err, want)
		}
	}
}

func TestErrorsHavePlaces(t *testing.T) {
	for text, want := range map[string]string{
		"Get-A\n  $x = 1":              "line 2, column 3: variables",
		"Get-A | where {$_.Name}":      "line 1, column 15: this character cannot stand here without quotes (script blocks",
		"Get-A (1)":                    "line 1, column 7: this character cannot stand here without quotes (expressions",
		"Get-A @('x')":                 "line 1, column 7: this character",
		"Get-A > x":                    "line 1, column 7: this character cannot stand here without quotes (redirection",
		"Get-A 'x":                     "line 1, column 7: the text in quotes does not end",
		"Get-A ä'x":                    "line 1, column 8: this character",
		"Get-A <# x":                   "line 1, column 7: the comment does not end",
		"Get-A |":                      "line 1, column 8: a command is missing",
		"Get-A || Get-B":               "line 1, column 8: || is not supported",
		"| Get-A":                      "line 1, column 1: a command begins with its name",
		"Get-A -B x,":                  "line 1, column 12: a value is missing",
		"Get-A , x":                    "line 1, column 7: a value is missing (a value is missing before the comma)",
		`Get-A "a$b"`:                  "line 1, column 9: variables in double quotes",
		"Get-A \"a`0\"":                "line 1, column 11: this escape",
		"Get-A -B $x":                  "line 1, column 10: variables are not supported",
		"Get-A 'x'y":                   "line 1, column 10: something stands right behind",
		"Get-A -B(1)":                  "line 1, column 9: a space is missing behind the parameter's name (expressions",
		"Get-A \xff":                   "line 1, column 1: the text is not UTF-8",
		strings.Repeat("x", MaxText+1): "line 1, column 1: the text is longer",
		"Get-A -Name:":                 "line 1, column 13: a value is missing",
	} {
		_, err := Parse(text)
		bad, ok := errors.AsType[*Error](err)
		if !ok || !strings.HasPrefix(bad.Error(), want) {
			t.Errorf("%.40q: %v, want %s", text, err, want)
		}
	}
}

// FuzzParse checks that every text ends in a tree or in an error with a place in
// it, and that what was read keeps its meaning when it is written out plainly and read again.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"Get-A -B 'x',\"y\" | fl a,*b*", "Set-A –B:$true; # c\n<# d #> E `\n f", "“a” ‘b’ $null", "a,b|c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			bad, ok := errors.AsType[*Error](err)
			if !ok || bad.Line < 1 || bad.Column < 1 || bad.Line > strings.Count(text, "\n")+1 {
				t.Fatalf("%v", err)
			}
			return
		}
		again, err := Parse(write(s))
		if err != nil {
			t.Fatalf("%q was read, and not read again as %q: %v", text, write(s), err)
		}
		if show(again) != show(s) {
			t.Fatalf("%q:\nfirst  %s\nsecond %s", text, show(s), show(again))
		}
	})
}

// write puts a script out with every text in single quotes.
func write(s *Script) string {
	var b strings.Builder
	for _, pl := range s.Statements {
		for i, c := range pl.Commands {
			if i > 0 {
				b.WriteString(" | ")
			}
			b.WriteString(bare(c.Name))
			for _, a := range c.Args {
				b.WriteByte(' ')
				if a.Parameter != "" {
					b.WriteString("-" + a.Parameter)
					if a.Value != nil {
						b.WriteByte(':')
					}
				}
				if a.Value != nil {
					b.WriteString(writeValue(*a.Value))
				}
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// bare writes a command's name, each of its odd characters behind a backtick.
func bare(name string) string {
	var b strings.Builder
	for i, r := range name {
		if i > 0 {
			b.WriteByte('`')
		}
		b.WriteRune(r)
	}
	return b.String()
}

func writeValue(v Value) string {
	switch v.Kind {
	case Bool:
		return "$" + fmt.Sprint(v.Bool)
	case Null:
		return "$null"
	case List:
		var items []string
		for _, i := range v.Items {
			items = append(items, writeValue(i))
		}
		return strings.Join(items, ",")
	}
	var b strings.Builder
	for _, r := range v.Text {
		b.WriteRune(r)
		if isSingle(r) {
			b.WriteRune(r)
		}
	}
	return "'" + b.String() + "'"
}
