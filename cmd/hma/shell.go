package main

import (
	"errors"
	"io"
	"os"
	"slices"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"hma/shell"
)

// maxScript is the largest text that the shell reads.
const maxScript = 1 << 20

func (a *app) shellCommand() *cobra.Command {
	var text string
	var at remote
	cmd := &cobra.Command{
		Use:     "shell [-c TEXT] [FILE]",
		Short:   "Run management shell commands against the lab",
		GroupID: "lab",
		Long: `Runs Exchange cmdlets against the running lab, in a part of PowerShell: pipelines,
variables, expressions, if and foreach, and the cmdlets that filter, sort and
show objects; Get-Command lists all. At a terminal it prompts, completes with the
tab key and keeps a history; exit or Ctrl-D leaves it. Otherwise the text comes from
-c, from FILE, or from standard input, and ends at its first error.
With --server it runs on another machine, over the Admin API of a mail server, for an
administrator who signs in at the cloud that this server trusts.`,
		Example: "  hma shell\n  hma shell -c 'Get-MapiVirtualDirectory | fl server,*url*,*auth*'\n  hma shell -c 'Get-AuthServer | ft name,enabled; Get-OrganizationConfig | fl OAuth*'\n  hma shell --server https://mail.contoso.com --device -c Get-ExchangeServer",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			interactive := false
			switch {
			case cmd.Flags().Changed("command"):
				if len(args) > 0 {
					return usage("shell: give -c TEXT or FILE, not both")
				}
			case len(args) == 1:
				f, err := os.Open(args[0])
				if err != nil {
					return usage("shell: %w", err)
				}
				defer f.Close()
				if text, err = readScript(f); err != nil {
					return err
				}
			case a.terminal() != nil && a.view.terminal && a.moves():
				interactive = true
			default:
				if f, ok := a.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
					return usage("shell: give -c TEXT, a FILE, or a script on standard input")
				}
				var err error
				if text, err = readScript(a.in); err != nil {
					return err
				}
			}
			client, lab, err := a.cmdlets(cmd.Context(), at)
			if err != nil {
				return err
			}
			clock := now
			if lab != nil {
				clock = lab.now
			}
			s := &shell.Session{Client: client, Now: clock, Out: a.view.w, Err: &tinted{colorprofile.NewWriter(a.err, a.env)}, Ask: a.prompter(), Graph: a.graph(lab)}
			if a.view.terminal {
				s.Width = a.view.width
			}
			if interactive {
				return a.console(cmd.Context(), a.terminal(), s)
			}
			err = s.Run(cmd.Context(), text)
			if _, ok := errors.AsType[*shell.Failure](err); ok {
				return exit{exitFound, nil} // it has been shown with its place
			}
			if e, ok := errors.AsType[shell.Exit](err); ok {
				return exit{e.Code, nil}
			}
			if err != nil {
				return unreachable(err)
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&text, "command", "c", "", "statements to run")
	at.flags(cmd.Flags())
	return cmd
}

// moves tells whether the terminal can move its cursor, so that lines can be edited on it.
func (a *app) moves() bool {
	return !slices.Contains(a.env, "TERM=dumb") && slices.ContainsFunc(a.env, func(v string) bool { return strings.HasPrefix(v, "TERM=") })
}

func readScript(r io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxScript+1))
	if err != nil {
		return "", usage("shell: %w", err)
	}
	if len(text) > maxScript {
		return "", usage("shell: the script is larger than %d bytes", maxScript)
	}
	return string(text), nil
}

// tinted gives what the shell says beside its output the colours of PowerShell's console: each write is one message.
type tinted struct{ w io.Writer }

func (t *tinted) Write(message []byte) (int, error) {
	text := string(message)
	style := styleBad
	switch {
	case strings.HasPrefix(text, "WARNING: "), strings.HasPrefix(text, "VERBOSE: "):
		style = styleWarn
	case strings.HasPrefix(text, "\ncmdlet "): // the question for a parameter
		style = lipgloss.NewStyle()
	}
	lines := strings.SplitAfter(text, "\n")
	for i, line := range lines {
		if shown := strings.TrimSuffix(line, "\n"); shown != "" {
			lines[i] = style.Render(shown) + line[len(shown):]
		}
	}
	if _, err := io.WriteString(t.w, strings.Join(lines, "")); err != nil {
		return 0, err
	}
	return len(message), nil
}
