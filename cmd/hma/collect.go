package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"hma/hybrid/procedure"
	"hma/hybrid/target"
	"hma/hybrid/target/collect"
)

func (a *app) collect() *cobra.Command {
	cmd := &cobra.Command{
		Use: "collect", Short: "Print a read-only script that collects what a check reads", GroupID: "procedure", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Long: `Prints PowerShell that reads the settings of an organisation which hma cannot reach,
and writes them to a file for hma check --snapshot. It changes nothing. There are two
parts: exchange for a server's management shell, and graph for any machine with
Microsoft Graph PowerShell, once for each tenant.`,
		Example: "  hma collect exchange > collect-exchange.ps1\n  hma collect graph > collect-graph.ps1\n  hma check --snapshot exchange.json --snapshot graph.json",
	}
	for _, part := range []struct {
		name, short string
		script      func() string
	}{
		{"exchange", "Print the part for an Exchange Management Shell", collect.Exchange},
		{"graph", "Print the part for Microsoft Graph PowerShell", collect.Graph},
	} {
		cmd.AddCommand(&cobra.Command{
			Use: part.name, Short: part.short, Args: cobra.NoArgs,
			Long:    part.short + ". Run it there; it writes\n" + part.name + ".json into the current folder, for hma check --snapshot.",
			Example: fmt.Sprintf("  hma collect %[1]s > collect-%[1]s.ps1\n  hma shell collect-%[1]s.ps1    try it on a lab", part.name),
			RunE: func(*cobra.Command, []string) error {
				if a.json {
					return printJSON(a.out, map[string]any{"version": 1, "part": part.name, "script": part.script()})
				}
				_, err := io.WriteString(a.out, part.script())
				return err
			},
		})
	}
	cmd.AddCommand(a.pseudonyms())
	return cmd
}

// defaultKey is where the key of pseudonyms lies unless --key says otherwise.
const defaultKey = "pseudonyms.key"

func (a *app) pseudonyms() *cobra.Command {
	var keyFile string
	cmd := &cobra.Command{
		Use: "pseudonyms FILE...", Short: "Replace the names in collected files by stable pseudonyms", Args: cobra.MinimumNArgs(1),
		Long: `Writes each collected file anew, exchange.json as exchange.pseudonyms.json, with other
names of people, addresses, servers, domains and the organisation. A check finds the
same in it. The key makes the pseudonyms: under one key a name always becomes the
same one, and without it nobody can try names out. It is made where it is not there.`,
		Example: "  hma collect pseudonyms exchange.json graph.json\n  hma check --snapshot exchange.pseudonyms.json --snapshot graph.pseudonyms.json",
		RunE: func(_ *cobra.Command, names []string) error {
			key, err := pseudonymKey(keyFile)
			if err != nil {
				return err
			}
			var written []string
			for _, name := range names {
				f, err := os.Open(name)
				if err != nil {
					return usage("pseudonyms: %w", err)
				}
				text, err := target.Pseudonyms(f, key)
				f.Close()
				if err != nil {
					return usage("pseudonyms: %s: %w", name, err)
				}
				other := strings.TrimSuffix(name, ".json") + ".pseudonyms.json"
				if err := os.WriteFile(other, text, 0o600); err != nil {
					return unreachable(err)
				}
				written = append(written, other)
			}
			if a.json {
				return printJSON(a.out, map[string]any{"version": 1, "files": written})
			}
			for _, name := range written {
				a.view.printf("%s\n", name)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&keyFile, "key", defaultKey, "`FILE` with the key of the pseudonyms; keep it to yourself")
	return cmd
}

// keyLength is that of the key in octets.
const keyLength = 32

// pseudonymKey reads the key, or makes one for its owner alone.
func pseudonymKey(name string) ([]byte, error) {
	key, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		key = make([]byte, keyLength)
		rand.Read(key) // never fails
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return nil, unreachable(err)
		}
		_, err = f.Write(key)
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, unreachable(err)
		}
		return key, nil
	}
	if err != nil {
		return nil, usage("pseudonyms: %w", err)
	}
	if len(key) != keyLength {
		return nil, usage("pseudonyms: %s is no key: want %d octets", name, keyLength)
	}
	return key, nil
}

// collected returns the procedure over the organisation that collected files hold.
func collected(names []string, given target.GivenFiles) (*procedure.Procedure, error) {
	t, err := collectedTarget(names)
	if err != nil {
		return nil, err
	}
	t.Files = target.FirstOf{given, t.Files}
	return procedure.New(procedure.Options{Target: t, Now: now})
}

// collectedTarget reads the collected files of an organisation.
func collectedTarget(names []string) (target.Target, error) {
	var files []io.Reader
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return target.Target{}, usage("--snapshot: %w", err)
		}
		defer f.Close()
		files = append(files, f)
	}
	t, err := target.ReadSnapshot(files...)
	if err != nil {
		return target.Target{}, usage("--snapshot: %w", err)
	}
	return t, nil
}
