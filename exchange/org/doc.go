// Package org is the on-premises organisation: its configuration objects
// (servers, virtual directories, AuthServer, AuthConfig, OrganizationConfig,
// ClientAccessService, AuthenticationPolicy, SettingOverride, PartnerApplication,
// IntraOrganizationConnector, HybridConfiguration) and its recipients, with their
// rules, defaults, tables and SQL.
//
// It answers two kinds of reader. Cmdlets read and write objects through
// Organization. The doors read a Snapshot: everything that one server needs to
// answer requests, immutable, behind an atomic pointer, made again when the
// configuration's version row has moved. People are not in a snapshot: they are
// looked up by index, so that a disabled user is out at once.
//
// Configuration is a small directory: objects by class, GUID and name, kept in
// memory while its version row stands and changed in one transaction
// (Organization.Change). People are rows with
// an index for each way in which a token or a password names somebody. It keeps what a
// directory can hold, two people with one address included; the cmdlets refuse to
// make such things.
//
// It refuses to know anything about HTTP, tokens or mail. Start reading at
// Snapshot, then Organization, Configuration and ServerConfig.
package org
