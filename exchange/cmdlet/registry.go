package cmdlet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"hma/exchange/auth/outbound"
	"hma/exchange/org"
	"hma/exchange/store"
	"hma/wire/guid"
	"hma/wire/psobject"
)

// Caller is who runs a cmdlet.
type Caller struct {
	// Name is what logs show: a UPN, or "admin socket".
	Name string
	// Administrator tells that the caller is a member of Organization Management, who may run every
	// cmdlet. Whoever could open the admin socket is one.
	Administrator bool
	// ViewOnly tells that the caller is a member of View-Only Organization Management, who may run
	// what changes nothing.
	ViewOnly bool
	// ClientIP is where the call came from; "" over the admin socket.
	ClientIP string
	// Server is the server that the caller talks to; "" means all of them (the admin socket).
	Server string
}

// Metadata is what an AuthServer's metadata document says.
type Metadata struct {
	Issuer       string
	Realm        string
	Certificates []string // base64 DER
}

// Admitted tells whether the caller may run any cmdlet at all.
func (c Caller) Admitted() bool { return c.Administrator || c.ViewOnly }

// mayRun tells whether the caller's role groups hold the cmdlet.
func (c Caller) mayRun(name string) bool { return c.Administrator || c.ViewOnly && Reads(name) }

// denied is what a caller is told whose role groups do not hold what.
func (c Caller) denied(what string) error {
	return &failure{Category: "PermissionDenied", Reason: "UnauthorizedAccessException", Target: c.Name,
		Message: fmt.Sprintf("%s may not run %s: only members of the role group %s may.", c.Name, what, org.OrganizationManagement)}
}

// Reads tells by its verb whether a cmdlet changes nothing: what members of View-Only Organization
// Management may run, and what the admin audit log leaves out. Test-OAuthConnectivity is none of them:
// it signs with the organisation's key, for anybody, and calls where it is told to.
func Reads(name string) bool {
	switch verb, _, _ := strings.Cut(strings.ToLower(name), "-"); verb {
	case "get", "search":
		return true
	case "test":
		return !strings.EqualFold(name, oauthTest)
	}
	return false
}

// MetadataFetcher reads the metadata document of an AuthServer of the given type
// (AzureAD, MicrosoftACS, ADFS) from its URL.
type MetadataFetcher interface {
	FetchMetadata(ctx context.Context, url, serverType string) (Metadata, error)
}

// Options are what the cmdlets need from the wiring.
type Options struct {
	// Now is the wiring's clock; required.
	Now func() time.Time
	// Fetch reads metadata documents for New-AuthServer and Set-AuthServer; nil makes them fail where they need one.
	Fetch MetadataFetcher
	// Outbound signs in elsewhere for Test-OAuthConnectivity; nil makes that fail.
	Outbound *outbound.Client
	// Restart makes a server take the configuration up at once, "" all servers; nil means Organization.RefreshServer.
	Restart func(ctx context.Context, server string) error
	// Services tells which services of a server run, by name (W3Svc, MSExchangeTransport, MSExchangeIS,
	// MSExchangeADTopology); nil means that none does.
	Services func(ctx context.Context, server string) map[string]bool
	// Usage tells how much a person's mailbox holds; nil means that nobody has used one.
	Usage func(ctx context.Context, p *org.Recipient) (store.Usage, error)
	// Log takes the reason of internal failures; nil discards it.
	Log *slog.Logger
}

// Registry is the set of cmdlets over one organisation. It is safe for concurrent use.
type Registry struct {
	org     *org.Organization
	opts    Options
	cmdlets map[string]*cmdlet // by lower-case name
}

// cmdlet is one command: its description, and what it does for one call.
type cmdlet struct {
	psobject.Command
	run func(*call) error
}

// New returns the cmdlets over the organisation.
func New(o *org.Organization, opts Options) *Registry {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Usage == nil {
		opts.Usage = func(context.Context, *org.Recipient) (store.Usage, error) { return store.Usage{}, store.ErrNotFound }
	}
	if opts.Services == nil {
		opts.Services = func(context.Context, string) map[string]bool { return nil }
	}
	if opts.Restart == nil {
		opts.Restart = o.RefreshServer
	}
	r := &Registry{org: o, opts: opts, cmdlets: make(map[string]*cmdlet)}
	for _, c := range all() {
		r.cmdlets[strings.ToLower(c.Name)] = c
	}
	return r
}

