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
		if !strings.EqualFold(scheme, "Bearer") {
			// Basic is the encoding of user:password, of which even the beginning tells.
			return fmt.Sprintf("%s ...(%d characters)", scheme, len(secret))
		}
		return scheme + " " + cut(secret)
	case "Cookie", "Set-Cookie":
		key, rest, ok := strings.Cut(value, "=")
		if !ok {
			return cut(value)
		}
		if name == "Cookie" {
			value, more, _ := strings.Cut(rest, "; ")
			if more != "" {
				more = "; " + redact(name, more)
			}
			return key + "=" + cut(value) + more
		}
		secret, attributes, _ := strings.Cut(rest, ";")
		if attributes != "" {
			attributes = ";" + attributes
		}
		return key + "=" + cut(secret) + attributes
	case "Location":
		return cutURL(value)
	}
	return value
}

// cutURL cuts the secrets in a URL's query and fragment.
func cutURL(text string) string {
	if before, fragment, ok := strings.Cut(text, "#"); ok {
		return cutURL(before) + "#" + cutForm(fragment)
	}
	before, query, ok := strings.Cut(text, "?")
	if !ok {
		return text
	}
	return before + "?" + cutForm(query)
}

// secretFields are the fields of a sign-in's request and answer that are secrets
// (OpenID Connect Core 3.1.2.1 and 3.3.2.5; a password may be posted beside them).
var secretFields = []string{"state", "nonce", "code", "id_token", "access_token", "refresh_token", "passwd", "password"}

// cutForm cuts the secrets among encoded fields, whose order stays.
func cutForm(text string) string {
	fields := strings.Split(text, "&")
	for i, f := range fields {
		if key, value, ok := strings.Cut(f, "="); ok && slices.Contains(secretFields, strings.ToLower(key)) {
			fields[i] = key + "=" + cut(value)
		}
	}
	return strings.Join(fields, "&")
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
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", req.Method, cutURL(req.URL.RequestURI()), req.URL.Host)
	writeHeader(&b, req.Header)
	if req.Header.Get("Content-Type") == "application/x-www-form-urlencoded" {
		body = []byte(cutForm(string(body)))
	}
	writeBody(&b, body)
	return b.String()
}

// rawResponse is the answer as it came, secrets cut. The page of a redirect is
// left out: it repeats the address, secrets and all.
func rawResponse(resp *http.Response, body []byte) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\r\n", resp.Proto, resp.Status)
	writeHeader(&b, resp.Header)
	if resp.Header.Get("Location") != "" && len(body) > 0 {
		fmt.Fprintf(&b, "\r\n...(%d bytes)", len(body))
		return b.String()
	}
	writeBody(&b, body)
	return b.String()
}
