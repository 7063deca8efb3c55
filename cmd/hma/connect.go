package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"hma/client/mail"
	"hma/lab"
)

func (a *app) connect() *cobra.Command {
	var upn, flow string
	cmd := &cobra.Command{
		Use: "connect [UPN]", Short: "Sign in as a mail client does and print the Connection Status table", GroupID: "client",
		Long: `Does what Outlook does with an address: asks Autodiscover, probes every door that
it names, signs in where the challenge says (or with a password where no token is
asked for: by Negotiate, NTLM, the form of OWA and ECP, or Basic), and prints how
each connection was authenticated. Exit code 1 when a door refuses.`,
		Example: "  hma connect\n  hma connect bjorn@contoso.com\n  hma connect --flow device\n  hma connect --json | jq -r '.connections[].authn'",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if flow != "browser" && flow != "device" {
				return usage("--flow %s: want browser or device", flow)
			}
			r, err := a.running()
			if err != nil {
				return err
			}
			if len(args) == 1 {
				upn = args[0]
			}
			user, err := r.user(upn)
			if err != nil {
				return err
			}
			show := func(message string) { fmt.Fprintln(a.err, strings.Map(printable, message)) }
			if flow == "browser" {
				show = nil
			}
			connections, _, err := r.connections(cmd.Context(), user, show)
			if err != nil {
				return signInExit(err)
			}
			if a.json {
				err = printJSON(a.out, map[string]any{"version": 1, "connections": connections})
			} else {
				a.view.showConnections(connections)
			}
			if err != nil {
				return err
			}
			for _, c := range connections {
				if c.Refused {
					return exit{exitFound, nil}
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&flow, "flow", "browser", "`how` to sign in: browser (types the lab's password for you) or device")
	return cmd
}

// connections signs the user in as a mail client and connects to every door. It
// signs in once: for other resources the refresh token is traded. show is given
// the sentence of a device code; nil signs in by authorization code. Tokens are
// returned by resource.
func (r *running) connections(ctx context.Context, u lab.User, show func(string)) ([]mail.Connection, map[string]string, error) {
	tokens := map[string]string{}
	refresh := ""
	source := func(ctx context.Context, authorizationURI, resource string) (string, error) {
		if token := tokens[resource]; token != "" {
			return token, nil
		}
		authority, err := mail.AuthorityFrom(authorizationURI, r.tenantOf(u), r.Clients[0].ID, r.Clients[0].Redirect)
		if err != nil {
			return "", err
		}
		var t mail.Token
		switch {
		case refresh != "":
			t, err = r.mail.Refresh(ctx, authority, resource, refresh)
		case show != nil:
			t, err = r.mail.DeviceCode(ctx, authority, resource, show)
		default:
			t, err = r.mail.Code(ctx, authority, resource, u.UPN, r.browser(u).Redirected)
		}
		if err != nil {
			return "", err
		}
		tokens[resource], refresh = t.Access, t.Refresh
		return t.Access, nil
	}
	// The lab's Autodiscover host is no registered name at first, so a client of the
	// lab begins at the server itself, as one inside the network does by the SCP.
	host, err := url.Parse(r.Servers[0].URL)
	if err != nil {
		return nil, nil, unreachable(err)
	}
	connections, err := r.mail.Connect(ctx, mail.ConnectOptions{Address: u.UPN, Host: host.Host, Tokens: source, Password: u.Password})
	return connections, tokens, err
}

func (v *view) showConnections(list []mail.Connection) {
	var rows [][]string
	for _, c := range list {
		status := styleGood.Render(c.Status)
		if c.Refused {
			status = styleBad.Render(c.Status)
		}
		how := "-"
		if c.AuthN != "" {
			how = authn(c.AuthN)
		}
		rows = append(rows, []string{c.SMTP, how, string(c.Protocol), c.Server, status})
	}
	v.table([]string{"SMTP address", "AuthN", "Protocol", "Server", "Status"}, rows)
}

// port is the port of a URL.
func port(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	if u.Port() == "" {
		return "443"
	}
	return u.Port()
}

var errNoInbox = errors.New("the client found no EWS door to read the inbox at")

// inbox reads the newest messages over EWS with the token that the client was given.
func (r *running) inbox(ctx context.Context, list []mail.Connection, tokens map[string]string, n int) ([]mail.Message, error) {
	for _, c := range list {
		if c.Protocol != mail.EWS || len(c.Handshakes) == 0 {
			continue
		}
		door := c.Handshakes[0].Door
		if token := tokens[door.Resource()]; token != "" {
			return r.mail.Inbox(ctx, door, token, n)
		}
	}
	return nil, errNoInbox
}
