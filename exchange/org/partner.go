package org

import (
	"context"
	"net/url"
	"strings"

	"hma/wire/guid"
	"hma/wire/wellknown"
)

// PartnerApplication is an application that signs its own tokens for the organisation, or has them
// from one of its AuthServers (Get-PartnerApplication).
type PartnerApplication struct {
	Stamp
	GUID                                guid.GUID
	Name                                string
	Enabled                             bool
	ApplicationIdentifier               string // application id
	CertificateStrings                  []string
	AuthMetadataURL                     string
	Realm                               string // "": any
	UseAuthServer                       bool
	AcceptSecurityIdentifierInformation bool
	// LinkedAccount is the canonical name of the account whose rights the application has, "" for none.
	LinkedAccount      string
	AppOnlyPermissions []string
	ActAsPermissions   []string
}

// Check refuses a partner application without a name or an application id.
func (p *PartnerApplication) Check() error {
	if strings.TrimSpace(p.Name) == "" || len(p.Name) > 64 {
		return refuse("The name of a partner application has 1 to 64 characters.")
	}
	if _, err := guid.Parse(p.ApplicationIdentifier); err != nil {
		return refuse("'%s' is no application id; it is a GUID.", p.ApplicationIdentifier)
	}
	return nil
}

// stockPartners are the partner applications of a fresh Exchange Server 2019.
func stockPartners(domain string) []*PartnerApplication {
	return []*PartnerApplication{
		{Name: "Exchange Online", Enabled: true, ApplicationIdentifier: wellknown.Exchange, UseAuthServer: true,
			LinkedAccount: domain + "/Users/Exchange Online-ApplicationAccount"},
		{Name: "Microsoft Graph", Enabled: true, ApplicationIdentifier: wellknown.Graph, UseAuthServer: true, AcceptSecurityIdentifierInformation: true,
			ActAsPermissions: []string{"Mail.Read", "Mail.Write", "Mail.Send", "Calendars.Read", "Calendars.Write", "Contacts.Read", "Contacts.Write"}},
	}
}

// completeStock gives an organisation that was made before it had partner applications the stock ones.
func (o *Organization) completeStock(ctx context.Context) error {
	c, err := o.Configuration(ctx)
	if err != nil || c.Org.Name == "" || len(c.Partners) > 0 {
		return err
	}
	_, _, err = o.Change(ctx, func(c *Configuration) error {
		if len(c.Partners) == 0 {
			c.Partners = stockPartners(c.Org.Domain)
		}
		return nil
	})
	return err
}

// HybridConfiguration is what the Hybrid Configuration Wizard was told; an organisation has at most one
// (Get-HybridConfiguration).
type HybridConfiguration struct {
	Stamp
	GUID                      guid.GUID
	ClientAccessServers       []string // short names, as all servers here
	EdgeTransportServers      []string
	ReceivingTransportServers []string
	SendingTransportServers   []string
	OnPremisesSmartHost       string
	Domains                   []string
	Features                  []string
	ExternalIPAddresses       []string
	TLSCertificateName        string
	ServiceInstance           int
}

// IntraOrganizationConnector is the way to another organisation's availability, or to the own one in the cloud
// (Get-IntraOrganizationConnector).
type IntraOrganizationConnector struct {
	Stamp
	GUID                 guid.GUID
	Name                 string
	TargetAddressDomains []string
	DiscoveryEndpoint    string // https URL of the other side's Autodiscover
	TargetSharingEpr     string // https URL of its EWS, "": ask Autodiscover
	Enabled              bool
}

// Check refuses a connector without a name, an https endpoint or target domains.
func (c *IntraOrganizationConnector) Check() error {
	if strings.TrimSpace(c.Name) == "" || len(c.Name) > 64 {
		return refuse("The name of a connector has 1 to 64 characters.")
	}
	if len(c.TargetAddressDomains) == 0 {
		return refuse("A connector needs at least one target domain.")
	}
	for _, d := range c.TargetAddressDomains {
		if d == "" || !strings.Contains(d, ".") || strings.ContainsAny(d, " @/:*") {
			return refuse("'%s' is no mail domain.", d)
		}
	}
	for _, text := range []string{c.DiscoveryEndpoint, c.TargetSharingEpr} {
		if u, err := url.Parse(text); text != "" && (err != nil || !strings.EqualFold(u.Scheme, "https") || u.Hostname() == "" || u.User != nil) {
			return refuse("%q is no https URL.", text)
		}
	}
	if c.DiscoveryEndpoint == "" {
		return refuse("A connector needs a discovery endpoint.")
	}
	return nil
}
