// Package parse reads the management shell's language into a tree with positions:
// statements, pipelines, commands and their arguments. It is the part of
// PowerShell that the how-to's plain commands use; what lies outside is an error
// with its place and a hint, never something else than was meant.
//
// It binds no parameter and runs nothing. Start reading at Parse.
package parse
