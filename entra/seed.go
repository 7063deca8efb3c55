package entra

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"

	"hma/internal/sqldb"
	"hma/wire/guid"
	"hma/wire/wellknown"
)

// exchangeNames is what servicePrincipalNames of "Office 365 Exchange Online"
// holds in a tenant that added nothing. The list is literal: two spellings of
// one host are two entries.
var exchangeNames = []string{
	wellknown.Exchange,
	wellknown.Exchange + "/outlook.office365.com",
	wellknown.Exchange + "/mail.office365.com",
	wellknown.Exchange + "/outlook.com",
	wellknown.Exchange + "/*.outlook.com",
	"https://outlook.office365.com/",
	"https://outlook.office365.com:443/",
	"https://outlook.office.com/",
	"https://outlook.office.com",
	"https://outlook.com/",
	"https://*.outlook.com/",
	"https://*.outlook.com:443/",
	"https://ps.outlook.com",
	"https://ps.protection.outlook.com/",
	"https://ps.compliance.protection.outlook.com",
	"https://outlook-sdf.office.com/",
	"https://outlook-sdf.office365.com/",
	"https://outlook-tdf.office.com/",
	"https://outlook-tdf-2.office.com/",
}

var exchangeReplyURLs = []string{
	"https://outlook.office365.com/owa",
	"https://sdfpilot.outlook.com/owa",
	"https://outlook.cloud.microsoft",
	"https://outlook-sdf.cloud.microsoft",
}

// exchangeScopes are the delegated permissions of Exchange that mail clients ask for.
var exchangeScopes = []string{
	"EWS.AccessAsUser.All", "EAS.AccessAsUser.All", "MapiHttp.AccessAsUser.All", "Oab.AccessAsUser.All", "OWA.AccessAsUser.All",
	"OutlookService.AccessAsUser.All", "IMAP.AccessAsUser.All", "POP.AccessAsUser.All", "SMTP.Send", "user_impersonation", "full_access_as_user",
	"Mail.Read", "Mail.ReadWrite", "Mail.Read.Shared", "Mail.ReadWrite.Shared", "Mail.Send", "Calendars.Read", "Calendars.ReadWrite",
	"Contacts.Read", "Contacts.ReadWrite", "MailboxSettings.Read", "MailboxSettings.ReadWrite", "Exchange.Manage",
	"RemotePowerShell.AccessAsUser.All", "AdminApi.AccessAsUser.All",
}

var exchangeRoles = []string{
	"full_access_as_app", "Exchange.ManageAsApp", "Mail.Read", "Mail.ReadWrite", "Mail.Send", "Calendars.Read", "Calendars.ReadWrite.All",
	"Contacts.Read", "Contacts.ReadWrite", "MailboxSettings.Read", "MailboxSettings.ReadWrite", "IMAP.AccessAsApp", "POP.AccessAsApp", "SMTP.SendAsApp",
}

// Delegated permissions and application roles of Microsoft Graph, as far as entra/graph reads them.
var graphScopes = []string{
	"User.Read", "User.Read.All", "User.ReadBasic.All", "Directory.Read.All", "Directory.ReadWrite.All", "Application.Read.All",
	"Application.ReadWrite.All", "Organization.Read.All", "Domain.Read.All", "DelegatedPermissionGrant.ReadWrite.All",
	"AuditLog.Read.All", "openid", "profile", "email", "offline_access",
}

