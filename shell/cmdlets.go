package shell

import (
	"maps"
	"slices"
	"strings"

	"hma/wire/psobject"
)

// cmdlets are the commands that need no server, by their names in lower case.
var cmdlets map[string]*cmdlet

func init() {
	cmdlets = make(map[string]*cmdlet)
	for name, c := range map[string]*cmdlet{
		"compare-object": compareObject(), "convertfrom-csv": convertFromCSV(), "convertfrom-json": convertFromJSON(), "convertto-json": convertToJSON(), "export-csv": exportCSV(),
		"export-clixml": exportClixml(), "import-clixml": importClixml(),
		"foreach-object": forEachObject(), "format-list": formatListCmdlet(), "format-table": formatTableCmdlet(), "get-command": getCommand(),
		"get-childitem": getChildItem(), "get-content": getContent(), "get-date": getDate(), "get-help": getHelp(), "get-member": getMember(), "group-object": groupObject(), "measure-object": measureObject(),
		"out-file": outFile(), "select-object": selectObject(), "select-string": selectString(), "sort-object": sortObject(), "tee-object": teeObject(),
		"where-object": whereObject(),
	} {
		cmdlets[name] = c
	}
	for _, c := range graphCmdlets() {
		cmdlets[strings.ToLower(c.Name)] = c
	}
}

// aliases are the short names that PowerShell has for these commands.
var aliases = map[string]string{
	"?": "Where-Object", "%": "ForEach-Object", "compare": "Compare-Object", "diff": "Compare-Object", "dir": "Get-ChildItem", "gci": "Get-ChildItem", "ls": "Get-ChildItem", "epcsv": "Export-Csv", "fl": "Format-List",
	"foreach": "ForEach-Object", "ft": "Format-Table", "gc": "Get-Content", "gcm": "Get-Command", "gm": "Get-Member", "group": "Group-Object",
	"help": "Get-Help", "man": "Get-Help", "measure": "Measure-Object", "select": "Select-Object", "sls": "Select-String", "sort": "Sort-Object",
	"tee": "Tee-Object", "type": "Get-Content", "cat": "Get-Content", "where": "Where-Object",
	"connect-graph": "Connect-MgGraph", "disconnect-graph": "Disconnect-MgGraph", "invoke-graphrequest": "Invoke-MgGraphRequest",
}

// localNames returns the proper names of the commands that need no server, sorted.
func localNames() []string {
	var names []string
	for c := range maps.Values(cmdlets) {
		names = append(names, c.Name)
	}
	slices.Sort(names)
	return names
}

// Short forms for the tables of parameters.
func named(name, typ string, aliases ...string) psobject.Parameter {
	return psobject.Parameter{Name: name, Type: typ, Aliases: aliases}
}

func at(position int, p psobject.Parameter) psobject.Parameter {
	p.Position = new(position)
	return p
}

func needed(p psobject.Parameter) psobject.Parameter {
	p.Mandatory = true
	return p
}

// inputParameter is in every command that takes a pipeline; its items stand for those of a pipeline.
var inputParameter = psobject.Parameter{Name: "InputObject", Type: "any", Pipeline: true}

// The types of the objects that these commands make.
const (
	groupInfo        = "Microsoft.PowerShell.Commands.GroupInfo"
	measureInfo      = "Microsoft.PowerShell.Commands.GenericMeasureInfo"
	memberDefinition = "Microsoft.PowerShell.Commands.MemberDefinition"
	commandInfo      = "System.Management.Automation.CmdletInfo"
	matchInfo        = "Microsoft.PowerShell.Commands.MatchInfo"
)
