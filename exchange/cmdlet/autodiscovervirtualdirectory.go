package cmdlet

import "hma/exchange/org"

// autodiscoverVirtualDirectory: `Get-AutoDiscoverVirtualDirectory | fl server,*oauth*` and -ADPropertiesOnly of the how-to.
var autodiscoverVirtualDirectory = &vdNoun{
	kind: org.Autodiscover, noun: "AutodiscoverVirtualDirectory", class: "AutodiscoverVirtualDirectory", asks: askURLs + "; " + askOAuth, named: true,
	show: func(o *object, v *view) {
		o.add("Name", v.Name)
		o.switches(v).metabase(v).path(v).protection(v).add("InternalUrl", blank(v.InternalURL)).add("ExternalUrl", blank(v.ExternalURL))
	},
	params: switchParams("BasicAuthentication", "DigestAuthentication", "WindowsAuthentication", "WSSecurityAuthentication", "OAuthAuthentication"),
	edit:   setSwitches,
}
