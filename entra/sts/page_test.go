package sts

import (
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestPage holds doc/entra.md to the token service: each endpoint that it names is routed, and its grants are those that are served.
func TestPage(t *testing.T) {
	text, err := os.ReadFile("../../doc/entra.md")
	if err != nil {
		t.Fatal(err)
	}
	table := func(head string) string {
		_, rest, _ := strings.Cut(string(text), head)
		body, _, found := strings.Cut(rest, "\n\n")
		if !found {
			t.Fatalf("doc/entra.md has no table %q", head)
		}
		return body
	}
	mux := newEnv(t).handler.(*service).mux
	paths := regexp.MustCompile("`(/[^`]*)`").FindAllStringSubmatch(table("| Path | What |"), -1)
	if len(paths) < 20 {
		t.Errorf("%d endpoints on the page", len(paths))
	}
	for _, m := range paths {
		path, _, _ := strings.Cut(strings.ReplaceAll(m[1], "{tenant}", "common"), "?")
		if _, pattern := mux.Handler(httptest.NewRequest("GET", path, nil)); pattern == "/" || pattern == "" {
			t.Errorf("%s is not served", m[1])
		}
	}
	listed := make(map[string]bool)
	for line := range strings.Lines(table("| `grant_type` | Who |")) {
		if cells := strings.Split(line, "|"); len(cells) > 3 {
			for _, m := range regexp.MustCompile("`([a-z_:0-9-]+)`").FindAllStringSubmatch(cells[1], -1) {
				listed[m[1]] = true
			}
		}
	}
	for name := range grants {
		if !listed[name] {
			t.Errorf("the page does not name the grant %s", name)
		}
		delete(listed, name)
	}
	for name := range listed {
		t.Errorf("the page names the grant %s, which is not served", name)
	}
}
