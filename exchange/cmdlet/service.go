package cmdlet

import (
	"context"
	"strings"
	"time"

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
	if c.whatIf() {
		for _, name := range c.args.strings("Name") {
			c.would(name)
		}
		return nil
	}
	return c.restart(c.caller.Server)
}

// takeUp is how long a restart waits for servers of other processes.
const takeUp = 10 * time.Second

// restart makes the server, "" all servers, take the configuration up, and returns
// when they run it; one that does not in time, because it is not running, is a warning.
func (c *call) restart(server string) error {
	version, err := c.r.org.Version(c)
	if err != nil {
		return err
	}
	if err := c.r.opts.Restart(c, server); err != nil {
		return err
	}
	var names []string
	if server != "" {
		names = append(names, server)
	}
	ctx, cancel := context.WithTimeout(c, takeUp)
	defer cancel()
	err = c.r.org.WaitLive(ctx, version, names...)
	if err != nil && ctx.Err() != nil && c.Err() == nil {
		c.r.opts.Log.Warn("configuration not taken up in time", "error", err)
		c.warn("Not every server has taken the configuration up within %s: one may not be running.", takeUp)
		return nil
	}
	return err
}
