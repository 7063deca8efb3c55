package wizard

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"hma/client/graph"
	"hma/hybrid/procedure/facts"
	"hma/wire/psobject"
	"hma/wire/wellknown"
)

// dedicatedSince are the first builds that sign in as a dedicated hybrid application (April 2025 hotfix updates).
var dedicatedSince = []facts.Build{{15, 1, 2507, 55}, {15, 2, 1544, 25}, {15, 2, 1748, 24}, facts.BuildSE}

// takesDedicated tells whether a build is one of dedicatedSince or a later one of its cumulative update.
func takesDedicated(b facts.Build) bool {
	return b.AtLeast(facts.BuildSE) || slices.ContainsFunc(dedicatedSince, func(first facts.Build) bool {
		return b[0] == first[0] && b[1] == first[1] && b[2] == first[2] && b.AtLeast(first)
	})
}

// checkBuilds refuses a dedicated application where a server could not sign in as it.
func (r *run) checkBuilds() error {
	for i, b := range r.found.builds {
		if !takesDedicated(b) {
			return fmt.Errorf("%w: %s has build %s; a dedicated hybrid application needs 2019 CU14 (15.2.1544.25), CU15 (15.2.1748.24) or 2016 CU23 (15.1.2507.55) with the April 2025 update, or later",
				ErrInput, r.found.servers[i], b)
		}
	}
	return nil
}

// dedicated makes the organisation's own application ("Deploy dedicated Exchange hybrid app") with the
// certificate, names it at EvoSTS, and gives it EWS as anybody.
func (r *run) dedicated(ctx context.Context, t *tenant) error {
	name := "ExchangeServerApp-" + r.found.guid
	app, err := r.application(ctx, t, name)
	if err != nil {
		return err
	}
	if err := r.actAs(ctx, t, app); err != nil { // at once: what the organisation does not name is not its own
		return err
	}
	return r.principal(ctx, t, name, app)
}

// later stands for an id that a dry run cannot know.
const later = "<id of the new application>"

func (r *run) application(ctx context.Context, t *tenant, name string) (graph.Application, error) {
	app, found, err := t.Graph.Application(ctx, name)
	if err != nil {
		return app, err
	}
	if found {
		// A name proves nothing: in many tenants everybody may register applications. Only what the organisation names is its own.
		if a := r.authServer(t, "AzureAD"); a == nil || !strings.EqualFold(a.String("ApplicationIdentifier"), app.AppID) {
			return app, fmt.Errorf("%w: tenant %s has an application %s (%s) that the organisation does not name: delete it, or, if you know who made it, name it with Set-AuthServer -ApplicationIdentifier",
				ErrInput, t.initial, name, app.AppID)
		}
		return app, r.upload(ctx, t, "application "+name, "/applications/"+app.ID,
			func() ([]graph.KeyCredential, error) { return t.Graph.ApplicationKeys(ctx, app.ID) },
			func(keys []graph.KeyCredential) error { return t.Graph.SetApplicationKeys(ctx, app.ID, keys) })
	}
	app = graph.Application{DisplayName: name, RequiredAccess: []graph.RequiredAccess{
		{ResourceAppID: wellknown.Exchange, Access: []graph.ResourceAccess{{ID: wellknown.FullAccessAsApp, Type: "Role"}}}}}
	for _, c := range r.found.all {
		app.KeyCredentials = append(app.KeyCredentials, key(c))
	}
	err = r.write(ctx, t, Step{Object: "application " + name, Action: Created, Command: "POST /applications displayName=" + name}, func() error {
		app, err = t.Graph.CreateApplication(ctx, app)
		return err
	})
	if r.DryRun {
		app.AppID = later
	}
	return app, err
}

