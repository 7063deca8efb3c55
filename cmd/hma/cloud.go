package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"hma/client/graph"
	"hma/client/mail"
	"hma/hybrid/procedure"
	"hma/hybrid/target"
	"hma/lab"
)

// elsewhere is where a command finds the organisation when not in a lab: in collected files, and
// its tenants in a cloud at which somebody signs in.
type elsewhere struct {
	snapshots []string
	cloud     string
	ca        string
	client    string
	tenants   []string
	write     bool
}

// microsoft is the name of Microsoft's worldwide cloud.
const microsoft = "microsoft"

// cloudLock is the file in the data directory that keeps two operators apart.
const cloudLock = "cloud.lock"

// unproven is said whenever Microsoft's own cloud is asked.
const unproven = "Microsoft's cloud: hma was proven on its own cloud half with the same code, not yet on a live tenant."

func (e *elsewhere) fileFlags(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&e.snapshots, "snapshot", nil, "`FILE` that a script of hma collect wrote, once for each part")
}

func (e *elsewhere) cloudFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&e.cloud, "cloud", "", "`where` the tenants are: microsoft, or a cloud half's URL; you sign in by a\ncode (hma up --cloud is another: the address of the lab's cloud half)")
	f.StringVar(&e.ca, "ca", "", "with --cloud: `file` of an authority to trust besides the machine's own")
	f.StringVar(&e.client, "client-id", "", "with --cloud: application `id` to sign in with")
}

func (e *elsewhere) tenantFlag(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&e.tenants, "tenant", nil, "with --cloud: `tenant` to sign in at, not your own; may be given again")
}

func (e *elsewhere) writeFlag(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&e.write, "write", false, "with --cloud: add to the tenant's lists, or take what was added back")
}

// organisation returns the procedure over the organisation elsewhere, else over the lab.
func (a *app) organisation(ctx context.Context, e *elsewhere, c *caution) (*procedure.Procedure, error) {
	var given target.GivenFiles
	if c != nil {
		given = c.given
	}
	switch {
	case e.cloud != "":
		return a.inCloud(ctx, e, given)
	case e.ca != "" || e.client != "" || e.write || len(e.tenants) > 0:
		return nil, usage("--ca, --client-id, --tenant and --write go with --cloud")
	case len(e.snapshots) > 0:
		return collected(e.snapshots, given)
	}
	_, p, err := a.engine(c)
	return p, err
}

// inCloud returns the procedure over tenants of a cloud, after somebody has signed in at each by a
// device code. The organisation's own part is in collected files, or missing. Only lists of the
// tenants can be changed, and only after a sign-in for that.
func (a *app) inCloud(ctx context.Context, e *elsewhere, given target.GivenFiles) (*procedure.Procedure, error) {
	cloud, err := e.reach()
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(a.data)
	if err != nil {
		return nil, usage("data directory: %w", err)
	}
	if lab.Made(dir) {
		dir = "" // what is there is of another organisation; keeping has refused whoever writes
	}
	t := target.Target{}
	if len(e.snapshots) > 0 {
		if t, err = collectedTarget(e.snapshots); err != nil {
			return nil, err
		}
	}
	if slices.Contains(t.Parts(), target.PartGraph) {
		return nil, usage("--cloud: the tenant is asked itself: leave its Graph part out of --snapshot")
	}
	say := func(line string) { fmt.Fprintln(a.err, strings.Map(printable, line)) }
	scopes := graph.ReadPermissions
	if e.write {
		scopes = append(slices.Clone(scopes), graph.WritePermission)
	}
	if e.cloud == microsoft {
		say(unproven)
	}
	operator := operator() + " as"
	var tenants []target.Tenant
	names := e.tenants
	if len(names) == 0 {
		names = []string{""} // the tenant of who signs in
	}
	for _, name := range names {
		conn, err := cloud.DeviceCode(ctx, name, scopes, say)
		if err != nil {
			return nil, refusedSignIn(err)
		}
		client, err := cloud.Client(conn, nil)
		if err != nil {
			return nil, unreachable(err)
		}
		say(fmt.Sprintf("Signed in as %s.", conn.Account))
		operator += " " + conn.Account
		tenants = append(tenants, target.Tenant{Name: conn.Tenant, Graph: client})
	}
	if err := t.SignedIn(ctx, tenants...); err != nil {
		return nil, usage("--cloud: %w", err)
	}
	t.Documents, t.Files, t.Lock = cloud, target.FirstOf{given, t.Files}, target.FileLock{Path: filepath.Join(dir, cloudLock)}
	a.cloud = e.args()
	o := procedure.Options{Target: t, Dir: dir, Now: now, Operator: operator}
	if !a.json {
		o.Progress = func(ev procedure.Event) { a.view.progress(ev) }
	}
	return procedure.New(o)
}

