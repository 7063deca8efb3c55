package cmdlet

import (
	"hma/exchange/org"
	"hma/wire/psobject"
)

// mapiVirtualDirectory: `Get-MapiVirtualDirectory | fl server,*url*,*auth*` and -ADPropertiesOnly of the how-to.
var mapiVirtualDirectory = &vdNoun{
	kind: org.Mapi, noun: "MapiVirtualDirectory", class: "MapiVirtualDirectory", asks: askURLs + "; " + askOAuth,
	show: func(o *object, v *view) {
		o.add("IISAuthenticationMethods", methodNames(v.IISAuthenticationMethods))
		o.metabase(v).path(v).protection(v).urlsWithMethods(v, v.InternalAuthenticationMethods, v.ExternalAuthenticationMethods)
	},
	params: []psobject.Parameter{{Name: "IISAuthenticationMethods", Type: "strings", Values: []string{"Basic", "Negotiate", "Ntlm", "OAuth"}}},
	edit: func(c *call, vd *org.VirtualDirectory) error {
		if (c.args.has("InternalUrl") || c.args.has("ExternalUrl")) && !c.args.has("IISAuthenticationMethods") {
			return invalid("IISAuthenticationMethods", "A URL of '%s' can only be set together with IISAuthenticationMethods.", vd.Identity())
		}
		if err := c.setMethods(vd, "IISAuthenticationMethods", &vd.IISAuthenticationMethods); err != nil {
			return err
		}
		if c.args.has("IISAuthenticationMethods") && len(vd.IISAuthenticationMethods) == 0 {
			return invalid("IISAuthenticationMethods", "'%s' needs at least one authentication method.", vd.Identity())
		}
		return nil
	},
}
