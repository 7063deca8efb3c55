package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"hma/client/mail"
)

// Client reads and writes through one Graph endpoint. It is safe for concurrent use.
type Client struct {
	base  *url.URL
	http  *http.Client
	token func(ctx context.Context) (string, error)
	// renew sees to another token than the one that Graph refused; nil where there is no way to.
	renew func(ctx context.Context, refused string) error
	// eventual: requests carry ConsistencyLevel: eventual
	eventual bool
}

// Limits on what an answer may be: a page of 999 people with their addresses is
// well below the first, and the second holds some ten million people.
const (
	maxBody  = 16 << 20
	maxPages = 10_000
)

// Limits on the patience with a Graph that is busy: how often a read is repeated, and the longest
// wait that it may ask for before each.
const (
	maxRepeats = 5
	maxPause   = time.Minute
)

// New returns a client for the endpoint base, for example
// "https://graph.microsoft.com/v1.0". The token function is asked before each
// request for an access token for Graph; hc carries the request.
func New(base string, hc *http.Client, token func(ctx context.Context) (string, error)) (*Client, error) {
	u, err := url.Parse(strings.TrimSuffix(base, "/"))
	if err != nil {
		return nil, fmt.Errorf("graph endpoint: %w", err)
	}
	if u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("graph endpoint %q: want an https URL", base)
	}
	return &Client{base: u, http: hc, token: token}, nil
}

// Error is a Graph error: the OData body of an answer that is not 2xx.
type Error struct {
	Status    int    // HTTP status
	Code      string // for example Authorization_RequestDenied; "" when the body was no OData error
	Message   string
	RequestID string
	// RetryAfter is how long Graph asks to be left alone; 0 where it does not say.
	RetryAfter time.Duration
	// Needs is the least permission that the request needs, of an answer 403.
	Needs string
}

// Error implements error.
func (e *Error) Error() string {
	text := fmt.Sprintf("graph answered %d", e.Status)
	if e.Code != "" {
		text += " " + e.Code + ": " + strings.TrimSuffix(e.Message, ".")
	}
	switch {
	case e.Needs != "":
		text += "; it needs the permission " + e.Needs + ", consented to for this client, and a role of the person that may do this"
	case e.RetryAfter > 0:
		text += fmt.Sprintf("; it may be asked again in %s", e.RetryAfter)
	}
	return text
}

// busy tells whether the same request may succeed later.
func (e *Error) busy() bool {
	return e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable || e.Status == http.StatusGatewayTimeout
}

// needs is the least delegated permission for a request (the reference page of each operation).
func needs(method, target string) string {
	switch path, _, _ := strings.Cut(target, "?"); {
	case method != http.MethodGet:
		return WritePermission
	case strings.HasSuffix(path, "/oauth2PermissionGrants"), path == "/organization":
		return "Directory.Read.All"
	case path == "/domains":
		return "Domain.Read.All"
	case strings.HasPrefix(path, "/users"):
		return "User.Read.All"
	}
	return "Application.Read.All"
}

// ReadPermissions are the least with which everything that this package reads of Exchange's
// principal, applications, consent, people and the organization can be read, and WritePermission is
// the one for its writes.
var ReadPermissions = []string{"Application.Read.All", "Directory.Read.All", "User.Read.All"}

// WritePermission is the least permission for the two lists of a service principal.
const WritePermission = "Application.ReadWrite.All"

// get reads the document at path (below the endpoint) or at an absolute nextLink.
func (c *Client) get(ctx context.Context, target string, into any) error {
	return c.do(ctx, http.MethodGet, target, nil, into)
}

// do carries out one request. A token that Graph no longer takes is renewed once, and then the
// request repeated: Graph did nothing with it. Of a Graph that is busy only reads are asked again,
// when it says: what a write was made from may be another by then.
func (c *Client) do(ctx context.Context, method, target string, body, into any) error {
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			return err
		}
	}
	renewed, pause := false, time.Second
	for repeats := 0; ; {
		token, err := c.token(ctx)
		if err != nil {
			return fmt.Errorf("token for graph: %w", err)
		}
		err = c.once(ctx, method, target, token, data, into)
		e, answered := errors.AsType[*Error](err)
		switch {
		case !answered:
			return err
		case e.Status == http.StatusUnauthorized && c.renew != nil && !renewed:
			if err := c.renew(ctx, token); err != nil {
				return fmt.Errorf("token for graph: %w", err)
			}
			renewed = true
		case e.busy() && method == http.MethodGet && repeats < maxRepeats && e.RetryAfter <= maxPause:
			if err := wait(ctx, max(e.RetryAfter, pause)); err != nil {
				return err
			}
			repeats, pause = repeats+1, 2*pause
		default:
			return err
		}
	}
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// once sends the request and reads the answer.
func (c *Client) once(ctx context.Context, method, target, token string, body []byte, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, c.base.String()+target, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept", "application/json")
	if c.eventual {
		req.Header.Set("ConsistencyLevel", "eventual")
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("graph: %w", mail.NoAnswer(req, err))
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return fmt.Errorf("graph: %w", mail.NoAnswer(req, err))
	}
	if len(data) > maxBody {
		return fmt.Errorf("graph: answer longer than %d bytes", maxBody)
	}
	if resp.StatusCode/100 != 2 {
		e := failure(resp, data)
		if e.Status == http.StatusForbidden {
			e.Needs = needs(method, target)
		}
		return e
	}
	if into == nil || resp.StatusCode == http.StatusNoContent {
		return nil
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("graph: %s is not the JSON expected: %w", target, err)
	}
	return nil
}

func failure(resp *http.Response, data []byte) *Error {
	var body struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	e := &Error{Status: resp.StatusCode, RequestID: resp.Header.Get("request-id")}
	if json.Unmarshal(data, &body) == nil {
		e.Code, e.Message = body.Error.Code, body.Error.Message
	}
	// Graph writes seconds (RFC 9110 10.2.3 knows a date too).
	if seconds, err := strconv.ParseUint(resp.Header.Get("Retry-After"), 10, 31); err == nil {
		e.RetryAfter = time.Duration(seconds) * time.Second
	}
	return e
}

// collect reads all pages of a collection.
func collect[T any](ctx context.Context, c *Client, target string) ([]T, error) {
	return pages[T](ctx, c, target, 0)
}

// pages reads a collection until it has limit entities; 0 is all of them, and below 0 one page.
// A nextLink that leads to another origin is refused: the token would go with it.
func pages[T any](ctx context.Context, c *Client, target string, limit int) ([]T, error) {
	var all []T
	for range maxPages {
		var page struct {
			Value []T    `json:"value"`
			Next  string `json:"@odata.nextLink"`
		}
		if err := c.get(ctx, target, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Value...)
		if limit > 0 && len(all) >= limit {
			return all[:limit], nil
		}
		if page.Next == "" || limit < 0 {
			return all, nil
		}
		next, ok := strings.CutPrefix(page.Next, c.base.String())
		if !ok || !strings.HasPrefix(next, "/") {
			return nil, errors.New("graph: nextLink leads away from the endpoint")
		}
		target = next
	}
	return nil, fmt.Errorf("graph: more than %d pages", maxPages)
}
