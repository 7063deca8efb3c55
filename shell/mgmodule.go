package shell

import (
	"strings"

	"hma/wire/psobject"
)

func installModule() *cmdlet {
	return once(psobject.Command{Name: "Install-Module", Synopsis: "Says that Microsoft Graph PowerShell is built in; nothing else can be installed.", Asks: "how-to: Install-Module Microsoft.Graph -Scope AllUsers",
		Params: []psobject.Parameter{needed(at(0, named("Name", "strings"))), {Name: "Scope", Type: "string", Values: []string{"AllUsers", "CurrentUser"}}, named("Force", "switch"), named("AllowClobber", "switch")}},
		(*call).module)
}

func importModule() *cmdlet {
	return once(psobject.Command{Name: "Import-Module", Synopsis: "Says that Microsoft Graph PowerShell is built in.", Asks: "scripts that load Microsoft.Graph.Applications",
		Params: []psobject.Parameter{needed(at(0, named("Name", "strings"))), named("Force", "switch")}}, (*call).module)
}

// module answers for each module that is named.
func (c *call) module() error {
	for _, item := range c.list("Name") {
		name := text(item)
		switch lower := strings.ToLower(name); {
		case lower == "microsoft.graph" || strings.HasPrefix(lower, "microsoft.graph."):
			c.say(name + " is built in: there is nothing to install. Get-Command *-Mg* lists its cmdlets.")
		case lower == "msonline" || lower == "azuread":
			c.say(name + " is retired. Its successor Microsoft.Graph is built in, and Get-MsolServicePrincipal is understood.")
		default:
			if err := c.complain(c.failed("ObjectNotFound", "Exception", "NoMatchFoundForCriteria", name, "No match was found for the specified search criteria and module name '%s': this shell loads no modules. Get-Command lists what it has.", name)); err != nil {
				return err
			}
		}
	}
	return nil
}
