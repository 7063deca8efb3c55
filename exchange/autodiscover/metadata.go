package autodiscover

import (
	"net/http"
	"strings"
	"time"

	"hma/exchange/clientaccess"
	"hma/exchange/org"
	"hma/wire/s2s"
	"hma/wire/wellknown"
)

// Paths of the organisation's own metadata below the virtual directory, which are for everybody.
var metadataPaths = []string{"/metadata/json/1", "/metadata/json/ex1"}

// serveMetadata answers with the organisation's own metadata, by which a partner verifies what it
// signs: the certificate that AuthConfig names as the current one and the
// one that it will be next, both public.
func serveMetadata(w http.ResponseWriter, r *clientaccess.Request, now time.Time) {
	r.Record.Begin("Metadata", false)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	auth, host := &r.Snapshot.Auth, canonicalHost(r.Host)
	if !r.Snapshot.Hosts[host] {
		w.WriteHeader(http.StatusNotFound) // what it says is for the server's own names
		return
	}
	// A realm of AuthConfig's own is rare: the default domain stands for the organisation.
	realm := auth.Realm
	if realm == "" && len(r.Snapshot.AcceptedDomains) > 0 {
		realm = r.Snapshot.AcceptedDomains[0]
	}
	doc := s2s.Metadata{Version: "1.0", Name: "Exchange", Realm: realm, ServiceName: wellknown.Exchange, Issuer: wellknown.Exchange + "@" + realm,
		AllowedAudiences: []string{wellknown.Exchange + "/" + host + "@" + realm}, Keys: []s2s.Key{},
		Endpoints: []s2s.Endpoint{{Location: "https://" + host + "/autodiscover" + metadataPaths[0], Protocol: "OAuth2", Usage: "metadata"}}}
	for _, thumbprint := range []string{auth.CurrentCertificateThumbprint, auth.NextCertificateThumbprint} {
		if k, ok := signingKey(r.Snapshot, thumbprint, now); ok {
			doc.Keys = append(doc.Keys, k)
		}
	}
	if len(doc.Keys) == 0 {
		w.WriteHeader(http.StatusNotFound) // the organisation signs nothing
		return
	}
	writeJSON(w, http.StatusOK, doc)
}

// signingKey returns the certificate as the document has it, unless the server lacks it or it has expired.
func signingKey(s *org.Snapshot, thumbprint string, now time.Time) (s2s.Key, bool) {
	cert := s.Certificate(thumbprint)
	if thumbprint == "" || cert == nil {
		return s2s.Key{}, false
	}
	x, err := cert.X509()
	if err != nil || now.After(x.NotAfter) {
		return s2s.Key{}, false
	}
	return s2s.SigningKey(cert.X5T(), cert.DER), true
}

func isMetadata(rest string) bool {
	for _, path := range metadataPaths {
		if strings.EqualFold(rest, path) {
			return true
		}
	}
	return false
}
