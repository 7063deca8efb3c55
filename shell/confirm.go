package shell

import (
	"fmt"
	"slices"
	"strings"

	"hma/wire/psobject"
)

// confirmation is what one command of a pipeline asks before it acts, and what it was told for all.
type confirmation struct {
	wanted bool
	none   bool // No to All
}

// The answers to a confirmation, as PowerShell words them (about_CommonParameters, -Confirm). Suspend, which opens a
// shell inside the shell, is left out.
var confirmChoices = []Choice{
	{"Y", "Yes", "Continue with only the next step of the operation."},
	{"A", "Yes to All", "Continue with all the steps of the operation."},
	{"N", "No", "Skip this operation and proceed with the next operation."},
	{"L", "No to All", "Skip this operation and all subsequent operations."},
}

// confirmation tells whether the command asks first: where -Confirm stands, and where it removes something
// (Exchange's Remove cmdlets have a high impact) unless -Confirm:$false stands. Where nobody can be asked, only
// -Confirm is left, which the server refuses.
func (c *call) confirmation(cmd *psobject.Command) confirmation {
	if c.Ask == nil || !takes(cmd, "Confirm") || c.flag("WhatIf") {
		return confirmation{}
	}
	return confirmation{wanted: c.flag("Confirm") || !c.has("Confirm") && strings.HasPrefix(cmd.Name, "Remove-")}
}

func takes(cmd *psobject.Command, parameter string) bool {
	return slices.ContainsFunc(cmd.Params, func(p psobject.Parameter) bool { return p.Name == parameter })
}

// confirmed asks about what is to be done, one line for each operation.
func (c *call) confirmed(ask *confirmation, would []string) (bool, error) {
	if ask.none {
		return false, nil
	}
	message := "Are you sure you want to perform this action?\n" + clean(strings.Join(would, "\n"))
	i, err := c.Ask.Choose(c.ctx, "Confirm", message, confirmChoices, 0)
	if err != nil {
		return false, err
	}
	switch confirmChoices[i].Key {
	case "A":
		ask.wanted = false
	case "N":
		return false, nil
	case "L":
		ask.none = true
		return false, nil
	}
	return true, nil
}

// would is what an invocation would do, as -WhatIf says it.
func (c *call) would(inv psobject.Invocation) ([]string, error) {
	inv.Parameters = append(slices.Clip(inv.Parameters), psobject.Property{Name: "WhatIf", Value: true})
	res, err := c.Client.Invoke(c.ctx, inv)
	if err != nil {
		return nil, err
	}
	lines := make([]string, len(res.WhatIf))
	for i, line := range res.WhatIf {
		lines[i] = strings.TrimPrefix(line, "What if: ")
	}
	if len(lines) == 0 { // nothing would change
		lines = []string{fmt.Sprintf("Performing the operation %q.", c.name)}
	}
	return lines, nil
}

// supply asks for the mandatory parameters that have no value, as PowerShell does at a prompt.
func (c *call) supply(cmd *psobject.Command, missing []psobject.Parameter) error {
	fmt.Fprintf(c.Err, "\ncmdlet %s at command pipeline position %d\nSupply values for the following parameters:\n", cmd.Name, c.position)
	for i := range missing {
		p := &missing[i]
		var v any
		if p.Type == "strings" {
			items := []any{}
			for {
				s, err := c.Ask.Value(c.ctx, fmt.Sprintf("%s[%d]", p.Name, len(items)))
				if err != nil {
					return err
				}
				if s == "" {
					break
				}
				items = append(items, s)
			}
			v = items
		} else {
			s, err := c.Ask.Value(c.ctx, p.Name)
			if err != nil {
				return err
			}
			v = s
		}
		if v == "" || len(list(v)) == 0 {
			return c.unbound(c.source.Extent, c.name, "ParameterArgumentValidationErrorEmptyStringNotAllowed", "Cannot bind argument to parameter '%s' because it is an empty string.", p.Name)
		}
		v, err := c.fit(p, nil, v, c.source.Extent)
		if err != nil {
			return err
		}
		c.args[p.Name] = argument{v, c.source.Extent}
		c.bound = append(c.bound, p.Name)
	}
	return nil
}
