package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
)

// Options are what a Client is given.
type Options struct {
	// Roots are the certificates that are trusted; nil is the machine's own.
	Roots *x509.CertPool
	// Names says where a host is reached (host:port) instead of by DNS, on port 443:
	// a lab's mail.contoso.com is 127.0.0.1 and a port.
	Names map[string]string
	// Timeout bounds one request with its answer; 0 is 30 seconds.
	Timeout time.Duration
	// Now is the time by which certificates are judged; nil is the machine's.
	Now func() time.Time
}

// Client shakes hands with doors. It is safe for concurrent use.
type Client struct {
	o       Options
	mu      sync.Mutex
	clients map[string]*http.Client // by the address that connections go to, "" for where names lead
}

// New returns a Client.
func New(o Options) *Client {
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	return &Client{o: o, clients: map[string]*http.Client{}}
}

// HTTP returns the client for requests that go where names lead: it trusts the
// roots, reaches the names, and follows no redirect.
func (c *Client) HTTP() *http.Client { return c.at("") }

// at returns the client whose connections go to address whatever the host is.
func (c *Client) at(address string) *http.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if hc := c.clients[address]; hc != nil {
		return hc
	}
	hc := &http.Client{
		Timeout:       c.o.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			TLSClientConfig:        &tls.Config{RootCAs: c.o.Roots, MinVersion: tls.VersionTLS12, Time: c.o.Now},
			MaxResponseHeaderBytes: 256 << 10,
			TLSHandshakeTimeout:    10 * time.Second,
			MaxIdleConnsPerHost:    2,
			IdleConnTimeout:        30 * time.Second,
			DialContext: func(ctx context.Context, _, target string) (net.Conn, error) {
				return c.dial(ctx, address, target)
			},
		},
	}
	c.clients[address] = hc
	return hc
}

// dial connects to address, or where it is "" to where the target's name leads.
func (c *Client) dial(ctx context.Context, address, target string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(target)
	if err != nil {
		return nil, err
	}
	if address != "" {
		target = address
	} else if to := c.o.Names[strings.ToLower(host)]; to != "" && port == "443" {
		target = to
	}
	return (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp", target)
}

// withCookies returns the door's client with a cookie jar of its own.
func (c *Client) withCookies(d Door) *http.Client {
	hc := *c.at(d.Address)
	// Only bad options make New fail, and there are none.
	hc.Jar, _ = cookiejar.New(nil)
	return &hc
}

// Close ends idle connections.
func (c *Client) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, hc := range c.clients {
		hc.CloseIdleConnections()
	}
}

// maxBody bounds every answer that is read.
const maxBody = 4 << 20

// fetch carries a request out and reads the answer. Its error names the host alone.
func fetch(hc *http.Client, req *http.Request) (*http.Response, []byte, error) {
	resp, err := hc.Do(req)
	if err != nil {
		return nil, nil, NoAnswer(req, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return resp, body, fmt.Errorf("read the answer: %w", reason(err))
	}
	if len(body) > maxBody {
		return resp, body[:maxBody], fmt.Errorf("answer longer than %d bytes", maxBody)
	}
	return resp, body, nil
}

// NoAnswer is the error of a request that failed: the host that was asked, and the reason
// without the URL that net/http puts before it, which is long and may hold secrets.
func NoAnswer(req *http.Request, err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	return fmt.Errorf("%s does not answer: %w", req.URL.Host, reason(err))
}

// reason leaves out of a network's error the addresses of this machine, of where the name led and of the DNS server.
func reason(err error) error {
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		bare := *e
		bare.Server = ""
		return &bare
	}
	e, ok := errors.AsType[*net.OpError](err)
	if !ok || e.Addr == nil {
		return err
	}
	if call, ok := errors.AsType[*os.SyscallError](e.Err); ok {
		return call.Err
	}
	return e.Err
}

// Answer is what came for a request that is no handshake.
type Answer struct {
	Status      int
	ContentType string
	Location    string // of a redirect, which was not followed
	Body        []byte
}

// Get fetches an https URL without credentials, whatever the status is, from where a
// Door.Address leads.
func (c *Client) Get(ctx context.Context, url, address string) (Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return Answer{}, err
	}
	if req.URL.Scheme != "https" {
		return Answer{}, errors.New("no https URL")
	}
	resp, body, err := fetch(c.at(address), req)
	if err != nil {
		return Answer{}, err
	}
	return Answer{resp.StatusCode, resp.Header.Get("Content-Type"), resp.Header.Get("Location"), body}, nil
}

// Document fetches a document without credentials. An answer that is not 200, or
// has no body, is an error.
func (c *Client) Document(ctx context.Context, url string) ([]byte, error) {
	answer, err := c.Get(ctx, url, "")
	if err != nil {
		return nil, err
	}
	if answer.Status != http.StatusOK || len(answer.Body) == 0 {
		return nil, fmt.Errorf("answered %d with %d bytes", answer.Status, len(answer.Body))
	}
	return answer.Body, nil
}
