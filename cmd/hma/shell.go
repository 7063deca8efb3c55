package main

import (
	"errors"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"hma/shell"
)

// maxScript is the largest text that the shell reads.
const maxScript = 1 << 20

func (a *app) shellCommand() *cobra.Command {
	var text string
	cmd := &cobra.Command{
		Use:     "shell [-c TEXT] [FILE]",
		Short:   "Run management shell commands against the lab",
		GroupID: "lab",
		Long: `Runs Exchange cmdlets against the running lab, in a part of PowerShell: pipelines,
variables, expressions, if and foreach, and the cmdlets that filter, sort and
show objects; Get-Command lists all. The text comes from -c, from FILE, or from
standard input, and ends at its first error.`,
		Example: "  hma shell -c 'Get-MapiVirtualDirectory | fl server,*url*,*auth*'\n  hma shell -c 'Get-AuthServer | ft name,enabled; Get-OrganizationConfig | fl OAuth*'",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
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
			default:
				if f, ok := a.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
					return usage("shell: give -c TEXT, a FILE, or a script on standard input")
				}
				var err error
				if text, err = readScript(a.in); err != nil {
					return err
				}
			}
			lab, err := a.running()
			if err != nil {
				return err
			}
			width := 0
			if a.view.terminal {
				width = a.view.width
			}
			err = shell.Run(cmd.Context(), text, shell.Session{Client: lab.admin, Out: a.view.w, Err: a.err, Width: width, Ask: a.prompter()})
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
	return cmd
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
