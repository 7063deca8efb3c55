// Package target is what the procedure acts on, always from outside: cmdlets,
// the cloud's Graph, handshakes with doors, files, and a lock. The interfaces
// stand here with one file for each thing that can be behind them, so that the
// same rules and steps serve our organisation, a collected snapshot of another,
// or a script for one.
//
// It refuses to know the how-to: what to read and what to change is decided in
// hybrid/procedure. Start reading at Target.
package target
