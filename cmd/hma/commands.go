package main

import (
	"time"

	"github.com/spf13/cobra"
)

// commands are all commands, in the order in which help lists them within their groups.
func (a *app) commands() []*cobra.Command {
	return []*cobra.Command{
		a.demo(), a.up(), a.clockCommand(), a.fault(), a.top(), a.shellCommand(), a.mailbox(),
		a.token(), a.connect(), a.explain(),
		a.wizard(), a.collect(), a.org(), a.check(), a.plan(), a.apply(), a.enable(), a.verify(), a.rollback(), a.history(), a.report(),
	}
}

// now is the machine's clock. A lab has one of its own: running.now.
var now = time.Now
