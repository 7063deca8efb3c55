package rule

import (
	"fmt"
	"strings"

	"hma/hybrid/procedure/facts"
	"hma/wire/wellknown"
)

// quote is text as a PowerShell string.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// set is a Set cmdlet for a virtual directory or another object with an identity.
func set(noun, identity, rest string) string {
	return fmt.Sprintf("Set-%s -Identity %s %s", noun, quote(identity), rest)
}

func setDirectory(d *facts.Directory, rest string) string {
	return set(string(d.Kind)+"VirtualDirectory", d.Identity, rest)
}

// appendTo adds entries to a list of the tenant's Exchange principal and keeps all that are there.
func appendTo(parameter, property string, entries ...string) []string {
	quoted := make([]string, len(entries))
	for i, e := range entries {
		quoted[i] = quote(e)
	}
	return []string{
		fmt.Sprintf(`$x = Get-MgServicePrincipal -Filter "AppId eq '%s'"`, wellknown.Exchange),
		fmt.Sprintf("Update-MgServicePrincipal -ServicePrincipalId $x.Id -%s ($x.%s + %s)", parameter, property, strings.Join(quoted, ", ")),
	}
}

// refresh makes servers take up setting overrides (the how-to's steps 8 and 9).
var refresh = []string{
	"Get-ExchangeDiagnosticInfo -Process Microsoft.Exchange.Directory.TopologyService -Component VariantConfiguration -Argument Refresh",
	"Restart-Service -Name W3SVC, WAS -Force",
}

// override makes a setting override and has it taken up.
func override(name, component, section, reason string) []string {
	return append([]string{fmt.Sprintf(`New-SettingOverride -Name %s -Component %s -Section %s -Parameters ("Enabled=true") -Reason %s`,
		quote(name), quote(component), quote(section), quote(reason))}, refresh...)
}
