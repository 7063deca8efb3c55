package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestHistory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h")
	h, err := openHistory(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"Get-AuthServer", " Get-AuthServer\n", "", "if (1) {\n'é'\n}", "gc Path -Path x", "Get-AcceptedDomain",
		"Connect-MgGraph -AccessToken abc", "Connect-MgGraph -a abc", "Connect-Graph –acc $t", "New-Mailbox -Password $p", "x -Pass y", "$p = ConvertTo-SecureString x", "$password = 1",
		"$t = 'eyJhbGciOiJSUzI1NiJ9.e30.x'", "New-X -Credential $c"} {
		h.Add(text)
	}
	want := []string{"Get-AuthServer", "if (1) {\n'é'\n}", "gc Path -Path x", "Get-AcceptedDomain"}
	if h, err = openHistory(path); err != nil || !slices.Equal(h.lines, want) {
		t.Errorf("got %q, %v", h.lines, err)
	}
	if h.At(0) != want[3] || h.At(3) != want[0] || h.Len() != 4 {
		t.Errorf("%q, %q, %d lines", h.At(0), h.At(3), h.Len())
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	for i := range 2*maxHistory + 1 {
		h.Add(fmt.Sprint("1 + ", i))
	}
	if h, err = openHistory(path); err != nil || h.Len() != maxHistory || h.lines[maxHistory-1] != fmt.Sprint("1 + ", 2*maxHistory) {
		t.Errorf("%d lines, %v", h.Len(), err)
	}
}
