package procedure

import (
	"slices"
	"testing"

	"hma/hybrid/procedure/facts"
	"hma/hybrid/procedure/rule"
)

// Each fault that is put into an enabled, healthy organisation is found by its rule, as a finding.
func TestRulesFindFaults(t *testing.T) {
	for name, c := range map[string]struct {
		rule  string
		spoil func(*organisation)
	}{
		"SPN of an external URL": {"spn-list", func(o *organisation) { o.find(facts.WebServices, "EX2").external = "https://new.contoso.com/EWS" }},
		"SPN with another port":  {"spn-list", func(o *organisation) { o.find(facts.Mapi, "EX1").internal = "https://mail.contoso.com:8443/mapi" }},
		"http URL":               {"spn-list", func(o *organisation) { o.find(facts.Oab, "EX1").internal = "http://mail.contoso.com/OAB" }},
		"OAuth off MAPI":         {"oauth-virtual-directories", func(o *organisation) { o.find(facts.Mapi, "EX2").live["IISAuthenticationMethods"] = []string{"Ntlm"} }},
		"OAuth off EAS's list": {"oauth-virtual-directories", func(o *organisation) {
			o.find(facts.ActiveSync, "EX1").ad["ExternalAuthenticationMethods"] = []string{"Basic"}
		}},
		"OAuth off EWS, running only": {"oauth-virtual-directories", func(o *organisation) { o.find(facts.WebServices, "EX1").live["OAuthAuthentication"] = false }},
		"no default endpoint":         {"default-authorization-endpoint", func(o *organisation) { o.auth["IsDefaultAuthorizationEndpoint"] = false }},
		"switch off":                  {"oauth2-client-profile", func(o *organisation) { o.org["OAuth2ClientProfileEnabled"] = false }},
		"expired certificate":         {"oauth-certificate", func(o *organisation) { o.expires = noon.AddDate(0, 0, -1) }},
		"disabled cloud account":      {"users-synchronised", func(o *organisation) { o.users[0].AccountEnabled = false }},
		"cloud-only namesake":         {"users-synchronised", func(o *organisation) { o.users[0].OnPremisesSyncEnabled = false }},
		"administrator out of sync":   {"administrators-synchronised", func(o *organisation) { o.users = o.users[:1] }},
		"reply URL gone":              {"reply-urls", func(o *organisation) { o.sp.ReplyURLs = o.sp.ReplyURLs[:2] }},
		"Basic back on ECP":           {"owa-ecp-methods", func(o *organisation) { o.find(facts.Ecp, "EX1").live["BasicAuthentication"] = true }},
		"OWA between":                 {"owa-ecp-methods", func(o *organisation) { o.find(facts.Owa, "EX2").live["OAuthAuthentication"] = false }},
		"old build":                   {"build-owa-ecp", func(o *organisation) { o.build = "Version 15.2 (Build 1258.12)" }},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOrganisation()
			o.delay = 0
			p := engine(t, o, t.TempDir())
			if _, err := p.Apply(t.Context(), plan(t, p)); err != nil {
				t.Fatal(err)
			}
			c.spoil(o)
			r, err := p.Check(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			found := false
			for _, f := range r.Findings {
				found = found || f.Rule == c.rule && f.Severity == rule.Fault && len(f.Evidence) > 0
			}
			if !found {
				t.Errorf("%s finds nothing: %q", c.rule, faults(t, p))
			}
		})
	}
}

// An old organisation is enabled for mail and leaves OWA and ECP alone.
func TestOldBuildPlan(t *testing.T) {
	o := newOrganisation()
	o.build = "Version 15.2 (Build 659.4)"
	p := engine(t, o, t.TempDir())
	for _, c := range plan(t, p).Changes {
		if c.Step == StepLegacyOff || c.Step == StepBrowserOAuth || c.Step == StepReplyURL {
			t.Errorf("%s is planned on a build that cannot", c.Address)
		}
		for _, s := range c.Settings {
			if s.Property == "DomainName" {
				t.Error("DomainName is planned on a build whose Set-AuthServer has none")
			}
		}
	}
}

// A plan for some clients leaves the others' doors, and keeps what cannot be divided.
func TestScopes(t *testing.T) {
	for scope, kinds := range map[Scope][]facts.Kind{
		"":           {facts.Mapi, facts.ActiveSync, facts.Owa, facts.Ecp},
		ScopeOutlook: {facts.Mapi},
		ScopeMobile:  {facts.ActiveSync},
		ScopeBrowser: {facts.Owa, facts.Ecp},
	} {
		o := newOrganisation()
		o.find(facts.Oab, "EX2").ad["OAuthAuthentication"], o.find(facts.Oab, "EX2").live["OAuthAuthentication"] = true, true
		for _, d := range []*directory{o.find(facts.Mapi, "EX1"), o.find(facts.ActiveSync, "EX1")} {
			for _, list := range []string{"IISAuthenticationMethods", "InternalAuthenticationMethods"} {
				if d.ad[list] != nil {
					d.ad[list], d.live[list] = []string{"Ntlm"}, []string{"Ntlm"}
				}
			}
		}
		made, err := engine(t, o, t.TempDir()).MakePlan(t.Context(), Choices{Scope: scope})
		if err != nil {
			t.Fatal(err)
		}
		steps := map[Step]bool{}
		found := map[facts.Kind]bool{}
		for _, c := range made.Changes {
			steps[c.Step] = true
			for _, kind := range facts.Kinds {
				found[kind] = found[kind] || c.Cmdlet == setCmdlet(kind)
			}
		}
		for _, kind := range facts.Kinds {
			if found[kind] != slices.Contains(kinds, kind) {
				t.Errorf("%q: %s changed: %v", scope, kind, found[kind])
			}
		}
		if !steps[StepSPN] || !steps[StepEndpoint] || !steps[StepClientProfile] {
			t.Errorf("%q: %v", scope, steps)
		}
	}
}
