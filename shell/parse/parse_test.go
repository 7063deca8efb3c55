package parse

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// show writes a tree on one line.
func show(list []Statement) string {
	var parts []string
	for _, s := range list {
		parts = append(parts, showStatement(s))
	}
	return strings.Join(parts, " ; ")
}

func showStatement(s Statement) string {
	switch s := s.(type) {
	case *Assign:
		return showExpr(s.Target) + " " + s.Op + " " + showStatement(s.Value)
	case *If:
		text := ""
		for _, c := range s.Clauses {
			text += "if(" + showStatement(c.Condition) + "){" + show(c.Body.Body) + "}"
		}
		if s.Else != nil {
			text += "else{" + show(s.Else.Body) + "}"
		}
		return text
	case *ForEach:
		return "foreach($" + s.Variable + " in " + showStatement(s.Values) + "){" + show(s.Body.Body) + "}"
	}
	if x, ok := s.(*Exit); ok {
		if x.Code == nil {
			return "exit"
		}
		return "exit " + showExpr(x.Code)
	}
	pl := s.(*Pipeline)
	var commands []string
	if pl.First != nil {
		commands = append(commands, showExpr(pl.First))
	}
	for _, c := range pl.Commands {
		text := c.Name
		for _, a := range c.Args {
			text += " ["
			if a.Parameter != "" {
				text += "-" + a.Parameter
			}
			if a.Value != nil {
				text += "=" + showExpr(a.Value)
			}
			text += "]"
		}
		commands = append(commands, text)
	}
	text := strings.Join(commands, " | ")
	if pl.File != nil {
		text += " >" + strings.Repeat(">", map[bool]int{true: 1}[pl.Append]) + " " + showExpr(pl.File)
	}
	return text
}

func showExpr(x Expr) string {
	exprs := func(list []Expr) string {
		var items []string
		for _, i := range list {
			items = append(items, showExpr(i))
		}
		return strings.Join(items, ",")
	}
	switch x := x.(type) {
	case *Literal:
		if s, ok := x.Value.(string); ok {
			return fmt.Sprintf("%q", s)
		}
		return fmt.Sprint(x.Value)
	case *Expandable:
		return "join(" + exprs(x.Parts) + ")"
	case *Variable:
		return "$" + x.Name
	case *Member:
		return showExpr(x.Target) + "." + showExpr(x.Name)
	case *Index:
		return showExpr(x.Target) + "[" + showExpr(x.Index) + "]"
	case *List:
		return "{" + exprs(x.Items) + "}"
	case *ArrayOf:
		return "@(" + show(x.Body.Body) + ")"
	case *Hash:
		var pairs []string
		for _, p := range x.Pairs {
			pairs = append(pairs, showExpr(p.Key)+"="+showStatement(p.Value))
		}
		return "@{" + strings.Join(pairs, "; ") + "}"
	case *Paren:
		return "(" + showStatement(x.Body) + ")"
	case *Sub:
		return "$(" + show(x.Body.Body) + ")"
	case *ScriptBlock:
		return "block{" + show(x.Body.Body) + "}"
	case *Unary:
		return x.Op + "<" + showExpr(x.X) + ">"
	case *Binary:
		op := x.Op
		if x.Exact {
			op = "c" + op
		}
		return "<" + showExpr(x.L) + " " + op + " " + showExpr(x.R) + ">"
	}
	return "?"
}

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"":                                          "",
		" ; \n;# only a comment":                    "",
		"Get-AuthServer":                            `Get-AuthServer`,
		"\ufeffGet-A; Get-B\nGet-C\r\n":             `Get-A ; Get-B ; Get-C`,
		"Get-A | fl server,*url*, *auth*":           `Get-A | fl [={"server","*url*","*auth*"}]`,
		"Set-A –OAuth $true —Basic:$FALSE":          `Set-A [-OAuth] [=$true] [-Basic=$FALSE]`,
		"Get–A -Force -Name: 'x'":                   `Get-A [-Force] [-Name="x"]`,
		`Set-A -Name "EvoSts - 1" -D 'it''s'`:       `Set-A [-Name] [="EvoSts - 1"] [-D] [="it's"]`,
		"Set-A “two words” ‘one’":                   `Set-A [="two words"] [="one"]`,
		"Set-A \"a`nb`$c$\"":                        `Set-A [="a\nb$c$"]`,
		"Set-A `\n -B 1,\n2 `\r\n -C":               `Set-A [-B] [={"1","2"}] [-C]`,
		"Get-A |\n fl":                              `Get-A | fl`,
		"Get-A <# note\n#> -B # rest":               `Get-A [-B]`,
		"Restart-Service -Name W3SVC, WAS":          `Restart-Service [-Name] [={"W3SVC","WAS"}]`,
		`Get-A EX1\owa` + "` (Default) ":            "error",
		"Set-A -N -5 $null, $true":                  `Set-A [-N] [="-5"] [={$null,$true}]`,
		"Set-A a`,b":                                `Set-A [="a,b"]`,
		"Get-A anna@contoso.com":                    `Get-A [="anna@contoso.com"]`,
		"Get-A | where {$_.Name -like 'x*'}":        `Get-A | where [=block{<$_."Name" like "x*">}]`,
		"Get-A|?{$_}|% Name|ft":                     `Get-A | ? [=block{$_}] | % [="Name"] | ft`,
		"$x = @(\n'a','b'\n)":                       `$x = @({"a","b"})`,
		"$sp.ReplyUrls += $x":                       `$sp."ReplyUrls" += $x`,
		"$a[0]='x'":                                 `$a[0] = "x"`,
		"(Get-A -B 'c').ReplyUrls":                  `(Get-A [-B] [="c"])."ReplyUrls"`,
		"1+2*3 -eq 7 -and -not $x":                  `<<<1 + <2 * 3>> eq 7> and not<$x>>`,
		"1,2+3":                                     `<{1,2} + 3>`,
		"-1..3":                                     `<-<1> .. 3>`,
		"$a -ceq 'B' -or !$b":                       `<<$a ceq "B"> or not<$b>>`,
		"@{Add='a';Remove='b'\nC=1}":                `@{"Add"="a"; "Remove"="b"; "C"=1}`,
		"if ($a) {1} elseif ($b) {2}\nelse{3}":      `if($a){1}if($b){2}else{3}`,
		"foreach ($i in 1,2) { $i }; Get-B":         `foreach($i in {1,2}){$i} ; Get-B`,
		`"a $x.b $($y.c) ${z}d"`:                    `join("a ",$x,".b ",$($y."c")," ",$z,"d")`,
		"@'\na $x\n'b'\n'@":                         `"a $x\n'b'"`,
		"@\"\na $x\n\"@":                            `join("a ",$x)`,
		"@'\n'@":                                    `""`,
		"Get-A > out.txt; 1 >> 'b'":                 `Get-A > "out.txt" ; 1 >> "b"`,
		"Set-A EX1\\$x/$(1)":                        `Set-A [=join("EX1\\",$x,"/",$(1))]`,
		"0x1F; 1.5; 2kb; 1e3; 99999999999999999999": `31 ; 1.5 ; 2048 ; 1000 ; 1e+20`,
		",1":                         `{1}`,
		"$x = if (1) {2}":            `$x = if(1){2}`,
		"Set-A ('a','b') @{x=1} {y}": `Set-A [=({"a","b"})] [=@{"x"=1}] [=block{y}]`,
		"Get-A -? -b":                `Get-A [-?] [-b]`,
		"1 -join ','":                `<1 join ",">`,
		"($x).'a b'.$y":              `($x)."a b".$y`,
	} {
		s, err := Parse(text)
		got := "error"
		if err == nil {
			got = show(s.Body)
		}
		if got != want {
			t.Errorf("%q:\ngot  %s (%v)\nwant %s", text, got, err, want)
		}
	}
}

