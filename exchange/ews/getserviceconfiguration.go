package ews

import (
	"strconv"
	"strings"

	"hma/exchange/transport"
	"hma/wire/soap"
)

// largeAudience is from how many recipients on a client warns; Exchange's default.
const largeAudience = 25

// getServiceConfiguration answers GetServiceConfiguration (MS-OXWCONFIG 3.1.4.1):
// one message for each configuration that is asked for. There is no unified
// messaging and there are no protection rules; policy nudges are not offered.
func getServiceConfiguration(c *call) error {
	list, err := c.ids("RequestedConfiguration")
	if err != nil {
		return err
	}
	if len(list) > maxConfigurations {
		return invalid(c.req, "RequestedConfiguration names too many configurations")
	}
	for _, e := range list {
		if e.Name.Local != "ConfigurationName" {
			return invalid(e, "%s has no place here", e.Name.Local)
		}
	}
	return c.alone(func() error {
		c.w.Start("m:ResponseMessages")
		for _, e := range list {
			c.configuration(e)
		}
		c.w.End("m:ResponseMessages")
		return c.w.Err()
	})
}

const maxConfigurations = 16

func (c *call) configuration(e *soap.Element) {
	const name = "m:ServiceConfigurationResponseMessageType"
	write := map[string]func(){"MailTips": c.mailTipsConfiguration, "UnifiedMessagingConfiguration": c.unifiedMessaging, "ProtectionRules": c.protectionRules}[strings.TrimSpace(e.Text)]
	if write == nil {
		c.w.Start(name, "ResponseClass", "Error")
		c.writeProblem(errUnsupported)
		c.w.End(name)
		return
	}
	c.w.Start(name, "ResponseClass", "Success")
	c.w.Element("m:ResponseCode", "NoError")
	write()
	c.w.End(name)
}

func (c *call) mailTipsConfiguration() {
	w := c.w
	w.Start("m:MailTipsConfiguration")
	w.Bool("t:MailTipsEnabled", true)
	w.Element("t:MaxRecipientsPerGetMailTipsRequest", strconv.Itoa(maxTips))
	w.Element("t:MaxMessageSize", strconv.Itoa(transport.MaxMessage))
	w.Element("t:LargeAudienceThreshold", strconv.Itoa(largeAudience))
	w.Bool("t:ShowExternalRecipientCount", false)
	c.internalDomains()
	w.Bool("t:PolicyTipsEnabled", false)
	w.Element("t:LargeAudienceCap", strconv.Itoa(transport.MaxMembers))
	w.End("m:MailTipsConfiguration")
}

func (c *call) unifiedMessaging() {
	c.w.Start("m:UnifiedMessagingConfiguration")
	c.w.Bool("t:UmEnabled", false)
	c.w.Element("t:PlayOnPhoneDialString", "")
	c.w.Bool("t:PlayOnPhoneEnabled", false)
	c.w.End("m:UnifiedMessagingConfiguration")
}

func (c *call) protectionRules() {
	c.w.Start("m:ProtectionRulesConfiguration", "RefreshInterval", "24") // hours
	c.w.Empty("t:Rules")
	c.internalDomains()
	c.w.End("m:ProtectionRulesConfiguration")
}

// internalDomains are the domains for which this organisation takes mail.
func (c *call) internalDomains() {
	c.w.Start("t:InternalDomains")
	for _, domain := range c.request.Snapshot.AcceptedDomains {
		c.w.Empty("t:Domain", "Name", domain, "IncludeSubdomains", "false")
	}
	c.w.End("t:InternalDomains")
}
