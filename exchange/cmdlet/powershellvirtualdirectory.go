package cmdlet

import "hma/exchange/org"

// powerShellVirtualDirectory is only shown: it is the way back in when OWA and ECP
// are closed, and nothing of the how-to changes it.
var powerShellVirtualDirectory = &vdNoun{
	kind: org.PowerShell, noun: "PowerShellVirtualDirectory", class: "PowerShellVirtualDirectory", asks: askWayBack, named: true,
	show: func(o *object, v *view) {
		o.add("Name", v.Name).add("RequireSSL", false).add("CertificateAuthentication", v.on(true)).
			add("VirtualDirectoryType", "PowerShell").add("BasicAuthentication", v.on(v.BasicAuthentication)).
			add("DigestAuthentication", v.on(v.DigestAuthentication)).add("WindowsAuthentication", v.on(v.WindowsAuthentication)).
			add("OAuthAuthentication", false)
		o.metabase(v).path(v).protection(v).urlsWithMethods(v, v.Methods(), v.Methods())
	},
}
