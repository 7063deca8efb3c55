package sts

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"hma/wire/aadsts"
)

// Limits of what a request may carry.
const (
	maxPath   = 2 << 10
	maxBody   = 64 << 10
	maxQuery  = 16 << 10
	maxParams = 100
	maxName   = 128
	maxValue  = 32 << 10
	maxState  = 8 << 10 // state comes back in an address
)

// params are a request's parameters: each name stands once. RFC 6749 3.1
// forbids repetition, and an empty value counts as left out.
type params map[string]string

// parseParams reads a form or a query.
func parseParams(text string) (params, error) {
	if strings.Count(text, "&") >= maxParams {
		return nil, refuse(aadsts.RequestMalformed, "too many parameters")
	}
	values, err := url.ParseQuery(text)
	if err != nil {
		return nil, refuse(aadsts.RequestMalformed, "the parameters are not form-encoded")
	}
	p := make(params, len(values))
	for name, all := range values {
		if len(name) > maxName || !plain(name) {
			return nil, refuse(aadsts.RequestMalformed, "a parameter's name cannot be read")
		}
		if len(all) > 1 {
			return nil, refuse(aadsts.RequestMalformed, "the parameter '"+clip(name)+"' stands twice")
		}
		if len(all[0]) > maxValue || !plain(all[0]) {
			return nil, refuse(aadsts.RequestMalformed, "the value of '"+clip(name)+"' cannot be read")
		}
		if all[0] != "" {
			p[name] = all[0]
		}
	}
	return p, nil
}

// query reads the parameters of the address.
func query(r *http.Request) (params, error) {
	if len(r.URL.RawQuery) > maxQuery {
		return nil, refuse(aadsts.RequestMalformed, "the query is too long")
	}
	return parseParams(r.URL.RawQuery)
}

// form reads the parameters of a posted form.
func form(w http.ResponseWriter, r *http.Request) (params, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, refuse(aadsts.RequestMalformed, "the body must be application/x-www-form-urlencoded")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		return nil, refuse(aadsts.RequestMalformed, "the body is too long")
	}
	if err != nil {
		return nil, refuse(aadsts.RequestMalformed, "the body ended early")
	}
	return parseParams(string(body))
}

// plain tells whether text can go into a database and back into an answer: UTF-8 without NUL.
func plain(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// clip shortens what an error repeats from the request, and leaves out control characters.
func clip(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
	if len(s) <= 200 {
		return s
	}
	end := 200
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "..."
}
