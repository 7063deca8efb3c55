package shell

import (
	"time"

	"hma/wire/psobject"
)

// dateFormats are the standard formats that -Format takes (standard date and time format strings of .NET).
var dateFormats = map[string]string{"o": "2006-01-02T15:04:05.0000000Z07:00", "s": "2006-01-02T15:04:05", "u": "2006-01-02 15:04:05Z"}

func getDate() *cmdlet {
	return &cmdlet{psobject.Command{Name: "Get-Date", Synopsis: "Shows the time, here in UTC.",
		Params: []psobject.Parameter{{Name: "Format", Type: "string", Values: []string{"o", "s", "u"}}}}, func(c *call) (*stage, error) {
		return &stage{end: func() error {
			now := time.Now
			if c.Now != nil {
				now = c.Now
			}
			if c.has("Format") {
				return c.out(now().UTC().Format(dateFormats[c.string("Format")]))
			}
			return c.out(now().UTC())
		}}, nil
	}}
}
