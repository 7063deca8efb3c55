package cmdlet

import (
	"strings"

	"hma/wire/psobject"
)

// service: `Restart-Service -Name W3SVC, WAS -Force` of the how-to makes the caller's server
// (all of them over the admin socket) take the configuration up at once.
func service() []*cmdlet {
	return []*cmdlet{{psobject.Command{Name: "Restart-Service", Synopsis: "Restarts the web service of the server: it takes its configuration up at once.", Asks: askRefresh,
		Params: []psobject.Parameter{{Name: "Name", Type: "strings", Mandatory: true, Position: new(0)}, param("Force", "switch"), confirm}}, restartService}}
}

func restartService(c *call) error {
	for _, name := range c.args.strings("Name") {
		if !strings.EqualFold(name, "W3SVC") && !strings.EqualFold(name, "WAS") {
			return &failure{"Cannot find any service with service name '" + name + "'; there are W3SVC and WAS.", "ObjectNotFound", "ServiceCommandException", name}
		}
	}
	return c.r.opts.Restart(c, c.caller.Server)
}
