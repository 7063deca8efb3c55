package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"hma/client/mail"
	"hma/lab"
)

func (a *app) token() *cobra.Command {
	var upn, resource string
	var bad lab.Spoil
	var unsigned bool
	cmd := &cobra.Command{
		Use: "token", Short: "Print a token of the lab: a good one, or one with a chosen fault", GroupID: "client",
		Long: `Signs a user of the lab in and prints an access token for a resource, good for
every protocol. The faults are for testing what must be refused: everything else
about such a token is right, and it is signed with the cloud's own key.`,
		Example: "  hma token\n  hma token --user bjorn@contoso.com --resource https://mail.contoso.com\n  hma token --expired\n  hma token --audience https://other.example\n  hma token --unsigned",
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := a.running()
			if err != nil {
				return err
			}
			user, err := r.user(upn)
			if err != nil {
				return err
			}
			if resource == "" {
				resource = r.Servers[0].URL
			}
			tok, err := r.mail.Password(cmd.Context(), r.authorityOf(user), resource, user.UPN, user.Password)
			if err != nil {
				return signInExit(err)
			}
			text := tok.Access
			if bad.Expired || bad.Audience != "" {
				bad.Token = text
				var out lab.Spoiled
				if err := r.ask(cmd.Context(), "token", http.MethodPost, lab.SpoilPath, bad, &out); err != nil {
					return err
				}
				text = out.Token
			}
			if unsigned {
				text = unsign(text)
			}
			if a.json {
				return printJSON(a.out, map[string]any{"version": 1, "token": text, "user": user.UPN, "resource": resource})
			}
			fmt.Fprintln(a.out, text)
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&upn, "user", "", "`UPN` of a lab user (default: the first)")
	flags.StringVar(&resource, "resource", "", "`URL` that the token is for (default: the first server)")
	flags.BoolVar(&bad.Expired, "expired", false, "expired an hour ago")
	flags.StringVar(&bad.Audience, "audience", "", "with this `aud`, registered or not")
	flags.BoolVar(&unsigned, "unsigned", false, "with alg none and no signature")
	return cmd
}

// unsign takes the signature from a token and says so in its header (RFC 7515 A.5).
func unsign(token string) string {
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"typ":"JWT","alg":"none"}`))
	parts := strings.Split(token, ".")
	return header + "." + parts[1] + "."
}

// signInExit: the cloud said no (1), or could not be asked (3).
func signInExit(err error) error {
	if _, refused := errors.AsType[*mail.SignInError](err); refused {
		return exit{exitFound, err}
	}
	return unreachable(err)
}
