package target

import (
	"hma/client/graph"
	"hma/client/mail"
)

// What stands behind Graph and Probe: the clients themselves.
var (
	_ Graph     = (*graph.Client)(nil)
	_ Documents = (*graph.Cloud)(nil)
	_ Probe     = (*mail.Client)(nil)
)
