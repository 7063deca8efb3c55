package autodiscover

import (
	"encoding/xml"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"hma/exchange/clientaccess"
)

// Namespaces of MS-OXDSCLI and MS-ASCMD 2.2.1.1.
const (
	nsResponse           = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
	nsOutlookRequest     = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
	nsOutlookResponse    = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
	nsMobileSyncRequest  = "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/requestschema/2006"
	nsMobileSyncResponse = "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006"
)

// Limits of a request document, whose sample has five elements.
const (
	maxRequest  = 64 << 10
	maxDepth    = 8
	maxElements = 64
)

// request is what a POX request asks.
type request struct {
	Email    string
	LegacyDN string
	Schema   string // AcceptableResponseSchema
}

// errRequest is inside every error of parseRequest.
var errRequest = errors.New("not an autodiscover request")

// parseRequest reads a request document of at most maxRequest bytes. It refuses
// a DOCTYPE, more or deeper elements than a request has, and other namespaces.
func parseRequest(body io.Reader) (*request, error) {
	limited := &io.LimitedReader{R: body, N: maxRequest + 1}
	dec := xml.NewDecoder(limited)
	var (
		req      request
		path     []xml.Name
		text     strings.Builder
		elements int
	)
	for {
		token, err := dec.Token()
		if limited.N <= 0 {
			return nil, fmt.Errorf("%w: more than %d bytes", errRequest, maxRequest)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errRequest, err)
		}
		switch t := token.(type) {
		case xml.Directive:
			return nil, fmt.Errorf("%w: document type declaration", errRequest)
		case xml.StartElement:
			if elements++; elements > maxElements || len(path) >= maxDepth {
				return nil, fmt.Errorf("%w: too many or too deep elements", errRequest)
			}
			path = append(path, t.Name)
			text.Reset()
		case xml.CharData:
			text.Write(t)
		case xml.EndElement:
			if err := req.take(path, strings.TrimSpace(text.String())); err != nil {
				return nil, err
			}
			path = path[:len(path)-1]
			text.Reset()
		}
	}
	if req.Email == "" && req.LegacyDN == "" {
		return nil, fmt.Errorf("%w: no address", errRequest)
	}
	if req.Schema == "" {
		return nil, fmt.Errorf("%w: no response schema", errRequest)
	}
	return &req, nil
}

// take keeps the text of the elements Autodiscover/Request/*.
func (q *request) take(path []xml.Name, text string) error {
	if len(path) != 3 || path[0].Local != "Autodiscover" || path[1].Local != "Request" {
		return nil
	}
	if space := path[2].Space; space != nsOutlookRequest && space != nsMobileSyncRequest {
		return fmt.Errorf("%w: unknown namespace", errRequest)
	}
	switch path[2].Local {
	case "EMailAddress":
		q.Email = text
	case "LegacyDN":
		q.LegacyDN = text
	case "AcceptableResponseSchema":
		q.Schema = text
	}
	return nil
}

// servePOX answers the plain XML form (MS-OXDSCLI). Errors are documents
// with HTTP status 200.
func (d *Door) servePOX(w http.ResponseWriter, r *clientaccess.Request) {
	r.Record.Begin("POX", false)
	if r.Method != http.MethodPost {
		d.writeError(w, r, errInvalidRequest)
		return
	}
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "text/xml" && t != "application/xml" {
		d.writeError(w, r, errInvalidRequest)
		return
	}
	req, err := parseRequest(r.Body)
	if err != nil {
		d.writeError(w, r, errInvalidRequest)
		return
	}
	if req.Schema != nsOutlookResponse && req.Schema != nsMobileSyncResponse {
		d.writeError(w, r, errNoProvider)
		return
	}
	to, err := d.find(r, req)
	if err != nil {
		d.log.Error("autodiscover failed", "request", r.ID, "error", err)
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if req.Schema == nsMobileSyncResponse {
		writeXML(w, mobileSync(r, to))
		return
	}
	switch {
	case to.person != nil:
		mapped, err := d.mapped(r, to.person)
		if err != nil {
			d.log.Error("mapped mailboxes", "request", r.ID, "error", err) // the own one is what counts
		}
		writeXML(w, outlook(r, to.person, mapped))
	case to != destination{}:
		writeXML(w, redirected(to))
	default:
		d.writeError(w, r, errNoSuchAddress)
	}
}

// poxError is an error of the provider that every schema shares, or of the Outlook one.
type poxError struct {
	code    int
	message string
	space   string // namespace of the Response element
}

// The error codes that Exchange answers with (MS-OXDSCLI leaves the numbers open).
var (
	errInvalidRequest = poxError{600, "Invalid Request", nsResponse}
	errNoProvider     = poxError{601, "Provider is not available", nsResponse}
	errNoSuchAddress  = poxError{500, "The email address can't be found.", nsOutlookResponse}
)

type errorDocument struct {
	XMLName  xml.Name `xml:"Autodiscover"`
	Space    string   `xml:"xmlns,attr"`
	Response errorResponse
}

type errorResponse struct {
	Space string `xml:"xmlns,attr,omitempty"`
	Error struct {
		Time      string `xml:"Time,attr"`
		ID        string `xml:"Id,attr"`
		ErrorCode int
		Message   string
		DebugData string
	}
}

func (d *Door) writeError(w http.ResponseWriter, r *clientaccess.Request, e poxError) {
	r.Record.Reason = strings.ToLower(e.message)
	doc := errorDocument{Space: nsResponse}
	if e.space != nsResponse {
		doc.Response.Space = e.space
	}
	out := &doc.Response.Error
	out.Time = d.now().UTC().Format("15:04:05.0000000")
	// The id tells which server answered, without its name.
	out.ID = strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(r.Snapshot.Server.Name))), 10)
	out.ErrorCode, out.Message = e.code, e.message
	writeXML(w, doc)
}

func writeXML(w http.ResponseWriter, doc any) {
	text, err := xml.MarshalIndent(doc, "", "  ")
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	io.WriteString(w, xml.Header)
	w.Write(text)
}
