package autodiscover

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"hma/exchange/clientaccess"
	"hma/exchange/org"
)

// Door is the Autodiscover door. It holds no state and serves any number of servers.
type Door struct {
	now    func() time.Time
	people People
	log    *slog.Logger
}

// New returns the door.
func New(o Options) *Door {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Door{now: o.Now, people: o.People, log: o.Log}
}

// ServeDoor answers one request under /autodiscover. Only the JSON form and the organisation's
// own metadata are served to requests without an identity.
func (d *Door) ServeDoor(w http.ResponseWriter, r *clientaccess.Request) {
	w.Header().Set("Cache-Control", "private")
	rest := strings.ToLower(r.Rest)
	var serve func(http.ResponseWriter, *clientaccess.Request)
	switch {
	case rest == "/autodiscover.json" || strings.HasPrefix(rest, "/autodiscover.json/"):
		serveJSON(w, r)
		return
	case isMetadata(rest):
		serveMetadata(w, r, d.now())
		return
	case rest == "/autodiscover.xml":
		serve = d.servePOX
	case rest == "/autodiscover.svc" || strings.HasPrefix(rest, "/autodiscover.svc/"):
		serve = d.serveSOAP
	default:
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if r.Identity == nil {
		// The front end admits nobody without one; a door must not depend on that.
		r.Record.Reason = "no identity"
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	serve(w, r)
}

// publicURL returns the URL of the kind of virtual directory that the caller
// can reach: the internal one for a request that came to the server's own
// internal host, the external one for all others. "" means that there is none.
func publicURL(r *clientaccess.Request, kind org.Kind) string {
	vd := r.Snapshot.VirtualDirectory(kind)
	if vd == nil {
		return ""
	}
	if internal := host(vd.InternalURL); internal != "" && internal == canonicalHost(r.Host) {
		return vd.InternalURL
	}
	return vd.ExternalURL
}

// selfURL is the address of the XML form. The Autodiscover virtual directory has
// no URL of its own on a stock server: it is the host of the request when that is
// one of the server's, or else what the service connection point names.
func selfURL(r *clientaccess.Request) string {
	if own := publicURL(r, org.Autodiscover); own != "" {
		return own
	}
	if here := canonicalHost(r.Host); r.Snapshot.Hosts[here] {
		return "https://" + here + "/autodiscover/autodiscover.xml"
	}
	return r.Snapshot.Service.AutoDiscoverServiceInternalURI
}

// host returns a URL's host in the spelling of Snapshot.Hosts, "" for no URL.
func host(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return canonicalHost(u.Host)
}

func canonicalHost(h string) string { return strings.TrimSuffix(strings.ToLower(h), ":443") }