// reach returns the cloud of that name or address.
func (e *elsewhere) reach() (*graph.Cloud, error) {
	var o mail.Options
	if e.ca != "" {
		roots, err := trust(e.ca)
		if err != nil {
			return nil, err
		}
		o.Roots = roots
	}
	web := mail.New(o)
	cloud := graph.Microsoft(web)
	if e.cloud != microsoft {
		origin, err := serverOrigin("--cloud", e.cloud)
		if err != nil {
			return nil, usage("%w, or microsoft, which is the worldwide one: clouds of governments and of China are not known here", err)
		}
		cloud = graph.Cloud{Login: origin, Endpoint: origin + "/v1.0", Mail: web}
	}
	cloud.ClientID = e.client
	return &cloud, nil
}

// args are the flags that reach the same tenants again, for a command to type.
func (e *elsewhere) args() string {
	text := " --cloud " + e.cloud
	if e.ca != "" {
		text += " --ca " + shorten(e.ca)
	}
	if e.client != "" {
		text += " --client-id " + e.client
	}
	for _, t := range e.tenants {
		text += " --tenant " + t
	}
	return text
}

// keeping refuses a command that keeps plans and journals of an organisation elsewhere in a lab's data directory.
func (e *elsewhere) keeping(data string) error {
	if e.cloud != "" && lab.Made(data) {
		return usage("--cloud: %s is a lab's data directory: give --data another folder for the plans and journals of this organisation", shorten(data))
	}
	return nil
}

// writing refuses a command that changes something where nothing can be changed: in collected files,
// and in a cloud without --write.
func (e *elsewhere) writing(data string) error {
	if e.cloud == "" && len(e.snapshots) > 0 {
		return usage("the organisation of collected files cannot be reached: hma plan --snapshot FILE... --script DIR writes the scripts for its servers")
	}
	if e.cloud != "" && !e.write {
		return usage("--cloud is only read without --write: this adds entries to the tenant's lists, or takes added ones back")
	}
	return e.keeping(data)
}

// printable makes a character of a cloud's text that a terminal might obey a blank.
func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return ' '
}

// refusedSignIn is a sign-in that did not come about, with where its code is explained.
func refusedSignIn(err error) error {
	if e, ok := errors.AsType[*mail.SignInError](err); ok && len(e.Numbers) > 0 {
		err = fmt.Errorf("%w (hma explain AADSTS%d)", err, e.Numbers[0])
	}
	return unreachable(err)
}

// share says what of a plan hma applies in the cloud, and what the servers' own shell has to.
func (a *app) share(plan *procedure.Plan, e *elsewhere) {
	part, err := plan.Applicable()
	if err != nil {
		a.view.wrap(0, "It is for the servers themselves: --script DIR writes the scripts that carry it out and take it back.")
		return
	}
	apply := "apply" + e.args() + " --write"
	for _, name := range e.snapshots {
		apply += " --snapshot " + shorten(name)
	}
	a.view.wrap(0, fmt.Sprintf("In the cloud: %s of %d, by %s.", count(len(part.Changes), "change"), len(plan.Changes), a.command(apply)))
	if rest := len(plan.Changes) - len(part.Changes); rest > 0 {
		a.view.wrap(0, fmt.Sprintf("For the servers themselves: %s; --script DIR writes the scripts that carry the plan out and take it back.", count(rest, "change")))
	}
}
