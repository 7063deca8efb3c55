package mail

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"

	"hma/wire/bearer"
)

// Offer sends the door a request with an empty bearer token, which alone says
// that the client can do modern authentication; user goes along as
// X-User-Identity. At OWA and ECP it does what a browser does: it follows
// redirects to the cloud's sign-in page or to the door's own, and carries nothing.
func (c *Client) Offer(ctx context.Context, d Door, user string) Handshake {
	if d.Protocol.Browser() {
		return c.browse(ctx, d, "")
	}
	return c.shake(ctx, d, user, SentEmptyBearer, "Bearer")
}

// Present sends a small request of the door's protocol with the credential.
func (c *Client) Present(ctx context.Context, d Door, cred Credential) Handshake {
	if cred.Token == "" {
		return c.presentPassword(ctx, d, cred)
	}
	authorization := "Bearer " + cred.Token
	if d.Protocol.Browser() {
		h := c.browse(ctx, d, authorization)
		h.Sent = SentToken
		return h
	}
	return c.shake(ctx, d, cred.User, SentToken, authorization)
}

// Ask sends a small request of the door's protocol with a value of Authorization as
// it stands, "" for none, and follows no redirect. It judges nothing: any answer but 401, 403 and 5xx is Accepted.
// OWA and ECP are asked by Offer.
func (c *Client) Ask(ctx context.Context, d Door, user, authorization string) Handshake {
	scheme, secret, _ := strings.Cut(authorization, " ")
	sent := SentToken
	switch {
	case scheme == "":
		sent = SentNothing
	case secret == "":
		sent = SentEmptyBearer
	}
	h := c.exchange(ctx, d, user, sent, authorization)
	h.Accepted = h.Status != 0 && taken(h.Status)
	return h
}

func (c *Client) shake(ctx context.Context, d Door, user, sent, authorization string) Handshake {
	h := c.exchange(ctx, d, user, sent, authorization)
	if h.Status == 0 {
		return h
	}
	switch h.take(h.Status); {
	case h.Accepted && sent == SentToken:
		h.AuthN = AuthNBearer
	case h.Accepted && sent == SentPassword:
		h.AuthN = AuthNBasic
	case h.Accepted:
		h.Accepted, h.Problem = false, fmt.Sprintf("answers an empty bearer token with %d", h.Status)
	}
	return h
}

