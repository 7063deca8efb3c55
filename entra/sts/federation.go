package sts

import (
	"crypto"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"hma/entra"
)

// federationCache keeps the signed document of each tenant for its key set:
// signing costs as much as a token.
type federationCache struct {
	mu    sync.Mutex
	kids  string
	texts map[string][]byte // by tenant id or template; as many as there are tenants
}

// serveFederationMetadata is the document that an AzureAD AuthServer names
// (WS-Federation 1.2, 3.1): the issuer as entityID and the signing
// certificates, the whole signed by the current key.
func (s *service) serveFederationMetadata(w http.ResponseWriter, r *http.Request) {
	a, err := s.readAuthority(r)
	if err != nil {
		s.jsonError(w, r, err)
		return
	}
	snapshot, err := s.dir.Snapshot(r.Context())
	if err != nil {
		s.jsonError(w, r, err)
		return
	}
	tenant := issuerTemplate
	if a.tenant != nil {
		tenant = a.tenant.ID
	}
	text, err := s.federationMetadata(snapshot.Keys(), tenant)
	if err != nil {
		s.jsonError(w, r, err)
		return
	}
	newTrace(r, nil).header(w, r)
	w.Header().Set("Content-Type", "application/xml; charset=utf-8")
	w.Write(text)
}

func (s *service) federationMetadata(keys []*entra.SigningKey, tenant string) ([]byte, error) {
	kids := make([]string, len(keys))
	for i, k := range keys {
		kids[i] = k.ID
	}
	set := strings.Join(kids, " ")
	s.fed.mu.Lock()
	defer s.fed.mu.Unlock()
	if s.fed.kids != set {
		s.fed.kids, s.fed.texts = set, make(map[string][]byte)
	}
	if text := s.fed.texts[tenant]; text != nil {
		return text, nil
	}
	text, err := s.signFederation(keys, tenant)
	if err == nil {
		s.fed.texts[tenant] = text
	}
	return text, err
}

func (s *service) signFederation(keys []*entra.SigningKey, tenant string) ([]byte, error) {
	entity := etree.NewElement("EntityDescriptor")
	entity.CreateAttr("xmlns", "urn:oasis:names:tc:SAML:2.0:metadata")
	// An xs:ID, the same for the same keys so that the document does not change between reads.
	entity.CreateAttr("ID", "_"+strings.Trim(keys[0].ID, "-_"))
	entity.CreateAttr("entityID", s.issuer(v1, tenant))
	role := entity.CreateElement("RoleDescriptor")
	role.CreateAttr("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance")
	role.CreateAttr("xmlns:fed", "http://docs.oasis-open.org/wsfed/federation/200706")
	role.CreateAttr("xsi:type", "fed:SecurityTokenServiceType")
	role.CreateAttr("protocolSupportEnumeration", "http://docs.oasis-open.org/wsfed/federation/200706")
	for _, k := range keys {
		descriptor := role.CreateElement("KeyDescriptor")
		descriptor.CreateAttr("use", "signing")
		info := descriptor.CreateElement("KeyInfo")
		info.CreateAttr("xmlns", "http://www.w3.org/2000/09/xmldsig#")
		info.CreateElement("X509Data").CreateElement("X509Certificate").SetText(base64.StdEncoding.EncodeToString(k.Certificate.Raw))
	}
	types := role.CreateElement("fed:TokenTypesOffered").CreateElement("fed:TokenType")
	types.CreateAttr("Uri", "urn:ietf:params:oauth:token-type:jwt")

	signing, err := dsig.NewSigningContext(keys[0].Private(), [][]byte{keys[0].Certificate.Raw})
	if err != nil {
		return nil, fmt.Errorf("sign federation metadata: %w", err)
	}
	signing.Hash = crypto.SHA256
	signing.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	signed, err := signing.SignEnveloped(entity)
	if err != nil {
		return nil, fmt.Errorf("sign federation metadata: %w", err)
	}
	// SAML 2.0 metadata 2.3.2 wants the signature first; its place is outside what it signs.
	signature := signed.RemoveChildAt(len(signed.Child) - 1)
	signed.InsertChildAt(0, signature)
	doc := etree.NewDocument()
	doc.CreateProcInst("xml", `version="1.0" encoding="utf-8"`)
	doc.SetRoot(signed)
	return doc.WriteToBytes()
}
