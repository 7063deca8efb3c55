package cmdlet

import (
	"encoding/xml"
	"strings"
	"time"

	"hma/wire/psobject"
)

const askRefresh = `how-to, "Steps to enable ... OWA and ECP", steps 8 and 9: refresh and restart`

// exchangeDiagnosticInfo: `Get-ExchangeDiagnosticInfo ... -Component VariantConfiguration -Argument Refresh` of the
// how-to makes the servers take the configuration up at once.
func exchangeDiagnosticInfo() []*cmdlet {
	return []*cmdlet{{psobject.Command{Name: "Get-ExchangeDiagnosticInfo", Synopsis: "Makes a server take its configuration up at once (-Argument Refresh) and reports it.", Asks: askRefresh,
		Params: []psobject.Parameter{param("Server", "string"), {Name: "Process", Type: "string", Mandatory: true, Values: []string{"Microsoft.Exchange.Directory.TopologyService"}},
			{Name: "Component", Type: "string", Mandatory: true, Values: []string{"VariantConfiguration"}}, param("Argument", "string")}}, getExchangeDiagnosticInfo}}
}

// diagnostics is the shape of the Result document; this organisation has no setting overrides.
type diagnostics struct {
	XMLName xml.Name `xml:"Diagnostics"`
	Process struct {
		ServerName  string `xml:"serverName"`
		CurrentTime string `xml:"currentTime"`
	} `xml:"ProcessInfo"`
	Overrides struct {
		Updated string `xml:"Updated,attr"`
	} `xml:"Components>VariantConfiguration>Overrides"`
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
	for _, s := range cfg.Servers {
		if server != "" && s.Name != server {
			continue
		}
		var d diagnostics
		now := c.r.opts.Now().UTC().Format(time.RFC3339)
		d.Process.ServerName, d.Process.CurrentTime, d.Overrides.Updated = s.Name, now, now
		text, err := xml.MarshalIndent(&d, "", "  ")
		if err != nil {
			return err
		}
		c.put(newObject("Microsoft.Exchange.Data.Directory.Diagnostics.ExchangeDiagnosticInfoResult").
			add("Result", string(text)).add("Identity", s.Name).add("IsValid", true).add("ObjectState", "New").Object)
	}
	return nil
}
