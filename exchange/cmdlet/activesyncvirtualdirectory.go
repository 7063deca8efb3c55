package cmdlet

import (
	"cmp"

	"hma/exchange/org"
	"hma/wire/psobject"
)

// activeSyncVirtualDirectory: `Get-ActiveSyncVirtualDirectory | fl server,*url*,*auth*` and -ADPropertiesOnly of
// the how-to. OAuth is in the two lists only, and an unset list allows every method (Set-ActiveSyncVirtualDirectory).
var activeSyncVirtualDirectory = &vdNoun{
	kind: org.ActiveSync, noun: "ActiveSyncVirtualDirectory", class: "MobileVirtualDirectory", asks: askURLs + "; " + askOAuth + "; rule: a client certificate that is asked for",
	show: func(o *object, v *view) {
		o.add("MobileClientFlags", "BadItemReportEnabled, SendWatsonReport").add("MobileClientCertificateProvisioningEnabled", false).
			add("BadItemReportingEnabled", true).add("SendWatsonReport", true).add("MobileClientCertificateAuthorityURL", nil).
			add("MobileClientCertTemplateName", nil).add("ActiveSyncServer", blank(v.ExternalURL)).
			add("RemoteDocumentsActionForUnknownServers", nil).add("RemoteDocumentsAllowedServers", []string{}).
			add("RemoteDocumentsBlockedServers", []string{}).add("RemoteDocumentsInternalDomainSuffixList", []string{})
		o.metabase(v).add("BasicAuthEnabled", v.on(v.BasicAuthentication)).add("WindowsAuthEnabled", v.on(v.WindowsAuthentication)).
			add("CompressionEnabled", v.on(true)).add("ClientCertAuth", v.fromIIS(cmp.Or(v.ClientCertAuth, clientCertAuth[0]))).add("WebsiteName", v.fromIIS("Default Web Site")).
			add("WebSiteSSLEnabled", v.on(true)).add("VirtualDirectoryName", v.Kind.Folder())
		o.path(v).protection(v).urlsWithMethods(v, v.InternalAuthenticationMethods, v.ExternalAuthenticationMethods)
	},
	params: append(switchParams("BasicAuthEnabled", "WindowsAuthEnabled"),
		psobject.Parameter{Name: "InternalAuthenticationMethods", Type: "strings", Values: allMethods},
		psobject.Parameter{Name: "ExternalAuthenticationMethods", Type: "strings", Values: allMethods},
		psobject.Parameter{Name: "ClientCertAuth", Type: "string", Values: clientCertAuth}),
	edit: func(c *call, vd *org.VirtualDirectory) error {
		c.setSwitch("BasicAuthEnabled", &vd.BasicAuthentication)
		c.setSwitch("WindowsAuthEnabled", &vd.WindowsAuthentication)
		if c.args.has("ClientCertAuth") {
			if vd.ClientCertAuth = c.args.text("ClientCertAuth"); vd.ClientCertAuth == clientCertAuth[0] {
				vd.ClientCertAuth = ""
			}
		}
		if err := c.setMethods(vd, "InternalAuthenticationMethods", &vd.InternalAuthenticationMethods); err != nil {
			return err
		}
		return c.setMethods(vd, "ExternalAuthenticationMethods", &vd.ExternalAuthenticationMethods)
	},
}

// clientCertAuth are the values of ClientCertAuth, the stock one first.
var clientCertAuth = []string{"Ignore", "Accepted", "Required"}
