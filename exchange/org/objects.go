package org

import (
	"time"

	"hma/wire/guid"
)

// Server is an Exchange server (Get-ExchangeServer).
type Server struct {
	GUID guid.GUID
	Name string // short name, EX1
	FQDN string
	// Version is the build, for example 15.2.1544.11.
	Version Version
}

// Version is a build number in its four parts.
type Version [4]int

// AuthServer is an authorization server that the organisation trusts (Get-AuthServer).
type AuthServer struct {
	GUID             guid.GUID
	Name             string
	Type             string // AzureAD, MicrosoftACS, ADFS
	IssuerIdentifier string
	Realm            string
	// TokenIssuingEndpoint and AuthorizationEndpoint are derived from the origin of AuthMetadataURL by Type.
	TokenIssuingEndpoint           string
	AuthorizationEndpoint          string
	AuthMetadataURL                string
	ApplicationIdentifier          string
	DomainName                     []string
	CertificateStrings             []string // signing certificates, base64 DER, last good ones
	Enabled                        bool
	IsDefaultAuthorizationEndpoint bool
	// MetadataFetched is when CertificateStrings were last read from AuthMetadataURL.
	MetadataFetched time.Time
}

// AuthConfig is the organisation's own side of OAuth (Get-AuthConfig).
type AuthConfig struct {
	GUID                          guid.GUID
	ServiceName                   string
	Realm                         string
	CurrentCertificateThumbprint  string
	PreviousCertificateThumbprint string
	NextCertificateThumbprint     string
	NextCertificateEffectiveDate  time.Time
}

// OrganizationConfig are the organisation-wide settings that HMA reads (Get-OrganizationConfig).
type OrganizationConfig struct {
	GUID                        guid.GUID
	Name                        string
	OAuth2ClientProfileEnabled  bool
	MapiHttpEnabled             bool
	DefaultAuthenticationPolicy guid.GUID // nil GUID: none
}

// ClientAccessService is a server's service connection point for Autodiscover (Get-ClientAccessService).
type ClientAccessService struct {
	Server                         string
	AutoDiscoverServiceInternalURI string
	AutoDiscoverSiteScope          []string
}

// Protocol is a protocol's name in the switches of an authentication policy.
type Protocol string

// The protocols of New-AuthenticationPolicy's on-premises switches.
const (
	ProtocolActiveSync         Protocol = "ActiveSync"
	ProtocolAutodiscover       Protocol = "Autodiscover"
	ProtocolImap               Protocol = "Imap"
	ProtocolMapi               Protocol = "Mapi"
	ProtocolOfflineAddressBook Protocol = "OfflineAddressBook"
	ProtocolPop                Protocol = "Pop"
	ProtocolRpc                Protocol = "Rpc"
	ProtocolWebServices        Protocol = "WebServices"
)

// AuthenticationPolicy blocks legacy or modern authentication by protocol; one
// without switches allows everything (Get-AuthenticationPolicy).
type AuthenticationPolicy struct {
	GUID        guid.GUID
	Name        string
	BlockLegacy map[Protocol]bool
	BlockModern map[Protocol]bool
}

// Recipient is a person or mailbox of the organisation.
type Recipient struct {
	GUID        guid.GUID
	SID         string // S-1-5-21-...
	SAMAccount  string
	UPN         string
	DisplayName string
	GivenName   string
	Surname     string
	Alias       string
	// PrimarySMTP and the other addresses, as proxyAddresses has them without prefix.
	PrimarySMTP string
	Addresses   []string
	LegacyDN    string
	// MailboxGUID is the nil GUID for somebody without a mailbox (the built-in Administrator has one).
	MailboxGUID guid.GUID
	Enabled     bool
	// ImmutableID and ObjectID tie the person to the cloud account; both are "" while not synchronised.
	ImmutableID string
	ObjectID    string
	// CriticalSystemObject is isCriticalSystemObject: never synchronised.
	CriticalSystemObject bool
	// Administrator tells that the person may run cmdlets (Organization Management).
	Administrator          bool
	AuthenticationPolicy   guid.GUID // nil GUID: the organisation's default decides
	MAPIEnabled            bool
	EwsEnabled             bool
	ActiveSyncEnabled      bool
	OWAEnabled             bool
	ECPEnabled             bool
	HiddenFromAddressLists bool
}
