package shell

import (
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"hma/shell/parse"
	"hma/wire/psobject"
)

func TestComplete(t *testing.T) {
	server := newOrganization()
	s := &Session{Client: server, Out: io.Discard, Err: io.Discard, Graph: cloudOf(t, newDirectory())}
	if err := s.Run(t.Context(), "Connect-MgGraph; $servicePrincipal = Get-MgServicePrincipal | select Id, ServicePrincipalNames, ReplyUrls; $replyUrls = 1; $h = @{Add=1; Remove=2}"); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ text, want string }{
		// Cmdlets, wherever a command may begin.
		{"Get-Owa", "0 Get-OwaVirtualDirectory"}, {"get-o", "0 Get-OwaVirtualDirectory"}, {"set-", "0 Set-AuthServer Set-OwaVirtualDirectory"}, {"1; Remove-", "3 Remove-OwaVirtualDirectory"}, {"Get-AuthServer | sele", "17 Select-Object Select-String"},
		{"Get-AuthServer |\n form", "18 Format-List Format-Table"}, {"$x = Update-", "5 Update-MgServicePrincipal"}, {"if ($x) { Update-", "10 Update-MgServicePrincipal"}, {"foreach ($v in Get-Owa", "15 Get-OwaVirtualDirectory"}, {"(Get-Owa", "1 Get-OwaVirtualDirectory"},
		{"\"a $(Get-Owa", "5 Get-OwaVirtualDirectory"}, {"@{a=Get-Owa", "4 Get-OwaVirtualDirectory"}, {"Get-Help Set-Aut", "9 Set-AuthServer"}, {"# Get-Owa", "9"}, {"<# x #> Get-Owa", "8 Get-OwaVirtualDirectory"}, {"'Get-Owa", "0"}, {"% { Get-Owa", "4 Get-OwaVirtualDirectory"}, {"Nope-", "0"}, {strings.Repeat("(", 1000) + "Get-Owa", "1007"},

		// Parameters: the cmdlet's own and the common ones, but none twice.
		{"Set-OwaVirtualDirectory -", "24 -Identity -AdfsAuthentication -BasicAuthentication -FormsAuthentication -DigestAuthentication -Confirm -WhatIf -ErrorAction -ErrorVariable -OutVariable -Verbose -WarningAction"},
		{"Set-OwaVirtualDirectory -b", "24 -BasicAuthentication"}, {"Set-OwaVirtualDirectory –b", "24 –BasicAuthentication"}, {"Set-OwaVirtualDirectory -Basic $false -b", "38"}, {"Get-AuthServer | select -ex", "24 -ExcludeProperty -ExpandProperty"}, {"Nope-Nope -x", "10"}, {"ft -a", "3 -AutoSize"},
		{"Set-OwaVirtualDirectory `\n  -b", "28 -BasicAuthentication"},

		// Values: words, Booleans, identities that the server names.
		{"Set-OwaVirtualDirectory -BasicAuthentication ", "45 $true $false"}, {"Set-OwaVirtualDirectory -BasicAuthentication:", "45 $true $false"}, {"Set-OwaVirtualDirectory -Basic $f", "31 $false $FormatEnumerationLimit"}, {"Set-OwaVirtualDirectory -WhatIf:", "32 $true $false"},
		{"gc x -ErrorAction s", "18 Stop SilentlyContinue"}, {"gc x -ea:ig", "9 Ignore"},
		{"Get-OwaVirtualDirectory -Server ", "32 EX1 EX2"}, {"Get-OwaVirtualDirectory -Server ex2", "32 EX2"}, {"Get-OwaVirtualDirectory -Server EX1,", "36 EX1 EX2"}, {"Get-OwaVirtualDirectory -Server 'E", "32 'EX1' 'EX2'"},
		{"Set-OwaVirtualDirectory ", `24 'EX1\owa (Default Web Site)' 'EX2\owa (Default Web Site)'`}, {"Set-OwaVirtualDirectory -Identity EX2", `34 'EX2\owa (Default Web Site)'`}, {"Set-OwaVirtualDirectory -WhatIf EX2", `32 'EX2\owa (Default Web Site)'`}, {"Set-OwaVirtualDirectory x ", "26"},
		{`Set-AuthServer -Identity "evo`, `25 "EvoSts - 11111111-2222-3333-4444-555555555555"`}, {"Set-AuthServer ACS", "15 'ACS - 11111111-2222-3333-4444-555555555555'"}, {"Update-MgServicePrincipal -AppId ", "33"},

		// Properties of what comes through the pipeline.
		{"Get-AuthServer | fl ", "20 Name Realm Enabled DomainName"}, {"Get-AuthServer | ft name,e", "25 Enabled"}, {"Get-AuthServer | where En", "23 Enabled"}, {"Get-AuthServer | sort -Property r", "32 Realm"}, {"Get-AuthServer | ? Name -like x | select -exp Na", "46 Name"}, {"fl ", "3"}, {"1 | fl ", "7"}, {"Set-AuthServer x | fl ", "22"},

		// Variables and what they hold.
		{"$s", "0 $servicePrincipal"}, {"$SERV", "0 $servicePrincipal"}, {"fl $re", "3 $replyUrls"}, {"$nu", "0 $null"}, {"\"a $serv", "3 $servicePrincipal"}, {"'a $serv", "0"}, {"\"a `$serv", "0"}, {"$servicePrincipal.R", "0 $servicePrincipal.ReplyUrls"}, {"$servicePrincipal.", "0 $servicePrincipal.Id $servicePrincipal.ServicePrincipalNames $servicePrincipal.ReplyUrls"}, {"$h.r", "0 $h.Remove"}, {"$nosuch.x", "0"},
		{"@\"\na $serv", "5 $servicePrincipal"}, {"@'\na $serv", "10"}, {"@'\na\n'@ | fl $serv", "13 $servicePrincipal"},

		// Operators behind a value.
		{"$x -l", "3 -lt -le -like"}, {"Get-AuthServer | where { $_.Name -noti", "33 -notin"}, {"1 -eq 2 -a", "8 -and"}, {"1 ", "2"},
	} {
		start, list := s.Complete(t.Context(), test.text)
		var got strings.Builder
		got.WriteString(psobject.Text(int64(start)))
		for _, c := range list {
			got.WriteString(" " + c.Text)
		}
		if got.String() != test.want {
			t.Errorf("%q\ngot  %s\nwant %s", test.text, got.String(), test.want)
		}
	}
}