// permissionWords are the permissions in words, and whether only an administrator may consent to them.
var permissionWords = map[string]struct {
	text  string
	admin bool
}{
	"User.Read": {"Sign in and read your profile", false}, "User.Read.All": {"Read the full profiles of everybody", true}, "User.ReadBasic.All": {"Read the basic profiles of everybody", false},
	"Directory.Read.All": {"Read the directory", true}, "Directory.ReadWrite.All": {"Read and change the directory", true}, "Application.Read.All": {"Read applications", true},
	"Application.ReadWrite.All": {"Read and change all applications", true}, "Organization.Read.All": {"Read what is known of the organization", true}, "Domain.Read.All": {"Read domains", true},
	"DelegatedPermissionGrant.ReadWrite.All": {"Manage what was consented to for any application", true}, "AuditLog.Read.All": {"Read audit logs", true},
	"openid": {"Sign you in", false}, "profile": {"See your name and picture", false}, "email": {"See your mail address", false}, "offline_access": {"Go on without asking you again", false},
	"EWS.AccessAsUser.All": {"Use your mailbox through Exchange Web Services", false}, "EAS.AccessAsUser.All": {"Use your mailbox through Exchange ActiveSync", false},
	"MapiHttp.AccessAsUser.All": {"Use your mailbox as Outlook does", false}, "Oab.AccessAsUser.All": {"Download the address book", false}, "OWA.AccessAsUser.All": {"Use your mailbox through Outlook on the web", false},
	"IMAP.AccessAsUser.All": {"Read and change your mail through IMAP", false}, "POP.AccessAsUser.All": {"Read your mail through POP", false}, "SMTP.Send": {"Send mail as you", false},
	"user_impersonation": {"Use Exchange as you", false}, "full_access_as_user": {"Use your mailboxes without limits", false},
	"Mail.Read": {"Read your mail", false}, "Mail.ReadWrite": {"Read and change your mail", false}, "Mail.Read.Shared": {"Read mail that you may read", false},
	"Mail.ReadWrite.Shared": {"Read and change mail that you may change", false}, "Mail.Send": {"Send mail as you", false}, "Calendars.Read": {"Read your calendars", false},
	"Calendars.ReadWrite": {"Read and change your calendars", false}, "Contacts.Read": {"Read your contacts", false}, "Contacts.ReadWrite": {"Read and change your contacts", false},
	"MailboxSettings.Read": {"Read your mailbox's settings", false}, "MailboxSettings.ReadWrite": {"Read and change your mailbox's settings", false},
	"Exchange.Manage": {"Manage Exchange as you", false}, "RemotePowerShell.AccessAsUser.All": {"Run Exchange's cmdlets as you", false}, "AdminApi.AccessAsUser.All": {"Run Exchange's cmdlets as you", true},
}

var graphRoles = []string{
	"User.Read.All", "Directory.Read.All", "Directory.ReadWrite.All", "Application.Read.All", "Application.ReadWrite.All",
	"Application.ReadWrite.OwnedBy", "Organization.Read.All", "Domain.Read.All", "DelegatedPermissionGrant.ReadWrite.All",
}

// knownIDs are permission ids that scripts name; the others are made from the name.
var knownIDs = map[string]string{
	wellknown.Exchange + " role full_access_as_app":   wellknown.FullAccessAsApp,
	wellknown.Exchange + " role Exchange.ManageAsApp": "dc50a0fb-09a3-484d-be87-e023b12c6440",
}

// permissionID is the same in every tenant, as it is for first-party applications.
func permissionID(kind, appID, value string) string {
	key := appID + " " + kind + " " + value
	if id := knownIDs[key]; id != "" {
		return id
	}
	return nameID(key)
}

// nameID is a GUID made from a name (RFC 9562 version 8).
func nameID(name string) string {
	sum := sha256.Sum256([]byte(name))
	id := guid.GUID(sum[:16])
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80
	return id.String()
}

func scopesOf(appID string, values []string) []Scope {
	var scopes []Scope
	for _, v := range values {
		words := permissionWords[v]
		scopes = append(scopes, Scope{ID: permissionID("scope", appID, v), Value: v, Display: cmp.Or(words.text, v), Admin: words.admin})
	}
	return scopes
}

func rolesOf(appID string, values []string) []AppRole {
	var roles []AppRole
	for _, v := range values {
		roles = append(roles, AppRole{ID: permissionID("role", appID, v), Value: v, Display: v})
	}
	return roles
}

// SeedExchange makes the service principal "Office 365 Exchange Online" of a
// tenant: the tenant's own names and reply URLs on top, the defaults below.
// Its client side may sign people in with an ID token, as OWA and ECP do.
func (d *Directory) SeedExchange(ctx context.Context, tenant string, extraNames, extraReplyURLs []string) error {
	return d.SeedExchangeAs(ctx, tenant, "", extraNames, extraReplyURLs)
}

