package bearer

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestPage holds the diagnostics of doc/frontend.md to the table of codes.
func TestPage(t *testing.T) {
	text, err := os.ReadFile("../../doc/frontend.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range Codes {
		if row := fmt.Sprintf("\n| %d | %s |", c.Code, c.Category); !strings.Contains(string(text), row) {
			t.Errorf("doc/frontend.md has no row%s", row)
		}
	}
}
