package facts

import (
	"net/url"
	"slices"
	"strings"
)

// Resource returns the service principal name that a client asks a token for
// when it calls the URL: https://host/ with the host in lower case, a port other
// than 443 kept, and no path. Empty when the URL is no https URL.
func Resource(rawURL string) string {
	u, err := url.Parse(strings.TrimSpace(rawURL))
	if err != nil || !strings.EqualFold(u.Scheme, "https") || u.Hostname() == "" {
		return ""
	}
	host := strings.ToLower(u.Hostname())
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if p := u.Port(); p != "" && p != "443" {
		host += ":" + p
	}
	return "https://" + host + "/"
}

// Registered tells whether a list of service principal names has the resource of
// a URL. Two names are the same when scheme, host (without case) and port are,
// 443 being https's own; one trailing slash does not count; a path does.
func Registered(names []string, resource string) bool {
	want := Resource(resource)
	return want != "" && slices.ContainsFunc(names, func(n string) bool { return Resource(n) == want && bare(n) })
}

// ReplyURL returns the reply URL that a sign-in at an OWA or ECP URL names: the
// URL itself without trailing slash. Empty when it is no https URL.
func ReplyURL(rawURL string) string {
	u, err := url.Parse(strings.TrimSpace(rawURL))
	if err != nil || !strings.EqualFold(u.Scheme, "https") || u.Hostname() == "" {
		return ""
	}
	return strings.TrimSuffix(strings.TrimSpace(rawURL), "/")
}

// ReplyRegistered tells whether a list of reply URLs has one exactly as it would
// be sent: the cloud compares the path with its case and slash, and scheme and
// host without case.
func ReplyRegistered(urls []string, want string) bool { return Replies(urls)[ReplyKey(want)] }

// Replies returns the set of the keys of reply URLs.
func Replies(urls []string) map[string]bool {
	set := make(map[string]bool, len(urls))
	for _, u := range urls {
		set[ReplyKey(u)] = true
	}
	delete(set, "")
	return set
}

// ReplyKey is what two reply URLs have in common that the cloud takes for one; "" for what is no URL.
func ReplyKey(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return ""
	}
	return strings.ToLower(u.Scheme+"://"+u.Host) + u.EscapedPath() + "?" + u.RawQuery
}

// Address is one URL that a client may call, and where it is configured.
type Address struct {
	Object   string // EX1\EWS (Default Web Site), or the server for Autodiscover's service connection point
	Property string // InternalUrl, ExternalUrl, AutoDiscoverServiceInternalUri
	Server   string
	Kind     Kind
	URL      string
}

// Addresses returns every URL of every server and kind: internal, external, and
// the one that Autodiscover's service connection point names.
func (f *Facts) Addresses() []Address {
	var all []Address
	for _, s := range f.Services {
		if s.AutoDiscoverServiceInternalURI != "" {
			all = append(all, Address{s.Server, "AutoDiscoverServiceInternalUri", s.Server, Autodiscover, s.AutoDiscoverServiceInternalURI})
		}
	}
	for _, d := range f.Directories {
		if d.InternalURL != "" {
			all = append(all, Address{d.Identity, "InternalUrl", d.Server, d.Kind, d.InternalURL})
		}
		if d.ExternalURL != "" {
			all = append(all, Address{d.Identity, "ExternalUrl", d.Server, d.Kind, d.ExternalURL})
		}
	}
	return all
}

// CloudDomain tells whether a domain is one that came with a tenant: its mail, and its Autodiscover, are the cloud's.
func CloudDomain(domain string) bool {
	return strings.HasSuffix(strings.ToLower(domain), ".onmicrosoft.com")
}

// DiscoverHosts returns the Autodiscover addresses that clients try for the mail
// domains that the tenant has verified.
func (f *Facts) DiscoverHosts(t *Tenant) []Address {
	var all []Address
	for _, d := range f.Domains {
		if t.Verified(d) && !CloudDomain(d) {
			all = append(all, Address{d, "Autodiscover host", "", Autodiscover, "https://autodiscover." + d + "/"})
		}
	}
	return all
}

// Resources returns the set of what names stand for; what is no bare https name is left out.
func Resources(names []string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, n := range names {
		if bare(n) {
			set[Resource(n)] = true
		}
	}
	return set
}

// bare tells whether a name is scheme, host and port alone.
func bare(name string) bool {
	u, err := url.Parse(name)
	return err == nil && (u.Path == "" || u.Path == "/") && u.RawQuery == "" && u.Fragment == "" && Resource(name) != ""
}

// MissingNames returns the service principal names that the organisation's URLs
// and mail domains need and the tenant's Exchange principal does not have, in the
// order in which they were read.
func (f *Facts) MissingNames(t *Tenant) []string {
	have := Resources(t.Principal.ServicePrincipalNames)
	var missing []string
	for _, a := range slices.Concat(f.Addresses(), f.DiscoverHosts(t)) {
		if r := Resource(a.URL); r != "" && !have[r] {
			have[r] = true
			missing = append(missing, r)
		}
	}
	return missing
}

// Host returns the host of an address in lower case, without port; "" when there is none.
func Host(address string) string {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}
