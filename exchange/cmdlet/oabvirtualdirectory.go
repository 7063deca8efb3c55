package cmdlet

import "hma/exchange/org"

// oabVirtualDirectory: `Get-OABVirtualDirectory | fl server,*url*,*oauth*` and -ADPropertiesOnly of the how-to.
var oabVirtualDirectory = &vdNoun{
	kind: org.Oab, noun: "OabVirtualDirectory", class: "OabVirtualDirectory", asks: askURLs + "; " + askOAuth, named: true,
	show: func(o *object, v *view) {
		o.add("Name", v.Name).add("PollInterval", int64(480)).add("OfflineAddressBooks", []string{}).add("RequireSSL", true).
			add("BasicAuthentication", v.on(v.BasicAuthentication)).add("WindowsAuthentication", v.on(v.WindowsAuthentication)).
			add("OAuthAuthentication", v.on(v.OAuthAuthentication))
		o.metabase(v).path(v).protection(v).urlsWithMethods(v, v.Methods(), v.Methods())
	},
	params: switchParams("BasicAuthentication", "WindowsAuthentication", "OAuthAuthentication"),
	edit: func(c *call, vd *org.VirtualDirectory) error {
		c.setSwitch("BasicAuthentication", &vd.BasicAuthentication)
		c.setSwitch("WindowsAuthentication", &vd.WindowsAuthentication)
		c.setSwitch("OAuthAuthentication", &vd.OAuthAuthentication)
		return nil
	},
}
