package sts

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"hma/entra"
	"hma/wire/aadsts"
)

// deviceResponse is RFC 8628 3.2, with v1's spelling beside it: libraries tolerate both.
type deviceResponse struct {
	UserCode        string `json:"user_code"`
	DeviceCode      string `json:"device_code"`
	VerificationURI string `json:"verification_uri"`
	VerificationURL string `json:"verification_url"`
	ExpiresIn       any    `json:"expires_in"`
	Interval        any    `json:"interval"`
	Message         string `json:"message"`
}

const devicePath = "/common/oauth2/deviceauth"

// serveDeviceCode gives a device its code and the one that the person types (RFC 8628 3.1).
func (s *service) serveDeviceCode(w http.ResponseWriter, r *http.Request, v version) {
	if allowScript(w, r) {
		return
	}
	var p params
	out, err := func() (*deviceResponse, error) {
		var err error
		switch r.Method {
		case http.MethodPost:
			p, err = form(w, r)
		case http.MethodGet:
			p, err = query(r) // the v1 endpoint has always taken both
			if v == v2 {
				err = refuse(aadsts.MethodNotAllowed, http.MethodPost)
			}
		default:
			err = refuse(aadsts.MethodNotAllowed, http.MethodPost)
		}
		if err != nil {
			return nil, err
		}
		return s.issueDevice(r, v, p)
	}()
	t := newTrace(r, p)
	t.header(w, r)
	if err != nil {
		writeError(w, s.describe(t, s.refusal(r.Context(), t, err)), s.origin)
		return
	}
	writeJSON(w, http.StatusOK, out)
}

func (s *service) issueDevice(r *http.Request, v version, p params) (*deviceResponse, error) {
	req, err := s.parseToken(r, v, p)
	if err != nil {
		return nil, err
	}
	scopes, named, err := req.wanted("", "")
	if err != nil {
		return nil, err
	}
	asked, err := parseWish(v, scopes, named)
	if err != nil {
		return nil, err
	}
	switch {
	case v == v1 && named == "":
		return nil, refuse(aadsts.ParameterMissing, "resource")
	case v == v2 && scopes == "":
		return nil, refuse(aadsts.ParameterMissing, "scope")
	case asked.several:
		return nil, refuse(aadsts.SeveralResources)
	}
	if err := req.known(); err != nil {
		return nil, err
	}
	dev := entra.Device{AppID: strings.ToLower(req.clientID), Scopes: scopes, Resource: named}
	if t := req.authority.tenant; t != nil {
		dev.Tenant = t.ID
		if _, err := findClient(t, req.clientID); err != nil {
			return nil, err
		}
		if asked.resource != "" {
			if _, err := resource(t, asked.resource); err != nil {
				return nil, err
			}
		}
	}
	device, user, err := s.dir.IssueDeviceCode(r.Context(), dev)
	if err != nil {
		return nil, err
	}
	uri := s.origin + devicePath
	out := &deviceResponse{UserCode: user, DeviceCode: device, VerificationURI: uri, VerificationURL: uri,
		ExpiresIn: int64(entra.DeviceLife / time.Second), Interval: int64(entra.DeviceInterval / time.Second),
		Message: "To sign in, use a web browser to open the page " + uri + " and enter the code " + user + " to authenticate."}
	if v == v1 {
		out.ExpiresIn, out.Interval = strconv.FormatInt(out.ExpiresIn.(int64), 10), strconv.FormatInt(out.Interval.(int64), 10)
	}
	return out, nil
}

