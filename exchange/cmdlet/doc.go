// Package cmdlet holds the server-side cmdlets of the organisation, one file per
// noun: each binds its parameters, checks the rules, changes or reads exchange/org
// and puts out objects with the names, order and formats that Exchange shows.
//
// It refuses to format for a console (the shell does) and to keep state of its
// own. A cmdlet that would take entries out of a list says how many and which, and wants -Force, unless
// an Edit names them. Whatever changes something has -WhatIf, which checks every rule and writes nothing.
// Names of real Exchange cmdlets that are not here are answered "not supported"
// from one table, anything else "not recognized". Start reading at Registry.Run, then
// authserver.go for a typical noun and noun.go for what plain classes share.
package cmdlet
