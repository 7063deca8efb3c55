// Package psobject is what a cmdlet's objects, parameters and errors look like
// on the wire between the Admin API and whoever calls it: the shell, the
// procedure, a test. It runs nothing and formats nothing for a console.
//
// An Object is an ordered property bag, as Exchange shows its objects: the order
// of the properties is what Format-List prints. Start reading at Object, then
// Invocation and Result.
package psobject
