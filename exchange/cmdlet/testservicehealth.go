package cmdlet

import (
	"hma/exchange/org"
	"hma/wire/psobject"
)

// serverRoles are the roles of a server with the services that each needs: of Exchange's own lists those for
// which something runs here.
var serverRoles = []struct {
	name     string
	services []string
}{
	{"Mailbox Server Role", []string{topologyService, informationStore, webService}},
	{"Client Access Server Role", []string{topologyService, webService}},
	{"Hub Transport Server Role", []string{topologyService, transportService}},
}

// The services that the wiring reports on.
const (
	webService       = "W3Svc"                // the front end with its doors
	transportService = "MSExchangeTransport"  // mail in
	informationStore = "MSExchangeIS"         // the mailboxes' database
	topologyService  = "MSExchangeADTopology" // the organisation's database
)

// serviceHealth: whether what a server should run does.
func serviceHealth() []*cmdlet {
	return []*cmdlet{{psobject.Command{Name: "Test-ServiceHealth", Synopsis: "Shows which services of a server run, role by role; over the admin socket a service runs when it does on every server.",
		Asks: askRefresh + ", and does the server serve again", Params: []psobject.Parameter{{Name: "Server", Type: "string", Position: new(0), Pipeline: true}}}, testServiceHealth}}
}

func testServiceHealth(c *call) error {
	cfg, err := c.r.org.Configuration(c)
	if err != nil {
		return err
	}
	servers := cfg.Servers
	name := c.caller.Server
	if c.args.has("Server") {
		name = c.args.text("Server")
	}
	if name != "" {
		var one *org.Server
		for _, s := range cfg.Servers {
			if is(name, s.GUID, s.Name, s.FQDN, serverDN(cfg, s.Name)) {
				one = s
			}
		}
		if one == nil {
			return notFound(name)
		}
		servers = []*org.Server{one}
	}
	stopped := map[string]bool{}
	for _, s := range servers {
		running := c.r.opts.Services(c, s.Name)
		for _, role := range serverRoles {
			for _, service := range role.services {
				stopped[service] = stopped[service] || !running[service]
			}
		}
	}
	for _, role := range serverRoles {
		running, not := []string{}, []string{}
		for _, service := range role.services {
			if stopped[service] {
				not = append(not, service)
			} else {
				running = append(running, service)
			}
		}
		c.put(newObject("Microsoft.Exchange.Management.SystemConfigurationTasks.ServiceStatus").
			add("Role", role.name).add("RequiredServicesRunning", len(not) == 0).add("ServicesRunning", running).add("ServicesNotRunning", not).Object)
	}
	return nil
}
