// Package shell is the management shell: it runs the how-to's commands as they are
// written. parse reads the text; this package evaluates it, binds arguments with the metadata
// that the server sends, hands objects from cmdlet to cmdlet, and shows what comes out
// as Exchange's own shell does. doc/shell.md describes the language.
//
// Cmdlets about objects, files and text run here, each in a file of its own
// (selectobject.go); all others are the server's. It edits no lines and keeps no history: a
// prompt reads a text with the help of Session.Complete, asks Incomplete whether it is whole, and
// hands it to Session.Run.
//
// Start reading at Session.Run, then pipeline.go and bind.go.
package shell
