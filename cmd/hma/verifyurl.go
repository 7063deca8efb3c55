package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hma/client/mail"
	"hma/hybrid/conformance"
	"hma/hybrid/procedure"
	"hma/wire/wellknown"
)

// outside is what hma verify is told about servers that it knows by URL alone.
type outside struct {
	urls, via   []string
	user        string
	ca          string
	only        string
	client      string
	signInAt    string
	conformance bool
}

func (o *outside) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&o.urls, "url", nil, "judge the server, or one door, at `URL` from outside; may be repeated")
	flags.StringArrayVar(&o.via, "via", nil, "ask the server at `ADDRESS`, wherever its name leads; may be repeated")
	flags.StringVar(&o.user, "user", "", "`address` of who signs in by device code to try a token")
	flags.StringVar(&o.ca, "ca", "", "`file` of a certificate authority to trust as well")
	flags.StringVar(&o.only, "only", "", "`clients` to judge for: outlook, mobile or owa-ecp")
	flags.StringVar(&o.client, "client", "", "`id` of the client that signs in (default Microsoft Office's)")
	flags.StringVar(&o.signInAt, "sign-in", "", "`host` to sign in at that is none of Microsoft's")
	flags.BoolVar(&o.conformance, "conformance", false, "list every requirement with what was found")
}

// check wants --url with the flags that go with it.
func (o *outside) check() error {
	if o.urls == nil && (o.via != nil || o.user != "" || o.ca != "" || o.only != "" || o.client != "" || o.signInAt != "" || o.conformance) {
		return usage("verify: --via, --user, --ca, --only, --client, --sign-in and --conformance go with --url")
	}
	if o.user == "" && (o.client != "" || o.signInAt != "") {
		return usage("verify: --client and --sign-in go with --user")
	}
	if o.user != "" && !strings.Contains(o.user, "@") {
		return usage("--user %s: want an SMTP address", o.user)
	}
	if o.only != "" && !slices.Contains(procedure.Scopes, procedure.Scope(o.only)) {
		return usage("--only %s: want outlook, mobile or owa-ecp", o.only)
	}
	return nil
}

// onlyProtocols are the doors of the clients.
func onlyProtocols(only string) []mail.Protocol {
	switch procedure.Scope(only) {
	case procedure.ScopeOutlook:
		return []mail.Protocol{mail.Autodiscover, mail.MAPI, mail.EWS, mail.OAB}
	case procedure.ScopeMobile:
		return []mail.Protocol{mail.Autodiscover, mail.ActiveSync}
	case procedure.ScopeBrowser:
		return []mail.Protocol{mail.OWA, mail.ECP}
	}
	return nil
}

// outsideTimeout bounds one request to a server that nobody vouches for.
const outsideTimeout = 15 * time.Second

// verifyOutside judges servers by URL.
func (a *app) verifyOutside(ctx context.Context, o outside, junit string) error {
	opts := mail.Options{Timeout: outsideTimeout, Now: a.clock}
	var local *running
	for _, raw := range o.urls {
		origin := mail.Door{URL: raw}.Resource()
		r, err := a.labOf(origin)
		if err != nil {
			return err
		}
		if r != nil {
			local = r
		}
	}
	ca := o.ca
	if local != nil {
		opts.Names = local.Names
		if ca == "" {
			ca = local.CA
		}
	}
	if ca != "" {
		var err error
		if opts.Roots, err = trust(ca); err != nil {
			return err
		}
	}
	web := mail.New(opts)
	defer web.Close()
	options := conformance.Options{URLs: o.urls, Via: o.via, Only: onlyProtocols(o.only), User: o.user, Client: web, Now: a.clock}
	clear := func() {}
	if a.terminal() != nil {
		// One line that tells what is asked, over and over, and is gone before anything else is printed.
		clear = func() { fmt.Fprint(a.err, "\r\x1b[K") }
		options.Progress = func(what string) { clear(); fmt.Fprint(a.err, "asking "+oneLine(what)) }
	}
	if o.user != "" {
		s := &outsideSignIn{app: a, web: web, local: local, o: o, tokens: map[string]string{}}
		options.SignIn = func(ctx context.Context, authorizationURI, tenant, resource string) (string, error) {
			clear()
			return s.token(ctx, authorizationURI, tenant, resource)
		}
	}
	report, err := conformance.Run(ctx, options)
	clear()
	if errors.Is(err, conformance.ErrUsage) {
		return exit{exitUsage, err}
	}
	if err != nil {
		return err
	}
	if err := writeJUnit(junit, junitConformance(report)); err != nil {
		return err
	}
	if a.json {
		err = printJSON(a.out, report)
	} else {
		a.view.showOutside(report, o.conformance)
	}
	if err != nil {
		return err
	}
	if slices.ContainsFunc(report.Sites, func(s conformance.Site) bool { return s.Unreached != "" }) {
		return exit{exitUnreachable, nil}
	}
	if !report.Passed {
		return exit{exitFound, nil}
	}
	return nil
}

