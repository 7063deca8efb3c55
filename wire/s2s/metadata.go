// Package s2s is the metadata document of server-to-server OAuth, which the cloud's Access
// Control Service and every Exchange organisation publish: who issues, and with which
// certificates it signs. It fetches nothing and trusts nothing. Start reading at Metadata.
package s2s

import "encoding/base64"

// Metadata is the document. Its shape is that of Exchange's identity tokens ("Inside the
// Exchange identity token", authentication metadata document).
type Metadata struct {
	Version string `json:"version"`
	Name    string `json:"name"`
	Realm   string `json:"realm"`
	// ServiceName is the application id of the issuer, Issuer the same as ID@REALM.
	ServiceName      string     `json:"serviceName"`
	Issuer           string     `json:"issuer"`
	AllowedAudiences []string   `json:"allowedAudiences"`
	Keys             []Key      `json:"keys"`
	Endpoints        []Endpoint `json:"endpoints"`
}

// Key is a certificate with which the issuer signs.
type Key struct {
	Usage    string   `json:"usage"`
	KeyInfo  KeyInfo  `json:"keyinfo"`
	KeyValue KeyValue `json:"keyvalue"`
}

// The words of a signing key.
const (
	Signing         = "signing"         // Key.Usage
	X509Certificate = "x509Certificate" // KeyValue.Type
)

// KeyInfo names the key as the header of a token does.
type KeyInfo struct {
	X5T string `json:"x5t"` // base64url of the SHA-1 of the certificate
}

// KeyValue is the key itself.
type KeyValue struct {
	Type  string `json:"type"`
	Value string `json:"value"` // base64 DER
}

// Endpoint is where the issuer is asked for something: usage is issuance (of tokens) or metadata.
type Endpoint struct {
	Location string `json:"location"`
	Protocol string `json:"protocol"` // OAuth2
	Usage    string `json:"usage"`
}

// SigningKey returns the key of a certificate (DER) with its thumbprint (x5t).
func SigningKey(x5t string, der []byte) Key {
	return Key{Signing, KeyInfo{x5t}, KeyValue{X509Certificate, base64.StdEncoding.EncodeToString(der)}}
}