// all returns every cmdlet, noun by noun.
func all() []*cmdlet {
	var list []*cmdlet
	for _, n := range []*vdNoun{mapiVirtualDirectory, webServicesVirtualDirectory, oabVirtualDirectory, autodiscoverVirtualDirectory,
		activeSyncVirtualDirectory, owaVirtualDirectory, ecpVirtualDirectory, powerShellVirtualDirectory} {
		list = append(list, n.cmdlets()...)
	}
	for _, noun := range [][]*cmdlet{clientAccessService(), authServer(), authConfig(), exchangeCertificate(), organizationConfig(),
		authenticationPolicy(), exchangeServer(), acceptedDomain(), user(), mailbox(), archive(), mailboxPermission(), adPermission(), mailboxStatistics(), mailboxDatabase(), remoteMailbox(), casMailbox(), recipient(), distributionGroup(), distributionGroupMember(), calendarProcessing(), userPhoto(), adUser(), roleGroup(), roleGroupMember(), managementRoleAssignment(), throttlingPolicy(), adminAuditLog(),
		exchangeDiagnosticInfo(), service(), serviceHealth(), settingOverride(), partnerApplication(),
		intraOrganizationConnector(), hybridConfiguration(), testOAuthConnectivity()} {
		list = append(list, noun...)
	}
	return withWhatIf(list)
}

// Commands returns the metadata of every cmdlet, by name.
func (r *Registry) Commands() []psobject.Command { return r.CommandsFor(Caller{Administrator: true}) }

