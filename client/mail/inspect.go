package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"time"
)

// Secure is what the TLS of a server looks like to a client of today.
type Secure struct {
	Version  string    `json:"version"` // what was agreed on, for example TLS 1.3
	Subject  string    `json:"subject"` // of the server's certificate
	Issuer   string    `json:"issuer"`
	Names    []string  `json:"names,omitempty"` // DNS names in it
	Begins   time.Time `json:"not_before"`
	Ends     time.Time `json:"not_after"`
	NotNamed string    `json:"not_named,omitempty"`   // why it is not for the host, "" when it is
	NoTrust  string    `json:"not_trusted,omitempty"` // why its chain is not trusted, at a time at which it is valid
}

// Inspect does a TLS handshake with the host (and port, 443 by default), reached where a
// Door.Address leads, and says what came, good or not. Nothing is sent over the connection: what is wrong with a certificate is for the
// caller to judge. An error means that there was no handshake.
func (c *Client) Inspect(ctx context.Context, host, address string) (Secure, error) {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name, host = host, net.JoinHostPort(host, "443")
	}
	ctx, cancel := context.WithTimeout(ctx, min(c.o.Timeout, 20*time.Second))
	defer cancel()
	plainConn, err := c.dial(ctx, address, host)
	if err != nil {
		return Secure{}, reason(err)
	}
	defer plainConn.Close()
	// The certificate is judged below; the lowest version tells an old server from one that is away.
	conn := tls.Client(plainConn, &tls.Config{ServerName: name, InsecureSkipVerify: true, MinVersion: tls.VersionTLS10})
	if err := conn.HandshakeContext(ctx); err != nil {
		return Secure{}, fmt.Errorf("TLS: %w", reason(err))
	}
	state := conn.ConnectionState()
	leaf := state.PeerCertificates[0]
	s := Secure{Version: tls.VersionName(state.Version), Subject: leaf.Subject.String(), Issuer: leaf.Issuer.String(), Names: leaf.DNSNames, Begins: leaf.NotBefore, Ends: leaf.NotAfter}
	if err := leaf.VerifyHostname(name); err != nil {
		s.NotNamed = err.Error()
	}
	between := x509.NewCertPool()
	for _, cert := range state.PeerCertificates[1:] {
		between.AddCert(cert)
	}
	// Its end is not its trust: a time within its life is what the chain is judged at.
	now := time.Now()
	if c.o.Now != nil {
		now = c.o.Now()
	}
	if now.After(leaf.NotAfter) || now.Before(leaf.NotBefore) {
		now = leaf.NotAfter
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: c.o.Roots, Intermediates: between, CurrentTime: now}); err != nil {
		s.NoTrust = err.Error()
	}
	return s, nil
}