// SeedExchangeAs is SeedExchange with the object id (a GUID) that the service principal has in
// another cloud; "" makes one.
func (d *Directory) SeedExchangeAs(ctx context.Context, tenant, id string, extraNames, extraReplyURLs []string) error {
	err := d.configure(ctx, func(tx *sqldb.Tx) error {
		return d.insertApplication(tx, Application{Tenant: tenant, AppID: wellknown.Exchange, PrincipalID: id, DisplayName: "Office 365 Exchange Online",
			IDToken: true, RefreshWindow: DefaultRefreshWindow, Owner: wellknown.MicrosoftTenant,
			Names:  append(slices.Clone(extraNames), exchangeNames...),
			Scopes: scopesOf(wellknown.Exchange, exchangeScopes), AppRoles: rolesOf(wellknown.Exchange, exchangeRoles),
		}, append(slices.Clone(extraReplyURLs), exchangeReplyURLs...))
	})
	if err != nil {
		return fmt.Errorf("seed exchange: %w", err)
	}
	return nil
}

// SeedGraph makes the service principal "Microsoft Graph" of a tenant.
// extraNames are the URLs under which this cloud's own Graph is reached.
func (d *Directory) SeedGraph(ctx context.Context, tenant string, extraNames ...string) error {
	err := d.configure(ctx, func(tx *sqldb.Tx) error {
		return d.insertApplication(tx, Application{Tenant: tenant, AppID: wellknown.Graph, DisplayName: "Microsoft Graph",
			RefreshWindow: DefaultRefreshWindow, Owner: wellknown.MicrosoftTenant,
			Names: append(slices.Clone(extraNames), wellknown.Graph, wellknown.Graph+"/graph.microsoft.com",
				"https://graph.microsoft.com", "https://graph.microsoft.com/"),
			Scopes: scopesOf(wellknown.Graph, graphScopes), AppRoles: rolesOf(wellknown.Graph, graphRoles),
		}, nil)
	})
	if err != nil {
		return fmt.Errorf("seed graph: %w", err)
	}
	return nil
}

// wellKnownClient is a public client that tenants know without registering it.
type wellKnownClient struct {
	id, name  string
	family    bool
	redirects []Redirect
	exchange  []string
	graph     []string
}

const (
	nativeClient = "https://login.microsoftonline.com/common/oauth2/nativeclient"
	outOfBand    = "urn:ietf:wg:oauth:2.0:oob"
)

func native(uris ...string) []Redirect {
	var r []Redirect
	for _, uri := range uris {
		r = append(r, Redirect{URI: uri, Type: Native})
	}
	return r
}

var (
	mailScopes = []string{"EWS.AccessAsUser.All", "EAS.AccessAsUser.All", "IMAP.AccessAsUser.All", "POP.AccessAsUser.All", "SMTP.Send", "user_impersonation"}
	readMyself = []string{"User.Read", "openid", "profile", "email", "offline_access"}
)

