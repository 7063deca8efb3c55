package cmdlet

import (
	"hma/exchange/org"
	"hma/wire/psobject"
)

// switches shows what EWS and Autodiscover, which share a class, keep in IIS.
func (o *object) switches(v *view) *object {
	return o.add("InternalAuthenticationMethods", methodNames(v.Methods())).add("ExternalAuthenticationMethods", methodNames(v.Methods())).
		add("LiveIdNegotiateAuthentication", false).add("WSSecurityAuthentication", v.on(v.WSSecurityAuthentication)).add("LiveIdBasicAuthentication", false).
		add("BasicAuthentication", v.on(v.BasicAuthentication)).add("DigestAuthentication", v.on(v.DigestAuthentication)).
		add("WindowsAuthentication", v.on(v.WindowsAuthentication)).add("OAuthAuthentication", v.on(v.OAuthAuthentication)).
		add("AdfsAuthentication", v.on(v.AdfsAuthentication))
}

// setSwitches applies the switches that both classes let an administrator set.
func setSwitches(c *call, vd *org.VirtualDirectory) error {
	c.setSwitch("BasicAuthentication", &vd.BasicAuthentication)
	c.setSwitch("DigestAuthentication", &vd.DigestAuthentication)
	c.setSwitch("WindowsAuthentication", &vd.WindowsAuthentication)
	c.setSwitch("WSSecurityAuthentication", &vd.WSSecurityAuthentication)
	c.setSwitch("OAuthAuthentication", &vd.OAuthAuthentication)
	return nil
}

func switchParams(names ...string) []psobject.Parameter {
	list := make([]psobject.Parameter, len(names))
	for i, n := range names {
		list[i] = param(n, "bool")
	}
	return list
}

// webServicesVirtualDirectory: `Get-WebServicesVirtualDirectory | fl server,*url*,*oauth*` and -ADPropertiesOnly of the how-to.
var webServicesVirtualDirectory = &vdNoun{
	kind: org.WebServices, noun: "WebServicesVirtualDirectory", class: "WebServicesVirtualDirectory", asks: askURLs + "; " + askOAuth, named: true,
	show: func(o *object, v *view) {
		gzip := "Low"
		if !v.iis {
			gzip = "Off"
		}
		o.add("CertificateAuthentication", nil).add("InternalNLBBypassUrl", nil).add("GzipLevel", gzip).add("MRSProxyEnabled", false).add("Name", v.Name)
		o.switches(v).metabase(v).path(v).protection(v).add("InternalUrl", blank(v.InternalURL)).add("ExternalUrl", blank(v.ExternalURL))
	},
	params: switchParams("BasicAuthentication", "DigestAuthentication", "WindowsAuthentication", "WSSecurityAuthentication", "OAuthAuthentication"),
	edit:   setSwitches,
}
