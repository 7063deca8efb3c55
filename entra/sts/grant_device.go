package sts

import (
	"context"
	"errors"
	"strings"

	"hma/entra"
	"hma/wire/aadsts"
)

// grantDeviceCode answers a device that polls (RFC 8628 3.4, 3.5). Clients
// send the code as device_code, as code, or as both.
func (s *service) grantDeviceCode(ctx context.Context, req *tokenRequest) (*tokenResponse, error) {
	code := first(req.params["device_code"], req.params["code"])
	if code == "" {
		return nil, refuse(aadsts.ParameterMissing, "device_code")
	}
	if err := req.known(); err != nil {
		return nil, err
	}
	if err := checkOrigin(req.origin, false); err != nil {
		return nil, err
	}
	var g grantee
	var asked wish
	var t target
	var scopes, resource string
	_, _, _, err := s.dir.PollDevice(ctx, code, func(d *entra.Device, signIn entra.SignIn, u *entra.User) error {
		if !strings.EqualFold(d.AppID, req.clientID) {
			return refuse(aadsts.DeviceCodeInvalid)
		}
		var err error
		if scopes, resource, err = req.wanted(d.Scopes, d.Resource); err != nil {
			return err
		}
		if req.version == v2 {
			scopes = d.Scopes // what the person saw is what is given
		}
		g, asked, t, err = req.delegated(s, signIn, u, scopes, resource)
		return err
	})
	switch {
	case errors.Is(err, entra.ErrPending):
		return nil, refuse(aadsts.AuthorizationPending)
	case errors.Is(err, entra.ErrSlowDown):
		return nil, &Error{Code: aadsts.AuthorizationPending, word: "slow_down"}
	case errors.Is(err, entra.ErrDeclined):
		return nil, refuse(aadsts.DeviceDeclined)
	case errors.Is(err, entra.ErrCodeExpired):
		return nil, refuse(aadsts.DeviceCodeExpired)
	case errors.Is(err, entra.ErrCodeUnknown), errors.Is(err, entra.ErrCodeRedeemed):
		return nil, refuse(aadsts.DeviceCodeInvalid)
	case err != nil:
		return nil, err
	}
	refresh, err := s.maybeRefresh(ctx, req, g, asked, scopes, resource)
	if err != nil {
		return nil, err
	}
	answer, err := s.complete(req, g, asked, t, "")
	if err != nil {
		return nil, err
	}
	return answer.renewable(refresh, g.client), nil
}
