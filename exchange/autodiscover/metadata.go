package autodiscover

import (
	"net/http"
	"strings"
	"time"

	"hma/exchange/clientaccess"
	"hma/exchange/org"
	"hma/wire/wellknown"
)

// Paths of the organisation's own metadata below the virtual directory, which are for everybody.
var metadataPaths = []string{"/metadata/json/1", "/metadata/json/ex1"}

// document is the organisation's own metadata for server-to-server OAuth, by which a
// partner verifies what the organisation signs.
type document struct {
	Version          string             `json:"version"`
	Name             string             `json:"name"`
	Realm            string             `json:"realm"`
	ServiceName      string             `json:"serviceName"`
	Issuer           string             `json:"issuer"`
	AllowedAudiences []string           `json:"allowedAudiences"`
	Keys             []metadataKey      `json:"keys"`
	Endpoints        []metadataEndpoint `json:"endpoints"`
}

type metadataKey struct {
	Usage    string   `json:"usage"`
	KeyInfo  keyInfo  `json:"keyinfo"`
	KeyValue keyValue `json:"keyvalue"`
}

type keyInfo struct {
	X5T string `json:"x5t"`
}

type keyValue struct {
	Type  string `json:"type"`
	Value []byte `json:"value"` // DER
}

type metadataEndpoint struct {
	Location string `json:"location"`
	Protocol string `json:"protocol"`
	Usage    string `json:"usage"`
}

// serveMetadata answers with the certificate that AuthConfig names as the current one and the
// one that it will be next, both public.
func serveMetadata(w http.ResponseWriter, r *clientaccess.Request, now time.Time) {
	r.Record.Operation = "Metadata"
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
	doc := document{Version: "1.0", Name: "Exchange", Realm: realm, ServiceName: wellknown.Exchange, Issuer: wellknown.Exchange + "@" + realm,
		AllowedAudiences: []string{wellknown.Exchange + "/" + host + "@" + realm}, Keys: []metadataKey{},
		Endpoints: []metadataEndpoint{{Location: "https://" + host + "/autodiscover" + metadataPaths[0], Protocol: "OAuth2", Usage: "metadata"}}}
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
func signingKey(s *org.Snapshot, thumbprint string, now time.Time) (metadataKey, bool) {
	cert := s.Certificate(thumbprint)
	if thumbprint == "" || cert == nil {
		return metadataKey{}, false
	}
	x, err := cert.X509()
	if err != nil || now.After(x.NotAfter) {
		return metadataKey{}, false
	}
	return metadataKey{"signing", keyInfo{cert.X5T()}, keyValue{"x509Certificate", cert.DER}}, true
}

func isMetadata(rest string) bool {
	for _, path := range metadataPaths {
		if strings.EqualFold(rest, path) {
			return true
		}
	}
	return false
}