// exchange is one request and its answer; without an answer there is a Problem and no Status.
func (c *Client) exchange(ctx context.Context, d Door, user, sent, authorization string) Handshake {
	h := Handshake{Door: d, Sent: sent}
	req, body, err := request(ctx, d, user)
	if err != nil {
		h.Problem = err.Error()
		return h
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	if user != "" {
		req.Header.Set("X-User-Identity", user)
	}
	h.Request = rawRequest(req, body)
	resp, answer, err := fetch(c.at(d.Address), req)
	if err != nil {
		h.Problem = err.Error()
		return h
	}
	h.read(resp, answer)
	h.Redirect = cutURL(resp.Header.Get("Location"))
	return h
}

// take tells by the status whether the door took the credential.
func (h *Handshake) take(status int) {
	h.Accepted = taken(status)
	if status >= 500 {
		h.Problem = fmt.Sprintf("answers %d", status)
	}
}

func taken(status int) bool {
	return status != http.StatusUnauthorized && status != http.StatusForbidden && status < 500
}

// Body is the body of the last answer, as it came. It is not part of the JSON.
func (h Handshake) Body() []byte { return h.body }

// read takes the answer's challenges and bytes into the handshake.
func (h *Handshake) read(resp *http.Response, body []byte) {
	h.Status, h.body = resp.StatusCode, body
	h.Response = rawResponse(resp, body)
	h.Diagnostics = resp.Header.Get(bearer.DiagnosticsHeader)
	h.Challenges = resp.Header.Values("WWW-Authenticate")
	schemes := bearer.Parse(h.Challenges)
	h.Offered, h.AuthorizationURI = nil, ""
	var usable []string
	for _, s := range schemes {
		h.Offered = append(h.Offered, s.Name)
		if !strings.EqualFold(s.Name, "Bearer") {
			usable = append(usable, s.Name)
			continue
		}
		if uri := s.Challenge().AuthorizationURI; uri != "" {
			h.AuthorizationURI = uri
			usable = append(usable, s.Name)
		}
	}
	h.AuthN = strings.Join(usable, ", ")
}

// browse opens the door as a browser does. A credential goes only to the door's own origin.
func (c *Client) browse(ctx context.Context, d Door, authorization string) Handshake {
	h := Handshake{Door: d, Sent: SentNothing}
	v, err := c.visit(d, authorization)
	if err != nil {
		h.Problem = err.Error()
		return h
	}
	v.follow(ctx, v.start, &h, true)
	switch {
	case h.logon != nil: // a page, but one that asks for a password
		h.Accepted, h.Offered, h.AuthN = false, []string{schemeForms}, AuthNForms
	case h.Accepted && authorization != "":
		h.AuthN = AuthNBasic
	}
	return h
}

// request is a small request of the door's protocol.
func request(ctx context.Context, d Door, user string) (*http.Request, []byte, error) {
	method, target, body, header := http.MethodGet, d.URL, []byte(nil), map[string]string{}
	base := strings.TrimSuffix(d.URL, "/")
	switch d.Protocol {
	case EWS:
		method, body = http.MethodPost, []byte(getInbox)
		header["Content-Type"] = "text/xml; charset=utf-8"
	case MAPI:
		// PING, MS-OXCMAPIHTTP 2.2.6: is the endpoint there, and does it let us in.
		method = http.MethodPost
		if !strings.Contains(strings.ToLower(base), "/emsmdb") {
			target = base + "/emsmdb/"
		}
		header["Content-Type"] = "application/mapi-http"
		header["X-RequestType"] = "PING"
		header["X-RequestId"] = "{5C4C3A19-6B1D-4B1F-9E44-2F6B6B6B7C11}:1"
		header["X-ClientInfo"] = "{5C4C3A19-6B1D-4B1F-9E44-2F6B6B6B7C11}:1"
		header["X-ClientApplication"] = "hma/1.0"
	case ActiveSync:
		method = http.MethodOptions
	case OAB:
		method = http.MethodHead
		if !strings.HasSuffix(strings.ToLower(base), ".xml") {
			target = base + "/oab.xml"
		}
	case Autodiscover:
		method, body = http.MethodPost, pox(user)
		header["Content-Type"] = "text/xml; charset=utf-8"
		header["X-MapiHttpCapability"] = "1"
		if strings.HasSuffix(strings.ToLower(base), ".svc") {
			body = getUserSettings(d.URL, user)
			header["SOAPAction"] = `"` + getUserSettingsAction + `"`
		}
	default:
		return nil, nil, fmt.Errorf("no request is known for %q", d.Protocol)
	}
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	if req.URL.Scheme != "https" {
		return nil, nil, fmt.Errorf("%s is no https URL", d.URL)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	req.Header.Set("User-Agent", "hma/1.0")
	return req, body, nil
}

// getInbox is EWS GetFolder of the inbox (MS-OXWSFOLD 3.1.4.6).
const getInbox = `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"` +
	` xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">` +
	`<s:Header><t:RequestServerVersion Version="Exchange2016"/></s:Header><s:Body><m:GetFolder><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape>` +
	`<m:FolderIds><t:DistinguishedFolderId Id="inbox"/></m:FolderIds></m:GetFolder></s:Body></s:Envelope>`

// getUserSettingsAction is the action of the SOAP form of Autodiscover (MS-OXWSADISC 3.1.4.1).
const getUserSettingsAction = "http://schemas.microsoft.com/exchange/2010/Autodiscover/Autodiscover/GetUserSettings"

// getUserSettings asks the SOAP form of Autodiscover for one setting.
func getUserSettings(to, address string) []byte {
	var b bytes.Buffer
	// A bytes.Buffer takes everything.
	escape := func(text string) { _ = xml.EscapeText(&b, []byte(text)) }
	b.WriteString(`<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:w="http://www.w3.org/2005/08/addressing"` +
		` xmlns:a="http://schemas.microsoft.com/exchange/2010/Autodiscover"><s:Header><a:RequestedServerVersion>Exchange2013</a:RequestedServerVersion><w:Action>` +
		getUserSettingsAction + `</w:Action><w:To>`)
	escape(to)
	b.WriteString(`</w:To></s:Header><s:Body><a:GetUserSettingsRequestMessage><a:Request><a:Users><a:User><a:Mailbox>`)
	escape(address)
	b.WriteString(`</a:Mailbox></a:User></a:Users><a:RequestedSettings><a:Setting>ExternalEwsUrl</a:Setting></a:RequestedSettings></a:Request>` +
		`</a:GetUserSettingsRequestMessage></s:Body></s:Envelope>`)
	return b.Bytes()
}

// pox is the plain XML Autodiscover request (MS-OXDSCLI 2.2.3).
func pox(address string) []byte {
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request><EMailAddress>`)
	// A bytes.Buffer takes everything.
	_ = xml.EscapeText(&b, []byte(address))
	b.WriteString(`</EMailAddress><AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>`)
	return b.Bytes()
}
