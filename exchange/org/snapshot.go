package org

import (
	"strings"

	"hma/wire/guid"
	"hma/wire/jwt"
)

// Snapshot is the configuration that one server runs: immutable once
// published. Its slices and maps must not be changed by whoever reads it.
type Snapshot struct {
	// Version is the configuration's version row when the snapshot was made; it
	// is part of the trust generation under which verified tokens are kept.
	Version int64
	Org     OrganizationConfig
	Server  Server
	Service ClientAccessService
	// VirtualDirectories are this server's, with the values that it runs.
	VirtualDirectories []*VirtualDirectory
	AuthServers        []*AuthServer
	Auth               AuthConfig
	// Certificates are those in this server's store.
	Certificates []*Certificate
	// Overrides are the setting overrides that are for this server, by name; Override reads them.
	Overrides []*SettingOverride
	// Policies are all authentication policies by GUID.
	Policies map[guid.GUID]*AuthenticationPolicy
	// Throttling are all throttling policies; EwsMaxConcurrency reads them.
	Throttling []*ThrottlingPolicy
	// Hosts are the public hosts of this server's URLs, internal and external, as
	// PublicHost writes them: a request for any other Host has no valid token audience.
	Hosts map[string]bool
	// DownloadHosts are the hosts from which OWA serves attachments and nothing else is served, as PublicHost writes
	// them; none while OrganizationConfig.EnableDownloadDomains is off.
	DownloadHosts map[string]bool
	// OwaSettings are the appSettings of this server's ClientAccess\Owa\web.config.
	OwaSettings AppSettings
	// Connectors are the enabled IntraOrganizationConnectors: where the Autodiscover of other domains is.
	Connectors []*IntraOrganizationConnector
	// AcceptedDomains are the organisation's mail domains, lower case, default first.
	AcceptedDomains []string
}

// PublicHost returns a Host header, or the authority of an https URL, as hosts are
// compared: host or host:port in lower case, never with :443. Only A to Z are
// folded: names that differ in other letters stay different.
func PublicHost(authority string) string {
	return jwt.PublicHost(authority)
}

// DefaultAuthorizationEndpoint returns the enabled AuthServer that is the
// default authorization endpoint, or nil when there is none.
func (s *Snapshot) DefaultAuthorizationEndpoint() *AuthServer {
	for _, a := range s.AuthServers {
		if a.Enabled && a.IsDefaultAuthorizationEndpoint {
			return a
		}
	}
	return nil
}

// VirtualDirectory returns this server's virtual directory of the kind, or nil.
func (s *Snapshot) VirtualDirectory(kind Kind) *VirtualDirectory {
	for _, vd := range s.VirtualDirectories {
		if vd.Kind == kind {
			return vd
		}
	}
	return nil
}

// Certificate returns the certificate with the thumbprint, in any case, from this server's store, or nil.
func (s *Snapshot) Certificate(thumbprint string) *Certificate {
	for _, cert := range s.Certificates {
		if strings.EqualFold(cert.Thumbprint, thumbprint) {
			return cert
		}
	}
	return nil
}

// DownloadHost returns the host from which OWA, asked under the given one, has its attachments fetched: the internal
// or the external one, "" while that is OWA's own.
func (s *Snapshot) DownloadHost(asked string) string {
	vd := s.VirtualDirectory(Owa)
	if vd == nil {
		return ""
	}
	host := vd.ExternalDownloadHostName
	if asked = PublicHost(asked); urlHost(vd.InternalURL) == asked && urlHost(vd.ExternalURL) != asked {
		host = vd.InternalDownloadHostName
	}
	if host = PublicHost(host); !s.DownloadHosts[host] {
		return ""
	}
	return host
}

// MasterAccounts tells whether OWA and ECP of this server know the owner of a linked mailbox by the SID of the master
// account: with the setting override and both keys of the web.config file (how-to, "Steps to enable ... OWA and ECP",
// step 9). The other protocols ship with it (OAuthHttpModule.UseMasterAccountSid of their own files).
func (s *Snapshot) MasterAccounts() bool {
	return s.OwaSettings.True("OAuthHttpModule.ConvertToSidBasedIdentity") && s.OwaSettings.True("OAuthHttpModule.UseMasterAccountSid") &&
		s.Override("OAuth", "OwaHMAFixForAfRfScenarios").Enabled()
}

// MapiHTTP tells whether MAPI over HTTP is on for the person's mailbox: the mailbox's own setting, else the organisation's.
func (s *Snapshot) MapiHTTP(r *Recipient) bool {
	if r.MapiHTTPEnabled != nil {
		return *r.MapiHTTPEnabled
	}
	return s.Org.MapiHttpEnabled
}
