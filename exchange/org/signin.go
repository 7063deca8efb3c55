package org

// MinimumSignIn is the oldest build on which OWA and ECP take OAuth: Exchange
// Server 2019 CU14 with the April 2024 hotfix update (the how-to's prerequisites for OWA and ECP).
var MinimumSignIn = Version{15, 2, 1544, 11}

// Legacy tells whether one of the methods is on that the how-to turns off before
// OAuth: Adfs, Basic, Forms and Digest. Windows authentication is not among them.
func (vd *VirtualDirectory) Legacy() bool {
	return vd.AdfsAuthentication || vd.BasicAuthentication || vd.FormsAuthentication || vd.DigestAuthentication
}

// CheckSignIn refuses a change of OWA's or ECP's authentication that breaks the
// order in which the how-to does it, per server: OWA's methods off, ECP's methods
// off, ECP on OAuth, OWA on OAuth; and on the way back: OWA off OAuth, ECP off OAuth,
// then the methods, where only Adfs has an order, ECP before OWA. c holds the state after the change,
// before is the virtual directory that is changed as it was. A state that was wrong
// before stays allowed: only what the change brings about is judged.
func CheckSignIn(c *Configuration, before, after *VirtualDirectory) error {
	owa, ecp := c.VirtualDirectory(after.Server, Owa), c.VirtualDirectory(after.Server, Ecp)
	if after.OAuthAuthentication && !before.OAuthAuthentication {
		if s := c.Server(after.Server); s != nil && s.Version.Less(MinimumSignIn) {
			return refuse("OAuth on %s needs Exchange Server 2019 CU14 with the April 2024 hotfix update (%s) or later; %s runs %s.",
				after.Kind.Folder(), MinimumSignIn, s.Name, s.Version)
		}
	}
	if after.OAuthAuthentication && after.Legacy() && !(before.OAuthAuthentication && before.Legacy()) {
		if before.OAuthAuthentication {
			return refuse("%s is on OAuth. Turn OAuthAuthentication off before you turn Adfs, Basic, Forms or Digest authentication on.", after.Identity())
		}
		return refuse("OAuth cannot be enabled on %s while Adfs, Basic, Forms or Digest authentication is on. Turn those off first, on OWA and then on ECP.", after.Identity())
	}
	if owa == nil || ecp == nil {
		return nil
	}
	switch after.Kind {
	case Owa:
		if after.OAuthAuthentication && !before.OAuthAuthentication && !ecp.OAuthAuthentication {
			return refuse("OAuth cannot be enabled on %s before %s has it. Enable OAuthAuthentication on ECP first.", after.Identity(), ecp.Identity())
		}
		if after.AdfsAuthentication && !before.AdfsAuthentication && !ecp.AdfsAuthentication {
			return refuse("Adfs authentication cannot be enabled on %s before %s has it. Enable it on ECP first.", after.Identity(), ecp.Identity())
		}
	case Ecp:
		if !after.OAuthAuthentication && before.OAuthAuthentication && owa.OAuthAuthentication {
			return refuse("OAuth cannot be disabled on %s while %s has it. Disable OAuthAuthentication on OWA first.", after.Identity(), owa.Identity())
		}
		if !after.AdfsAuthentication && before.AdfsAuthentication && owa.AdfsAuthentication {
			return refuse("Adfs authentication cannot be disabled on %s while %s has it. Disable it on OWA first.", after.Identity(), owa.Identity())
		}
		if !after.Legacy() && before.Legacy() && owa.Legacy() {
			return refuse("The last of Adfs, Basic, Forms and Digest authentication cannot be disabled on %s while %s has one of them. Disable those on OWA first.", after.Identity(), owa.Identity())
		}
	}
	return nil
}
