package shell

import (
	"fmt"
	"slices"
	"strings"

	"hma/wire/psobject"
)

func getHelp() *cmdlet {
	return &cmdlet{psobject.Command{Name: "Get-Help", Synopsis: "Describes a command and its parameters.",
		Params: []psobject.Parameter{needed(at(0, named("Name", "string"))), named("Full", "switch"), named("Detailed", "switch"), named("Parameter", "string")}}, func(c *call) (*stage, error) {
		return &stage{end: func() error {
			commands, err := c.described()
			if err != nil {
				return err
			}
			name := c.string("Name")
			if full, ok := aliases[strings.ToLower(name)]; ok {
				name = full
			}
			found := false
			for _, cmd := range commands {
				if !like(name, cmd.Name, false) {
					continue
				}
				found = true
				help := c.help(cmd)
				if strings.ContainsAny(name, "*?[") {
					help = fmt.Sprintf("%-40s %s\n", cmd.Name, clean(cmd.Synopsis))
				}
				if err := c.out(formatted(help)); err != nil {
					return err
				}
			}
			if !found {
				return c.complain(c.failed("ObjectNotFound", "HelpNotFoundException", "HelpNotFound", name, "Get-Help could not find %s: Get-Command names what there is.", name))
			}
			return nil
		}}, nil
	}}
}

// help is the page of one command, in the sections of PowerShell's.
func (c *call) help(cmd psobject.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nNAME\n    %s\n\nSYNOPSIS\n    %s\n\nSYNTAX\n", cmd.Name, cmd.Synopsis)
	sets := make([][]psobject.Parameter, 0, 1)
	var names []string
	for name := range cmd.Sets {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		var set []psobject.Parameter
		for _, p := range cmd.Params {
			if slices.Contains(cmd.Sets[name], p.Name) {
				set = append(set, p)
			}
		}
		sets = append(sets, set)
	}
	if len(sets) == 0 {
		sets = append(sets, cmd.Params)
	}
	for _, set := range sets {
		b.WriteString("    " + cmd.Name)
		for _, p := range set {
			b.WriteString(" " + usage(p))
		}
		b.WriteString(" [<CommonParameters>]\n")
	}
	b.WriteString("\nPARAMETERS\n")
	for _, p := range cmd.Params {
		if c.has("Parameter") && !like(c.string("Parameter"), p.Name, false) {
			continue
		}
		fmt.Fprintf(&b, "    -%s %s\n", p.Name, kind(p))
		position := "named"
		if p.Position != nil {
			position = fmt.Sprint(*p.Position)
		}
		fmt.Fprintf(&b, "        Required?               %s\n        Position?               %s\n        Accept pipeline input?  %s\n", strings.ToLower(text(p.Mandatory)), position, strings.ToLower(text(p.Pipeline)))
		if len(p.Values) > 0 {
			fmt.Fprintf(&b, "        Values                  %s\n", strings.Join(p.Values, ", "))
		}
		if len(p.Aliases) > 0 {
			fmt.Fprintf(&b, "        Aliases                 %s\n", strings.Join(p.Aliases, ", "))
		}
	}
	b.WriteByte('\n')
	return clean(b.String())
}

// usage is a parameter as a line of syntax shows it.
func usage(p psobject.Parameter) string {
	name := "-" + p.Name
	if p.Position != nil {
		name = "[" + name + "]"
	}
	if p.Type != "switch" {
		name += " " + kind(p)
	}
	if !p.Mandatory {
		name = "[" + name + "]"
	}
	return name
}

// kind is a parameter's type in PowerShell's spelling.
func kind(p psobject.Parameter) string {
	switch p.Type {
	case "switch":
		return "[<SwitchParameter>]"
	case "bool":
		return "<Boolean>"
	case "int":
		return "<Int32>"
	case "strings":
		return "<String[]>"
	case "datetime":
		return "<DateTime>"
	case "script":
		return "<ScriptBlock>"
	case "any":
		return "<Object>"
	}
	return "<String>"
}
