package cmdlet

import (
	"slices"
	"strings"

	"hma/exchange/org"
)

// since is the first build of each product line that has a parameter; a line that is not named never got it.
type since struct {
	builds []org.Version
	words  string
}

var (
	// Several tenants in one organisation (Set-AuthServer, DomainName).
	domainNameSince = since{[]org.Version{{15, 1, 2106, 2}, {15, 2, 721, 2}}, "Exchange Server 2016 CU18 (15.1.2106.2) or 2019 CU7 (15.2.721.2)"}
	// New-AuthenticationPolicy, BlockModernAuth*.
	blockModernSince = since{[]org.Version{{15, 2, 1258, 12}}, "Exchange Server 2019 CU13 (15.2.1258.12)"}
)

func (s since) has(v org.Version) bool {
	return slices.ContainsFunc(s.builds, func(min org.Version) bool { return v[0] == min[0] && v[1] == min[1] && !v.Less(min) })
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
