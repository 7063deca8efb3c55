package shell

import (
	"slices"
	"strings"

	"hma/wire/psobject"
)

func getCommand() *cmdlet {
	return &cmdlet{psobject.Command{Name: "Get-Command", Synopsis: "Names the commands that there are.",
		Params: []psobject.Parameter{at(0, named("Name", "any")), named("Noun", "string"), named("Verb", "string")}}, func(c *call) (*stage, error) {
		return &stage{end: func() error {
			commands, err := c.described()
			if err != nil {
				return err
			}
			found := false
			for _, cmd := range commands {
				verb, noun, _ := strings.Cut(cmd.Name, "-")
				if c.has("Name") && !slices.ContainsFunc(c.list("Name"), func(n any) bool {
					return like(text(n), cmd.Name, false) || strings.EqualFold(aliases[strings.ToLower(text(n))], cmd.Name)
				}) || c.has("Noun") && !like(c.string("Noun"), noun, false) || c.has("Verb") && !like(c.string("Verb"), verb, false) {
					continue
				}
				found = true
				source := "Exchange"
				if _, local := cmdlets[strings.ToLower(cmd.Name)]; local {
					source = "hma shell"
				}
				if err := c.out(&object{typ: commandInfo, properties: []property{{"CommandType", "Cmdlet"}, {"Name", cmd.Name}, {"Source", source}, {"Verb", verb}, {"Noun", noun}, {"Synopsis", cmd.Synopsis}}}); err != nil {
					return err
				}
			}
			if name := c.string("Name"); !found && c.has("Name") && !strings.ContainsAny(name, "*?[") {
				return c.complain(c.failed("ObjectNotFound", "CommandNotFoundException", "CommandNotFoundException", name, "The term '%s' is not recognized as the name of a cmdlet.", name))
			}
			return nil
		}}, nil
	}}
}

// described returns every command with its description, by name.
func (r *runner) described() ([]psobject.Command, error) {
	if _, err := r.serverCommand(""); err != nil {
		return nil, err
	}
	all := slices.Clone(r.state.commands)
	for _, name := range localNames() {
		all = append(all, cmdlets[strings.ToLower(name)].Command)
	}
	slices.SortFunc(all, func(a, b psobject.Command) int { return compareText(a.Name, b.Name, false) })
	return all, nil
}
