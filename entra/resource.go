package entra

import (
	"net/url"
	"strings"
)

// foldName is a servicePrincipalName as it is compared: GUIDs, schemes and
// hosts in any case, the path of a URL as it is written.
func foldName(name string) string {
	scheme, rest, isURL := strings.Cut(name, "://")
	if !isURL {
		return strings.ToLower(name)
	}
	host, path, hasPath := strings.Cut(rest, "/")
	folded := strings.ToLower(scheme) + "://" + strings.ToLower(host)
	if hasPath {
		folded += "/" + path
	}
	return folded
}

// wildcard is a name such as https://*.outlook.com/ or appId/*.outlook.com.
type wildcard struct {
	before, after string // around the star's label
	sp            *ServicePrincipal
}

func newWildcard(folded string, sp *ServicePrincipal) (wildcard, bool) {
	before, after, ok := strings.Cut(folded, "*")
	// A star stands for whole labels in front of a domain of at least two.
	if !ok || !strings.HasSuffix(before, "/") || !strings.HasPrefix(after, ".") || strings.Contains(after, "*") || strings.Count(after, ".") < 2 {
		return wildcard{}, false
	}
	return wildcard{before: before, after: after, sp: sp}, true
}

func (w wildcard) match(folded string) bool {
	middle, ok := strings.CutPrefix(folded, w.before)
	if !ok {
		return false
	}
	middle, ok = strings.CutSuffix(middle, w.after)
	return ok && middle != "" && !strings.HasPrefix(middle, ".") && !strings.ContainsAny(middle, "/:@?#*")
}

// Resource decides which service principal a requested resource names:
//
//  1. an entry of servicePrincipalNames, literally (host in any case);
//  2. the same with or without one trailing slash;
//  3. the application id, which is an entry of its own;
//  4. applicationId/host, an entry too;
//  5. a wildcard host among the entries.
//
// nil says that nobody registered it. A disabled principal is returned: the
// caller refuses it. What is not registered has no audience, and so no token.
func (t *Tenant) Resource(name string) *ServicePrincipal {
	if name == "" || len(name) > maxURL {
		return nil
	}
	folded := foldName(name)
	if sp := t.byName[folded]; sp != nil && !strings.Contains(folded, "*") {
		return sp
	}
	if !isPlainName(folded) {
		return nil
	}
	other := folded + "/"
	if strings.HasSuffix(folded, "/") {
		other = folded[:len(folded)-1]
	}
	slashes := strings.Contains(folded, "://") && !strings.HasSuffix(folded, "//")
	if slashes {
		if sp := t.byName[other]; sp != nil {
			return sp
		}
	}
	if sp := t.byAppID[folded]; sp != nil {
		return sp
	}
	for _, w := range t.wildcards {
		if w.match(folded) || slashes && w.match(other) {
			return w.sp
		}
	}
	return nil
}

// isPlainName keeps user information, queries and backslashes out of the looser comparisons.
func isPlainName(folded string) bool {
	if strings.ContainsAny(folded, "*\\ ") {
		return false
	}
	u, err := url.Parse(folded)
	return err == nil && u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

// Redirect decides whether uri is registered as a reply URL of the client, and
// of which type it is. The comparison is exact, but for http(s)://localhost
// the port is left out of it, since programs listen on one they happen to get.
func (c Client) Redirect(uri string) (RedirectType, bool) {
	for _, registered := range c.SP.ReplyURLs {
		if registered == uri {
			return c.redirectType(registered), true
		}
	}
	wanted, ok := localhost(uri)
	if !ok {
		return "", false
	}
	for _, registered := range c.SP.ReplyURLs {
		if have, ok := localhost(registered); ok && have == wanted {
			return c.redirectType(registered), true
		}
	}
	return "", false
}

// localhost returns a loopback URI without its port, the path of the root as "/".
func localhost(uri string) (string, bool) {
	u, err := url.Parse(uri)
	if err != nil || u.User != nil || u.Fragment != "" || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() != "localhost" {
		return "", false
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	return u.Scheme + "://localhost" + path + "?" + u.RawQuery, true
}
