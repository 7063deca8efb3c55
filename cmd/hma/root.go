package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// defaultData is where a lab lies unless --data says otherwise.
const defaultData = "./hma-data"

// app is what every command needs: streams, common flags, the view.
type app struct {
	stdio
	view *view

	data    string
	json    bool
	yes     bool
	verbose bool

	// cloud are the flags with which this command reaches a cloud, for commands that it tells to type.
	cloud string
}

// run parses args, runs one command and returns the process's exit code.
func run(ctx context.Context, args []string, io stdio) int {
	a := &app{stdio: io, view: newView(io.out, io.env)}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(io.in)
	root.SetOut(io.out)
	root.SetErr(io.err)
	err := root.ExecuteContext(ctx)
	a.view.clear()
	// A flag error comes before --json is parsed: look for it as it stands.
	return report(io, a.json || slices.Contains(args, "--json"), err)
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "hma",
		Short: "Cloud sign-in for on-premises mail (Hybrid Modern Authentication)",
		Long: `hma gives on-premises mail cloud sign-in: mailboxes stay on your servers, every
sign-in is an OAuth token from the cloud. It carries out the Hybrid Modern
Authentication how-to with a way back, on an embedded lab organisation.`,
		Example:       "  hma demo            see the main job from beginning to end\n  hma up              start a lab, then in another terminal:\n  hma check           what stands in the way\n  hma enable          turn it on",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          usageArgs(cobra.NoArgs),
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	flags := root.PersistentFlags()
	flags.StringVar(&a.data, "data", defaultData, "data `directory` of the lab")
	flags.BoolVar(&a.json, "json", false, "print JSON")
	flags.BoolVarP(&a.yes, "yes", "y", false, "do not ask")
	flags.BoolVarP(&a.verbose, "verbose", "v", false, "log to standard error")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage("%w (see %s --help)", err, cmd.CommandPath())
	})
	root.AddGroup(
		&cobra.Group{ID: "lab", Title: "The lab:"},
		&cobra.Group{ID: "procedure", Title: "The procedure:"},
		&cobra.Group{ID: "client", Title: "As a client:"},
	)
	cobra.EnableCommandSorting = false
	root.AddCommand(a.commands()...)
	root.SetHelpCommand(help(root))
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		finish(c)
	}
	return root
}

// help is the command of that name: cobra's own exits 0 for a command that does not exist.
func help(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "Help about any command", Example: "  hma help mailbox import",
		Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			c, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return usage("help: no command %s (see hma --help)", strings.Join(args, " "))
			}
			return c.Help()
		},
	}
}

// finish gives a command and those below it what all have: wrong arguments are
// wrong usage, and help shows an example (cobra's completion commands have none).
func finish(c *cobra.Command) {
	c.Args = usageArgs(c.Args)
	if c.Example == "" && !c.HasSubCommands() {
		c.Example = "  " + c.CommandPath()
	}
	for _, below := range c.Commands() {
		finish(below)
		if c.Example == "" {
			c.Example = below.Example
		}
	}
}

// usageArgs makes a wrong number of arguments exit like any other wrong usage.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	if check == nil {
		check = cobra.NoArgs
	}
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			if want := strings.TrimSpace(strings.TrimPrefix(cmd.Use, cmd.Name())); want != "" {
				err = fmt.Errorf("%s wants %s, and got %s", cmd.CommandPath(), want, count(len(args), "argument"))
			}
			return usage("%w (see %s --help)", err, cmd.CommandPath())
		}
		return nil
	}
}

// log returns the logger of the process: silent unless --verbose.
func (a *app) log() *slog.Logger {
	if !a.verbose {
		return slog.New(slog.DiscardHandler)
	}
	o := &slog.HandlerOptions{Level: slog.LevelDebug}
	if a.json {
		return slog.New(slog.NewJSONHandler(a.err, o))
	}
	return slog.New(slog.NewTextHandler(a.err, o))
}
