package cmdlet

import (
	"net/url"
	"regexp"
	"strings"

	"hma/exchange/org"
)

// What the how-to warns of where OWA and ECP change hands ("Steps to enable ... OWA and ECP").

// findLockedOut finds whom a call that turns methods of OWA or ECP off would lock out: the administrators that are not
// synchronised. It is asked before the change, inside of which nobody can be looked up.
func (c *call) findLockedOut(kind org.Kind) error {
	off := false
	for _, name := range []string{"AdfsAuthentication", "BasicAuthentication", "DigestAuthentication", "FormsAuthentication", "WindowsAuthentication"} {
		off = off || c.args.has(name) && !c.args.bool(name)
	}
	if kind != org.Owa && kind != org.Ecp || !off {
		return nil
	}
	for last := (*org.Recipient)(nil); ; {
		page, err := c.r.org.AllRecipients(c, last, pageSize)
		if err != nil {
			return err
		}
		for _, p := range page {
			last = p
			if p.Administrator && p.Active() && !p.Synchronised() {
				c.lockedOut = append(c.lockedOut, p.UPN)
			}
		}
		if len(page) < pageSize {
			return nil
		}
	}
}

// signsIn tells whether anybody can sign in at OWA or ECP.
func signsIn(vd *org.VirtualDirectory) bool {
	return vd.Legacy() || vd.WindowsAuthentication || vd.OAuthAuthentication
}

// warnSignIn warns of what a change of OWA or ECP brings about: nobody can sign in until OAuth is on (step 10), other
// servers are too old or not on OAuth (prerequisites; step 11), an application proxy stands in front.
func warnSignIn(c *call, cfg *org.Configuration, before, vd *org.VirtualDirectory) {
	if signsIn(before) && !signsIn(vd) {
		c.warn("No authentication method is left on '%s': nobody can sign in there until OAuthAuthentication is turned on.", vd.Identity())
		if len(c.lockedOut) > 0 {
			c.warn("These administrators are not synchronised with Microsoft Entra ID and cannot sign in to OWA and ECP with OAuth: %s.", strings.Join(c.lockedOut, ", "))
		}
	}
	if vd.OAuthAuthentication && !before.OAuthAuthentication {
		var old, without []string
		for _, s := range cfg.Servers {
			if s.Version.Less(org.MinimumSignIn) {
				old = append(old, s.Name)
			} else if other := cfg.VirtualDirectory(s.Name, vd.Kind); other != nil && !other.OAuthAuthentication {
				without = append(without, s.Name)
			}
		}
		if len(old) > 0 {
			c.warn("Modern authentication for OWA and ECP needs build %s or later on all servers; these run an older one: %s.", org.MinimumSignIn, strings.Join(old, ", "))
		}
		if len(without) > 0 {
			c.warn("%s of these servers is not on OAuth: %s. All servers behind one name must sign people in the same way.", vd.Kind.Folder(), strings.Join(without, ", "))
		}
	}
	if c.args.has("ExternalUrl") || vd.OAuthAuthentication && !before.OAuthAuthentication {
		if u, err := url.Parse(vd.ExternalURL); err == nil && strings.HasSuffix(strings.ToLower(u.Hostname()), ".msappproxy.net") {
			c.warn("'%s' is published through Microsoft Entra application proxy, which is not supported with modern authentication for OWA and ECP.", vd.Identity())
		}
	}
}

// warnDownloads warns of download hosts of OWA that keep nothing apart, and of tokens that they do not understand (step 8).
func (c *call) warnDownloads(cfg *org.Configuration, vd *org.VirtualDirectory) {
	if vd.Kind != org.Owa {
		return
	}
	snap, err := cfg.Snapshot(vd.Server)
	if err != nil {
		return
	}
	for _, host := range []string{vd.InternalDownloadHostName, vd.ExternalDownloadHostName} {
		if host != "" && snap.Hosts[org.PublicHost(host)] {
			c.warn("'%s' is a host of the server's own URLs: a download domain must be another host, and until then attachments of '%s' are served as before.", host, vd.Identity())
			return
		}
	}
	if len(snap.DownloadHosts) > 0 && vd.OAuthAuthentication && !snap.Override("OAuth", "OAuthIdentityCacheFixForDownloadDomains").Enabled() {
		c.warn("'%s' is on OAuth and has download domains: downloads fail until the setting override OAuth/OAuthIdentityCacheFixForDownloadDomains is enabled.", vd.Identity())
	}
}

// hostName is a DNS name, with or without a port.
var hostName = regexp.MustCompile(`^[A-Za-z0-9]+(-+[A-Za-z0-9]+)*(\.[A-Za-z0-9]+(-+[A-Za-z0-9]+)*)*(:[0-9]{1,5})?$`)

// setHost sets a host name from its parameter; an empty one clears it.
func (c *call) setHost(name string, field *string) error {
	if !c.args.has(name) {
		return nil
	}
	text := c.args.text(name)
	if text != "" && (len(text) > 253 || !hostName.MatchString(text)) {
		return invalid(name, "%s: '%s' is no host name; give it without https:// and path.", name, text)
	}
	*field = text
	return nil
}
