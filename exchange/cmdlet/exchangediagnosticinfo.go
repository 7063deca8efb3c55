package cmdlet

import (
	"encoding/xml"
	"strings"
	"time"

	"hma/exchange/org"
	"hma/wire/psobject"
)

const askRefresh = `how-to, "Steps to enable ... OWA and ECP", steps 8 and 9: refresh and restart`

const diagnosticInfo = "Get-ExchangeDiagnosticInfo"

// exchangeDiagnosticInfo: `Get-ExchangeDiagnosticInfo ... -Component VariantConfiguration -Argument Refresh` of the
// how-to makes the servers take the configuration up at once.
func exchangeDiagnosticInfo() []*cmdlet {
	return []*cmdlet{{psobject.Command{Name: diagnosticInfo, Synopsis: "Makes a server take its configuration up at once (-Argument Refresh) and reports it.", Asks: askRefresh,
		Params: []psobject.Parameter{param("Server", "string"), {Name: "Process", Type: "string", Mandatory: true, Values: []string{"Microsoft.Exchange.Directory.TopologyService"}},
			{Name: "Component", Type: "string", Mandatory: true, Values: []string{"VariantConfiguration"}}, param("Argument", "string")}}, getExchangeDiagnosticInfo}}
}

// diagnostics is the shape of the Result document: the overrides that the server runs and when it took them up.
type diagnostics struct {
	XMLName xml.Name `xml:"Diagnostics"`
	Process struct {
		ServerName  string `xml:"serverName"`
		CurrentTime string `xml:"currentTime"`
	} `xml:"ProcessInfo"`
	Overrides struct {
		Updated   string               `xml:"Updated,attr"`
		Overrides []diagnosticOverride `xml:"SettingOverride"`
	} `xml:"Components>VariantConfiguration>Overrides"`
}

type diagnosticOverride struct {
	Name          string   `xml:"Name"`
	Reason        string   `xml:"Reason"`
	ModifiedBy    string   `xml:"ModifiedBy"`
	ComponentName string   `xml:"ComponentName"`
	SectionName   string   `xml:"SectionName"`
	Status        string   `xml:"Status"`
	Message       string   `xml:"Message"`
	Parameters    []string `xml:"Parameters>Parameter"`
}

// diagnosticOverrides are the overrides that a server runs, in the document's form.
func diagnosticOverrides(list []*org.SettingOverride) []diagnosticOverride {
	var out []diagnosticOverride
	for _, s := range list {
		message := "This override synced to the server but whether it applies to the services running on this server depends on the override parameters, current configuration and the context."
		if !s.Known() {
			message = "No component of this server has the section."
		}
		out = append(out, diagnosticOverride{s.Name, s.Reason, s.ModifiedBy, s.Component, s.Section, overrideStatus(s), message, s.Parameters})
	}
	return out
}

func getExchangeDiagnosticInfo(c *call) error {
	server := c.args.text("Server")
	if server == "" {
		server = c.caller.Server
	}
	cfg, err := c.r.org.Configuration(c)
	if err != nil {
		return err
	}
	if server != "" {
		s := cfg.Server(server)
		if s == nil {
			return notFound(server)
		}
		server = s.Name
	}
	if arg := c.args.text("Argument"); arg != "" && !strings.EqualFold(arg, "Refresh") {
		return invalid("Argument", "The argument '%s' is not supported; use Refresh.", arg)
	} else if arg != "" {
		if err := c.restart(server); err != nil {
			return err
		}
	}
	live, err := c.r.org.LiveOverrides(c)
	if err != nil {
		return err
	}
	for _, s := range cfg.Servers {
		if server != "" && s.Name != server {
			continue
		}
		var d diagnostics
		d.Process.ServerName, d.Process.CurrentTime = s.Name, c.r.opts.Now().UTC().Format(time.RFC3339)
		if running, ok := live[s.GUID]; ok {
			d.Overrides.Updated, d.Overrides.Overrides = running.Taken.Format(time.RFC3339), diagnosticOverrides(running.Overrides)
		} else {
			c.warn("The server '%s' has not run yet.", s.Name)
		}
		text, err := xml.MarshalIndent(&d, "", "  ")
		if err != nil {
			return err
		}
		c.put(newObject("Microsoft.Exchange.Data.Directory.Diagnostics.ExchangeDiagnosticInfoResult").
			add("Result", string(text)).add("Identity", s.Name).add("IsValid", true).add("ObjectState", "New").Object)
	}
	return nil
}
