package lab

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"hma/exchange/org"
)

// Server is an Exchange server of the lab.
type Server struct {
	Name  string `json:"name"`
	Build string `json:"build"` // 15.2.1544.11
}

// DefaultBuild is Exchange Server 2019 CU14 with the April 2024 hotfix update, the oldest
// on which every step of the how-to works.
const DefaultBuild = "15.2.1544.11"

// defaultServers are the servers of a lab that was not told otherwise.
var defaultServers = []Server{{"EX1", DefaultBuild}, {"EX2", DefaultBuild}}

// ErrTopology is an organisation that a lab cannot be.
var ErrTopology = errors.New("no lab can be like that")

// maxServers is how many servers a lab has at most: each has listeners and a pick-up of its own.
const maxServers = 20

var serverName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,14}$`) // a NetBIOS name

// topology is what kind of organisation a lab is. It is kept in the data directory.
type topology struct {
	Builds []Server `json:"builds,omitempty"`
	// Tenants is how many tenants the organisation is in hybrid with; 0 means 1.
	Tenants int `json:"tenants,omitempty"`
	// Forest makes it the resource forest of an account forest: its mailboxes are linked ones.
	Forest bool `json:"forest,omitempty"`
	// Bare leaves it as it is before the Hybrid Configuration Wizard has run.
	Bare bool `json:"bare,omitempty"`
	// PublicNames gives the internal URLs the public host, too.
	PublicNames bool `json:"publicNames,omitempty"`
	// Rehearsed is set where the organisation is that of a snapshot.
	Rehearsed *rehearsed `json:"rehearsed,omitempty"`
}

// topology returns what the options ask for, or ErrTopology.
func (o *Options) topology() (topology, error) {
	t := topology{Builds: o.Servers, Tenants: o.Tenants, Forest: o.Forest, Bare: o.Bare, PublicNames: o.PublicNames}
	if len(t.Builds) > maxServers {
		return t, fmt.Errorf("%d servers: %w: it has at most %d", len(t.Builds), ErrTopology, maxServers)
	}
	if t.Tenants < 0 || t.Tenants > len(tenants) {
		return t, fmt.Errorf("%d tenants: %w: it has 1 to %d", t.Tenants, ErrTopology, len(tenants))
	}
	seen := map[string]bool{}
	for _, s := range t.Builds {
		if !serverName.MatchString(s.Name) || seen[strings.ToLower(s.Name)] {
			return t, fmt.Errorf("server %q: %w: names are unique, of letters, digits and hyphens, 15 at most", s.Name, ErrTopology)
		}
		seen[strings.ToLower(s.Name)] = true
		build, err := org.ParseVersion(s.Build)
		if err != nil {
			return t, fmt.Errorf("server %s: %w: %w", s.Name, ErrTopology, err)
		}
		if build[0] != 15 { // Exchange Server 2013, 2016, 2019 and SE
			return t, fmt.Errorf("server %s: %w: '%s' is no build of Exchange Server 2013 or later", s.Name, ErrTopology, s.Build)
		}
	}
	return t, nil
}

// servers are the lab's servers in the order of their ports.
func (t *topology) servers() []Server {
	if len(t.Builds) == 0 {
		return defaultServers
	}
	return t.Builds
}

// inHybrid are the tenants that the organisation is in hybrid with.
func (t *topology) inHybrid() []tenant {
	if t.Rehearsed != nil {
		var all []tenant
		for _, e := range t.Rehearsed.Tenants {
			all = append(all, tenant{id: e.ID, initial: e.Domain})
		}
		return all
	}
	return tenants[:max(1, t.Tenants)]
}

// domain is the default accepted domain.
func (t *topology) domain() string {
	if t.Rehearsed != nil {
		return t.Rehearsed.Domain
	}
	return domain
}

// mailHost is the servers' name in mail headers.
func (t *topology) mailHost() string {
	if t.Rehearsed != nil {
		return "mail." + t.Rehearsed.Domain
	}
	return mailHost
}

// discoverHosts are the Autodiscover hosts of the mail domains.
func (t *topology) discoverHosts() []string {
	var hosts []string
	for _, tenant := range t.inHybrid() {
		hosts = append(hosts, "autodiscover."+tenant.domain)
	}
	return hosts
}

// hostNames are the names under which the servers are reached from outside, with the server that answers there.
func (t *topology) hostNames() map[string]string {
	if t.Rehearsed != nil {
		return t.Rehearsed.Hosts
	}
	hosts := map[string]string{}
	for _, host := range append([]string{mailHost, downloadHost}, t.discoverHosts()...) {
		hosts[host] = t.servers()[0].Name
	}
	return hosts
}
