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
		if _, err := h.Write(text); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"Get-AuthServer", "if (1) {\n'é'\n}", "gc Path -Path x", "Get-AcceptedDomain"}
	if h, err = openHistory(path); err != nil || !slices.Equal(h.lines, want) {
		t.Errorf("got %q, %v", h.lines, err)
	}
	if text, err := h.GetLine(1); err != nil || text != want[1] || h.Len() != 4 {
		t.Errorf("line 1: %q, %v", text, err)
	}
	if _, err := h.GetLine(4); err == nil {
		t.Error("there is no line 4")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	for i := range 2*maxHistory + 1 {
		if _, err := h.Write(fmt.Sprint("1 + ", i)); err != nil {
			t.Fatal(err)
		}
	}
	if h, err = openHistory(path); err != nil || h.Len() != maxHistory || h.lines[maxHistory-1] != fmt.Sprint("1 + ", 2*maxHistory) {
		t.Errorf("%d lines, %v", h.Len(), err)
	}
}