func TestErrorsHavePlaces(t *testing.T) {
	for text, want := range map[string]string{
		"Get-A (1":                     "line 1, column 9: the ) that belongs to line 1, column 7",
		"Get-A @('x'":                  "line 1, column 12: the ) that belongs to line 1, column 7",
		"Get-A | where {$_.Name":       "line 1, column 23: the } that belongs to line 1, column 15",
		"Get-A >":                      "line 1, column 8: a value is missing",
		"Get-A 2> x":                   "line 1, column 7: redirecting a numbered stream",
		"Get-A > x | fl":               "line 1, column 11: nothing may stand behind",
		"Get-A 'x":                     "line 1, column 7: the text in quotes does not end",
		"Get-A ä'x":                    "line 1, column 8: this character",
		"Get-A <# x":                   "line 1, column 7: the comment does not end",
		"Get-A |":                      "line 1, column 8: a command is missing",
		"Get-A || Get-B":               "line 1, column 8: || is not supported",
		"| Get-A":                      "line 1, column 1: a command begins with its name",
		"Get-A -B x,":                  "line 1, column 12: a value is missing",
		"Get-A , x":                    "line 1, column 7: a value is missing (a value is missing before the comma)",
		"Get-A \"a`0\"":                "line 1, column 10: this escape",
		"Get-A 'x'y":                   "line 1, column 10: something stands right behind",
		"Get-A -B(1)":                  "line 1, column 9: a space is missing behind the parameter's name (put a space",
		"Get-A \xff":                   "line 1, column 1: the text is not UTF-8",
		strings.Repeat("x", MaxText+1): "line 1, column 1: the text is longer",
		"Get-A -Name:":                 "line 1, column 13: a value is missing",
		"Get-A\n  while (1) {}":        "line 2, column 3: the statement 'while' is not supported (use foreach)",
		"$x.Trim()":                    "line 1, column 8: method calls are not supported",
		"[int]5":                       "line 1, column 1: [ cannot stand here (types and casts",
		"$x++":                         "line 1, column 3: ++ is not supported",
		"$a, $b = 1,2":                 "line 1, column 8: assigning to several variables",
		"& Get-A":                      "line 1, column 1: a command begins with its name",
		"Get-A &":                      "line 1, column 7: & is not supported",
		"$env:PATH":                    "line 1, column 1: $env: is not supported",
		"\"$x:y\"":                     "line 1, column 2: $x: is not supported",
		"1 -is 2":                      "line 1, column 3: the operator -is is not supported",
		"1 -foo 2":                     "line 1, column 3: -foo is not an operator",
		"1 == 2":                       "line 1, column 3: == is not an operator (use -eq)",
		"if 1 {}":                      "line 1, column 4: a condition in parentheses",
		"else {}":                      "line 1, column 1: else without an if",
		"foreach (1 in 2) {}":          "line 1, column 10: a variable is missing",
		")":                            "line 1, column 1: nothing was opened",
		"()":                           "line 1, column 2: a value is missing between",
		"Get-A @x":                     "line 1, column 7: this character cannot stand here without quotes (@( )",
		"@{a}":                         "line 1, column 4: a = is missing",
		"@'x'@":                        "line 1, column 3: the text of a here-string begins on the next line",
		"$x = ":                        "line 1, column 6: a value is missing behind =",
		"12abc":                        "line 1, column 1: '12abc' is not a number",
		"$a = b = 3; $x $y":            "line 1, column 16: the statement should end here",
		strings.Repeat("(", 1000):      "line 1, column 252: this is nested too deep",
		strings.Repeat("-", 3) + "1":   "line 1, column 1: -- is not supported",
		"Get-A < x":                    "line 1, column 7: this character cannot stand here without quotes (< is reserved",
	} {
		_, err := Parse(text)
		bad, ok := errors.AsType[*Error](err)
		if !ok || !strings.HasPrefix(bad.Error(), want) {
			t.Errorf("%.40q: %v, want %s", text, err, want)
		}
	}
}

