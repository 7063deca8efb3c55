package cmdlet

import "hma/exchange/org"

// ecpVirtualDirectory: `Get-EcpVirtualDirectory -ADPropertiesOnly | fl name, *url*` of the how-to, and its steps 10 and 11.
var ecpVirtualDirectory = &vdNoun{
	kind: org.Ecp, noun: "EcpVirtualDirectory", class: "EcpVirtualDirectory", asks: askSignIn, named: true,
	show: func(o *object, v *view) {
		o.add("AdminEnabled", true).add("OwaOptionsEnabled", true).add("Name", v.Name)
		o.signInSwitches(v)
	},
	params: signInParams,
	edit:   setSignIn,
	after:  warnSignIn,
}
