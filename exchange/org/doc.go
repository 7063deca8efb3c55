// Package org is the on-premises organisation: its configuration objects
// (servers, virtual directories, AuthServer, AuthConfig, OrganizationConfig,
// ClientAccessService, AuthenticationPolicy) and its recipients, with their
// rules, defaults, tables and SQL.
//
// It answers two kinds of reader. Cmdlets read and write objects through
// Organization. The doors read a Snapshot: everything that one server needs to
// answer requests, immutable, behind an atomic pointer, made again when the
// configuration's version row has moved. People are not in a snapshot: they are
// looked up by index, so that a disabled user is out at once.
//
// It refuses to know anything about HTTP, tokens or mail. Start reading at
// Snapshot, then VirtualDirectory.
package org
