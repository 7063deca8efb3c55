package mapihttp

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestPage holds the request types and codes that doc/mapihttp.md lists to those of the door.
func TestPage(t *testing.T) {
	text, err := os.ReadFile("../../doc/mapihttp.md")
	if err != nil {
		t.Fatal(err)
	}
	table := func(head string) string {
		_, rest, _ := strings.Cut(string(text), head)
		body, _, found := strings.Cut(rest, "\n\n")
		if !found {
			t.Fatalf("doc/mapihttp.md has no table %q", head)
		}
		return body
	}
	listed := make(map[string]bool)
	for line := range strings.Lines(table("| Request type | Endpoint |")) {
		if cells := strings.Split(line, "|"); len(cells) > 5 {
			for name := range strings.SplitSeq(cells[1], ",") {
				listed[strings.TrimSpace(name)] = !strings.Contains(cells[4], "X-ResponseCode 5")
			}
		}
	}
	for endpoint, types := range requestTypes {
		for _, kind := range types {
			page, ok := listed[kind.name]
			// What is not served answers every request with code 5; the others need a session or a body first.
			served := kind.serve == nil || kind.serve(nil, &request{}, &session{}).code != codeInvalidRequestType
			if !ok || page != served {
				t.Errorf("%s %s: served %v, listed %v, as served %v", endpoint, kind.name, served, ok, page)
			}
		}
	}
	codes := make(map[string]bool)
	for line := range strings.Lines(table("| Code | When |")) {
		if cells := strings.Split(line, "|"); len(cells) > 2 {
			for number := range strings.SplitSeq(cells[1], ",") {
				codes[strings.TrimSpace(number)] = true
			}
		}
	}
	for c := range texts {
		if !codes[strconv.Itoa(int(c))] {
			t.Errorf("the page does not name X-ResponseCode %d", c)
		}
	}
}
