package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"hma/hybrid/procedure"
)

// maxExplain bounds what is read from standard input.
const maxExplain = 128 << 10

func (a *app) explain() *cobra.Command {
	var at string
	cmd := &cobra.Command{
		Use: "explain X", Short: "Explain a token, a challenge, a code, a rule or a Connection Status text", GroupID: "client",
		Long: `Says in plain words what X means and what to do: an access token (decoded, not
verified, and what each door would say to it), a WWW-Authenticate line, an
x-ms-diagnostics line or its code, an AADSTS code, the id of a rule of hma check, or
a text of Outlook's Connection Status window. "-" reads X from standard input.
Nothing is asked of anybody. What it does not know it says, with exit code 2.`,
		Example: "  hma explain AADSTS500011\n  hma explain 2000003\n  hma explain spn-list\n  hma explain 'Nego*'\n  hma token | hma explain -\n  hma explain --url https://mail.contoso.com eyJ0eXAi...",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			text := strings.Join(args, " ")
			if text == "-" {
				read, err := io.ReadAll(io.LimitReader(a.in, maxExplain))
				if err != nil {
					return usage("explain: %w", err)
				}
				text = string(read)
			}
			host := ""
			if at != "" {
				origin, err := serverOrigin("--url", at)
				if err != nil {
					return err
				}
				host = strings.TrimPrefix(origin, "https://")
			}
			x := procedure.Explain(text, host, a.clock())
			if a.json {
				if err := printJSON(a.out, x); err != nil {
					return err
				}
			} else if x.Kind != procedure.KindUnknown {
				a.view.showExplanation(x)
			}
			if x.Kind == procedure.KindUnknown {
				if a.json {
					return exit{exitUsage, nil}
				}
				return exit{exitUsage, errors.New(x.Meaning)}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&at, "url", "", "`URL` of the server whose doors a token is shown to (default: the one that it is for)")
	return cmd
}

func (v *view) showExplanation(x procedure.Explanation) {
	v.wrap(0, styleTitle.Render(x.Title))
	width := 0
	for _, l := range x.Lines {
		width = max(width, len(l.Name))
	}
	for _, l := range x.Lines {
		v.lead("  "+styleName.Render(fmt.Sprintf("%-*s", width, l.Name))+"  ", width+4, l.Value)
		if l.Meaning != "" {
			v.wrap(width+4, styleFaint.Render(l.Meaning))
		}
	}
	if x.Doors != nil {
		var rows [][]string
		for _, d := range x.Doors {
			verdict, why := styleGood.Render("passes"), ""
			if d.Refused {
				verdict, why = styleBad.Render(fmt.Sprint(int(d.Code))), d.Why
			}
			rows = append(rows, []string{string(d.Door), verdict, why})
		}
		door := "Door"
		if x.Server != "" {
			door += " of " + oneLine(x.Server)
		}
		v.table([]string{door, "Verdict", "Why"}, rows)
	}
	if x.Meaning != "" {
		v.wrap(0, x.Meaning)
	}
	if x.Fix != "" {
		v.wrap(0, styleTitle.Render("What to do:")+" "+x.Fix)
	}
}