func TestCompleteWithoutServer(t *testing.T) {
	s := &Session{Client: &recorder{err: io.ErrUnexpectedEOF}, Out: io.Discard, Err: io.Discard}
	for _, text := range []string{"Get-Thing -Identity ", "Get-Thing -Filter ", "Get-Thing | fl "} {
		if _, list := s.Complete(t.Context(), text); len(list) > 0 {
			t.Errorf("%q: %v", text, list)
		}
	}
}

// FuzzComplete checks that every unfinished text is taken, that the word lies in it, and that a
// candidate in quotes is read as one value.
func FuzzComplete(f *testing.F) {
	for _, seed := range []string{"Get-Owa", "Set-OwaVirtualDirectory -Identity 'E", "$x = @{a=(Get-", "\"a $(\"b $", "<# ", "@\"\n$", "1 -", "a:b:-c,,|;", "`", "Get-AuthServer | fl Na,", "((((", "Set-AuthServer –Identity:“e"} {
		f.Add(seed)
	}
	s := &Session{Client: newOrganization(), Out: io.Discard, Err: io.Discard}
	f.Fuzz(func(t *testing.T, text string) {
		start, list := s.Complete(t.Context(), text)
		if start < 0 || start > len(text) {
			t.Fatalf("%q: %d", text, start)
		}
		for _, c := range list {
			if !utf8.ValidString(c.Text) {
				t.Fatalf("%q: %q", text, c.Text)
			}
			if strings.HasPrefix(c.Text, "'") || strings.HasPrefix(c.Text, `"`) {
				if _, err := parse.Parse("fl " + c.Text); err != nil {
					t.Fatalf("%q: %q: %v", text, c.Text, err)
				}
			}
		}
	})
}
