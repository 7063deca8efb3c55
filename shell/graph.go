package shell

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"hma/client/graph"
	"hma/client/mail"
	"hma/wire/psobject"
)

// Graph is the cloud of a session's Graph cmdlets, and where their connection is kept.
type Graph struct {
	Cloud graph.Cloud
	// SignIn signs somebody of the tenant (GUID or domain; "" is the person's own) in for the
	// scopes; say is given lines for the person. nil: by a device code.
	SignIn func(ctx context.Context, tenant string, scopes []string, say func(line string)) (*graph.Connection, error)
	// Load returns the connection that an earlier session kept, nil for none; Save keeps one,
	// and forgets it with nil. Both nil: it ends with the session.
	Load func() (*graph.Connection, error)
	Save func(*graph.Connection) error
}

// graphState is what a session knows of its connection to Graph.
type graphState struct {
	connection *graph.Connection
	loaded     bool
	passing    bool // the connection ends with the session
}

// graphCmdlets are the cmdlets of Microsoft Graph PowerShell that the how-to asks for, and of
// the modules around it. They need no server of the organisation.
func graphCmdlets() []*cmdlet {
	return []*cmdlet{connectMgGraph(), disconnectMgGraph(), getMgContext(), getMgDomain(), getMgOrganization(), getMgServicePrincipal(), getMgUser(),
		getMsolServicePrincipal(), importModule(), installModule(), invokeMgGraphRequest(), updateMgServicePrincipal()}
}

// cloud is the session's cloud.
func (s *Session) cloud() *Graph {
	if s.Graph == nil {
		s.Graph = &Graph{Cloud: graph.Microsoft(mail.New(mail.Options{}))}
	}
	return s.Graph
}

// connection is the session's connection, or what an earlier session kept; nil where there is none.
func (c *call) connection() (*graph.Connection, error) {
	g, state := c.cloud(), &c.state.graph
	if !state.loaded && g.Load != nil {
		kept, err := g.Load()
		if err != nil {
			return nil, err
		}
		state.connection = kept
	}
	state.loaded = true
	return state.connection, nil
}

// keep makes a connection the session's, and later sessions' where that is wanted.
func (c *call) keep(conn *graph.Connection, later bool) error {
	c.state.graph = graphState{connection: conn, loaded: true, passing: !later}
	if save := c.cloud().Save; save != nil && later {
		return save(conn)
	}
	return nil
}

// renewed keeps a connection that has new tokens: the refresh token may be another one from now on,
// which a session that keeps the connection must know.
func (c *call) renewed(conn *graph.Connection) error {
	g := c.cloud()
	if g.Load == nil || c.state.graph.passing {
		return nil
	}
	if kept, err := g.Load(); err != nil || kept == nil || kept.Account != conn.Account || kept.Tenant != conn.Tenant {
		return err // what is kept is another's
	}
	return g.Save(conn)
}

// graph runs what a cmdlet does with Graph.
func (c *call) graph(run func(*graph.Client) error) error {
	conn, err := c.connection()
	if err != nil {
		return err
	}
	if conn == nil {
		return c.complain(c.failed("NotSpecified", "AuthenticationException", "AuthenticationNeeded", "", "Authentication needed. Please call Connect-MgGraph."))
	}
	client, err := c.cloud().Cloud.Client(conn, func() error { return c.renewed(conn) })
	if err != nil {
		return err
	}
	return c.graphFailure(run(client))
}

// graphFailure makes what Graph or the sign-in refused an error of the cmdlet.
func (c *call) graphFailure(err error) error {
	if e, ok := errors.AsType[*graph.Error](err); ok {
		var b strings.Builder
		b.WriteString(e.Message)
		if e.Message == "" {
			b.WriteString("Graph gave no reason.")
		}
		fmt.Fprintf(&b, "\n\nStatus: %d (%s)", e.Status, http.StatusText(e.Status))
		if e.Code != "" {
			b.WriteString("\nErrorCode: " + e.Code)
		}
		if e.Status == http.StatusForbidden {
			b.WriteString("\nConnected with: " + strings.Join(c.state.graph.connection.Scopes, ", ") + ". Connect-MgGraph -Scopes asks for more.")
		}
		id := e.Code
		if id == "" {
			id = "GraphRequest"
		}
		return c.complain(c.failed("InvalidOperation", "Exception", id, "", "%s", b.String()))
	}
	if e, ok := errors.AsType[*mail.SignInError](err); ok {
		return c.complain(c.failed("AuthenticationError", "AuthenticationFailedException", "AuthenticationFailed", "", "%s", e))
	}
	return err
}

// say writes a line for the person at the console.
func (c *call) say(line string) { fmt.Fprintln(c.Out, clean(line)) }

