package shell

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What a collector needs to read logs: a folder's files by age, CSV, the time, an error's text.
func TestReadingLogs(t *testing.T) {
	t.Chdir(t.TempDir())
	day := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	for i, name := range []string{"old.LOG", "new.log", "other.txt"} {
		path := filepath.Join("logs", name)
		if err := os.MkdirAll(filepath.Join("logs", "folder.log"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("a,b\n1,\"x, y\"\n2\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, day, day.Add(time.Duration(i)*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string]string{
		"Get-ChildItem -Path logs -Filter '*.LOG' | Where-Object Length -gt 0 | Sort-Object LastWriteTime -Descending | Where-Object Name -ne 'folder.log' | % Name": "new.log|old.LOG",
		`(gci 'logs\folder.log').Count`:                                          "0",
		"(dir logs).Count":                                                       "4",
		`(ls logs -Filter o*.txt).FullName -like '*logs?other.txt'`:              "True",
		"Get-Content logs/old.LOG | ConvertFrom-Csv | % { \"$($_.b)/$($_.a)\" }": "x, y/1|/2",
		"'#TYPE X','a;b','1;2' | ConvertFrom-Csv -Delimiter ';' | % b":           "2",
		"'a' | ConvertFrom-Csv":                                                  "",
		"Get-Date -Format o":                                                     "2026-11-23T08:00:00.0000000Z",
		"(Get-Date) -gt '2026-11-22'":                                            "True",
		"Get-ChildItem none -ErrorAction SilentlyContinue -ErrorVariable failed; \"$failed\" -like '*none*'": "True",
	} {
		var out, errs strings.Builder
		s := &Session{Client: &recorder{}, Out: &out, Err: &errs, Now: func() time.Time { return day }}
		if err := s.Run(context.Background(), text); err != nil || errs.Len() > 0 {
			t.Errorf("%s: %v %s", text, err, errs.String())
		}
		if got := strings.ReplaceAll(strings.TrimSuffix(out.String(), "\n"), "\n", "|"); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	for _, text := range []string{"Get-ChildItem none", "'a','\"b' | ConvertFrom-Csv -Delimiter xy", "Get-Date -Format q"} {
		if out, _, err := run(t, &recorder{}, text); err == nil && out != "" {
			t.Errorf("%s: %s", text, out)
		}
	}
}
