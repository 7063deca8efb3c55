package autodiscover

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"hma/exchange/clientaccess"
	"hma/exchange/org"
)

// jsonProtocols are what version 2 can be asked for, in the order in which the error
// text lists them. REST is not offered by this server.
var jsonProtocols = []struct {
	name string
	url  func(r *clientaccess.Request) string
}{
	{"ActiveSync", func(r *clientaccess.Request) string { return publicURL(r, org.ActiveSync) }},
	{"AutodiscoverV1", selfURL},
	{"EWS", func(r *clientaccess.Request) string { return publicURL(r, org.WebServices) }},
}

// jsonError is the error form of version 2.
type jsonError struct {
	ErrorCode    string
	ErrorMessage string
}

// found is the success form of version 2.
type found struct {
	Protocol string // in the caller's spelling
	URL      string `json:"Url"`
}

// maxRedirects is how often a request may have been sent on already (RedirectCount).
const maxRedirects = 10

// maxEcho bounds what of the caller's text an error repeats.
const maxEcho = 64

// serveJSON answers version 2 for any address of an accepted domain alike,
// whether there is a mailbox or not: the form is anonymous.
func serveJSON(w http.ResponseWriter, r *clientaccess.Request) {
	r.Record.Begin("AutodiscoverV2", false)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	email, protocol, redirects := jsonQuery(r)
	domain, ok := mailDomain(email)
	switch {
	case !ok:
		writeJSON(w, http.StatusBadRequest, jsonError{"MandatoryParameterMissing", "A valid SMTP address must be provided for the parameter 'Email'."})
		return
	case redirects >= maxRedirects:
		writeJSON(w, http.StatusBadRequest, jsonError{"TooManyRedirects", "The request was sent from one organization to another too often."})
		return
	case protocol == "":
		writeJSON(w, http.StatusBadRequest, jsonError{"MissingProtocol", "A valid value must be provided for the query parameter 'Protocol'."})
		return
	case elsewhere(r.Snapshot, domain) != "":
		d := elsewhere(r.Snapshot, domain)
		w.Header().Set("Location", form(d, "autodiscover.json")+"?"+url.Values{"Email": {email}, "Protocol": {protocol}, "RedirectCount": {strconv.Itoa(redirects + 1)}}.Encode())
		w.WriteHeader(http.StatusFound)
		return
	case !accepted(r.Snapshot, domain):
		writeJSON(w, http.StatusNotFound, jsonError{"UserNotFound", "The domain of the address is not one of this organization."})
		return
	}
	var names []string
	for _, p := range jsonProtocols {
		names = append(names, p.name)
		if !strings.EqualFold(p.name, protocol) {
			continue
		}
		address := p.url(r)
		if address == "" {
			writeJSON(w, http.StatusBadRequest, jsonError{"ProtocolNotSupported", fmt.Sprintf("The protocol '%s' has no external address in this organization.", p.name)})
			return
		}
		writeJSON(w, http.StatusOK, found{Protocol: protocol, URL: address})
		return
	}
	writeJSON(w, http.StatusBadRequest, jsonError{"InvalidProtocol", fmt.Sprintf("The given protocol value '%s' is invalid. Supported values are '%s'",
		cut(protocol), strings.Join(names, ","))})
}

// jsonQuery reads both forms: ?Email=&Protocol= and /v1.0/EMAIL?Protocol=. Names
// of parameters are matched without case.
func jsonQuery(r *clientaccess.Request) (email, protocol string, redirects int) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return "", "", 0
	}
	for name, v := range values {
		switch strings.ToLower(name) {
		case "email":
			email = v[0]
		case "protocol":
			protocol = v[0]
		case "redirectcount":
			redirects, _ = strconv.Atoi(v[0]) // what is no number counts as none
		}
	}
	const form = "/autodiscover.json/v1.0/"
	if len(r.Rest) > len(form) && strings.EqualFold(r.Rest[:len(form)], form) {
		email = r.Rest[len(form):]
	}
	return email, protocol, redirects
}

// mailDomain returns the domain of an address in lower case; ok is false for
// what cannot be an SMTP address (RFC 5321 4.5.3.1 bounds the parts).
func mailDomain(address string) (domain string, ok bool) {
	local, domain, ok := strings.Cut(address, "@")
	if !ok || local == "" || len(local) > 64 || domain == "" || len(domain) > 255 || strings.ContainsAny(address, " \t\r\n<>\"") || strings.Contains(domain, "@") {
		return "", false
	}
	return strings.ToLower(domain), true
}

func cut(text string) string {
	if len(text) > maxEcho {
		return strings.ToValidUTF8(text[:maxEcho], "")
	}
	return text
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	w.Write(text)
}