// warn writes a warning unless -WarningAction silences it.
func (c *call) warn(format string, args ...any) {
	if !c.has("WarningAction") || c.string("WarningAction") == "Continue" {
		fmt.Fprintln(c.Err, "WARNING: "+clean(fmt.Sprintf(format, args...)))
	}
}

// once is a cmdlet that runs once and takes no pipeline.
func once(cmd psobject.Command, run func(c *call) error) *cmdlet {
	return &cmdlet{cmd, func(c *call) (*stage, error) {
		return &stage{end: func() error { return run(c) }}, nil
	}}
}

// models is the namespace of the objects of Microsoft Graph PowerShell.
const models = "Microsoft.Graph.PowerShell.Models.MicrosoftGraph"

// entityKind is a kind of Graph's objects: its properties in the module's order, which is the
// alphabet's. A property that Graph did not send is there with $null.
type entityKind struct {
	typ        string
	properties []string
}

// nested are the types of the objects that a property holds.
var nested = map[string]string{"AppRoles": "AppRole", "Oauth2PermissionScopes": "PermissionScope", "KeyCredentials": "KeyCredential",
	"PasswordCredentials": "PasswordCredential", "VerifiedDomains": "VerifiedDomain", "AssignedPlans": "AssignedPlan"}

// object makes an entity's JSON an object. What the kind does not know is in AdditionalProperties.
func (k *entityKind) object(entity json.RawMessage) (*object, error) {
	d := json.NewDecoder(bytes.NewReader(entity))
	d.UseNumber()
	v, err := readJSON(d, 0)
	if err != nil {
		return nil, fmt.Errorf("graph: %w", err)
	}
	sent, ok := v.(*object)
	if !ok {
		return nil, errors.New("graph: the answer is no object")
	}
	o := &object{typ: models + k.typ}
	for _, name := range k.properties {
		o.properties = append(o.properties, property{name, nil})
	}
	more := &hash{}
	for _, p := range sent.properties {
		name := pascal(p.name)
		if known := o.find(name); known != nil {
			known.value = graphValue(name, p.value)
		} else if p.name != "@odata.context" {
			more.set(p.name, p.value)
		}
	}
	rest := any(more)
	if len(more.pairs) == 0 {
		rest = []any{} // shown as {}
	}
	o.properties = append(o.properties, property{"AdditionalProperties", rest})
	return o, nil
}

// graphValue is a property's value as the module shows it: times as times, objects with its names.
func graphValue(name string, v any) any {
	switch v := v.(type) {
	case string:
		if strings.HasSuffix(name, "DateTime") {
			if t, err := time.Parse(time.RFC3339, v); err == nil {
				return t
			}
		}
	case []any:
		items := make([]any, len(v))
		for i, item := range v {
			items[i] = graphValue(name, item)
		}
		return items
	case *object:
		o := &object{typ: custom}
		if typ := nested[name]; typ != "" {
			o.typ = models + typ
		}
		for _, p := range v.properties {
			o.properties = append(o.properties, property{pascal(p.name), graphValue(pascal(p.name), p.value)})
		}
		return o
	}
	return v
}

// pascal is a property's name as the module spells it.
func pascal(name string) string {
	if name == "" {
		return name
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

// queryParameters are those of the cmdlets that read a collection.
func queryParameters(key string) []psobject.Parameter {
	return []psobject.Parameter{at(0, named(key, "string")), named("Filter", "string"), named("Property", "strings", "Select"), named("Top", "int", "Limit"), named("All", "switch"),
		named("ConsistencyLevel", "string")}
}

// entities puts out what a query finds in a collection, or the one entity that the key names.
func (c *call) entities(k *entityKind, collection, key string) error {
	var selected []string
	for _, p := range c.list("Property") {
		selected = append(selected, strings.Split(strings.ReplaceAll(text(p), " ", ""), ",")...)
	}
	return c.graph(func(g *graph.Client) error {
		if c.has(key) {
			entity, err := g.Entity(c.ctx, collection, c.string(key), selected)
			if err != nil {
				return err
			}
			return c.putEntity(k, entity)
		}
		found, err := g.Entities(c.ctx, collection, graph.Query{Filter: c.string("Filter"), Select: selected, Top: int(min(c.number("Top", 0), maxItems)),
			All: c.flag("All"), Eventual: strings.EqualFold(c.string("ConsistencyLevel"), "eventual")})
		if err != nil {
			return err
		}
		for _, entity := range found {
			if err := c.putEntity(k, entity); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *call) putEntity(k *entityKind, entity json.RawMessage) error {
	o, err := k.object(entity)
	if err != nil {
		return err
	}
	return c.out(o)
}
