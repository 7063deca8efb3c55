package cmdlet

import (
	"slices"

	"hma/exchange/org"
	"hma/wire/psobject"
)

// signInSwitches shows what OWA and ECP have in common, from InternalAuthenticationMethods to ExternalAuthenticationMethods.
func (o *object) signInSwitches(v *view) *object {
	gzip := "Low"
	if !v.iis {
		gzip = "Off"
	}
	o.add("InternalAuthenticationMethods", methodNames(v.Methods())).metabase(v).
		add("BasicAuthentication", v.on(v.BasicAuthentication)).add("WindowsAuthentication", v.on(v.WindowsAuthentication)).
		add("DigestAuthentication", v.on(v.DigestAuthentication)).add("FormsAuthentication", v.on(v.FormsAuthentication)).
		add("LiveIdAuthentication", false).add("AdfsAuthentication", v.on(v.AdfsAuthentication)).add("OAuthAuthentication", v.on(v.OAuthAuthentication)).
		add("DefaultDomain", nil).add("GzipLevel", gzip).add("WebSite", v.fromIIS("Default Web Site")).add("DisplayName", v.fromIIS(v.Kind.Folder()))
	return o.path(v).protection(v).add("InternalUrl", blank(v.InternalURL)).add("ExternalUrl", blank(v.ExternalURL)).
		add("ExternalAuthenticationMethods", methodNames(v.ExternalAuthenticationMethods))
}

var signInParams = append(switchParams("AdfsAuthentication", "BasicAuthentication", "DigestAuthentication", "FormsAuthentication", "WindowsAuthentication", "OAuthAuthentication"),
	psobject.Parameter{Name: "ExternalAuthenticationMethods", Type: "strings", Values: allMethods})

// setSignIn applies the switches of OWA and ECP. FormsAuthentication $true forces
// Basic on and Digest and Windows off (Set-OwaVirtualDirectory). The order between
// OWA and ECP is org.CheckSignIn's.
func setSignIn(c *call, vd *org.VirtualDirectory) error {
	c.setSwitch("AdfsAuthentication", &vd.AdfsAuthentication)
	c.setSwitch("BasicAuthentication", &vd.BasicAuthentication)
	c.setSwitch("DigestAuthentication", &vd.DigestAuthentication)
	c.setSwitch("FormsAuthentication", &vd.FormsAuthentication)
	c.setSwitch("WindowsAuthentication", &vd.WindowsAuthentication)
	c.setSwitch("OAuthAuthentication", &vd.OAuthAuthentication)
	if vd.FormsAuthentication {
		asked := func(name string, want bool) bool { return c.args.has(name) && c.args.bool(name) != want }
		if asked("BasicAuthentication", true) || asked("DigestAuthentication", false) || asked("WindowsAuthentication", false) {
			return invalid(vd.Identity(), "Forms authentication needs Basic authentication on and Digest and Windows authentication off on '%s'.", vd.Identity())
		}
		if !vd.BasicAuthentication || vd.DigestAuthentication || vd.WindowsAuthentication {
			vd.BasicAuthentication, vd.DigestAuthentication, vd.WindowsAuthentication = true, false, false
			c.warn("Forms authentication uses Basic authentication: on '%s' Basic is turned on, Digest and Windows authentication are turned off.", vd.Identity())
		}
	}
	return c.setMethods(vd, "ExternalAuthenticationMethods", &vd.ExternalAuthenticationMethods)
}

// owaVirtualDirectory: `Get-OwaVirtualDirectory -ADPropertiesOnly | fl name, *url*` of the how-to, and its steps 10 and 11.
var owaVirtualDirectory = &vdNoun{
	kind: org.Owa, noun: "OwaVirtualDirectory", class: "OwaVirtualDirectory", asks: askSignIn, named: true,
	show: func(o *object, v *view) {
		o.add("Url", []string{}).add("InternalSPMySiteHostURL", nil).add("ExternalSPMySiteHostURL", nil).add("SetPhotoURL", nil).
			add("Exchange2003Url", nil).add("FailbackUrl", nil).add("LogonFormat", "FullDomain").
			add("ExternalDownloadHostName", blank(v.ExternalDownloadHostName)).add("InternalDownloadHostName", blank(v.InternalDownloadHostName)).add("Name", v.Name)
		o.signInSwitches(v)
	},
	params: slices.Concat(signInParams, []psobject.Parameter{param("InternalDownloadHostName", "string"), param("ExternalDownloadHostName", "string")}),
	edit: func(c *call, vd *org.VirtualDirectory) error {
		if err := c.setHost("InternalDownloadHostName", &vd.InternalDownloadHostName); err != nil {
			return err
		}
		if err := c.setHost("ExternalDownloadHostName", &vd.ExternalDownloadHostName); err != nil {
			return err
		}
		return setSignIn(c, vd)
	},
	after: func(c *call, cfg *org.Configuration, before, vd *org.VirtualDirectory) {
		warnSignIn(c, cfg, before, vd)
		if c.args.has("InternalDownloadHostName") || c.args.has("ExternalDownloadHostName") || vd.OAuthAuthentication && !before.OAuthAuthentication {
			c.warnDownloads(cfg, vd)
		}
	},
}