// CommandsFor returns the metadata of the cmdlets that the caller may run, by name.
func (r *Registry) CommandsFor(caller Caller) []psobject.Command {
	list := make([]psobject.Command, 0, len(r.cmdlets))
	for _, c := range r.cmdlets {
		if caller.mayRun(c.Name) {
			list = append(list, c.Command)
		}
	}
	slices.SortFunc(list, func(a, b psobject.Command) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// Serves tells whether a name is the organisation's: its own, one of its accepted domains, or the tenant
// id of an AuthServer of the cloud that it trusts.
func (r *Registry) Serves(ctx context.Context, name string) (bool, error) {
	cfg, err := r.org.Configuration(ctx)
	if err != nil {
		return false, err
	}
	return strings.EqualFold(name, cfg.Org.Name) ||
		slices.ContainsFunc(cfg.AcceptedDomains, func(d *org.AcceptedDomain) bool { return strings.EqualFold(name, d.DomainName) }) ||
		slices.ContainsFunc(cfg.AuthServers, func(s *org.AuthServer) bool {
			return s.Enabled && s.Type == org.AzureAD && s.Realm != "" && strings.EqualFold(name, s.Realm)
		}), nil
}

// Limits of one invocation.
const (
	maxInput  = 10_000
	maxValues = 10_000
)

// Run runs one invocation for the caller: once, or once for each input object. It
// stops at the first error and keeps the output that came before. It never panics on input.
func (r *Registry) Run(ctx context.Context, caller Caller, inv psobject.Invocation) psobject.Result {
	c, ok := r.cmdlets[strings.ToLower(inv.Cmdlet)]
	if !ok {
		return psobject.Result{Error: unknown(inv.Cmdlet)}
	}
	var res psobject.Result
	if !caller.mayRun(c.Name) {
		res.Error = record(c.Name, caller.denied(c.Name))
		return res
	}
	if len(inv.Input) > maxInput {
		res.Error = record(c.Name, invalid("", "More than %d objects came through the pipeline.", maxInput))
		return res
	}
	inputs := []*psobject.Object{nil}
	if len(inv.Input) > 0 {
		inputs = inputs[:0]
		for i := range inv.Input {
			inputs = append(inputs, &inv.Input[i])
		}
	}
	for _, in := range inputs {
		args, err := bind(&c.Command, inv.Parameters, in)
		if err == nil {
			err = (&call{Context: ctx, r: r, caller: caller, cmdlet: c, args: args, res: &res}).run()
		}
		if err != nil {
			res.Error = r.record(c.Name, err)
			return res
		}
	}
	return res
}

// failure is an error with its place in an ErrorRecord.
type failure struct {
	Message  string
	Category string
	Reason   string
	Target   string
}

func (f *failure) Error() string { return f.Message }

func invalid(target, format string, args ...any) error {
	return &failure{fmt.Sprintf(format, args...), "InvalidArgument", "ArgumentException", target}
}

func notFound(identity string) error {
	return &failure{fmt.Sprintf("The operation couldn't be performed because object '%s' couldn't be found.", identity),
		"ObjectNotFound", "ManagementObjectNotFoundException", identity}
}

func record(name string, err error) *psobject.ErrorRecord {
	f, _ := errors.AsType[*failure](err)
	return &psobject.ErrorRecord{Message: f.Message, Category: f.Category, Reason: f.Reason, Target: f.Target, Cmdlet: name}
}

// record turns an error into what the caller is told. What is not meant for the caller goes to the log alone.
func (r *Registry) record(name string, err error) *psobject.ErrorRecord {
	if done, ok := errors.AsType[*psobject.ErrorRecord](err); ok {
		return done
	}
	if _, ok := errors.AsType[*failure](err); ok {
		return record(name, err)
	}
	if rule, ok := errors.AsType[*org.RuleError](err); ok {
		return record(name, &failure{rule.Message, "InvalidOperation", "InvalidOperationException", ""})
	}
	switch {
	case errors.Is(err, org.ErrNotFound):
		return record(name, &failure{"The operation couldn't be performed because the object couldn't be found.", "ObjectNotFound", "ManagementObjectNotFoundException", ""})
	case errors.Is(err, org.ErrExists):
		return record(name, &failure{"An object with this name already exists.", "InvalidOperation", "ADObjectAlreadyExistsException", ""})
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return record(name, &failure{"The command was stopped before it was done.", "ResourceUnavailable", "PipelineStoppedException", ""})
	}
	r.opts.Log.Error("cmdlet failed", "cmdlet", name, "error", err)
	return record(name, &failure{"The command failed inside the server; its log says why.", "ResourceUnavailable", "DataSourceTransientException", ""})
}

// call is one run of one cmdlet.
type call struct {
	context.Context
	r      *Registry
	caller Caller
	cmdlet *cmdlet
	args   arguments
	res    *psobject.Result
	// only is the one object of a server that the call changes; the nil GUID sets no bounds.
	only guid.GUID
	// lockedOut are the administrators without an account in the cloud, where the call may turn OWA or ECP off for them.
	lockedOut []string
	object    string // what was changed, for the audit log; "" leaves it to the parameters
}

func (c *call) put(o psobject.Object) { c.res.Output = append(c.res.Output, o) }

func (c *call) warn(format string, args ...any) {
	c.res.Warnings = append(c.res.Warnings, fmt.Sprintf(format, args...))
}

// unmodified is the warning of every setter that had nothing to do.
func (c *call) unmodified(identity string) {
	c.warn("The command completed successfully but no settings of '%s' have been modified.", identity)
}

// whatIf tells whether the call only says what it would do.
func (c *call) whatIf() bool { return c.args.bool("WhatIf") }

// would says what the call would do to the target.
func (c *call) would(target string) {
	c.res.WhatIf = append(c.res.WhatIf, fmt.Sprintf(`What if: Performing the operation "%s" on target "%s".`, c.cmdlet.Name, target))
}

// edit runs fn on the configuration and tells whether it changed something. With -WhatIf every rule
// is checked, nothing is written, and the call says what it would do to the object of the identity.
func (c *call) edit(identity func() string, fn func(*org.Configuration) error) (changed bool, err error) {
	before := len(c.res.Warnings)
	again := func(cfg *org.Configuration) error {
		c.res.Warnings = c.res.Warnings[:before] // fn may run again
		return fn(cfg)
	}
	if c.whatIf() {
		if changed, err = c.r.org.Preview(c, again); err == nil {
			c.would(identity())
		}
		return changed, err
	}
	if c.only.IsNil() {
		_, changed, err = c.r.org.Change(c, again)
	} else {
		_, changed, err = c.r.org.ChangeObject(c, c.only, again)
	}
	if err == nil {
		c.object = identity()
	}
	return changed, err
}

// change is edit with a warning when fn left the object of the identity as it was.
func (c *call) change(identity func() string, fn func(*org.Configuration) error) error {
	changed, err := c.edit(identity, fn)
	if err == nil && !changed {
		c.unmodified(identity())
	}
	return err
}
