// Command hma gives on-premises mail cloud sign-in: a lab organisation, the
// Hybrid Modern Authentication procedure, and the commands around them. This
// package holds the command table, the flags, and the human and JSON views;
// everything else lives in the packages that it wires together.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	code := run(ctx, os.Args[1:], stdio{in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.Environ()})
	os.Exit(code)
}
