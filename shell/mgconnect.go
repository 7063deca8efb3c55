package shell

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"hma/client/graph"
	"hma/client/mail"
	"hma/wire/psobject"
)

func connectMgGraph() *cmdlet {
	return once(psobject.Command{Name: "Connect-MgGraph", Synopsis: "Signs in to Microsoft Graph and asks for the permissions that are named.", Asks: "how-to: Connect-MgGraph -Scopes, Connect-Graph -Scopes",
		Params: []psobject.Parameter{at(0, named("Scopes", "strings")), named("TenantId", "string", "Tenant", "Audience"), named("AccessToken", "string"),
			named("UseDeviceCode", "switch", "UseDeviceAuthentication", "DeviceCode", "DeviceAuth", "Device"),
			{Name: "ContextScope", Type: "string", Values: []string{"CurrentUser", "Process"}}, named("NoWelcome", "switch")}}, (*call).connect)
}

// tenantForm is a tenant's id or one of its domains: it stands in an address.
var tenantForm = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,253})$`)

func (c *call) connect() error {
	tenant := c.string("TenantId")
	if tenant != "" && !tenantForm.MatchString(tenant) {
		return c.unbound(c.args["TenantId"].at, c.name, "ParameterArgumentValidationError", "Cannot validate argument on parameter 'TenantId'. %q is no tenant: give its id or one of its domains.", tenant)
	}
	if c.has("AccessToken") {
		conn, err := graph.FromToken(c.string("AccessToken"))
		if err != nil {
			return c.complain(c.failed("InvalidArgument", "ArgumentException", "InvalidAccessToken", "", "%s.", err))
		}
		return c.welcome(conn, false)
	}
	var scopes []string
	for _, item := range c.list("Scopes") {
		scopes = append(scopes, strings.FieldsFunc(text(item), func(r rune) bool { return r == ' ' || r == ',' })...)
	}
	if len(scopes) == 0 {
		scopes = []string{"User.Read"}
	}
	later := c.string("ContextScope") != "Process"
	before, err := c.connection()
	if err != nil {
		before = nil // what was kept cannot be read: a new sign-in replaces it
	}
	if before != nil && before.Refresh != "" && (tenant == "" || strings.EqualFold(tenant, before.Tenant)) {
		if before.Covers(scopes) {
			err := c.cloud().Cloud.Renew(c.ctx, before)
			if err == nil {
				return c.welcome(before, later)
			}
			if _, refused := errors.AsType[*mail.SignInError](err); !refused {
				return err
			}
		}
		for _, s := range before.Permissions() { // permissions add up, as consent does
			if !slices.ContainsFunc(scopes, func(have string) bool { return strings.EqualFold(have, s) }) {
				scopes = append(scopes, s)
			}
		}
	}
	g := c.cloud()
	var conn *graph.Connection
	if c.flag("UseDeviceCode") || g.SignIn == nil {
		conn, err = g.Cloud.DeviceCode(c.ctx, tenant, scopes, c.say)
	} else {
		conn, err = g.SignIn(c.ctx, tenant, scopes, c.say)
	}
	if err != nil {
		return c.graphFailure(err)
	}
	return c.welcome(conn, later)
}

// welcome keeps the connection and says that it is there.
func (c *call) welcome(conn *graph.Connection, later bool) error {
	if err := c.keep(conn, later); err != nil {
		return err
	}
	if c.flag("NoWelcome") {
		return nil
	}
	access := "delegated access"
	if conn.How == graph.AccessToken {
		access = "a given access token"
	}
	fmt.Fprintf(c.Out, "Welcome to Microsoft Graph!\n\nConnected via %s using %s\nHelp: Get-Command *-Mg*, Get-Help NAME\n\nNOTE: -NoWelcome leaves this message out.\n\n", access, clean(conn.ClientID))
	return nil
}

func disconnectMgGraph() *cmdlet {
	return once(psobject.Command{Name: "Disconnect-MgGraph", Synopsis: "Ends the connection to Microsoft Graph, also for later sessions.", Asks: "Connect-MgGraph"}, func(c *call) error {
		conn, err := c.connection()
		if err == nil && conn == nil {
			return c.complain(c.failed("InvalidOperation", "Exception", "NotConnected", "", "There is no connection to Microsoft Graph to end."))
		}
		var ended *object
		if conn != nil {
			ended = c.contextOf(conn)
		}
		if err := c.keep(nil, true); err != nil || ended == nil { // also what cannot be read
			return err
		}
		return c.out(ended)
	})
}

func getMgContext() *cmdlet {
	return once(psobject.Command{Name: "Get-MgContext", Synopsis: "Shows who is connected to Microsoft Graph, and with which permissions.", Asks: "Connect-MgGraph"}, func(c *call) error {
		conn, err := c.connection()
		if err != nil || conn == nil {
			return err
		}
		return c.out(c.contextOf(conn))
	})
}

// contextOf is a connection as the module shows it.
func (c *call) contextOf(conn *graph.Connection) *object {
	scopes := make([]any, len(conn.Scopes))
	for i, s := range conn.Scopes {
		scopes[i] = s
	}
	kind, scope, environment := "Delegated", "CurrentUser", "Global"
	if conn.Account == "" {
		kind = "AppOnly"
	}
	if c.state.graph.passing {
		scope = "Process"
	}
	if endpoint := c.cloud().Cloud.Endpoint; endpoint != graph.Microsoft(nil).Endpoint {
		environment = endpoint
	}
	return &object{typ: "Microsoft.Graph.PowerShell.Authentication.AuthContext", properties: []property{{"ClientId", conn.ClientID}, {"TenantId", conn.Tenant}, {"Scopes", scopes},
		{"AuthType", kind}, {"TokenCredentialType", conn.How}, {"CertificateThumbprint", nil}, {"CertificateSubjectName", nil}, {"SendCertificateChain", false}, {"Account", conn.Account},
		{"AppName", conn.AppName}, {"ContextScope", scope}, {"Certificate", nil}, {"Environment", environment}}}
}
