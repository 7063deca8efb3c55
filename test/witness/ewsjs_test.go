package witness

import (
	"os"
	"testing"

	"hma/internal/testenv"
)

// ewsjs has npm's ews-javascript-api, a port of the managed API, work with a
// mailbox under each of its schema versions.
func ewsjs(t *testing.T, e *testenv.Env) {
	need(t, "node")
	if _, err := os.Stat("ewsjs/node_modules/ews-javascript-api"); err != nil {
		missing(t, "ews-javascript-api is not installed (test/scripts/install.sh installs it)")
	}
	user, other, origin := e.User("user"), e.Endpoints.Users[1], e.Endpoints.Servers[0].URL
	lines := script(t, map[string]string{
		"HMA_EWS": origin + "/EWS/Exchange.asmx", "HMA_USER": user.UPN, "HMA_TOKEN": e.Token(t, user, origin),
		"HMA_OTHER": other.UPN, "HMA_OTHER_TOKEN": e.Token(t, other, origin), "HMA_AUTODISCOVER": origin + "/autodiscover/autodiscover.svc",
		"NODE_EXTRA_CA_CERTS": e.Endpoints.CA, "NO_PROXY": "*", "no_proxy": "*",
	}, "node", "ewsjs/smoke.mjs")
	expect(t, lines, "ok bind and list as Exchange2007_SP1", "ok bind and list as Exchange2010", "ok bind and list as Exchange2010_SP2",
		"ok bind and list as Exchange2013", "ok bind and list as Exchange2016", "ok find with filter and order", "ok send with attachment",
		"ok reply, reply to all and forward", "ok change, flag and categories", "ok conflict of two clients", "ok attachments", "ok folders", "ok groups", "ok synchronise",
		"ok pull notifications", "ok contacts", "ok tasks", "ok appointments with recurrence", "ok meeting of two", "ok out of office", "ok inbox rules",
		"ok delegates", "ok folder permissions", "ok user configurations", "ok streaming notifications", "ok Autodiscover", "ok other identifiers", "ok delete", "ok all")
}
