package cmdlet

import (
	"strings"
	"time"

	"hma/exchange/auth/outbound"
	"hma/exchange/org"
	"hma/wire/psobject"
)

const oauthTest = "Test-OAuthConnectivity"

// testOAuthConnectivity: whether the organisation itself can sign in elsewhere, which is what the OAuth certificate,
// its upload and the AuthServer of the Access Control Service are for.
func testOAuthConnectivity() []*cmdlet {
	return []*cmdlet{{psobject.Command{Name: oauthTest,
		Synopsis: "Gets a token with the OAuth certificate and calls a service with it, over the network.",
		Asks:     `"Configure OAuth authentication between Exchange and Exchange Online organizations": how do you know this worked`,
		Params: []psobject.Parameter{{Name: "Service", Type: "string", Mandatory: true, Values: []string{outbound.EWS, outbound.AutoD, outbound.Generic}},
			required("TargetUri", "string"), {Name: "Mailbox", Type: "string", Pipeline: true}, param("AppOnly", "switch"),
			param("UseCachedToken", "switch"), param("ReloadConfig", "switch"), confirm}}, runOAuthTest}}
}

// tasks are how the result names what was done.
var tasks = map[string]string{
	outbound.EWS:     "Checking EWS API Call Under Oauth",
	outbound.AutoD:   "Checking Autodiscover API Call Under Oauth",
	outbound.Generic: "Checking Generic API Call Under Oauth",
}

// runOAuthTest puts out one result whether the test succeeds or not; only a call that makes no sense is an error. The
// configuration is always read anew, so that -ReloadConfig changes nothing.
func runOAuthTest(c *call) error {
	cfg, err := c.r.org.Configuration(c)
	if err != nil {
		return err
	}
	out := outbound.Call{Service: c.args.text("Service"), Target: c.args.text("TargetUri"), UseCached: c.args.bool("UseCachedToken")}
	if c.args.bool("AppOnly") == (c.args.text("Mailbox") != "") {
		return invalid("Mailbox", "Give -Mailbox to test for one of the people, or -AppOnly to test for the organisation itself.")
	}
	if name := c.args.text("Mailbox"); name != "" {
		if out.User, err = c.mailbox(name); err != nil {
			return err
		}
	}
	if c.whatIf() {
		c.would(out.Target)
		return nil
	}
	server, err := c.target(cfg)
	if err != nil {
		return err
	}
	if c.r.opts.Outbound == nil {
		return invalid("", "Nothing here can make calls to other servers.")
	}
	snapshot, err := cfg.Snapshot(server.Name)
	if err != nil {
		return err
	}
	read := c.r.opts.Now()
	report := c.r.opts.Outbound.Call(c, snapshot, out)
	if c.Err() != nil {
		return c.Err()
	}
	c.put(showOAuthTest(out, read, report))
	return nil
}

// mailbox returns the one person with a mailbox whom the identity names.
func (c *call) mailbox(identity string) (*org.Recipient, error) {
	list, err := c.r.org.Find(c, identity)
	if err != nil {
		return nil, err
	}
	if len(list) != 1 || list[0].MailboxGUID.IsNil() {
		return nil, notFound(identity)
	}
	return list[0], nil
}

func showOAuthTest(out outbound.Call, read time.Time, report *outbound.Report) psobject.Object {
	cache := `The token cache is being cleared because "use cached token" was set to false.`
	if out.UseCached {
		cache = `The token cache is not being cleared because "use cached token" was set to true.`
	}
	detail := []string{"The configuration was last successfully loaded at " + read.UTC().Format("1/2/2006 3:04:05 PM") + " UTC.", cache,
		"Exchange Outbound Oauth Log:", "Client request ID: " + report.RequestID}
	detail = append(append(append(detail, report.Log...), "", "Exchange Response Details:"), report.Response...)
	result := "Success"
	if report.Err != nil {
		result = "Error"
		detail = append(detail, "Exception:", report.Err.Error())
	}
	return newObject("Microsoft.Exchange.Security.OAuth.ValidationResultNode").
		add("Task", tasks[out.Service]).add("Detail", strings.Join(detail, "\n")).add("ResultType", result).
		add("Identity", "Microsoft.Exchange.Security.OAuth.ValidationResultNodeId").add("IsValid", true).add("ObjectState", "New").Object
}
