package auth

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/beevik/etree"

	"hma/exchange/org"
	"hma/wire/guid"
	"hma/wire/s2s"
)

const (
	// RefreshInterval is how often metadata is fetched on schedule, and dueInterval how often the clock is asked whether that is due.
	RefreshInterval = 8 * time.Hour
	dueInterval     = time.Minute
	// unknownKeyInterval is how often unknown keys may cause a fetch for one AuthServer.
	unknownKeyInterval = time.Minute
	// maxMetadata bounds a metadata document in bytes, maxCertificates what it may name.
	maxMetadata     = 1 << 20
	maxCertificates = 32
	maxElements     = 20_000
	fetchTimeout    = 15 * time.Second
)

// MetadataStore takes what a metadata document said; org.Organization does. The
// certificates that it holds stay the last good ones while nothing new can be
// fetched. A document from another place than the AuthServer now names is refused.
type MetadataStore interface {
	SetAuthServerMetadata(ctx context.Context, id guid.GUID, from, issuer, realm string, certs []string, at time.Time) error
}

// MetadataOptions are what Metadata needs from the wiring.
type MetadataOptions struct {
	Store MetadataStore    // required
	Now   func() time.Time // required
	// Roots are the authorities that the metadata's origin is trusted by; nil means the machine's.
	Roots *x509.CertPool
	// Transport replaces the connection altogether, for tests; nil uses Roots.
	Transport http.RoundTripper
	Log       *slog.Logger // nil discards
}

// Metadata fetches the documents that AuthServers name, on schedule, on command
// and when a token names an unknown key.
//
// What a document says is trusted because of the TLS connection to the place
// that the administrator named. The signature inside a WS-Federation document is
// not judged: it is made with a key that the document itself brings, so it could
// not tell a false document from a true one.
type Metadata struct {
	store  MetadataStore
	now    func() time.Time
	log    *slog.Logger
	client *http.Client

	mu      sync.Mutex
	servers map[guid.GUID]*fetched
	reached map[string]*reached // by host
}

// fetched is what is remembered of one AuthServer between requests. Its lock is
// held while a fetch runs, so that there is one at a time.
type fetched struct {
	mu    sync.Mutex
	url   string
	asked time.Time
	certs []string
}

// NewMetadata returns a fetcher that has fetched nothing.
func NewMetadata(o MetadataOptions) *Metadata {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Transport == nil {
		o.Transport = &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			TLSClientConfig:        &tls.Config{RootCAs: o.Roots, MinVersion: tls.VersionTLS12, Time: o.Now},
			TLSHandshakeTimeout:    fetchTimeout,
			ResponseHeaderTimeout:  fetchTimeout,
			MaxResponseHeaderBytes: 64 << 10,
			IdleConnTimeout:        time.Minute,
		}
	}
	return &Metadata{store: o.Store, now: o.Now, log: o.Log, servers: make(map[guid.GUID]*fetched),
		client: &http.Client{Transport: o.Transport, Timeout: fetchTimeout, CheckRedirect: sameOrigin}}
}

// sameOrigin follows redirects only where the administrator's trust reaches.
func sameOrigin(r *http.Request, via []*http.Request) error {
	if len(via) > 3 || r.URL.Scheme != "https" || r.URL.Host != via[0].URL.Host {
		return errors.New("redirected to another place")
	}
	return nil
}

// Fetch reads the metadata document of an AuthServer of the type: the issuer and
// the tenant id that it speaks for ("" where the document names none) and the
// signing certificates, base64 DER. The cmdlets New-AuthServer and Set-AuthServer -RefreshAuthMetadata call it.
func (m *Metadata) Fetch(ctx context.Context, metadataURL, kind string) (issuer, realm string, certs []string, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("fetch metadata from %s: %w", metadataURL, err)
		}
	}()
	u, err := url.Parse(metadataURL)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return "", "", nil, errors.New("not an https URL")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, metadataURL, nil)
	if err != nil {
		return "", "", nil, err
	}
	resp, err := m.client.Do(r)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err // the URL is in our own text already
		}
		return "", "", nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", "", nil, fmt.Errorf("answer %d", resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxMetadata+1))
	if err != nil {
		return "", "", nil, err
	}
	if len(body) > maxMetadata {
		return "", "", nil, fmt.Errorf("document of more than %d bytes", maxMetadata)
	}
	if kind == org.MicrosoftACS {
		return parseS2S(body)
	}
	return parseFederation(body)
}