// principal gives the application its service principal in the tenant and full_access_as_app.
func (r *run) principal(ctx context.Context, t *tenant, name string, app graph.Application) error {
	object := "service principal of " + name
	var sp graph.ServicePrincipal
	var held []graph.RoleAssignment
	var err error
	if app.AppID != later {
		if sp, err = t.Graph.ServicePrincipal(ctx, app.AppID); err != nil && !errors.Is(err, graph.ErrNotFound) {
			return err
		}
	}
	if sp.ID != "" {
		r.keep(t, object)
		if held, err = t.Graph.AppRoles(ctx, sp.ID); err != nil {
			return err
		}
	} else if err := r.write(ctx, t, Step{Object: object, Action: Created, Command: "POST /servicePrincipals appId=" + app.AppID}, func() (err error) {
		sp, err = t.Graph.CreateServicePrincipal(ctx, app.AppID)
		return err
	}); err != nil {
		return err
	}
	object = "permission full_access_as_app of " + name
	if slices.ContainsFunc(held, func(a graph.RoleAssignment) bool {
		return a.ResourceID == t.exchange.ID && strings.EqualFold(a.RoleID, wellknown.FullAccessAsApp)
	}) {
		r.keep(t, object)
		return nil
	}
	return r.write(ctx, t, Step{Object: object, Action: Created, Command: "POST /servicePrincipals/" + sp.ID + "/appRoleAssignments appRoleId=" + wellknown.FullAccessAsApp},
		func() error { return t.Graph.AssignAppRole(ctx, sp.ID, t.exchange.ID, wellknown.FullAccessAsApp) })
}

// actAs names the application at EvoSTS, with the domains that the AuthServer of the Access Control Service has.
func (r *run) actAs(ctx context.Context, t *tenant, app graph.Application) error {
	name := "EvoSts - " + t.organization
	var have psobject.Object
	if a := r.authServer(t, "AzureAD"); a != nil {
		have, name = *a, a.String("Name")
	} else if r.OldNames {
		name = "EvoSTS"
	}
	object := "ApplicationIdentifier of AuthServer '" + name + "'"
	if strings.EqualFold(have.String("ApplicationIdentifier"), app.AppID) {
		r.keep(t, object)
		return nil
	}
	parameters := []psobject.Property{with("Identity", name), with("ApplicationIdentifier", app.AppID)}
	if lacking := slices.DeleteFunc(append(slices.Clone(t.domains), t.coexistence()), func(d string) bool {
		return slices.ContainsFunc(have.Strings("DomainName"), func(h string) bool { return strings.EqualFold(h, d) })
	}); len(lacking) > 0 {
		parameters = append(parameters, with("DomainName", psobject.Edit{Add: lacking}))
	}
	return r.invoke(ctx, t, object, Changed, "Set-AuthServer", parameters...)
}

// override makes the servers use the application.
func (r *run) override(ctx context.Context) error {
	const component, section = "Global", "ExchangeOnpremAsThirdPartyAppId"
	list, err := r.get(ctx, "Get-SettingOverride")
	if err != nil {
		return err
	}
	for _, o := range list {
		if !strings.EqualFold(o.String("ComponentName"), component) || !strings.EqualFold(o.String("SectionName"), section) {
			continue
		}
		object := "SettingOverride '" + o.String("Name") + "'"
		if slices.ContainsFunc(o.Strings("Parameters"), func(p string) bool { return strings.EqualFold(p, "Enabled=true") }) {
			r.keep(nil, object)
			return nil
		}
		return r.invoke(ctx, nil, object, Changed, "Set-SettingOverride", with("Identity", o.String("Name")), with("Parameters", []string{"Enabled=true"}))
	}
	const name = "EnableExchangeHybridApplicationOverride"
	return r.invoke(ctx, nil, "SettingOverride '"+name+"'", Created, "New-SettingOverride", with("Name", name), with("Component", component),
		with("Section", section), with("Parameters", []string{"Enabled=true"}), with("Reason", "Dedicated Exchange hybrid application"))
}

// cleanUp takes the organisation's certificates, and no other, away from the shared principal.
func (r *run) cleanUp(ctx context.Context, t *tenant) error {
	const object = "OAuth certificate at the service principal of Exchange Online"
	keys, err := t.Graph.KeyCredentials(ctx, t.exchange.ID)
	if err != nil {
		return err
	}
	rest := without(keys, r.found.own)
	if len(rest) == len(keys) {
		r.keep(t, object)
		return nil
	}
	return r.write(ctx, t, Step{Object: object, Action: Removed, Command: fmt.Sprintf("PATCH /servicePrincipals/%s keyCredentials -= %d of %d", t.exchange.ID, len(keys)-len(rest), len(keys))},
		func() error { return t.Graph.SetKeyCredentials(ctx, t.exchange.ID, rest) })
}