// outsideSignIn signs one person in, once, for servers that name a cloud.
type outsideSignIn struct {
	*app
	web     *mail.Client
	local   *running
	o       outside
	at      mail.Authority
	uri     string // where the sign-in took place
	refresh string
	tokens  map[string]string // by resource
}

// token returns a token for the resource. The server says where to sign in, so that
// cloud must be one of Microsoft's, the running lab's, or named by --sign-in; and it is one for all servers.
func (s *outsideSignIn) token(ctx context.Context, authorizationURI, tenant, resource string) (string, error) {
	if token := s.tokens[resource]; token != "" {
		return token, nil
	}
	if s.uri != "" && s.uri != authorizationURI {
		return "", fmt.Errorf("the server names another cloud than %s, where %s has signed in", s.uri, s.o.user)
	}
	if s.uri == "" {
		if err := s.choose(authorizationURI, tenant); err != nil {
			return "", err
		}
	}
	var token mail.Token
	var err error
	if s.refresh != "" {
		token, err = s.web.Refresh(ctx, s.at, resource, s.refresh)
	} else {
		token, err = s.signInOnce(ctx, resource)
	}
	if err != nil {
		return "", err
	}
	s.uri, s.refresh, s.tokens[resource] = authorizationURI, token.Refresh, token.Access
	return token.Access, nil
}

// choose decides whether to sign in at the cloud that a server named, and as which client.
func (s *outsideSignIn) choose(authorizationURI, tenant string) error {
	u, err := url.Parse(authorizationURI)
	if err != nil {
		return fmt.Errorf("the server names no address to sign in at: %w", err)
	}
	client, redirect := s.o.client, "http://localhost"
	known := slices.Contains(wellknown.SignInHosts, strings.ToLower(u.Host)) || s.o.signInAt != "" && strings.EqualFold(u.Host, s.o.signInAt)
	if s.local != nil && authorizationURI != "" && strings.HasPrefix(authorizationURI, s.local.Cloud+"/") {
		known = true
		if client == "" {
			client, redirect = s.local.Clients[0].ID, s.local.Clients[0].Redirect
		}
	}
	if !known {
		return fmt.Errorf("the server says to sign in at %s, which is no cloud of Microsoft's: give --sign-in %s if it is yours", u.Host, u.Host)
	}
	if client == "" {
		client = wellknown.Office
	}
	s.at, err = mail.AuthorityFrom(authorizationURI, tenant, client, redirect)
	return err
}

// signInOnce signs the person in by device code; in a lab without a terminal it types the lab's password.
func (s *outsideSignIn) signInOnce(ctx context.Context, resource string) (mail.Token, error) {
	if s.local != nil && s.prompter() == nil {
		if u, err := s.local.user(s.o.user); err == nil && u.Password != "" {
			fmt.Fprintln(s.err, "Signed in as "+u.UPN+" with the lab's password, because there is no terminal to ask at.")
			return s.web.Code(ctx, s.at, resource, u.UPN, s.local.browser(u).Redirected)
		}
	}
	token, err := s.web.DeviceCode(ctx, s.at, resource, func(message string) { fmt.Fprintln(s.err, oneLine(message)) })
	if err != nil {
		return mail.Token{}, err
	}
	if who, err := token.Person(s.at.ClientID); err == nil && who.UPN != "" && !strings.EqualFold(who.UPN, s.o.user) {
		fmt.Fprintf(s.err, "%s has signed in, for the address %s.\n", oneLine(who.UPN), s.o.user)
	}
	return token, nil
}