// Refresh fetches the document of one AuthServer and stores what it says.
func (m *Metadata) Refresh(ctx context.Context, server *org.AuthServer) error {
	s := m.server(server.GUID)
	s.mu.Lock()
	defer s.mu.Unlock()
	return m.refresh(ctx, s, server)
}

func (m *Metadata) server(id guid.GUID) *fetched {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.servers[id]
	if s == nil {
		s = &fetched{}
		m.servers[id] = s
	}
	return s
}

func (m *Metadata) refresh(ctx context.Context, s *fetched, server *org.AuthServer) error {
	s.asked, s.url, s.certs = m.now(), server.AuthMetadataURL, nil
	issuer, realm, certs, err := m.Fetch(ctx, server.AuthMetadataURL, server.Type)
	if err != nil {
		return err
	}
	if server.IssuerIdentifier != "" && (issuer != server.IssuerIdentifier || !strings.EqualFold(realm, server.Realm)) {
		// The document of another tenant must not take over a trust by itself.
		return fmt.Errorf("metadata from %s: issuer %q of realm %q, but AuthServer %s stands for %q of %q; use Set-AuthServer to change it",
			server.AuthMetadataURL, issuer, realm, server.Name, server.IssuerIdentifier, server.Realm)
	}
	if err := m.store.SetAuthServerMetadata(ctx, server.GUID, server.AuthMetadataURL, issuer, realm, certs, s.asked); err != nil {
		return fmt.Errorf("store metadata of AuthServer %s: %w", server.Name, err)
	}
	s.certs = certs
	return nil
}

// UnknownKey fetches the keys of an AuthServer because a token names one that the
// configuration lacks, at most once a minute for each AuthServer; in between it
// returns what the last fetch brought, unless the configuration has read the
// document later than that. It returns nil when there is nothing.
func (m *Metadata) UnknownKey(ctx context.Context, server *org.AuthServer) []string {
	s := m.server(server.GUID)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.url == server.AuthMetadataURL && m.now().Sub(s.asked).Abs() < unknownKeyInterval { // a clock may be put back
		if server.MetadataFetched.After(s.asked) {
			return nil // an administrator has refreshed since: a key that is not there was taken out
		}
		return s.certs
	}
	// The caller may go away; those who wait behind it still want the keys.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
	defer cancel()
	if err := m.refresh(ctx, s, server); err != nil {
		m.log.Warn("keys not refreshed", "authserver", server.Name, "error", err)
	}
	return s.certs
}

