package auth_test

import (
	"strings"
	"testing"

	"hma/exchange/auth/authtest"
	"hma/exchange/org"
)

// forest makes Jane's mailbox a linked one, as a resource forest has them: her own account is disabled, her token is of
// an account of another forest.
func forest() (*world, authtest.Claims) {
	w := newWorld()
	const master = "S-1-5-21-9-9-9-1105"
	w.people.Change("jane@contoso.com", func(r *org.Recipient) {
		r.Enabled, r.LinkedMasterAccount, r.MasterAccountSID = false, `CORP\jane`, master
	})
	return w, authtest.Claims{"onprem_sid": master, "upn": "jane@corp.contoso.com", "unique_name": "jane@corp.contoso.com"}
}

// fixed turns on all that OWA and ECP want for linked mailboxes.
func fixed(s *org.Snapshot) {
	s.OwaSettings = org.AppSettings{"oauthhttpmodule.converttosidbasedidentity": "true", "oauthhttpmodule.usemasteraccountsid": "true"}
	s.Overrides = []*org.SettingOverride{{Component: "OAuth", Section: "OwaHMAFixForAfRfScenarios", Parameters: []string{"Enabled=true"}}}
}

// TestLinkedMailboxes matches the owners of linked mailboxes at every door.
func TestLinkedMailboxes(t *testing.T) {
	for name, tt := range map[string]struct {
		claims authtest.Claims
		want   string // in the reason of the refusal; "" is admitted
	}{
		"by master account":          {nil, ""},
		"by name, without a SID":     {authtest.Claims{"onprem_sid": nil, "upn": "jane@contoso.com", "unique_name": nil}, ""},
		"by name, of somebody else":  {authtest.Claims{"onprem_sid": "S-1-5-21-9-9-9-1106", "upn": "jane@contoso.com", "unique_name": nil}, "master account"},
		"by the mailbox's own SID":   {authtest.Claims{"onprem_sid": "S-1-5-21-1-2-3-1104"}, "master account"},
		"of nobody":                  {authtest.Claims{"onprem_sid": "S-1-5-21-9-9-9-1106"}, "nobody"},
		"by primarysid":              {authtest.Claims{"onprem_sid": nil, "primarysid": "s-1-5-21-9-9-9-1105"}, ""},
		"another cloud account's id": {authtest.Claims{"oid": "aaaaaaaa-0000-0000-0000-000000000009"}, "object id"},
	} {
		for _, kind := range bearerKinds {
			w, claims := forest()
			if name == "by primarysid" {
				w.people.Change("jane@contoso.com", func(r *org.Recipient) { r.MasterAccountSID = "s-1-5-21-9-9-9-1105" })
			}
			id, d := w.bearer(kind, w.Delegated().With(claims).With(tt.claims))
			switch {
			case d != nil && (tt.want == "" || !strings.Contains(d.Reason, tt.want)):
				t.Errorf("%s, %s: %s", kind, name, d.Reason)
			case d == nil && (tt.want != "" || id.Recipient.UPN != "jane@contoso.com"):
				t.Errorf("%s, %s: admitted", kind, name)
			}
		}
	}
}