// wellKnownClients lists the clients with what the first party grants them.
func wellKnownClients() []wellKnownClient {
	broker := func(id string) string { return "ms-appx-web://Microsoft.AAD.BrokerPlugin/" + id }
	return []wellKnownClient{
		{id: wellknown.Office, name: "Microsoft Office", family: true,
			redirects: native(broker(wellknown.Office), outOfBand, "msauth.com.microsoft.Outlook://auth"),
			exchange: []string{"EAS.AccessAsUser.All", "EWS.AccessAsUser.All", "MapiHttp.AccessAsUser.All", "Oab.AccessAsUser.All", "OWA.AccessAsUser.All",
				"OutlookService.AccessAsUser.All", "Mail.ReadWrite", "Mail.Send", "Calendars.ReadWrite", "user_impersonation"}, graph: readMyself},
		{id: wellknown.OutlookMobile, name: "Outlook Mobile", family: true,
			redirects: native("msauth://com.microsoft.office.outlook/fcg80qvoM1YMKJZibjBwQcDfOno%3D", "x-msauth-outlook-prod://com.microsoft.Office.Outlook"),
			exchange:  []string{"EAS.AccessAsUser.All", "EWS.AccessAsUser.All", "OWA.AccessAsUser.All", "OutlookService.AccessAsUser.All", "user_impersonation"}, graph: readMyself},
		{id: wellknown.NewOutlook, name: "One Outlook Web", family: true,
			redirects: []Redirect{{URI: "https://outlook.office.com/mail/", Type: SPA}, {URI: "https://outlook.office365.com/mail/", Type: SPA}},
			exchange:  []string{"OWA.AccessAsUser.All", "OutlookService.AccessAsUser.All", "EWS.AccessAsUser.All"}, graph: readMyself},
		{id: wellknown.AppleAccounts, name: "Apple Internet Accounts",
			redirects: native("com.apple.Preferences://oauth-redirect", "com.apple.preferences://oauth-redirect/", outOfBand),
			exchange:  []string{"EAS.AccessAsUser.All", "EWS.AccessAsUser.All", "user_impersonation"}, graph: readMyself},
		{id: wellknown.Thunderbird, name: "Mozilla Thunderbird", redirects: native("https://localhost", "http://localhost"), exchange: mailScopes, graph: readMyself},
		{id: wellknown.DavMail, name: "DavMail", redirects: native(nativeClient, "https://localhost/common/oauth2/nativeclient", outOfBand), exchange: mailScopes, graph: readMyself},
		{id: wellknown.Evolution, name: "GNOME Evolution", redirects: native(nativeClient), exchange: mailScopes, graph: readMyself},
		{id: wellknown.AzureCLI, name: "Microsoft Azure CLI", family: true, redirects: native("http://localhost"),
			graph: append([]string{"Application.ReadWrite.All", "Directory.Read.All"}, readMyself...)},
		{id: wellknown.AzurePowerShell, name: "Microsoft Azure PowerShell", family: true, redirects: native("http://localhost", outOfBand),
			exchange: []string{"user_impersonation"}, graph: append([]string{"Application.ReadWrite.All", "Directory.Read.All"}, readMyself...)},
		{id: wellknown.GraphPowerShell, name: "Microsoft Graph Command Line Tools", redirects: native("http://localhost", nativeClient),
			graph: readMyself}, // what a session needs beyond that, somebody consents to
		{id: wellknown.ExchangeShell, name: "Microsoft Exchange REST API Based PowerShell", redirects: native("http://localhost", nativeClient),
			exchange: []string{"AdminApi.AccessAsUser.All", "Exchange.Manage", "RemotePowerShell.AccessAsUser.All"}, graph: readMyself},
		{id: wellknown.ConnectivityCheck, name: "Microsoft Remote Connectivity Analyzer", redirects: native("https://testconnectivity.microsoft.com/"),
			exchange: []string{"EAS.AccessAsUser.All", "EWS.AccessAsUser.All", "IMAP.AccessAsUser.All", "POP.AccessAsUser.All", "MapiHttp.AccessAsUser.All",
				"Oab.AccessAsUser.All", "OWA.AccessAsUser.All"}, graph: readMyself},
	}
}

// SeedWellKnownClients registers the mail clients and administration tools
// that people use, as public clients with consent of the whole tenant.
// SeedExchange and SeedGraph come first.
func (d *Directory) SeedWellKnownClients(ctx context.Context, tenant string) error {
	err := d.configure(ctx, func(tx *sqldb.Tx) error {
		for _, c := range wellKnownClients() {
			if err := d.insertApplication(tx, Application{Tenant: tenant, AppID: c.id, DisplayName: c.name, Public: true, Family: c.family,
				Redirects: c.redirects, RefreshWindow: DefaultRefreshWindow, Owner: wellknown.MicrosoftTenant}, nil); err != nil {
				return err
			}
			for resource, scopes := range map[string][]string{wellknown.Exchange: c.exchange, wellknown.Graph: c.graph} {
				if len(scopes) == 0 {
					continue
				}
				if err := d.consent(tx, tenant, c.id, resource, "", scopes); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("seed clients: %w", err)
	}
	return nil
}