func TestIncomplete(t *testing.T) {
	for text, want := range map[string]bool{"Get-A |": true, "@(1,": true, "if ($x) {": true, "'a": true, "@'\na": true, "Get-A `": true, "Get-A": false, ")": false, "Get-A )": false, "1 -foo": false} {
		_, err := Parse(text)
		bad, _ := err.(*Error)
		if got := bad != nil && bad.Incomplete; got != want {
			t.Errorf("%q: %v (%v)", text, got, err)
		}
	}
}

// TestLimits reads what is as large as it may be; none of it may recurse without bound.
func TestLimits(t *testing.T) {
	for name, text := range map[string]string{
		"a long word":      "Get-A " + strings.Repeat("x", MaxText-6),
		"100,000 items":    "$a = @(" + strings.Repeat("1,", 99_999) + "1)",
		"a long sum":       strings.Repeat("1+", 200_000) + "1",
		"a long chain":     "$a" + strings.Repeat(".b", 200_000),
		"many pipes":       "a" + strings.Repeat("|a", 200_000),
		"many clauses":     "if(1){}" + strings.Repeat("elseif(1){}", 50_000),
		"nested as far":    strings.Repeat("(", 120) + "1" + strings.Repeat(")", 120),
		"many bare quotes": strings.Repeat("'';", 200_000),
	} {
		if _, err := Parse(text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, open := range []string{"(", "@(", "$(", "{", "@{a=", "!", "-not ", ",", "$a[", "\"$(", "if(1){", "$a=", "foreach($a in ", "a ("} {
		_, err := Parse(strings.Repeat(open, 50_000))
		if bad, ok := err.(*Error); !ok || bad.Message != "this is nested too deep" {
			t.Errorf("%s: %.200v", open, err)
		}
	}
}

// FuzzParse checks that every text ends in a tree whose extents lie in it, or in an error with a place in it.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"Get-A -B 'x',\"y $x $(1)\" | fl a,*b*", "Set-A –B:$true; # c\n<# d #> E `\n f", "“a” ‘b’ $null", "a,b|c",
		"$x.y[0] += @{a=1;b=(2)}.a -like 'z*' -and !$true", "if (1) {2} elseif (3) {4} else {5}", "foreach ($i in 1..5) {$i} > x", "@'\na\n'@ | ? {$_} | % n", "Get-A <computername> {GUID}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			bad, ok := err.(*Error)
			if !ok || bad.Line < 1 || bad.Column < 1 || bad.Line > strings.Count(text, "\n")+1 {
				t.Fatalf("%v", err)
			}
			return
		}
		last := 0
		for _, st := range s.Body {
			at := st.At()
			if at.Start < last || at.End <= at.Start || at.End > len(s.Text) {
				t.Fatalf("%q: extent %d to %d behind %d", text, at.Start, at.End, last)
			}
			last = at.End
			part, err := Parse(s.Text[at.Start:at.End])
			if err != nil || show(part.Body) != showStatement(st) {
				t.Fatalf("%q: the statement %q alone reads as %v (%v)", text, s.Text[at.Start:at.End], part, err)
			}
		}
	})
}