// TestLinkedMailboxesAtOWA needs the override and both keys of web.config there, and loses people with any one of them.
func TestLinkedMailboxesAtOWA(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil func(*org.Snapshot)
		ok    bool
	}{
		"everything":             {func(*org.Snapshot) {}, true},
		"no override":            {func(s *org.Snapshot) { s.Overrides = nil }, false},
		"override disabled":      {func(s *org.Snapshot) { s.Overrides[0].Parameters = []string{"Enabled=false"} }, false},
		"override of another":    {func(s *org.Snapshot) { s.Overrides[0].Section = "KeepADFSHeadersOnTokenExpiry" }, false},
		"no ConvertToSid":        {func(s *org.Snapshot) { delete(s.OwaSettings, "oauthhttpmodule.converttosidbasedidentity") }, false},
		"no UseMasterAccountSid": {func(s *org.Snapshot) { s.OwaSettings["oauthhttpmodule.usemasteraccountsid"] = "false" }, false},
		"no web.config":          {func(s *org.Snapshot) { s.OwaSettings = nil }, false},
	} {
		for _, kind := range []org.Kind{org.Owa, org.Ecp} {
			w, claims := forest()
			fixed(w.snapshot)
			tt.spoil(w.snapshot)
			f := w.facts(kind)
			id, d := w.auth.IDToken(t.Context(), f, w.Sign(w.IDToken().With(claims)), w.Nonce, w.Code)
			if (d == nil) != tt.ok || d == nil && id.Recipient.UPN != "jane@contoso.com" || d != nil && !strings.Contains(d.Reason, "OwaHMAFixForAfRfScenarios") {
				t.Errorf("%s, %s: sign-in %+v %+v", kind, name, id, d)
			}
			if _, d := w.auth.Session(t.Context(), f, "S-1-5-21-1-2-3-1104", w.Issuer); (d == nil) != tt.ok {
				t.Errorf("%s, %s: session %+v", kind, name, d)
			}
			// A name is not enough here.
			if tt.ok {
				if _, d := w.auth.IDToken(t.Context(), f, w.Sign(w.IDToken().With(authtest.Claims{"onprem_sid": nil, "upn": "jane@contoso.com"})), w.Nonce, w.Code); d == nil {
					t.Errorf("%s: a token without a SID was taken", kind)
				}
			}
		}
	}
}

// TestKeepADFSHeaders looks for the way to AD FS in the answer to an expired token.
func TestKeepADFSHeaders(t *testing.T) {
	for name, tt := range map[string]struct {
		typ    string
		params string
		want   bool
	}{
		"AD FS":                {org.ADFS, "", false},
		"AD FS, kept":          {org.ADFS, "Enabled=true", true},
		"AD FS, disabled":      {org.ADFS, "Enabled=false", false},
		"Entra, no difference": {org.AzureAD, "", true},
	} {
		w := newWorld()
		server := w.AuthServer()
		server.Type = tt.typ
		w.snapshot.AuthServers = []*org.AuthServer{server}
		if tt.params != "" {
			w.snapshot.Overrides = []*org.SettingOverride{{Component: "OAuth", Section: "KeepADFSHeadersOnTokenExpiry", Parameters: []string{tt.params}}}
		}
		_, d := w.bearer(org.WebServices, w.Delegated().With(authtest.Claims{"exp": w.Now.Unix() - 3600}))
		if d == nil || strings.Contains(d.Challenges[0], "authorization_uri") != tt.want {
			t.Errorf("%s: %+v", name, d)
		}
		_, d = w.bearer(org.WebServices, w.Delegated().With(authtest.Claims{"aud": "https://other"}))
		if d == nil || !strings.Contains(d.Challenges[0], "authorization_uri") {
			t.Errorf("%s, another fault: %+v", name, d)
		}
	}
}

// TestIssuerKind is in the challenge since 2019 CU13.
func TestIssuerKind(t *testing.T) {
	for version, want := range map[org.Version]bool{
		{15, 1, 2507, 61}: false, {15, 2, 1118, 7}: false, {15, 2, 1258, 11}: false, {15, 2, 1258, 12}: true, {15, 2, 2562, 17}: true,
	} {
		w := newWorld()
		w.snapshot.Server.Version = version
		f := w.facts(org.ActiveSync)
		f.Authorization = []string{"Bearer"}
		_, d := w.auth.Authenticate(t.Context(), f)
		if strings.Contains(d.Challenges[0], "issuer_kind") != want || !strings.Contains(d.Challenges[0], "authorization_uri") {
			t.Errorf("%s: %s", version, d.Challenges[0])
		}
	}
}
