// Package script writes a plan as two PowerShell scripts that a person can read, sign and
// run on the servers themselves: one that makes the changes, one that takes them back. They
// use the how-to's own cmdlets and the part of the language that doc/shell.md describes.
//
// It reads a plan and nothing else. Start reading at Make.
package script
