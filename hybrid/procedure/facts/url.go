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
	return want != "" && slices.ContainsFunc(names, func(n string) bool {
		u, err := url.Parse(n)
		return err == nil && (u.Path == "" || u.Path == "/") && u.RawQuery == "" && u.Fragment == "" && Resource(n) == want
	})
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
func ReplyRegistered(urls []string, want string) bool {
	w, err := url.Parse(want)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(urls, func(s string) bool {
		u, err := url.Parse(s)
		return err == nil && strings.EqualFold(u.Scheme, w.Scheme) && strings.EqualFold(u.Host, w.Host) &&
			u.EscapedPath() == w.EscapedPath() && u.RawQuery == w.RawQuery
	})
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
