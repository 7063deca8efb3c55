package oxocfg

import (
	"fmt"
	"strings"
	"time"

	"hma/wire/guid"
)

// defaultCategories are the six that a mailbox begins with, with their colours
// (MS-OXOCFG 2.2.5.2.2: red 0, orange 1, yellow 3, green 4, blue 7, purple 8).
var defaultCategories = []struct {
	name  string
	color int
}{{"Red", 0}, {"Orange", 1}, {"Yellow", 3}, {"Green", 4}, {"Blue", 7}, {"Purple", 8}}

// DefaultCategories returns the category list of a new mailbox. Clients know a
// category again by its GUID, which newID gives.
func DefaultCategories(now time.Time, newID func() guid.GUID) []byte {
	const layout = "2006-01-02T15:04:05.000"
	const never = "1601-01-01T00:00:00.000"
	var b strings.Builder
	fmt.Fprintf(&b, `<?xml version="1.0"?><categories default="Red Category" lastSavedSession="0" lastSavedTime="%s" xmlns="CategoryList.xsd">`, now.UTC().Format(layout))
	for _, c := range defaultCategories {
		fmt.Fprintf(&b, `<category name="%s Category" color="%d" keyboardShortcut="0" usageCount="0"`, c.name, c.color)
		for _, kind := range []string{"Notes", "Journal", "Contacts", "Tasks", "Calendar", "Mail", ""} {
			fmt.Fprintf(&b, ` lastTimeUsed%s="%s"`, kind, never)
		}
		fmt.Fprintf(&b, ` lastSessionUsed="0" guid="{%s}" renameOnFirstUse="1"/>`, strings.ToUpper(newID().String()))
	}
	b.WriteString("</categories>")
	return []byte(b.String())
}
