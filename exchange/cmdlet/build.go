package cmdlet

import (
	"slices"
	"strings"

	"hma/exchange/org"
)

// since is the first build of each product line that has a parameter, and where it came with an update to several
// cumulative updates of the first build of each, in order; a line that is not named never got it.
type since struct {
	builds []org.Version
	words  string
}

var (
	// Several tenants in one organisation (Set-AuthServer, DomainName).
	domainNameSince = since{[]org.Version{{15, 1, 2106, 2}, {15, 2, 721, 2}}, "Exchange Server 2016 CU18 (15.1.2106.2) or 2019 CU7 (15.2.721.2)"}
	// New-AuthenticationPolicy, BlockLegacyAuth* and BlockModernAuth*.
	blockLegacySince = since{[]org.Version{{15, 2, 397, 3}}, "Exchange Server 2019 CU2 (15.2.397.3)"}
	blockModernSince = since{[]org.Version{{15, 2, 1258, 12}}, "Exchange Server 2019 CU13 (15.2.1258.12)"}
	// The dedicated hybrid application (Set-AuthServer, ApplicationIdentifier): April 2025 hotfix updates, SE.
	applicationSince = since{[]org.Version{{15, 1, 2507, 55}, {15, 2, 1544, 25}, {15, 2, 1748, 24}, {15, 2, 2562, 17}},
		"the April 2025 hotfix update of Exchange Server 2016 CU23 (15.1.2507.55), 2019 CU14 (15.2.1544.25) or 2019 CU15 (15.2.1748.24), or Exchange Server SE"}
)

// has tells whether the build has it: from the first build of its own cumulative update on, or of the newest older one.
func (s since) has(v org.Version) bool {
	has := false
	for _, first := range s.builds {
		if v[0] == first[0] && v[1] == first[1] && v[2] >= first[2] {
			has = !v.Less(first)
		}
	}
	return has
}

// needs refuses the parameters with the prefix where the server that runs the cmdlet is too old for them. Over the
// admin socket any server of the organisation may be the one; an organisation without servers has all parameters.
func (c *call) needs(cfg *org.Configuration, prefix string, s since) error {
	for name := range c.args {
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		servers := cfg.Servers
		if srv := cfg.Server(c.caller.Server); srv != nil {
			servers = []*org.Server{srv}
		}
		if len(servers) > 0 && !slices.ContainsFunc(servers, func(srv *org.Server) bool { return s.has(srv.Version) }) {
			return invalid(name, "The parameter '%s' needs %s or later.", name, s.words)
		}
	}
	return nil
}
