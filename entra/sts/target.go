package sts

import (
	"slices"
	"strings"

	"hma/entra"
	"hma/wire/aadsts"
	"hma/wire/wellknown"
)

// wish is what a request asks for, read from scope (v2) or resource (v1).
type wish struct {
	version  version
	resource string   // as requested, the token's audience; empty: none was named
	several  bool     // more than one resource
	scopes   []string // short names; ".default" asks for all that was consented
	openID   bool
	profile  bool
	email    bool
	offline  bool
	prefix   string // what full scope names begin with; empty for bare Graph names
}

// parseWish reads scope and resource. A v2 scope is everything before its last
// slash as resource, and the rest as permission; a bare word is Graph's.
func parseWish(v version, scope, resource string) (wish, error) {
	w := wish{version: v, resource: resource}
	if v == v2 && resource != "" {
		return w, refuse(aadsts.ResourceOnV2)
	}
	for word := range strings.FieldsSeq(scope) {
		switch strings.ToLower(word) {
		case "openid":
			w.openID = true
			continue
		case "profile":
			w.profile = true
			continue
		case "email":
			w.email = true
			continue
		case "offline_access":
			w.offline = true
			continue
		}
		if v == v1 {
			continue // v1 goes by resource alone
		}
		named, short, prefix := wellknown.Graph, word, ""
		if slash := strings.LastIndexByte(word, '/'); slash >= 0 {
			named, short, prefix = word[:slash], word[slash+1:], word[:slash+1]
		}
		if named == "" || short == "" || strings.HasSuffix(named, ":/") || strings.HasSuffix(named, "://") {
			return w, refuse(aadsts.ScopeInvalid, clip(word))
		}
		switch w.resource {
		case "":
			w.resource, w.prefix = named, prefix
		case named:
		default:
			w.several = true
			continue
		}
		if !slices.ContainsFunc(w.scopes, func(have string) bool { return strings.EqualFold(have, short) }) {
			w.scopes = append(w.scopes, short)
		}
	}
	if len(w.scopes) > 1 && slices.Contains(w.scopes, ".default") {
		return w, refuse(aadsts.ScopeInvalid, clip(scope))
	}
	return w, nil
}

// target is a decided audience.
type target struct {
	sp       *entra.ServicePrincipal
	audience string
	scopes   []string // granted delegated scopes, short
	shown    string   // the scope field of the answer
}

// resource decides the audience: what is no servicePrincipalName of the tenant gets no token.
func resource(tenant *entra.Tenant, name string) (*entra.ServicePrincipal, error) {
	sp := tenant.Resource(name)
	if sp == nil {
		return nil, refuse(aadsts.ResourceUnknown, clip(name), tenant.DisplayName)
	}
	if !sp.Enabled {
		return nil, refuse(aadsts.ResourceDisabled, clip(name), tenant.DisplayName)
	}
	return sp, nil
}

// delegated decides what a client gets on behalf of a person.
func (w wish) delegated(tenant *entra.Tenant, client entra.Client, person string) (target, error) {
	if w.several {
		return target{}, refuse(aadsts.SeveralResources)
	}
	if w.resource == "" {
		if w.version == v1 {
			return target{}, refuse(aadsts.ParameterMissing, "resource")
		}
		// openid and the like alone are permissions of Graph.
		if !w.openID && !w.offline && !w.profile && !w.email {
			return target{}, refuse(aadsts.ScopeMissing)
		}
		w.resource = wellknown.Graph
	}
	sp, err := resource(tenant, w.resource)
	if err != nil {
		return target{}, err
	}
	granted := client.Granted(sp, person)
	t := target{sp: sp, audience: w.resource}
	all := w.version == v1 || slices.Contains(w.scopes, ".default")
	switch {
	case all || len(w.scopes) == 0:
		t.scopes = granted
		if len(w.scopes) == 0 && w.version == v2 {
			t.scopes = slices.DeleteFunc(slices.Clone(granted), func(s string) bool {
				return !strings.EqualFold(s, "User.Read") && !slices.Contains([]string{"openid", "profile", "email"}, s)
			})
		}
	default:
		for _, wanted := range w.scopes {
			published, ok := sp.Scope(wanted)
			if !ok {
				return target{}, refuse(aadsts.ScopeUnknown, clip(wanted), clip(w.resource))
			}
			if !slices.Contains(granted, published.Value) {
				return target{}, refuse(aadsts.ConsentMissing, client.DisplayName, clip(wanted))
			}
			t.scopes = append(t.scopes, published.Value)
		}
	}
	if len(t.scopes) == 0 {
		return target{}, refuse(aadsts.ConsentMissing, client.DisplayName, clip(w.resource))
	}
	t.shown = w.show(t, all)
	return t, nil
}

// show writes the scope field: short names on v1, full names on v2 except Graph's.
func (w wish) show(t target, all bool) string {
	if w.version == v1 {
		shown := t.scopes
		// DavMail gives up on an answer for Exchange whose scope lacks the word EWS.
		if t.sp.AppID == wellknown.Exchange && !slices.Contains(shown, "EWS.AccessAsUser.All") {
			shown = append(slices.Clone(shown), "EWS.AccessAsUser.All")
		}
		return strings.Join(shown, " ")
	}
	prefix := w.prefix
	var shown []string
	for _, s := range t.scopes {
		if slices.Contains([]string{"openid", "profile", "email", "offline_access"}, s) {
			continue // said below, if they were asked for
		}
		shown = append(shown, prefix+s)
	}
	for _, word := range []struct {
		name  string
		asked bool
	}{{"openid", w.openID}, {"profile", w.profile}, {"email", w.email}} {
		if word.asked {
			shown = append(shown, word.name)
		}
	}
	if all {
		// A client that caches by scope finds its own words again.
		shown = append(shown, prefix+".default")
	}
	return strings.Join(shown, " ")
}
