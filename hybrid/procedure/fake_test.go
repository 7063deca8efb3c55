package procedure

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hma/client/graph"
	"hma/client/mail"
	"hma/hybrid/procedure/desired"
	"hma/hybrid/procedure/facts"
	"hma/hybrid/target"
	"hma/wire/psobject"
	"hma/wire/wellknown"
)

const (
	tenantID   = "11111111-2222-3333-4444-555555555555"
	evoSTS     = "EvoSts - 11111111-2222-3333-4444-555555555555"
	authorize  = "https://login.example/common/oauth2/authorize"
	metadata   = "https://login.example/11111111-2222-3333-4444-555555555555/federationmetadata/2007-06/federationmetadata.xml"
	thumbprint = "0123456789ABCDEF0123456789ABCDEF01234567"
	signing    = "TUlJ"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// directory is a virtual directory of the fake: what the directory holds and what the server runs.
type directory struct {
	kind               facts.Kind
	server, name       string
	internal, external string
	ad, live           map[string]any
	ticks              int // reads until the server takes the AD copy up
}

func (d *directory) identity() string { return d.server + `\` + d.name }

// organisation is an organisation of two servers with its tenant. It holds the
// order of OWA and ECP as the cmdlets do, and takes changes up after some reads.
type organisation struct {
	mu   sync.Mutex
	dirs []*directory
	scp  map[string]string
	auth map[string]any
	org  map[string]any
	// policies are the authentication policies by name, and assigned who has one of his own, by account.
	policies map[string]map[string]any
	assigned map[string]any
	sp       graph.ServicePrincipal
	app      *graph.Application // the dedicated hybrid application
	users    []graph.User
	build    string
	expires  time.Time
	holder   string
	delay    int
	// document is the metadata document, "" for the right one.
	document string
	// consent is the kind of consent to clients of phones.
	consent string
	// held are names that another application has.
	held map[string]string
	// show changes what a cmdlet shows; more adds objects by cmdlet.
	show func(cmdlet string, o *psobject.Object)
	more map[string][]psobject.Object
	// meets is called when a client comes to a server with nothing; what it returns is the answer, unless it is 0.
	meets func(server string) (status int)
	// date is what servers say in Date, and header what else their answers have.
	date   time.Time
	header string
	// broken is asked before each cmdlet and Graph call; an error fails the call.
	broken func(name string) error
	// cloud is where a browser door sends somebody who signs in.
	cloud string
	// forge may change how a browser door answers a forged sign-in.
	forge func(*mail.Handshake)
	// onGraphRead runs before the service principal is read.
	onGraphRead func(*organisation)
}

// named is an object of these properties, name and value in turn.
func named(pairs ...any) psobject.Object {
	var x psobject.Object
	for i := 0; i < len(pairs); i += 2 {
		x.Properties = append(x.Properties, psobject.Property{Name: pairs[i].(string), Value: pairs[i+1]})
	}
	return x
}

func newOrganisation() *organisation {
	o := &organisation{
		scp:      map[string]string{},
		policies: map[string]map[string]any{}, assigned: map[string]any{},
		cloud: authorize,
		auth:  map[string]any{"IsDefaultAuthorizationEndpoint": false, "DomainName": []string{"contoso.mail.onmicrosoft.com"}},
		org:   map[string]any{"OAuth2ClientProfileEnabled": false},
		build: "Version 15.2 (Build 1544.11)", expires: noon.AddDate(3, 0, 0), delay: 2, date: noon, consent: "AllPrincipals",
		more: map[string][]psobject.Object{
			"Get-AuthServer": {named("Name", "ACS - 1", "Type", "MicrosoftACS", "Realm", tenantID, "Enabled", true)},
			"Get-IntraOrganizationConnector": {named("Name", "HybridIOC - 1", "Enabled", true, "DiscoveryEndpoint", "https://autodiscover-s.outlook.com/autodiscover/autodiscover.svc",
				"TargetAddressDomains", []string{"contoso.mail.onmicrosoft.com"})}},
		sp: graph.ServicePrincipal{ID: "sp-1", AppID: wellknown.Exchange,
			ServicePrincipalNames: []string{wellknown.Exchange, "https://outlook.office365.com/", "https://mail.contoso.com/", "https://localhost:8443/", "https://localhost:8444/"},
			ReplyURLs:             []string{"https://outlook.office365.com/owa"}},
		users: []graph.User{
			{ID: "1", UserPrincipalName: "ada@contoso.com", AccountEnabled: true, OnPremisesSyncEnabled: true, OnPremisesSecurityIdentifier: "S-1-5-21-1-2-3-1101"},
			{ID: "2", UserPrincipalName: "admin@contoso.com", AccountEnabled: true, OnPremisesSyncEnabled: true, OnPremisesSecurityIdentifier: "S-1-5-21-1-2-3-1102"},
		},
	}
	for i, server := range []string{"EX1", "EX2"} {
		o.scp[server] = "https://autodiscover.contoso.com/Autodiscover/Autodiscover.xml"
		port := fmt.Sprint(8443 + i)
		add := func(kind facts.Kind, name, path string, values map[string]any) {
			d := &directory{kind: kind, server: server, name: name + " (Default Web Site)", ad: values, live: maps.Clone(values)}
			if path != "" {
				d.internal, d.external = "https://localhost:"+port+path, "https://mail.contoso.com"+path
			}
			o.dirs = append(o.dirs, d)
		}
		on := func() map[string]any {
			return map[string]any{"OAuthAuthentication": true, "WindowsAuthentication": true, "BasicAuthentication": false, "DigestAuthentication": false, "AdfsAuthentication": false, "FormsAuthentication": false}
		}
		forms := func() map[string]any {
			return map[string]any{"OAuthAuthentication": false, "WindowsAuthentication": false, "BasicAuthentication": true, "DigestAuthentication": false, "AdfsAuthentication": false, "FormsAuthentication": true}
		}
		add(facts.Autodiscover, "Autodiscover", "", on())
		add(facts.Mapi, "mapi", "/mapi", map[string]any{"IISAuthenticationMethods": []string{"Ntlm", "OAuth", "Negotiate"}})
		add(facts.WebServices, "EWS", "/EWS/Exchange.asmx", on())
		add(facts.ActiveSync, "Microsoft-Server-ActiveSync", "/Microsoft-Server-ActiveSync", map[string]any{"InternalAuthenticationMethods": []string{}, "ExternalAuthenticationMethods": []string{}})
		oab := on()
		oab["OAuthAuthentication"] = server == "EX1"
		add(facts.Oab, "OAB", "/OAB", oab)
		add(facts.Owa, "owa", "/owa", forms())
		add(facts.Ecp, "ecp", "/ecp", forms())
	}
	return o
}

// state is everything that a run may change, for comparing.
func (o *organisation) state() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := map[string]any{"auth": o.auth, "org": o.org, "names": o.sp.ServicePrincipalNames, "replies": o.sp.ReplyURLs, "policies": o.policies, "assigned": o.assigned}
	for _, d := range o.dirs {
		all[d.identity()] = []any{d.ad}
	}
	data, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		panic(err)
	}
	return string(data)
}

func (d *directory) object(ad bool) psobject.Object {
	if d.ticks > 0 {
		if d.ticks--; d.ticks == 0 {
			d.live = maps.Clone(d.ad)
		}
	}
	values := d.live
	if ad {
		values = d.ad
	}
	obj := psobject.Object{Properties: []psobject.Property{{Name: "Server", Value: d.server}, {Name: "Identity", Value: d.identity()},
		{Name: "InternalUrl", Value: d.internal}, {Name: "ExternalUrl", Value: d.external}}}
	var listed []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		v := values[name]
		if b, isSwitch := v.(bool); isSwitch {
			if b {
				listed = append(listed, map[string]string{"OAuthAuthentication": "OAuth", "BasicAuthentication": "Basic", "DigestAuthentication": "Digest",
					"WindowsAuthentication": "WindowsIntegrated", "FormsAuthentication": "Fba", "AdfsAuthentication": "Adfs"}[name])
			}
			v = b && !ad
		}
		obj.Properties = append(obj.Properties, psobject.Property{Name: name, Value: v})
	}
	if _, has := values["InternalAuthenticationMethods"]; !has && d.kind != facts.Mapi {
		obj.Properties = append(obj.Properties, psobject.Property{Name: "InternalAuthenticationMethods", Value: append([]string{}, listed...)})
	}
	return obj
}

func legacy(v map[string]any) bool {
	return v["BasicAuthentication"] == true || v["FormsAuthentication"] == true || v["DigestAuthentication"] == true || v["AdfsAuthentication"] == true
}

func (o *organisation) find(kind facts.Kind, server string) *directory {
	i := slices.IndexFunc(o.dirs, func(d *directory) bool { return d.kind == kind && d.server == server })
	return o.dirs[i]
}

// order is the rule of the OWA and ECP cmdlets.
func (o *organisation) order(d *directory, next map[string]any) error {
	if next["OAuthAuthentication"] == true && legacy(next) {
		return fmt.Errorf("turn Adfs, Basic, Forms and Digest off on %s first", d.identity())
	}
	owa, ecp := o.find(facts.Owa, d.server), o.find(facts.Ecp, d.server)
	switch {
	case d.kind == facts.Owa && next["OAuthAuthentication"] == true && ecp.ad["OAuthAuthentication"] != true:
		return fmt.Errorf("OAuth on ECP comes before OWA")
	case d.kind == facts.Ecp && next["OAuthAuthentication"] == false && d.ad["OAuthAuthentication"] == true && owa.ad["OAuthAuthentication"] == true:
		return fmt.Errorf("OAuth leaves OWA before ECP")
	case d.kind == facts.Ecp && !legacy(next) && legacy(d.ad) && legacy(owa.ad):
		return fmt.Errorf("the legacy methods leave OWA before ECP")
	}
	return nil
}

// Invoke runs a cmdlet, then lets the test change what it shows.
func (o *organisation) Invoke(ctx context.Context, call psobject.Invocation) (psobject.Result, error) {
	res, err := o.invoke(ctx, call)
	if len(call.Parameters) == 0 || call.Parameters[0].Name != "Identity" {
		res.Output = append(res.Output, o.more[call.Cmdlet]...)
	}
	for i := range res.Output {
		if o.show != nil {
			res.Output[i].Properties = slices.Clone(res.Output[i].Properties)
			o.show(call.Cmdlet, &res.Output[i])
		}
	}
	return res, err
}

func (o *organisation) invoke(_ context.Context, call psobject.Invocation) (psobject.Result, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.broken != nil {
		if err := o.broken(call.Cmdlet); err != nil {
			return psobject.Result{}, err
		}
	}
	arg := func(name string) any {
		for _, p := range call.Parameters {
			if p.Name == name {
				return p.Value
			}
		}
		return nil
	}
	one := func(p ...psobject.Property) (psobject.Result, error) {
		return psobject.Result{Output: []psobject.Object{{Properties: p}}}, nil
	}
	verb, noun, _ := strings.Cut(call.Cmdlet, "-")
	if kind, ok := strings.CutSuffix(noun, "VirtualDirectory"); ok {
		var res psobject.Result
		for _, d := range o.dirs {
			if d.kind != facts.Kind(kind) || arg("Identity") != nil && arg("Identity") != d.identity() {
				continue
			}
			if verb == "Get" {
				res.Output = append(res.Output, d.object(arg("ADPropertiesOnly") == true))
				continue
			}
			next := maps.Clone(d.ad)
			for _, p := range call.Parameters {
				if p.Name == "Identity" || p.Name == "Force" {
					continue
				}
				if before, ok := next[p.Name].([]string); ok && len(p.Value.([]string)) < len(before) && arg("Force") != true {
					return res, &psobject.ErrorRecord{Message: "would remove entries"}
				}
				next[p.Name] = p.Value
			}
			if d.kind.Browser() {
				if err := o.order(d, next); err != nil {
					return res, &psobject.ErrorRecord{Message: err.Error(), Cmdlet: call.Cmdlet}
				}
			}
			d.ad = next
			if d.ticks = o.delay; o.delay == 0 {
				d.live = maps.Clone(next)
			}
		}
		return res, nil
	}
	switch call.Cmdlet {
	case "Get-ExchangeServer":
		return psobject.Result{Output: []psobject.Object{
			{Properties: []psobject.Property{{Name: "Name", Value: "EX1"}, {Name: "AdminDisplayVersion", Value: o.build}}},
			{Properties: []psobject.Property{{Name: "Name", Value: "EX2"}, {Name: "AdminDisplayVersion", Value: o.build}}}}}, nil
	case "Get-ExchangeCertificate":
		return one(psobject.Property{Name: "Thumbprint", Value: thumbprint}, psobject.Property{Name: "NotBefore", Value: noon.AddDate(-1, 0, 0)}, psobject.Property{Name: "NotAfter", Value: o.expires})
	case "Get-ClientAccessService":
		var res psobject.Result
		for _, s := range slices.Sorted(maps.Keys(o.scp)) {
			res.Output = append(res.Output, psobject.Object{Properties: []psobject.Property{{Name: "Name", Value: s}, {Name: "AutoDiscoverServiceInternalUri", Value: o.scp[s]}}})
		}
		return res, nil
	case "Get-AuthServer":
		return one(psobject.Property{Name: "Name", Value: evoSTS}, psobject.Property{Name: "Type", Value: "AzureAD"}, psobject.Property{Name: "Realm", Value: tenantID},
			psobject.Property{Name: "AuthorizationEndpoint", Value: authorize}, psobject.Property{Name: "AuthMetadataUrl", Value: metadata}, psobject.Property{Name: "Enabled", Value: true},
			psobject.Property{Name: "CertificateStrings", Value: []string{signing}}, psobject.Property{Name: "IsDefaultAuthorizationEndpoint", Value: o.auth["IsDefaultAuthorizationEndpoint"]},
			psobject.Property{Name: "DomainName", Value: o.auth["DomainName"]})
	case "Set-AuthServer", "Set-OrganizationConfig":
		into := o.auth
		if call.Cmdlet == "Set-OrganizationConfig" {
			into = o.org
		}
		for _, p := range call.Parameters {
			if p.Name == "Identity" || p.Name == "Force" {
				continue
			}
			if before, ok := into[p.Name].([]string); ok && len(p.Value.([]string)) < len(before) && arg("Force") != true {
				return psobject.Result{}, &psobject.ErrorRecord{Message: "would remove entries"}
			}
			if into[p.Name] = p.Value; p.Value == nil {
				delete(into, p.Name)
			}
		}
		return psobject.Result{}, nil
	case "Get-AuthConfig":
		return one(psobject.Property{Name: "CurrentCertificateThumbprint", Value: thumbprint}, psobject.Property{Name: "ServiceName", Value: wellknown.Exchange})
	case "Get-OrganizationConfig":
		return one(psobject.Property{Name: "Name", Value: "Contoso"}, psobject.Property{Name: "OAuth2ClientProfileEnabled", Value: o.org["OAuth2ClientProfileEnabled"]}, psobject.Property{Name: "MapiHttpEnabled", Value: true},
			psobject.Property{Name: "DefaultAuthenticationPolicy", Value: o.org["DefaultAuthenticationPolicy"]})
	case "Get-AuthenticationPolicy":
		var res psobject.Result
		for _, name := range slices.Sorted(maps.Keys(o.policies)) {
			x := named("Name", name)
			for _, s := range desired.PolicySwitches {
				x.Properties = append(x.Properties, psobject.Property{Name: s, Value: o.policies[name][s] == true})
			}
			res.Output = append(res.Output, x)
		}
		return res, nil
	case "New-AuthenticationPolicy":
		made := map[string]any{}
		for _, p := range call.Parameters[1:] {
			made[p.Name] = p.Value
		}
		o.policies[arg("Name").(string)] = made
		return psobject.Result{}, nil
	case "Remove-AuthenticationPolicy":
		delete(o.policies, arg("Identity").(string))
		return psobject.Result{}, nil
	case "Set-User":
		account, _, _ := strings.Cut(arg("Identity").(string), "@")
		if o.assigned[account] = arg("AuthenticationPolicy"); o.assigned[account] == nil {
			delete(o.assigned, account)
		}
		return psobject.Result{}, nil
	case "Get-SettingOverride", "Get-IntraOrganizationConnector":
		return psobject.Result{}, nil
	case "Get-AcceptedDomain":
		return one(psobject.Property{Name: "DomainName", Value: "contoso.com"})
	case "Get-PartnerApplication":
		return one(psobject.Property{Name: "Name", Value: "Exchange Online"}, psobject.Property{Name: "ApplicationIdentifier", Value: wellknown.Exchange}, psobject.Property{Name: "Enabled", Value: true},
			psobject.Property{Name: "UseAuthServer", Value: true}, psobject.Property{Name: "LinkedAccount", Value: "contoso.com/Users/Exchange Online-ApplicationAccount"})
	case "Get-Mailbox", "Get-CASMailbox":
		var res psobject.Result
		for _, name := range []string{"ada", "admin", "Administrator"} {
			res.Output = append(res.Output, psobject.Object{Properties: []psobject.Property{{Name: "Guid", Value: "guid of " + name}, {Name: "RecipientTypeDetails", Value: "UserMailbox"},
				{Name: "PrimarySmtpAddress", Value: name + "@contoso.com"}, {Name: "EmailAddresses", Value: []string{"SMTP:" + name + "@contoso.com"}}, {Name: "MapiHttpEnabled", Value: nil}}})
		}
		return res, nil
	case "Get-User":
		person := func(name, upn, sid string) psobject.Object {
			return psobject.Object{Properties: []psobject.Property{{Name: "Guid", Value: "guid of " + name}, {Name: "Name", Value: name}, {Name: "SamAccountName", Value: name}, {Name: "UserPrincipalName", Value: upn},
				{Name: "Sid", Value: sid}, {Name: "UserAccountControl", Value: "NormalAccount"}, {Name: "RecipientTypeDetails", Value: "UserMailbox"}, {Name: "AuthenticationPolicy", Value: o.assigned[name]}}}
		}
		all := []psobject.Object{person("ada", "ada@contoso.com", "S-1-5-21-1-2-3-1101"), person("admin", "admin@contoso.com", "S-1-5-21-1-2-3-1102"),
			person("Administrator", "Administrator@contoso.com", "S-1-5-21-1-2-3-500")}
		return psobject.Result{Output: slices.DeleteFunc(all, func(x psobject.Object) bool {
			return arg("Identity") != nil && arg("Identity") != x.String("UserPrincipalName")
		})}, nil
	case "Get-RoleGroupMember":
		return psobject.Result{Output: []psobject.Object{{Properties: []psobject.Property{{Name: "Guid", Value: "guid of admin"}}}, {Properties: []psobject.Property{{Name: "Guid", Value: "guid of Administrator"}}}}}, nil
	}
	return psobject.Result{}, &psobject.ErrorRecord{Message: "unknown cmdlet", Cmdlet: call.Cmdlet}
}

func (o *organisation) ServicePrincipal(context.Context, string) (graph.ServicePrincipal, error) {
	if o.onGraphRead != nil {
		o.onGraphRead(o)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.broken != nil {
		if err := o.broken("graph"); err != nil {
			return graph.ServicePrincipal{}, err
		}
	}
	sp := o.sp
	sp.ServicePrincipalNames, sp.ReplyURLs = slices.Clone(sp.ServicePrincipalNames), slices.Clone(sp.ReplyURLs)
	return sp, nil
}

func (o *organisation) SetServicePrincipalNames(_ context.Context, _ string, names []string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sp.ServicePrincipalNames = slices.Clone(names)
	return nil
}

func (o *organisation) SetReplyURLs(_ context.Context, _ string, urls []string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sp.ReplyURLs = slices.Clone(urls)
	return nil
}

func (o *organisation) Users(context.Context) ([]graph.User, error) { return o.users, nil }

func (o *organisation) Organization(context.Context) (graph.Organization, error) {
	return graph.Organization{ID: tenantID, VerifiedDomains: []graph.VerifiedDomain{{Name: "contoso.com", IsDefault: true}, {Name: "contoso.onmicrosoft.com", IsInitial: true}}}, nil
}

func (o *organisation) Document(context.Context, string) ([]byte, error) {
	if o.document != "" {
		return []byte(o.document), nil
	}
	return []byte(fmt.Sprintf(`<EntityDescriptor><RoleDescriptor><KeyDescriptor use="signing"><KeyInfo><X509Data><X509Certificate>%s</X509Certificate></X509Data></KeyInfo></KeyDescriptor></RoleDescriptor></EntityDescriptor>`, signing)), nil
}

func (o *organisation) Application(context.Context, string) (graph.Application, bool, error) {
	if o.app == nil {
		return graph.Application{}, false, nil
	}
	return *o.app, true, nil
}

func (o *organisation) Grants(context.Context, string) ([]graph.Grant, error) {
	return []graph.Grant{{ConsentType: o.consent, ResourceID: o.sp.ID, Scope: "EAS.AccessAsUser.All"}}, nil
}

func (o *organisation) NameHolders(_ context.Context, name string) ([]graph.ServicePrincipal, error) {
	if holder := o.held[name]; holder != "" {
		return []graph.ServicePrincipal{{ID: "sp-other", DisplayName: holder}}, nil
	}
	return nil, nil
}

// offered tells whether the organisation offers tokens, and what the door's server runs.
func (o *organisation) offered(d mail.Door) (bool, map[string]any) {
	on := o.org["OAuth2ClientProfileEnabled"] == true && o.auth["IsDefaultAuthorizationEndpoint"] == true
	for _, x := range o.dirs {
		if x.server == d.Server && x.kind.Protocol() == d.Protocol {
			return on, x.live
		}
	}
	return on, nil
}

// blocks tells whether the policy of a user, or the default one, keeps tokens from him at MAPI.
func (o *organisation) blocks(user string) bool {
	account, _, _ := strings.Cut(user, "@")
	policy := o.org["DefaultAuthenticationPolicy"]
	if own := o.assigned[account]; own != nil {
		policy = own
	}
	named, _ := policy.(string)
	return o.policies[named]["BlockModernAuthMapi"] == true
}

func (o *organisation) Offer(_ context.Context, d mail.Door, user string) mail.Handshake {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.meets != nil {
		if status := o.meets(d.Server); status != 0 {
			return mail.Handshake{Door: d, Status: status, Problem: fmt.Sprintf("answers %d", status)}
		}
	}
	h := mail.Handshake{Door: d, Sent: mail.SentEmptyBearer, Status: 401, Offered: []string{"Basic"}, AuthN: "Basic", Request: "r",
		Response: "HTTP/1.1 401 Unauthorized\r\nDate: " + o.date.UTC().Format(http.TimeFormat) + "\r\n" + o.header + "\r\n"}
	said := h.Response
	on, live := o.offered(d)
	oauth := live["OAuthAuthentication"] != false
	if d.Protocol.Browser() {
		if on && oauth {
			u, _ := url.Parse(d.URL)
			h = mail.Handshake{Door: d, Sent: mail.SentNothing, Status: 302, AuthN: mail.AuthNOpenID, Redirect: authorize + "?x", RedirectURI: u.String(), SignInPage: 200, Response: said}
		}
		return h
	}
	if on && oauth {
		h.Offered, h.AuthorizationURI, h.AuthN = []string{"Bearer", "Basic"}, authorize, "Bearer, Basic"
		if o.blocks(user) {
			h.AuthorizationURI = ""
		}
	}
	return h
}

func (o *organisation) Present(_ context.Context, d mail.Door, c mail.Credential) mail.Handshake {
	h := mail.Handshake{Door: d, Sent: mail.SentToken, Status: 401}
	switch {
	case c.Token == "":
		return mail.Handshake{Door: d, Sent: mail.SentPassword, Status: 200, Accepted: true, AuthN: mail.AuthNBasic}
	case c.Token == "token for "+d.Resource():
		h.Status, h.Accepted, h.AuthN = 200, true, mail.AuthNBearer
	default:
		h.Diagnostics = `2000003;reason="x";error_category="invalid_resource"`
	}
	return h
}

// SignIn is the way through a browser door: the fake's cloud answers with a form
// whose id_token names somebody, and the door takes it where OAuth runs.
func (o *organisation) SignIn(ctx context.Context, d mail.Door, browser mail.Browser) []mail.Handshake {
	begun := o.Offer(ctx, d, "")
	form, err := browser(ctx, o.cloud+"?redirect_uri="+url.QueryEscape(d.URL))
	if err != nil {
		begun.Problem = err.Error()
		return []mail.Handshake{begun}
	}
	answered := mail.Handshake{Door: d, Sent: mail.SentAnswer, Status: 403}
	if form.Values.Get("id_token") != "id token of ada" {
		return []mail.Handshake{begun, answered}
	}
	answered.Status, answered.Accepted = 303, true
	return []mail.Handshake{begun, answered, {Door: d, Sent: mail.SentSession, Status: 200, Accepted: true, AuthN: mail.AuthNOpenID}}
}

// Forge is refused unless the test says otherwise.
func (o *organisation) Forge(ctx context.Context, d mail.Door, _ string) []mail.Handshake {
	answered := mail.Handshake{Door: d, Sent: mail.SentAnswer, Status: 401}
	if o.forge != nil {
		o.forge(&answered)
	}
	return []mail.Handshake{o.Offer(ctx, d, ""), answered}
}

type lease struct {
	o    *organisation
	lost chan struct{}
}

func (o *organisation) Acquire(_ context.Context, operator string) (target.Lease, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.holder != "" {
		return nil, &target.HeldError{Operator: o.holder}
	}
	o.holder = operator
	return &lease{o, make(chan struct{})}, nil
}

func (l *lease) Lost() <-chan struct{} { return l.lost }

func (l *lease) Release() {
	l.o.mu.Lock()
	defer l.o.mu.Unlock()
	l.o.holder = ""
}

func engine(t *testing.T, o *organisation, dir string) *Procedure {
	t.Helper()
	p, err := New(Options{
		Target: target.Target{Cmdlets: o, Tenants: []target.Tenant{{Name: "contoso.onmicrosoft.com", Graph: o}}, Probe: o, Lock: o}, Dir: dir, Operator: "ada", Now: func() time.Time { return noon },
		SignIn: &SignIn{UPN: "ada@contoso.com", Password: "x", Token: func(_ context.Context, r string) (string, error) { return "token for " + r, nil },
			Browser: func(context.Context, string) (mail.Form, error) {
				return mail.Form{Values: url.Values{"id_token": {"id token of ada"}}}, nil
			}},
		Prove: func(context.Context, []facts.Person) (string, error) { return "admin@contoso.com", nil },
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}
