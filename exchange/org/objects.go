package org

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"hma/wire/guid"
)

// Stamp is when an object was made and last written (WhenCreated, WhenChanged).
// It is kept beside the object and set by the database's owner alone.
type Stamp struct {
	WhenCreated time.Time `json:"-"`
	WhenChanged time.Time `json:"-"`
}

// Server is an Exchange server (Get-ExchangeServer).
type Server struct {
	Stamp
	GUID guid.GUID
	Name string // short name, EX1
	FQDN string
	// Version is the build, for example 15.2.1544.11.
	Version Version
	// InternetWebProxy is the URL of the web proxy to the internet, "" for none. Here it is only shown.
	InternetWebProxy string `json:",omitempty"`
}

// Version is a build number in its four parts.
type Version [4]int

// String returns the dotted form, 15.2.1544.11.
func (v Version) String() string { return fmt.Sprintf("%d.%d.%d.%d", v[0], v[1], v[2], v[3]) }

// Display returns the form of AdminDisplayVersion, Version 15.2 (Build 1544.11).
func (v Version) Display() string {
	return fmt.Sprintf("Version %d.%d (Build %d.%d)", v[0], v[1], v[2], v[3])
}

// Less tells whether v is older than w.
func (v Version) Less(w Version) bool { return slices.Compare(v[:], w[:]) < 0 }

// AuthServer is an authorization server that the organisation trusts (Get-AuthServer).
type AuthServer struct {
	Stamp
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
	// MetadataFetched is when CertificateStrings were last read from AuthMetadataURL. It is kept
	// apart: a fetch that found nothing new moves it, and not the configuration's version.
	MetadataFetched time.Time `json:"-"`
}

// AuthConfig is the organisation's own side of OAuth (Get-AuthConfig).
type AuthConfig struct {
	Stamp
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
	Stamp
	GUID                       guid.GUID
	Name                       string
	OAuth2ClientProfileEnabled bool
	MapiHttpEnabled            bool
	// EnableDownloadDomains lets OWA serve attachments from hosts of their own.
	EnableDownloadDomains       bool
	DefaultAuthenticationPolicy guid.GUID // nil GUID: none
	// Domain is the directory's DNS domain, contoso.com; distinguished names end in it.
	Domain string
	// DomainSID is the SID that the people's SIDs begin with, S-1-5-21-a-b-c.
	DomainSID string
}

// NetBIOS returns the directory's NetBIOS name, CONTOSO: the first label of Domain in
// capitals, at most 15 letters, as a fresh Active Directory has it.
func (c *OrganizationConfig) NetBIOS() string {
	label, _, _ := strings.Cut(c.Domain, ".")
	return strings.ToUpper(label[:min(len(label), 15)])
}

// ClientAccessService is a server's service connection point for Autodiscover (Get-ClientAccessService).
type ClientAccessService struct {
	Stamp
	GUID                           guid.GUID
	Server                         string
	AutoDiscoverServiceInternalURI string
	AutoDiscoverSiteScope          []string
}

// AcceptedDomain is a mail domain of the organisation (Get-AcceptedDomain).
type AcceptedDomain struct {
	Stamp
	GUID       guid.GUID
	DomainName string // lower case
	Default    bool
}

// Certificate is a certificate in the store of one server (Get-ExchangeCertificate).
// Its private key is kept apart, sealed.
type Certificate struct {
	Stamp
	GUID         guid.GUID
	Server       string
	Thumbprint   string // SHA-1 of DER, upper-case hexadecimal
	FriendlyName string
	Services     []string // SMTP, IIS
	DER          []byte
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
	Stamp
	GUID        guid.GUID
	Name        string
	BlockLegacy map[Protocol]bool
	BlockModern map[Protocol]bool
}

// Recipient is somebody or something of the organisation that mail can be sent to, and every person.
type Recipient struct {
	Stamp
	GUID        guid.GUID
	Type        RecipientType `json:",omitempty"`
	SID         string        // S-1-5-21-...
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
	// RemoteRoutingAddress is where the mailbox is reached that somebody without one here has in the cloud
	// (a remote mailbox, New-RemoteMailbox); "" for none.
	RemoteRoutingAddress string `json:",omitempty"`
	Enabled              bool
	// ImmutableID and ObjectID tie the person to the cloud account; both are "" while not synchronised.
	ImmutableID string
	ObjectID    string
	// LinkedMasterAccount (FABRIKAM\jane) and MasterAccountSID name the account of another forest whose
	// mailbox this is: a linked mailbox of a resource forest (msExchMasterAccountSid). "" for none.
	LinkedMasterAccount string `json:",omitempty"`
	MasterAccountSID    string `json:",omitempty"`
	// CriticalSystemObject is isCriticalSystemObject: never synchronised.
	CriticalSystemObject bool
	// Administrator tells that the person may run every cmdlet (Organization Management),
	// ViewOnlyAdministrator that they may run those that change nothing.
	Administrator         bool
	ViewOnlyAdministrator bool      `json:",omitempty"`
	AuthenticationPolicy  guid.GUID // nil GUID: the organisation's default decides
	ThrottlingPolicy      guid.GUID `json:",omitzero"` // nil GUID: the organisation's
	MAPIEnabled           bool
	// MapiHTTPEnabled overrides the organisation's MapiHttpEnabled for this mailbox; nil inherits it (Set-CASMailbox).
	MapiHTTPEnabled        *bool `json:",omitempty"`
	EwsEnabled             bool
	ActiveSyncEnabled      bool
	OWAEnabled             bool
	ECPEnabled             bool
	PopEnabled             bool
	ImapEnabled            bool
	HiddenFromAddressLists bool
	// Quota and RetainDeletedItemsFor are the mailbox's own limits, which count only with OwnQuota
	// and OwnRetention (UseDatabaseQuotaDefaults, UseDatabaseRetentionDefaults $false); see Limits.
	Quota                 Quota                          `json:",omitzero"`
	OwnQuota              bool                           `json:",omitempty"`
	RetainDeletedItemsFor time.Duration                  `json:",omitempty"`
	OwnRetention          bool                           `json:",omitempty"`
	config                *atomic.Pointer[Configuration] // of Limits
	// FullAccess are those who may open the mailbox and do everything in it, SendAs those who may write in the
	// recipient's name, SendOnBehalf those who may write on its behalf (GrantSendOnBehalfTo): people and groups
	// by GUID, whose members then may; see Holds. AutoMapped are those of FullAccess whose clients open the
	// mailbox by themselves (Add-MailboxPermission -AutoMapping).
	FullAccess   []guid.GUID `json:",omitempty"`
	SendAs       []guid.GUID `json:",omitempty"`
	SendOnBehalf []guid.GUID `json:",omitempty"`
	AutoMapped   []guid.GUID `json:",omitempty"`
	Archive      *Archive    `json:",omitempty"`
	// Resource is there for rooms and equipment, Group for groups.
	Resource *Resource `json:",omitempty"`
	Group    *Group    `json:",omitempty"`
}
