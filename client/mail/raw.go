package mail

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxKept bounds how much of a body a Handshake keeps.
const maxKept = 2048

// cut shows the first characters of a secret and its length.
func cut(secret string) string {
	if secret == "" {
		return ""
	}
	// A password may be short: less than half of it is shown, and at most eight characters.
	n := min(8, len(secret)/4)
	return fmt.Sprintf("%s...(%d characters)", secret[:n], len(secret))
}

// redact cuts the secret part of a header's value.
func redact(name, value string) string {
	switch name {
	case "Authorization":
		scheme, secret, _ := strings.Cut(value, " ")
		if secret == "" {
			return value
		}
		if strings.EqualFold(scheme, "Basic") {
			// The encoding of user:password: even its beginning tells.
			return fmt.Sprintf("%s ...(%d characters)", scheme, len(secret))
		}
		return scheme + " " + cut(secret)
	case "Cookie", "Set-Cookie":
		key, rest, ok := strings.Cut(value, "=")
		if !ok {
			return cut(value)
		}
		if name == "Cookie" {
			return key + "=" + cut(rest)
		}
		secret, attributes, _ := strings.Cut(rest, ";")
		if attributes != "" {
			attributes = ";" + attributes
		}
		return key + "=" + cut(secret) + attributes
	}
	return value
}

func writeHeader(b *strings.Builder, h http.Header) {
	names := make([]string, 0, len(h))
	for n := range h {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		for _, v := range h[n] {
			fmt.Fprintf(b, "%s: %s\r\n", n, redact(n, v))
		}
	}
}

func writeBody(b *strings.Builder, body []byte) {
	b.WriteString("\r\n")
	if !utf8.Valid(body) {
		fmt.Fprintf(b, "%x", body[:min(len(body), maxKept/2)])
	} else {
		b.Write(body[:min(len(body), maxKept)])
	}
	if len(body) > maxKept {
		fmt.Fprintf(b, "...(%d bytes)", len(body))
	}
}

// rawRequest is the request as it went out, secrets cut.
func rawRequest(req *http.Request, body []byte) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", req.Method, req.URL.RequestURI(), req.URL.Host)
	writeHeader(&b, req.Header)
	writeBody(&b, body)
	return b.String()
}

// rawResponse is the answer as it came, secrets cut.
func rawResponse(resp *http.Response, body []byte) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\r\n", resp.Proto, resp.Status)
	writeHeader(&b, resp.Header)
	writeBody(&b, body)
	return b.String()
}