// showOutside prints the hosts, the Connection Status table, what is wrong and what
// to do, and with all every requirement.
func (v *view) showOutside(r *conformance.Report, all bool) {
	for _, s := range r.Sites {
		switch {
		case s.Unreached != "":
			v.hang(0, 2, fmt.Sprintf("%s %s: %s", styleBad.Render("x"), s.Server, oneLine(s.Unreached)))
			v.lead("    do      ", 12, "See where the name leads, and that the port is open from here.")
		default:
			v.hang(0, 2, fmt.Sprintf("%s  %s, certificate until %s", styleTitle.Render("https://"+s.Server), s.TLS.Version, s.TLS.Ends.UTC().Format(time.DateOnly)))
		}
	}
	var rows [][]string
	for _, row := range r.Rows {
		if slices.ContainsFunc(r.Sites, func(s conformance.Site) bool { return s.Unreached != "" && s.Server == row.Server }) {
			continue
		}
		how := "-"
		if row.AuthN != "" {
			how = authn(oneLine(row.AuthN))
		}
		rows = append(rows, []string{row.Door, row.Server, how, verdict(row.Verdict)})
	}
	if rows == nil {
		return
	}
	if r.User != "" {
		v.wrap(0, "Connection Status of "+r.User)
	}
	v.table([]string{"Door", "Server", "AuthN", "Result"}, rows)
	v.showProblems(r)
	if all {
		v.showRequirements(r)
	}
	count := map[conformance.Outcome]int{}
	for _, j := range r.Judgements {
		count[j.Outcome]++
	}
	sum := fmt.Sprintf("%d requirements met, %d not met, %d not tried", count[conformance.Pass], count[conformance.Fail], count[conformance.NotTried])
	if r.Passed {
		sum = styleGood.Render(sum)
	}
	if !all {
		sum += "; --conformance lists them"
	}
	v.wrap(0, sum)
}

func verdict(v conformance.Verdict) string {
	switch v {
	case conformance.Verified, conformance.Offered:
		return styleGood.Render(string(v))
	case conformance.Failed:
		return styleBad.Render(string(v))
	}
	return styleWarn.Render(string(v))
}

// showProblems prints each problem once, with the doors that have it, and the notes.
func (v *view) showProblems(r *conformance.Report) {
	var order []conformance.Problem
	where := map[conformance.Problem]map[string][]string{} // doors by server
	note := func(list []conformance.Problem, server, door string) {
		for _, p := range list {
			if where[p] == nil {
				where[p] = map[string][]string{}
				order = append(order, p)
			}
			where[p][server] = append(where[p][server], door)
		}
	}
	for _, s := range r.Sites {
		note(s.Problems, s.Server, "")
	}
	for _, row := range r.Rows {
		note(row.Problems, row.Server, row.Door)
	}
	for _, p := range order {
		var places []string
		for _, server := range slices.Sorted(maps.Keys(where[p])) {
			places = append(places, strings.TrimPrefix(strings.Join(where[p][server], ", ")+" on "+server, " on "))
		}
		v.hang(0, 2, fmt.Sprintf("%s %s %s", styleBad.Render("x"), p.Requirement, strings.Join(places, "; ")))
		v.lead("    wanted  ", 12, p.Expected)
		v.lead("    found   ", 12, oneLine(p.Found))
		v.lead("    do      ", 12, p.Fix)
	}
	for _, s := range r.Sites {
		for _, n := range s.Notes {
			v.hang(0, 2, fmt.Sprintf("%s %s: %s", styleFaint.Render("i"), s.Server, oneLine(n)))
		}
	}
	for _, row := range r.Rows {
		for _, n := range row.Notes {
			v.hang(0, 2, fmt.Sprintf("%s %s on %s: %s", styleFaint.Render("i"), row.Door, row.Server, oneLine(n)))
		}
	}
}

// showRequirements prints a line for each requirement: at how many doors it is met, and what was found where it is not.
func (v *view) showRequirements(r *conformance.Report) {
	for _, q := range conformance.Requirements {
		var met, not, untried []conformance.Judgement
		for _, j := range r.Judgements {
			switch {
			case j.Requirement != q.ID:
			case j.Outcome == conformance.Pass:
				met = append(met, j)
			case j.Outcome == conformance.Fail:
				not = append(not, j)
			default:
				untried = append(untried, j)
			}
		}
		mark := styleGood.Render("+")
		switch {
		case not != nil && q.Level == conformance.Must:
			mark = styleBad.Render("x")
		case not != nil:
			mark = styleWarn.Render("!")
		case met == nil:
			mark = styleFaint.Render("-")
		}
		times := fmt.Sprintf(" (%d/%d)", len(met), len(met)+len(not))
		if met == nil && not == nil {
			times = " (not tried)"
		}
		v.lead(fmt.Sprintf("%s %-3s %-6s ", mark, q.ID, q.Level), 13, q.Expected+styleFaint.Render(times))
		for _, j := range not {
			v.hang(13, 15, fmt.Sprintf("%s: %s", place(j), oneLine(j.Found)))
		}
		if met == nil && not == nil && untried != nil {
			v.hang(13, 15, styleFaint.Render(oneLine(untried[0].Found)))
		}
	}
}

// place is where a requirement was judged.
func place(j conformance.Judgement) string {
	if j.Door == "" {
		return j.Server
	}
	return j.Door + " on " + j.Server
}
