package shell

import (
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"hma/wire/psobject"
)

// TestLanguage runs texts whose output Windows PowerShell's documentation fixes: about_Operators,
// about_Arrays, about_Hash_Tables, about_Quoting_Rules, about_If, about_Foreach and the pages of the cmdlets.
// The output's lines are joined with |; an error is its message behind a !.
func TestLanguage(t *testing.T) {
	cases := slices.Concat(language, edges)
	if len(cases) < 500 {
		t.Errorf("%d cases", len(cases))
	}
	for _, test := range cases {
		var out, errs strings.Builder
		err := Run(t.Context(), test.text, Session{Client: &recorder{}, Out: &out, Err: &errs})
		got := strings.ReplaceAll(strings.TrimSuffix(out.String(), "\n"), "\n", "|")
		if err != nil {
			got += "!" + err.Error()
			if record, ok := errors.AsType[*psobject.ErrorRecord](err); ok {
				got = strings.TrimSuffix(got, err.Error()) + record.Message
			}
		}
		if want, part := strings.CutSuffix(test.want, "..."); got != want && !(part && strings.HasPrefix(got, want)) {
			t.Errorf("%s\ngot  %s\nwant %s", test.text, got, test.want)
		}
	}
}

var language = []struct{ text, want string }{
	// Values and their text.
	{"1", "1"}, {"'a'", "a"}, {"$true", "True"}, {"$FALSE", "False"}, {"$null", ""}, {"1.5", "1.5"}, {"0x10", "16"}, {"1kb", "1024"}, {"1MB", "1048576"},
	{"2gb", "2147483648"}, {"1e3", "1000"}, {".5", "0.5"}, {"-3", "-3"}, {"+3", "3"}, {"1,2,3", "1|2|3"}, {"9223372036854775807 + 1", "9.22337203685478E+18"},
	{"'it''s'", "it's"}, {`"say ""hi"""`, `say "hi"`}, {`'$x'`, "$x"}, {"\"`$x\"", "$x"}, {"\"a`tb\"", "a?b"}, {"\"a`nb\"", "a|b"},

	// Arithmetic.
	{"1 + 2", "3"}, {"1+2*3", "7"}, {"(1+2)*3", "9"}, {"7/2", "3.5"}, {"6/2", "3"}, {"7%3", "1"}, {"-7%3", "-1"}, {"0.1+0.2", "0.3"}, {"2*3.5", "7"},
	{"1 - -1", "2"}, {"1/0", "!Attempted to divide by zero."}, {"1+'2'", "3"}, {"'1'+2", "12"}, {"'a'*3", "aaa"}, {"1+'a'", "!Cannot convert value \"a\" to type \"System.Int32\"..."},
	{"(1,2)+3", "1|2|3"}, {"(1,2)+(3,4)", "1|2|3|4"}, {"(1,2)*2", "1|2|1|2"}, {"$null + 5", "5"}, {"$true + 1", "2"}, {"10 - '3'", "7"}, {"'5' * '2'", "55"},
	{"1..4", "1|2|3|4"}, {"3..1", "3|2|1"}, {"-1..1", "-1|0|1"}, {"1..2+3", "1|2|3"}, {"2+3..5", "!..."}, {"5 - 2 - 1", "2"}, {"100/10/5", "2"},

	// Comparison: the left side's type decides, letters' case does not count.
	{"1 -eq 1", "True"}, {"1 -eq 1.0", "True"}, {"'a' -eq 'A'", "True"}, {"'a' -ceq 'A'", "False"}, {"'a' -ieq 'A'", "True"}, {"1 -ne 2", "True"}, {"1 -eq '1'", "True"},
	{"'01' -eq 1", "False"}, {"1 -eq '01'", "True"}, {"2 -gt 10", "False"}, {"'2' -gt 10", "True"}, {"3 -ge 3", "True"}, {"3 -lt 3", "False"}, {"3 -le 3", "True"}, {"'a' -lt 'B'", "True"},
	{"$null -eq $null", "True"}, {"$null -eq 0", "False"}, {"$null -eq ''", "False"}, {"'' -eq $null", "False"}, {"$true -eq 'false'", "True"}, {"$true -eq 1", "True"}, {"'True' -eq $true", "True"},
	{"$null -lt 0", "True"}, {"$null -gt -1", "True"}, {"0 -gt $null", "True"}, {"$null -ge $null", "True"}, {"1 -EQ 1", "True"}, {"1 –eq 1", "True"}, {"1 -eq 1 -eq $true", "True"}, {"1 -eq 'x'", "False"}, {"1 -lt 'x'", "!Could not compare..."},
	{"1,2,3 -eq 2", "2"}, {"1,2,3 -ne 2", "1|3"}, {"'a','b' -eq 'c'", ""}, {"1,2,3 -gt 1", "2|3"}, {"(1,2,3 -eq 4).Count", "0"}, {"(1,2,2 -eq 2).Count", "2"},
	{"'EvoSts - 1' -like 'evosts*'", "True"}, {"'abc' -like 'a?c'", "True"}, {"'abc' -like 'b*'", "False"}, {"'abc' -notlike 'b*'", "True"}, {"'abc' -clike 'A*'", "False"}, {"'abc' -like '[a-c]bc'", "True"},
	{"'abc' -like '[xyz]bc'", "False"}, {"'a*c' -like 'a`*c'", "True"}, {"'ab','cd' -like 'a*'", "ab"}, {"12 -like '1*'", "True"},
	{"'abc' -match 'B'", "True"}, {"'abc' -cmatch 'B'", "False"}, {"'abc' -notmatch 'x'", "True"}, {"'a1','b','c2' -match '\\d'", "a1|c2"}, {"'ab12' -match '(\\d)(\\d)' ; $Matches[2]", "True|2"},
	{"$x = 'k=v' -match '(?<key>\\w)='; $Matches.key", "k"}, {"'a' -match '('", "!The regular expression '(' is not understood: missing closing ): `(?i)(`"}, {"'a' -match '(?=a)'", "!The regular expression '(?=a)' is not understood..."},
	{"1,2 -contains 2", "True"}, {"'a','b' -contains 'B'", "True"}, {"'a','b' -ccontains 'B'", "False"}, {"1,2 -notcontains 3", "True"}, {"'abc' -contains 'a'", "False"}, {"2 -in 1,2", "True"}, {"2 -notin 1,2", "False"}, {"'B' -in 'a','b'", "True"},
	{"$true -and $false", "False"}, {"$true -or $false", "True"}, {"$true -xor $true", "False"}, {"-not $true", "False"}, {"!$false", "True"}, {"!1", "False"}, {"-not ''", "True"}, {"-not @()", "True"}, {"-not @(0)", "True"}, {"-not @(0,0)", "False"}, {"-not 'false'", "False"},
	{"$false -and (1/0)", "False"}, {"$true -or (1/0)", "True"}, {"1 -eq 1 -and 2 -eq 2", "True"}, {"'a','b' -join '-'", "a-b"}, {"1,2,3 -join ''", "123"},

	// Variables, members and elements.
	{"$x = 5; $x", "5"}, {"$X = 5; $x", "5"}, {"$x = 1,2; $x.Count", "2"}, {"$x = 'a'; $x.Count", "1"}, {"$null.Count", "0"}, {"$nosuch", ""}, {"$nosuch -eq $null", "True"}, {"'abc'.Length", "3"}, {"'abc'.Nope", ""},
	{"$x = 1; $x += 2; $x", "3"}, {"$x = 'a'; $x += 'b'; $x", "ab"}, {"$x = @(); $x += 'a'; $x += 'b'; $x.Count", "2"}, {"$x += 'a'; $x", "a"}, {"$x = 7; $x -= 2; $x *= 3; $x /= 5; $x", "3"}, {"$x = 7; $x %= 4; $x", "3"},
	{"$x = 1,2,3; $x[0]", "1"}, {"$x = 1,2,3; $x[-1]", "3"}, {"$x = 1,2,3; $x[0,2]", "1|3"}, {"$x = 1,2,3; $x[1..2]", "2|3"}, {"$x = 1,2; $x[5]", ""}, {"$x = 1,2; $x[1] = 9; $x", "1|9"}, {"$x = 1,2; $x[5] = 9", "!Index was outside the bounds of the array."}, {"'abc'[1]", "b"}, {"$nosuch[0]", "!Cannot index into a null array."},
	{"$true = 1", "!Cannot overwrite variable true because it is read-only or constant."}, {"$null = 1; $null -eq $null", "True"}, {"${a b} = 3; ${a b}", "3"}, {"$x = $y = 4; $y + $x", "8"}, {"if ($x = 5) { $x }", "5"}, {"($x = 3)", "3"}, {"($x = 1) + ($x += 1)", "3"}, {"$(($x = 3); $x)", "3|3"}, {"($x = @()).Count", "0"}, {"$x = 1; $y = $x; $x = 2; $y", "1"},
	{"@().Count", "0"}, {"@(1).Count", "1"}, {"@(1,2).Count", "2"}, {"@($null).Count", "1"}, {"(,1).Count", "1"}, {"@(@(1,2)).Count", "2"}, {"@(1;2).Count", "2"}, {"$x = @(1); $x.Count", "1"}, {"$x = ,1; $x.Count", "1"}, {"@{a=,1}.a.Count", "1"}, {"1 + ,2", "!..."}, {"@(\n1,\n2\n).Count", "2"},

	// Hashtables.
	{"@{a=1}.a", "1"}, {"@{a=1}['A']", "1"}, {"$h = @{}; $h.x = 1; $h['y'] = 2; $h.Count", "2"}, {"$h = @{a=1;b=2}; $h.Keys", "a|b"}, {"@{a=1}.b", ""}, {"@{a=1;a=2}", "!Duplicate keys 'a' are not allowed in hash literals."}, {"(@{a=1} + @{b=2}).Count", "2"},
	{"@{a=1} + @{a=2}", "!Item has already been added. Key in dictionary: 'a'"}, {"@{'a b'=1}.'a b'", "1"}, {"@{Add='x','y'; Remove='z'}.Add", "x|y"}, {"@{a=1}", "|Name Value|---- -----|a        1|"}, {"$h = @{a=1}; $h.a += 1; $h.a", "2"},

	// Text that expands.
	{`$x = 5; "x is $x"`, "x is 5"}, {`$x = 1,2; "$x"`, "1 2"}, {`$x = @{a=1}; "$($x.a)"`, "1"}, {`"$(1+2)"`, "3"}, {`$x = 'a'; "${x}b"`, "ab"}, {`"[$nosuch]"`, "[]"}, {`"$true"`, "True"}, {`"a $(1;2) b"`, "a 1 2 b"}, {`$x = 'a'; "$x.Length"`, "a.Length"}, {`$x = 'a'; "$($x.Length)"`, "1"},
	{`$x = 'a'; '$x'`, "$x"}, {"$x = 'q'; @\"\na \"$x\" b\n\"@", `a "q" b`}, {"@'\na $x\nb\n'@", "a $x|b"}, {`"cost: $5"`, "cost: "}, {`"50% & more"`, "50% & more"}, {`"a$"`, "a$"}, {"\"$('a','b' -join '+')\"", "a+b"},

	// Statements.
	{"if (1 -eq 1) { 'y' }", "y"}, {"if ($false) { 'y' } else { 'n' }", "n"}, {"if ($false) {1} elseif ($true) {2} else {3}", "2"}, {"if (0) {1}", ""}, {"if ('x') {1}\nelse {2}", "1"}, {"$x = if ($true) { 'a' } else { 'b' }; $x", "a"},
	{"foreach ($i in 1,2) { $i * 2 }", "2|4"}, {"foreach ($i in 1..3) { if ($i -eq 2) { 'two' } else { $i } }", "1|two|3"}, {"foreach ($i in $null) { 'x' }", ""}, {"foreach ($i in @()) { 'x' }", ""}, {"foreach ($i in 'a') { $i }", "a"}, {"foreach ($i in 1,2) {}; $i", "2"}, {"foreach ($i in 1..2) { foreach ($j in 1..2) { \"$i$j\" } }", "11|12|21|22"},
	{"1; 2", "1|2"}, {"1 # comment", "1"}, {"<# a\nb #> 1", "1"}, {"1 +\n2", "3"}, {"1 `\n+ 2", "3"}, {"'a' |\n% { $_ }", "a"}, {"$x = {1}; $x", "1"}, {"$(1;2)", "1|2"}, {"$($x = 3; $x)", "3"}, {"$x = $(1;2); $x.Count", "2"},
	{"1/0; 2", "!Attempted to divide by zero."}, {"$ErrorActionPreference = 'Continue'; 1/0; 2", "2"}, {"$ErrorActionPreference = 'SilentlyContinue'; 1/0; $Error.Count", "1"}, {"$ErrorActionPreference = 'SilentlyContinue'; 1/0; $Error[0].Exception.Message", "Attempted to divide by zero."},
	{"$ErrorActionPreference = 'SilentlyContinue'; 1/0; $?; $?", "False|True"}, {"$ErrorActionPreference = 'Perhaps'", "!Cannot set $ErrorActionPreference to 'Perhaps'..."}, {"$ErrorActionPreference = 'SilentlyContinue'; 1/0; $Error[0].FullyQualifiedErrorId", "InvalidOperation"},

	// ForEach-Object and Where-Object.
	{"1..3 | ForEach-Object { $_ * 2 }", "2|4|6"}, {"1..3 | % { $_ }", "1|2|3"}, {"1..3 | foreach { $PSItem + 1 }", "2|3|4"}, {"'a','bb' | % Length", "1|2"}, {"1..3 | % -Begin { $s = 0 } -Process { $s += $_ } -End { $s }", "6"}, {"@() | % { 'x' }", ""}, {"$null | % { 'x' }", "x"},
	{"1..5 | Where-Object { $_ -gt 3 }", "4|5"}, {"1..5 | ? { $_ % 2 }", "1|3|5"}, {"'a','bb' | where Length -eq 2", "bb"}, {"'a','bb' | where Length -gt 0 | % Length", "1|2"}, {"'ab','b' | where Length", "ab|b"}, {"'a','b' | where { $_ -eq 'B' }", "b"}, {"'ab','cd' | where {$_ -notlike 'a*'}", "cd"},
	{"'a' | where Length 1", "!The specified operator is missing..."}, {"'a' | where Length -eq", "!The value of the comparison is missing."}, {"'abc','d' | where Length -in 1,2", "d"}, {"1..3 | where { $_ -ne 2 } | % { \"<$_>\" }", "<1>|<3>"}, {"1,2 | % { 5 | % { $_ }; $_ }", "5|1|5|2"}, {"'x' | where -Not Nope", "x"},

	// Select-Object.
	{"1..5 | Select-Object -First 2", "1|2"}, {"1..5 | select -Last 2", "4|5"}, {"1..5 | select -Skip 3", "4|5"}, {"1..5 | select -Skip 1 -First 2", "2|3"}, {"1..5 | select -Last 2 -Skip 1", "3|4"}, {"1,2,2,1 | select -Unique", "1|2"}, {"'a','A' | select -Unique", "a|A"}, {"1..5 | select -First 0", ""},
	{"'abc' | select -ExpandProperty Length", "3"}, {"'abc' | select -ExpandProperty Nope", "!Property \"Nope\" cannot be found."}, {"'abc' | select Length", "|Length|------|     3|"}, {"'ab' | select @{n='Size';e={$_.Length}} | % Size", "2"}, {"'ab' | select @{Name='Twice';Expression={$_.Length*2}} | % Twice", "4"}, {"'ab' | select @{l='L';e='Length'} | % L", "2"},
	{"'ab' | select @{n='x'}", "!The hashtable has no key Expression."}, {"'ab' | select @{n='x';e={1};z=2}", "!The z key is not valid here..."}, {"(1..100000 | select -First 1)", "1"}, {"'{\"a\":1,\"b\":2,\"c\":3}' | ConvertFrom-Json | select * -ExcludeProperty b | % { \"$_\" }", "@{a=1; c=3}"}, {"'{\"ab\":1,\"ac\":2,\"d\":3}' | ConvertFrom-Json | select a* | % { \"$_\" }", "@{ab=1; ac=2}"},
	{"'{\"a\":[1,2]}' | ConvertFrom-Json | select -ExpandProperty a", "1|2"}, {"('a' | select Nope).Nope -eq $null", "True"}, {"1 | select -First x", "!Cannot bind parameter 'First'. Cannot convert value \"x\" to type \"System.Int32\"."}, {"1 | select -First -1", "!Cannot validate argument on parameter 'First'..."},

	// Sort-Object, Group-Object, Measure-Object, Compare-Object.
	{"3,1,2 | sort", "1|2|3"}, {"3,1,2 | Sort-Object -Descending", "3|2|1"}, {"'b','A','c' | sort", "A|b|c"}, {"'bb','a' | sort Length", "a|bb"}, {"3,1,3 | sort -Unique", "1|3"}, {"1,2,3 | sort { -$_ }", "3|2|1"}, {"10,9 | sort", "9|10"}, {"'10','9' | sort", "10|9"}, {"'a','bb','c' | sort @{e={$_.Length};Descending=$true}", "bb|a|c"}, {"'bb','aa','c' | sort Length, {$_}", "c|aa|bb"},
	{"1,1,2 | group | % Count", "2|1"}, {"'a','A','b' | group | % Name", "a|b"}, {"'a','bb','c' | group Length | % { \"$($_.Name): $($_.Group)\" }", "1: a c|2: bb"}, {"1,1 | group -NoElement", "|Count Name|----- ----|    2 1|"}, {"1,1 | group", "|Count Name Group|----- ---- -----|    2 1    {1, 1}|"},
	{"(1..4 | measure).Count", "4"}, {"(1..4 | measure -Sum).Sum", "10"}, {"(1..4 | measure -Average).Average", "2.5"}, {"(3,9,1 | measure -Maximum -Minimum).Maximum", "9"}, {"('a','bbb' | measure Length -Sum).Sum", "4"}, {"('a b','c' | measure -Word).Words", "3"}, {"'x' | measure -Sum", "!Input object \"x\" is not numeric."}, {"(@() | measure).Count", "0"},
	{"1,2 | measure", "|Count    : 2|Average  :|Sum      :|Maximum  :|Minimum  :|Property :|"},
	{"compare (1,2,3) (2,3,4)", "|InputObject SideIndicator|----------- -------------|          4 =>|          1 <=|"}, {"compare (1,2) (1,2)", ""}, {"compare (1,2) (1) -IncludeEqual | % SideIndicator", "==|<="}, {"diff 'a' 'A'", ""}, {"(diff 'a' 'A' -CaseSensitive).Count", "2"}, {"(compare 'ab','c' 'xy','zzz' -Property Length).SideIndicator", "=>|<="},

	// JSON, members, files.
	{"'{\"a\":1}' | ConvertFrom-Json | % a", "1"}, {"('[1,2,3]' | ConvertFrom-Json).Count", "3"}, {"'{\"a\":{\"b\":[true,null,1.5]}}' | ConvertFrom-Json | ConvertTo-Json -Compress -Depth 5", `{"a":{"b":[true,null,1.5]}}`}, {"@{a=1} | ConvertTo-Json", `{|  "a": 1|}`}, {"1,'x' | ConvertTo-Json -Compress", `[1,"x"]`}, {"'a\"b' | ConvertTo-Json", `"a\"b"`}, {"ConvertTo-Json @(1) -Compress", "!A positional parameter cannot be found..."}, {"ConvertTo-Json -InputObject @(1) -Compress", "[1]"},
	{"'{' | ConvertFrom-Json", "!Invalid JSON..."}, {"'{\"a\":1,\"A\":2}' | ConvertFrom-Json", "!Invalid JSON, near character 10: the key 'A' stands twice, upper and lower case being the same"}, {"'1 2' | ConvertFrom-Json", "!Invalid JSON..."}, {"@{a=@{b=@{c=@{d=1}}}} | ConvertTo-Json -Compress", `{"a":{"b":{"c":"System.Collections.Hashtable"}}}`},
	{"$o = '{\"a\":1}' | ConvertFrom-Json; $o.a = 5; $o.a", "5"}, {"$o = '{\"a\":1}' | ConvertFrom-Json; $p = $o; $p.a = 7; $o.a", "7"}, {"$o = '{\"a\":1}' | ConvertFrom-Json; $o.b = 5", "!The property 'b' cannot be found on this object. Verify that the property exists and can be set."}, {"$o = '{\"a\":[1]}' | ConvertFrom-Json; $o.a += 2; $o.a", "1|2"}, {"('[{\"n\":1},{\"n\":2}]' | ConvertFrom-Json).n", "1|2"},
	{"'{\"a\":1}' | ConvertFrom-Json | gm | % Definition", "long a=1"}, {"1 | Get-Member", ""}, {"Get-Member", "!You must specify an object for the Get-Member cmdlet."}, {"'a' | gm", "||   TypeName: System.String||Name   MemberType Definition|----   ---------- ----------|Length Property   long Length {get;}|"},
	{"'a','b' | Tee-Object -Variable v; $v.Count", "a|b|2"}, {"'ab','cd' | Select-String b", "ab"}, {"'a.b','acb' | sls a.b -SimpleMatch", "a.b"}, {"('ab','cd' | sls c).LineNumber", "2"}, {"'ab' | sls X -Quiet", "False"}, {"Get-Content /nosuch/file", "!open /nosuch/file: no such file or directory"}, {"Get-Content /nosuch/file -ErrorAction SilentlyContinue; 1", "1"}, {"gc /nosuch/file -ea 0; $Error.Count", "1"}, {"gc /nosuch/file -ea Perhaps", "!Cannot bind parameter 'ErrorAction'..."}, {"gc /nosuch/file -ea Ignore; $Error.Count", "0"}, {"gc /nosuch/file -ea Continue -ev e; $e.Count", "1"},

	// Formatting.
	{"'{\"a\":1,\"bb\":\"x\"}' | ConvertFrom-Json | fl", "|a  : 1|bb : x|"}, {"'{\"a\":1,\"bb\":\"x\"}' | ConvertFrom-Json", "|a bb|- --|1 x|"}, {"'{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5}' | ConvertFrom-Json", "|a : 1|b : 2|c : 3|d : 4|e : 5|"}, {"'{\"a\":[1,2],\"b\":null}' | ConvertFrom-Json | fl", "|a : {1, 2}|b :|"}, {"'x' | fl", "x"}, {"1,2 | ft", "1|2"},
	{"'ab' | ft @{n='Size';e={$_.Length}}", "ab"}, {"'{\"a\":1}' | ConvertFrom-Json | ft @{n='Twice';e={$_.a*2}}", "|Twice|-----|    2|"}, {"'{\"a\":1}' | ConvertFrom-Json | fl A", "|a : 1|"}, {"'{\"a\":1}' | ConvertFrom-Json | fl | % { 1 }", "!fl must be the last command of a pipeline..."}, {"fl -InputObject 'x'", "x"},

	// Binding.
	{"1..3 | select -f 1", "1"}, {"1..3 | SELECT-object -FIRST:1", "1"}, {"1..3 | select –First 1", "1"}, {"1..3 | select -Unique:$false", "1|2|3"}, {"1 | select -First", "!Missing an argument for parameter 'First': a value is missing behind -First."}, {"1 | sort -Nope", "!A parameter cannot be found that matches parameter name 'Nope'..."}, {"1 | sort -WhatIf", "!A parameter cannot be found that matches parameter name 'WhatIf': Sort-Object has no parameter -WhatIf, nothing can be tried without doing it there."}, {"1 | select -E x", "!Parameter cannot be processed because the parameter name 'E' is ambiguous..."}, {"1 | select a b", "!A positional parameter cannot be found that accepts argument 'b'..."},
	{"1 | sort -Descending 1 2", "!A positional parameter cannot be found that accepts argument '2'..."}, {"1 | Out-File", "!Cannot process command because of one or more missing mandatory parameters: FilePath."}, {"1 | Get-Content x", "!The input object cannot be bound to any parameters for the command: Get-Content takes no pipeline input."}, {"1 | % 5 -ov y; $y.Count", "1"}, {"1..2 | % { $_ } -OutVariable y | select -First 1; $y.Count", "1|1"},
}

