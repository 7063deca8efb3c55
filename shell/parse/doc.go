// Package parse reads the management shell's language into a tree with positions:
// statements, pipelines, commands with their arguments, and expressions. The language is the
// part of PowerShell that doc/shell.md describes; what lies outside is an error
// with its place and a hint, never something else than was meant.
//
// It binds no parameter and runs nothing. Start reading at Parse, then at ast.go
// for what it gives.
package parse
