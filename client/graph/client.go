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
	"strings"
)

// Client reads and writes through one Graph endpoint. It is safe for concurrent use.
type Client struct {
	base  *url.URL
	http  *http.Client
	token func(ctx context.Context) (string, error)
	// eventual: requests carry ConsistencyLevel: eventual
	eventual bool
}

// Limits on what an answer may be: a page of 999 people with their addresses is
// well below the first, and the second holds some ten million people.
const (
	maxBody  = 16 << 20
	maxPages = 10_000
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
}

// Error implements error.
func (e *Error) Error() string {
	if e.Code == "" {
		return fmt.Sprintf("graph answered %d", e.Status)
	}
	return fmt.Sprintf("graph answered %d %s: %s", e.Status, e.Code, e.Message)
}

// get reads the document at path (below the endpoint) or at an absolute nextLink.
func (c *Client) get(ctx context.Context, target string, into any) error {
	return c.do(ctx, http.MethodGet, target, nil, into)
}

func (c *Client) do(ctx context.Context, method, target string, body, into any) error {
	var reader io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return err
		}
		reader = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base.String()+target, reader)
	if err != nil {
		return err
	}
	token, err := c.token(ctx)
	if err != nil {
		return fmt.Errorf("token for graph: %w", err)
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
		return err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return err
	}
	if len(data) > maxBody {
		return fmt.Errorf("graph: answer longer than %d bytes", maxBody)
	}
	if resp.StatusCode/100 != 2 {
		return failure(resp, data)
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