// Run refreshes what is due now and as time goes by, until ctx ends.
func (m *Metadata) Run(ctx context.Context, snapshot func() *org.Snapshot) {
	tick := time.NewTicker(dueInterval)
	defer tick.Stop()
	for {
		m.RefreshDue(ctx, snapshot())
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// RefreshDue refreshes every enabled AuthServer of the snapshot for which the last attempt is RefreshInterval ago by
// the clock, or never was. What cannot be fetched keeps its last good keys and is logged.
func (m *Metadata) RefreshDue(ctx context.Context, snapshot *org.Snapshot) {
	for _, server := range snapshot.AuthServers {
		if server.Enabled && server.AuthMetadataURL != "" {
			m.refreshDue(ctx, server)
		}
	}
}

func (m *Metadata) refreshDue(ctx context.Context, server *org.AuthServer) {
	s := m.server(server.GUID)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.url == server.AuthMetadataURL && m.now().Sub(s.asked).Abs() < RefreshInterval {
		return
	}
	if err := m.refresh(ctx, s, server); err != nil && ctx.Err() == nil {
		m.log.Warn("keys not refreshed", "authserver", server.Name, "error", err)
	}
}

// parseFederation reads a WS-Federation 1.2 metadata document (3.1): entityID is
// the issuer, the signing keys stand in the security token service's role. The
// tenant is the issuer's path, https://sts.windows.net/TENANT/.
func parseFederation(body []byte) (issuer, realm string, certs []string, err error) {
	if bytes.Contains(body, []byte("<!DOCTYPE")) {
		return "", "", nil, errors.New("document with a DOCTYPE")
	}
	if bytes.Count(body, []byte("<")) > maxElements {
		return "", "", nil, errors.New("document with too many elements")
	}
	doc := etree.NewDocument()
	doc.ReadSettings.ValidateInput = true
	if err := doc.ReadFromBytes(body); err != nil {
		return "", "", nil, errors.New("document is not well-formed XML")
	}
	root := doc.Root()
	if root == nil || root.Tag != "EntityDescriptor" {
		return "", "", nil, errors.New("document is no EntityDescriptor")
	}
	if issuer = root.SelectAttrValue("entityID", ""); issuer == "" || len(issuer) > 1024 {
		return "", "", nil, errors.New("document names no issuer")
	}
	for _, role := range root.SelectElements("RoleDescriptor") {
		if kind := role.SelectAttrValue("xsi:type", role.SelectAttrValue("type", "")); !strings.HasSuffix(kind, "SecurityTokenServiceType") {
			continue
		}
		for _, key := range role.SelectElements("KeyDescriptor") {
			if use := key.SelectAttrValue("use", "signing"); use != "signing" {
				continue
			}
			for _, info := range key.SelectElements("KeyInfo") {
				for _, data := range info.SelectElements("X509Data") {
					for _, cert := range data.SelectElements("X509Certificate") {
						if certs, err = addCertificate(certs, cert.Text()); err != nil {
							return "", "", nil, err
						}
					}
				}
			}
		}
	}
	if len(certs) == 0 {
		return "", "", nil, errors.New("document names no signing certificate")
	}
	return issuer, tenantOf(issuer), certs, nil
}

// tenantOf returns the tenant id in an issuer's path, "" when there is none (AD FS).
func tenantOf(issuer string) string {
	u, err := url.Parse(issuer)
	if err != nil {
		return ""
	}
	for segment := range strings.SplitSeq(u.Path, "/") {
		if id, err := guid.Parse(segment); err == nil {
			return id.String()
		}
	}
	return ""
}

// addCertificate appends a certificate once, as base64 DER without blanks.
func addCertificate(certs []string, text string) ([]string, error) {
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return nil, errors.New("certificate is no base64")
	}
	if _, err := x509.ParseCertificate(der); err != nil {
		return nil, errors.New("certificate cannot be read")
	}
	cert := base64.StdEncoding.EncodeToString(der)
	if slices.Contains(certs, cert) {
		return certs, nil
	}
	if len(certs) == maxCertificates {
		return nil, fmt.Errorf("more than %d certificates", maxCertificates)
	}
	return append(certs, cert), nil
}

// parseS2S reads the JSON metadata document of the Access Control Service and of Exchange itself.
func parseS2S(body []byte) (issuer, realm string, certs []string, err error) {
	var doc s2s.Metadata
	if err := json.Unmarshal(body, &doc); err != nil {
		return "", "", nil, errors.New("document is no metadata JSON")
	}
	issuer, realm, _ = strings.Cut(doc.Issuer, "@")
	if issuer == "" || len(doc.Issuer) > 1024 {
		return "", "", nil, errors.New("document names no issuer")
	}
	if doc.Realm != "" {
		realm = doc.Realm
	}
	for _, key := range doc.Keys {
		if strings.EqualFold(key.Usage, s2s.Signing) && strings.EqualFold(key.KeyValue.Type, s2s.X509Certificate) {
			if certs, err = addCertificate(certs, key.KeyValue.Value); err != nil {
				return "", "", nil, err
			}
		}
	}
	if len(certs) == 0 {
		return "", "", nil, errors.New("document names no signing certificate")
	}
	return issuer, realm, certs, nil
}
