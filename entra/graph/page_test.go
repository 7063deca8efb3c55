package graph

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"hma/entra"
	"hma/wire/wellknown"
)

// TestPage holds doc/entra.md to Graph: each path that it names is answered to
// each permission that it names and to no other, and PATCH takes what it lists.
func TestPage(t *testing.T) {
	text, err := os.ReadFile("../../doc/entra.md")
	if err != nil {
		t.Fatal(err)
	}
	e := newEnv(t)
	_, rest, _ := strings.Cut(string(text), "| Path | Methods | Permission, one of |")
	table, after, found := strings.Cut(rest, "\n\n")
	if !found {
		t.Fatal("doc/entra.md has no table of Graph paths")
	}
	permission := regexp.MustCompile(`[A-Z][A-Za-z]+(\.[A-Za-z]+)+`)
	all := permission.FindAllString(table, -1)
	_, principal, _ := e.do(e.token(e.admin, readWrite, nil), "GET", "/v1.0/servicePrincipals(appId='"+wellknown.Exchange+"')", "")
	rows := 0
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) < 5 || strings.TrimSpace(cells[2]) != "GET" {
			continue
		}
		path := strings.Split(cells[1], "`")[1]
		allowed := permission.FindAllString(cells[3], -1)
		switch strings.TrimSpace(cells[3]) {
		case "as servicePrincipals":
			allowed = strings.Split("Application.Read.All Application.ReadWrite.All Directory.Read.All Directory.ReadWrite.All", " ")
		case "those, or User.Read":
			allowed = strings.Split("User.Read.All User.ReadBasic.All Directory.Read.All Directory.ReadWrite.All User.Read", " ")
		}
		path = strings.ReplaceAll(path, "{id}", principal["id"].(string))
		for _, p := range all {
			want := 403
			for _, a := range allowed {
				if a == p {
					want = 200
				}
			}
			if status, out, _ := e.do(e.token(e.reader, p, nil), "GET", path, ""); status != want {
				t.Errorf("%s with %s: %d, want %d: %v", path, p, status, want, out)
			}
		}
		rows++
	}
	if rows < 7 {
		t.Errorf("%d paths on the page", rows)
	}
	patch, _, _ := strings.Cut(after[strings.Index(after, "PATCH takes"):], ";")
	for _, m := range regexp.MustCompile("`([A-Za-z]+)`").FindAllStringSubmatch(patch, -1) {
		values := map[string]string{"accountEnabled": "true", "appRoleAssignmentRequired": "false", "displayName": `"x"`, "homepage": `"x"`, "logoutUrl": `"x"`}
		value := values[m[1]]
		if value == "" {
			value = "[]"
		}
		if _, err := readPatch(map[string]json.RawMessage{m[1]: json.RawMessage(value)}, &entra.ServicePrincipal{}); err != nil {
			t.Errorf("%s: %v", m[1], err)
		}
	}
}
