// Package shell is the management shell: it runs the how-to's commands as they are
// written. parse reads the text; this package binds arguments with the metadata
// that the server sends, hands objects from cmdlet to cmdlet, and formats what comes out
// as Format-List and Format-Table do.
//
// It knows no cmdlet of its own but the two that format, and stops at the first
// error. Start reading at Run.
package shell
