package procedure

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"

	"hma/client/mail"
)

// verdict is what a Row says, without the bytes.
type verdict struct {
	Server   string        `json:"server"`
	Protocol mail.Protocol `json:"protocol"`
	After    string        `json:"after"`
	Sent     string        `json:"sent"`
	Problems []string      `json:"problems,omitempty"`
	Notes    []string      `json:"notes,omitempty"`
}

// What verification says of OWA and ECP that do a sign-in wrong.
func TestVerifyBrowserDoors(t *testing.T) {
	answers := func(status int, accepted bool) func(*organisation, *Procedure) {
		return func(o *organisation, _ *Procedure) {
			o.forge = func(h *mail.Handshake) { h.Status, h.Accepted = status, accepted }
		}
	}
	browser := func(b mail.Browser) func(*organisation, *Procedure) {
		return func(_ *organisation, p *Procedure) { p.o.SignIn.Browser = b }
	}
	all := map[string][]verdict{}
	for _, tc := range []struct {
		name   string
		passed bool
		spoil  func(*organisation, *Procedure)
	}{
		{"as it should be", true, func(*organisation, *Procedure) {}},
		{"no browser was given", true, browser(nil)},
		{"a forged answer is taken", false, answers(303, true)},
		{"a forged answer is answered with a page", false, answers(200, false)},
		{"a forged answer is answered with an error of the server", false, answers(500, false)},
		{"the cloud refuses the user", false, browser(func(context.Context, string) (mail.Form, error) { return mail.Form{}, errors.New("AADSTS50126") })},
		{"the door refuses the user", false, browser(func(context.Context, string) (mail.Form, error) {
			return mail.Form{Values: url.Values{"id_token": {"id token of another"}}}, nil
		})},
		{"the user is sent elsewhere", false, func(o *organisation, p *Procedure) {
			o.cloud = "https://evil.example/common/oauth2/authorize"
			p.o.SignIn.Browser = func(context.Context, string) (mail.Form, error) {
				t.Error("the browser went where the door sent it, which is not the cloud")
				return mail.Form{}, nil
			}
		}},
	} {
		o := newOrganisation()
		p := engine(t, o, t.TempDir())
		if _, err := p.Apply(t.Context(), plan(t, p)); err != nil {
			t.Fatal(err)
		}
		tc.spoil(o, p)
		v, err := p.Verify(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if v.Passed != tc.passed {
			t.Errorf("%s: passed is %v", tc.name, v.Passed)
		}
		for _, r := range v.Rows {
			if !r.Protocol.Browser() {
				if len(r.Problems)+len(r.Notes) > 0 {
					t.Errorf("%s: %s %v %v", tc.name, r.Protocol, r.Problems, r.Notes)
				}
				continue
			}
			if i := slices.IndexFunc(r.Handshakes, func(h mail.Handshake) bool { return h.Door.Server != r.Server }); i >= 0 {
				t.Errorf("%s: a handshake of another server in the row of %s", tc.name, r.Server)
			}
			if r.Server != "EX1" {
				continue
			}
			said := verdict{Server: r.Server, Protocol: r.Protocol, After: r.After, Problems: r.Problems, Notes: r.Notes}
			var sent []string
			for _, h := range r.Handshakes {
				sent = append(sent, h.Sent)
			}
			said.Sent = strings.Join(sent, ", ")
			all[tc.name] = append(all[tc.name], said)
		}
	}
	golden(t, "verify.json", all)
}