// serveDeviceAuth is where the person types the code, signs in, and is asked once more.
func (s *service) serveDeviceAuth(w http.ResponseWriter, r *http.Request) {
	enter := func(code aadsts.Code, typed string) {
		page := DevicePage{Step: DeviceEnterCode, Action: devicePath, UserCode: clip(typed), Error: code, Status: http.StatusOK}
		if code != 0 {
			entry, _ := aadsts.Lookup(code)
			page.ErrorText = entry.Describe()
		}
		newTrace(r, nil).header(w, r)
		s.pages.ServeDevice(w, r, page)
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		enter(0, "")
		return
	case http.MethodPost:
	default:
		s.showError(w, r, refuse(aadsts.MethodNotAllowed, "GET and POST"), "")
		return
	}
	if err := s.cross.Check(r); err != nil {
		s.showError(w, r, refuse(aadsts.RequestMalformed, "the form was sent from another site"), "")
		return
	}
	p, err := form(w, r)
	if err != nil {
		s.showError(w, r, err, "")
		return
	}
	if p[FieldFlow] != "" {
		s.decideDevice(w, r, p)
		return
	}
	dev, err := s.dir.DeviceByUserCode(r.Context(), p[FieldUserCode])
	switch {
	case errors.Is(err, entra.ErrCodeExpired):
		enter(aadsts.UserCodeExpired, p[FieldUserCode])
		return
	case errors.Is(err, entra.ErrCodeUnknown):
		enter(aadsts.DeviceCodeInvalid, p[FieldUserCode])
		return
	case err != nil:
		s.showError(w, r, err, "")
		return
	}
	snapshot, err := s.dir.Snapshot(r.Context())
	if err != nil {
		s.showError(w, r, err, "")
		return
	}
	a := authority{segment: "organizations"}
	if dev.Tenant != "" {
		a = authority{segment: dev.Tenant, tenant: snapshot.Tenant(dev.Tenant)}
	}
	v := v2
	if dev.Resource != "" {
		v = v1
	}
	req := &authorizeRequest{Version: v, Segment: a.segment, ClientID: dev.AppID, Code: true, Scopes: dev.Scopes, Resource: dev.Resource, UserCode: p[FieldUserCode], Begun: s.now(), Correlation: newTrace(r, nil).correlation}
	for _, t := range a.candidates(snapshot) {
		if client, ok := t.Client(dev.AppID); ok {
			req.ClientName = client.DisplayName
			break
		}
	}
	s.signIn(w, r, req, a)
}

// confirmDevice asks the signed-in person whether the device may go on: a code
// could have come from somebody else's device.
func (s *service) confirmDevice(w http.ResponseWriter, r *http.Request, req *authorizeRequest, user *entra.User) {
	bindBrowser(w, r, req)
	flow, err := s.sealFlow(req)
	if err != nil {
		s.showError(w, r, err, req.ClientName)
		return
	}
	newTrace(r, nil).header(w, r)
	s.pages.ServeDevice(w, r, DevicePage{Step: DeviceConfirm, Action: devicePath, Flow: flow, ClientName: req.ClientName, Username: user.UPN, Status: http.StatusOK})
}

func (s *service) decideDevice(w http.ResponseWriter, r *http.Request, p params) {
	req, err := s.openFlow(r, p[FieldFlow])
	if err != nil {
		s.showError(w, r, err, "")
		return
	}
	session, user := s.session(r)
	if req.UserCode == "" || user == nil {
		s.showError(w, r, refuse(aadsts.SessionMissing), req.ClientName)
		return
	}
	snapshot, err := s.dir.Snapshot(r.Context())
	if err != nil {
		s.showError(w, r, err, req.ClientName)
		return
	}
	if own := snapshot.Tenant(req.Segment); own != nil && own.ID != user.Tenant {
		s.showError(w, r, refuse(aadsts.UserFromOtherTenant, user.UPN, own.DisplayName), req.ClientName)
		return
	}
	allowed := p[FieldDo] == DoContinue
	if tenant, client, err := admit(snapshot, req, user); allowed && err == nil && s.askConsent(w, r, req, tenant, client, user) {
		return
	}
	s.finishDevice(w, r, req, session, allowed)
}

// finishDevice lets the device go on or not, and says so.
func (s *service) finishDevice(w http.ResponseWriter, r *http.Request, req *authorizeRequest, signIn entra.SignIn, allowed bool) {
	kind := DoneDeviceRefused
	if allowed {
		kind = DoneDeviceAllowed
	}
	err := s.dir.DecideDevice(r.Context(), req.UserCode, allowed, signIn)
	if errors.Is(err, entra.ErrCodeUnknown) {
		err = refuse(aadsts.DeviceCodeInvalid)
	}
	if err != nil {
		s.showError(w, r, err, req.ClientName)
		return
	}
	newTrace(r, nil).header(w, r)
	s.pages.ServeDone(w, r, DonePage{Kind: kind, ClientName: req.ClientName, Status: http.StatusOK})
}
