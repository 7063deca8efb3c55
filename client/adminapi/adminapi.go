package adminapi

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"hma/wire/psobject"
)

// maxAnswer is how many bytes of an answer are read.
const maxAnswer = 256 << 20

// Client talks to one Admin API. It is safe for concurrent use.
type Client struct {
	base  string
	http  *http.Client
	token func(context.Context) (string, error)
}

// Dial returns the client of the admin socket at path. Nothing is connected
// before the first call; a socket that nobody listens on is an error of that call.
func Dial(path string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}
	return &Client{base: "http://admin", http: &http.Client{Transport: &http.Transport{DialContext: dial}}}
}

// New returns the client of the Admin API at baseURL (https://host, without
// /adminapi), which uses hc and sends the bearer token that token returns for each request.
func New(baseURL string, hc *http.Client, token func(context.Context) (string, error)) *Client {
	return &Client{base: strings.TrimSuffix(baseURL, "/"), http: hc, token: token}
}

// StatusError is an answer that is no Result: the request itself was refused.
type StatusError struct {
	Status  int
	Message string
}

// Error returns the status and the server's sentence.
func (e *StatusError) Error() string {
	return fmt.Sprintf("admin API: status %d: %s", e.Status, e.Message)
}

// HeldError says that another run holds the lease.
type HeldError struct {
	Holder string
	Since  time.Time
}

// Error names the holder and the time.
func (e *HeldError) Error() string {
	return fmt.Sprintf("admin API: %s holds the lease since %s", e.Holder, e.Since.UTC().Format(time.RFC3339))
}

func (c *Client) send(ctx context.Context, method, path string, body []byte, header http.Header) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("admin API: %w", err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != nil {
		token, err := c.token(ctx)
		if err != nil {
			return nil, fmt.Errorf("admin API: get a token: %w", err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("admin API: %w", err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	var refusal struct {
		Error  string    `json:"error"`
		Holder string    `json:"holder"`
		Since  time.Time `json:"since"`
	}
	data, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if json.Unmarshal(data, &refusal) != nil || refusal.Error == "" {
		refusal.Error = http.StatusText(resp.StatusCode)
	}
	if resp.StatusCode == http.StatusConflict {
		return nil, &HeldError{refusal.Holder, refusal.Since}
	}
	return nil, &StatusError{resp.StatusCode, refusal.Error}
}

func (c *Client) ask(ctx context.Context, method, path string, body []byte, into any) error {
	resp, err := c.send(ctx, method, path, body, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(into); err != nil {
		return fmt.Errorf("admin API: read answer: %w", err)
	}
	return nil
}

// Commands returns the metadata of every cmdlet.
func (c *Client) Commands(ctx context.Context) ([]psobject.Command, error) {
	var list []psobject.Command
	err := c.ask(ctx, http.MethodGet, "/adminapi/v1/commands", nil, &list)
	return list, err
}

// Invoke runs one cmdlet. When the cmdlet failed, the Result holds what came
// before and the error is its *psobject.ErrorRecord; any other error means that it may not have run.
func (c *Client) Invoke(ctx context.Context, inv psobject.Invocation) (psobject.Result, error) {
	body, err := json.Marshal(inv)
	if err != nil {
		return psobject.Result{}, fmt.Errorf("admin API: %w", err)
	}
	var res psobject.Result
	if err := c.ask(ctx, http.MethodPost, "/adminapi/v1/invoke", body, &res); err != nil {
		return psobject.Result{}, err
	}
	if res.Error != nil {
		return res, res.Error
	}
	return res, nil
}

// Lease takes the procedure's lock and holds it until release, until ctx ends or
// until the connection breaks. name tells others who holds it. *HeldError means that somebody else does.
// lost is closed when the lease has ended, for whatever reason.
func (c *Client) Lease(ctx context.Context, name string) (release func(), lost <-chan struct{}, err error) {
	ctx, cancel := context.WithCancel(ctx)
	resp, err := c.send(ctx, http.MethodPost, "/adminapi/v1/lease", nil, http.Header{"X-Lease-Holder": {headerText(name)}})
	if err != nil {
		cancel()
		return nil, nil, err
	}
	r := bufio.NewReader(resp.Body)
	if line, err := r.ReadString('\n'); err != nil || line != "held\n" {
		cancel()
		resp.Body.Close()
		return nil, nil, errors.Join(errors.New("admin API: the lease was not confirmed"), err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer resp.Body.Close()
		io.Copy(io.Discard, r)
	}()
	return func() { cancel(); <-done }, done, nil
}

// headerText makes a name fit for a header line.
func headerText(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}