// TestLimits runs what would not fit.
func TestLimits(t *testing.T) {
	for text, want := range map[string]string{
		"'a' * 100000000":                                       "larger than",
		"(1..1000) * 10000":                                     "larger than",
		"1..2000000":                                            "larger than",
		"$x = 'a' * 10000000; $x + $x":                          "larger than",
		"$x = 'a' * 10000000; \"$x$x\"":                         "larger than",
		"$x = 1..1000000; $x + $x":                              "larger than",
		"$x = 1..1000000; @($x; $x).Count":                      "More than",
		"$f = { 1 | % $f }; 1 | % $f":                           "call depth overflow",
		strings.Repeat("(", 1000):                               "nested too deep",
		"'" + strings.Repeat("[", 200) + "' | ConvertFrom-Json": "nested deeper",
	} {
		_, _, err := run(t, &recorder{}, text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v", text, err)
		}
	}
	for text, want := range map[string]string{
		"$a = 0,0; $a[0] = $a; $a[1] = $a; $t = \"$a\"; $t.Length -gt 9":          "True\n",
		"$h = @{}; $h.h = $h; $h | ConvertTo-Json -Depth 90 -Compress | % Length": "576\n",
		"$a = 1; foreach ($i in 1..100000) { $a = ,$a }; \"$a\"":                  "...\n",
		"$a = 1; foreach ($i in 1..64) { $a = $a,$a }; \"$a\".Length -gt 9":       "True\n",
		"$a = @(" + strings.Repeat("1,", 99_999) + "1); $a.Count":                 "100000\n",
		strings.Repeat("1+", 200_000) + "1":                                       "200001\n",
		"$a" + strings.Repeat(".b", 200_000):                                      "",
		"'" + strings.Repeat("x", 1<<20-10) + "'.Length":                          "1048566\n",
	} {
		out, errs, err := run(t, &recorder{}, text)
		if err != nil || out != want {
			t.Errorf("%.60s: %q, %.300s", text, out, errs)
		}
	}
}

// TestMemory runs the largest texts there are and looks at what they take.
func TestMemory(t *testing.T) {
	for name, text := range map[string]string{
		"a line of 1 MiB":          "$x = '" + strings.Repeat("x", 1<<20-20) + "'; 1",
		"a line of 1 MiB of words": strings.Repeat("'a',", 1<<18-10) + "'a' | measure | % Average",
		"100,000 items":            "$a = @(" + strings.Repeat("1,", 99_999) + "1); $a += 1",
		"1,000 parentheses":        strings.Repeat("(", 1000) + "1" + strings.Repeat(")", 1000),
		"1,000 blocks":             strings.Repeat("% {", 1000) + strings.Repeat("}", 1000),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_ = Run(t.Context(), text, Session{Client: &recorder{}, Out: io.Discard, Err: io.Discard})
		_, _ = (&Session{Client: &recorder{}}).Complete(t.Context(), text)
		runtime.ReadMemStats(&after)
		if taken := (after.TotalAlloc - before.TotalAlloc) >> 20; taken > 256 {
			t.Errorf("%s took %d MiB", name, taken)
		}
	}
}
