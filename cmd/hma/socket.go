package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// socket returns a client of the lab's admin socket for paths beside the Admin API.
func (r *running) socket() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", r.AdminSocket)
		},
	}}
}

// send sends a body to a path of the admin socket and returns the answer's body.
func (r *running) send(ctx context.Context, what, method, path, contentType string, body io.Reader) ([]byte, error) {
	answer, err := r.stream(ctx, what, method, path, contentType, body)
	if err != nil {
		return nil, err
	}
	defer answer.Close()
	text, err := io.ReadAll(io.LimitReader(answer, maxAnswer))
	if err != nil {
		return nil, unreachable(fmt.Errorf("%s: %w", what, err))
	}
	return text, nil
}

// maxAnswer bounds an answer that is read whole; an import's names a thousand files and why.
const maxAnswer = 16 << 20

// stream is send for an answer that is read as it comes; the caller closes it.
func (r *running) stream(ctx context.Context, what, method, path, contentType string, body io.Reader) (io.ReadCloser, error) {
	resp, err := r.answer(ctx, what, method, path, contentType, body)
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// answer is stream with the answer's header.
func (r *running) answer(ctx context.Context, what, method, path, contentType string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://lab"+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", contentType)
	resp, err := r.socket().Do(req)
	if err != nil {
		return nil, unreachable(fmt.Errorf("%s: %w", what, err))
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, unreachable(fmt.Errorf("%s: %w", what, err))
	}
	code := exitUnreachable
	if resp.StatusCode < 500 {
		code = exitUsage
	}
	return nil, exit{code, fmt.Errorf("%s: %s", what, strings.TrimSpace(string(text)))}
}

// ask is send with JSON both ways.
func (r *running) ask(ctx context.Context, what, method, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	text, err := r.send(ctx, what, method, path, "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, out); err != nil {
		return unreachable(fmt.Errorf("%s: %w", what, err))
	}
	return nil
}
