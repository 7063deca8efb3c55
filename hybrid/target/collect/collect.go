package collect

import (
	"fmt"
	"strings"

	"hma/hybrid/target"
	"hma/wire/wellknown"
)

// A section is one reading command and the properties that are kept of what it finds.
type section struct {
	cmdlet     string
	parameters []parameter
	texts      []string // made text
	lists      []string // made lists of text
	plain      []string // Booleans and times: left as they are
}

// A parameter has a value that is quoted where it is text; "" is a switch.
type parameter struct{ name, value string }

var (
	unlimited   = parameter{"ResultSize", "Unlimited"}
	directories = []string{"Autodiscover", "Mapi", "WebServices", "ActiveSync", "Oab", "Owa", "Ecp"}
)

// exchange are the sections of the Exchange part after the servers and their certificates:
// the how-to's own Get cmdlets, and what the rules read beside them.
func exchange() []section {
	var all []section
	for _, kind := range directories {
		d := section{cmdlet: "Get-" + kind + "VirtualDirectory",
			texts: []string{"Identity", "Server", "InternalUrl", "ExternalUrl"},
			lists: []string{"IISAuthenticationMethods", "InternalAuthenticationMethods", "ExternalAuthenticationMethods"},
			plain: []string{"OAuthAuthentication", "BasicAuthentication", "DigestAuthentication", "WindowsAuthentication", "FormsAuthentication", "AdfsAuthentication"}}
		switch kind {
		case "ActiveSync":
			d.texts, d.plain = append(d.texts, "ClientCertAuth"), []string{"BasicAuthEnabled", "WindowsAuthEnabled"}
		case "Owa":
			d.texts = append(d.texts, "ExternalDownloadHostName", "InternalDownloadHostName")
		}
		all = append(all, d)
		d.parameters = []parameter{{"ADPropertiesOnly", ""}}
		all = append(all, d)
	}
	var blocks []string
	for _, what := range []string{"BlockLegacyAuth", "BlockModernAuth"} {
		for _, protocol := range []string{"ActiveSync", "Autodiscover", "Imap", "Mapi", "OfflineAddressBook", "Pop", "Rpc", "WebServices"} {
			blocks = append(blocks, what+protocol)
		}
	}
	return append(all,
		section{cmdlet: "Get-ClientAccessService", texts: []string{"Name", "AutoDiscoverServiceInternalUri"}},
		section{cmdlet: "Get-AuthServer", texts: []string{"Name", "Type", "Realm", "IssuerIdentifier", "AuthorizationEndpoint", "AuthMetadataUrl", "ApplicationIdentifier"},
			lists: []string{"DomainName", "CertificateStrings"}, plain: []string{"Enabled", "IsDefaultAuthorizationEndpoint"}},
		section{cmdlet: "Get-AuthConfig", texts: []string{"ServiceName", "CurrentCertificateThumbprint", "NextCertificateThumbprint"}, plain: []string{"NextCertificateEffectiveDate"}},
		section{cmdlet: "Get-OrganizationConfig", texts: []string{"Name", "DefaultAuthenticationPolicy"}, plain: []string{"OAuth2ClientProfileEnabled", "MapiHttpEnabled", "EnableDownloadDomains"}},
		section{cmdlet: "Get-AuthenticationPolicy", texts: []string{"Name"}, plain: blocks},
		section{cmdlet: "Get-AcceptedDomain", texts: []string{"DomainName"}, plain: []string{"Default"}},
		section{cmdlet: "Get-PartnerApplication", texts: []string{"Name", "ApplicationIdentifier", "LinkedAccount"}, lists: []string{"AppOnlyPermissions", "ActAsPermissions"},
			plain: []string{"Enabled", "UseAuthServer"}},
		section{cmdlet: "Get-IntraOrganizationConnector", texts: []string{"Name", "DiscoveryEndpoint", "TargetSharingEpr"}, lists: []string{"TargetAddressDomains"}, plain: []string{"Enabled"}},
		section{cmdlet: "Get-SettingOverride", texts: []string{"Name", "ComponentName", "SectionName", "MinVersion", "MaxVersion"}, lists: []string{"Parameters", "Server"}},
		section{cmdlet: "Get-RoleGroupMember", parameters: []parameter{{"Identity", "Organization Management"}, unlimited}, texts: []string{"Name", "Guid", "Identity", "SamAccountName"}},
		section{cmdlet: "Get-Mailbox", parameters: []parameter{unlimited}, texts: []string{"Guid", "RecipientTypeDetails", "PrimarySmtpAddress"}, lists: []string{"EmailAddresses"}, plain: []string{"IsLinked"}},
		section{cmdlet: "Get-CASMailbox", parameters: []parameter{unlimited}, texts: []string{"Guid"}, plain: []string{"MapiHttpEnabled"}},
		section{cmdlet: "Get-User", parameters: []parameter{unlimited}, texts: []string{"Name", "DisplayName", "Guid", "Identity", "SamAccountName", "UserPrincipalName", "Sid", "MasterAccountSid",
			"RecipientTypeDetails", "UserAccountControl", "AuthenticationPolicy"}, plain: []string{"IsCriticalSystemObject"}},
	)
}

// Exchange returns the script for an Exchange Management Shell. It writes exchange.json.
func Exchange() string {
	var w strings.Builder
	w.WriteString(`# Collects the settings of an Exchange organisation that Hybrid Modern Authentication depends on.
# It reads only. Run it in an Exchange Management Shell as a member of View-Only Organization Management
# or more; it writes exchange.json. Then: hma check --snapshot exchange.json --snapshot graph.json
` + begin)
	section{cmdlet: "Get-ExchangeServer", texts: []string{"Name", "Fqdn", "AdminDisplayVersion", "InternetWebProxy"}}.write(&w, "")
	w.WriteString("$servers = $found\nforeach ($server in $servers) {\n  $name = $server.Name\n")
	section{cmdlet: "Get-ExchangeCertificate", parameters: []parameter{{"Server", "$name"}}, texts: []string{"Thumbprint", "Status"}, plain: []string{"NotBefore", "NotAfter"}}.write(&w, "  ")
	w.WriteString("}\n")
	for _, s := range exchange() {
		s.write(&w, "")
	}
	w.WriteString(logs)
	w.WriteString(end("exchange"))
	return w.String()
}

// LogFolder is where the script looks for the HttpProxy logs of a server.
const LogFolder = `\\$($server.Fqdn)\C$\Program Files\Microsoft\Exchange Server\V15\Logging\HttpProxy`

// logs is the section of who came by which client with which method: of each, the newest request.
const logs = `# who came by which client with which method: the newest HttpProxy logs of each server, read over its
# administrative share. A file is of one hour at most; raise the numbers to read more.
$files = 24
$lines = 5000
$protocols = 'Autodiscover','Eas','Ecp','Ews','Mapi','Oab','Owa','RpcHttp'
$clients = @()
$missing = @()
foreach ($server in $servers) {
  $failed = 'the command did not run'
  $folders = @(Get-ChildItem -Path "` + LogFolder + `" -ErrorAction SilentlyContinue -ErrorVariable failed | Where-Object { $protocols -contains $_.Name })
  if ("$failed" -ne '') { $missing += @{ Server = $server.Name; Problem = "$failed" } }
  foreach ($folder in $folders) {
    foreach ($file in @(Get-ChildItem -Path $folder.FullName -Filter '*.LOG' | Sort-Object LastWriteTime -Descending | Select-Object -First $files)) {
      $clients += @(Get-Content -Path $file.FullName -TotalCount $lines | Where-Object { $_ -notlike '#*' } |
        ConvertFrom-Csv | Select-Object AuthenticatedUser, Protocol, AuthenticationType, UserAgent, DateTime |
        Where-Object { "$($_.AuthenticatedUser)" -ne '' -and $_.AuthenticatedUser -notlike '*HealthMailbox*' -and $_.AuthenticatedUser -notlike '*$' } |
        Group-Object AuthenticatedUser, Protocol, AuthenticationType, UserAgent |
        ForEach-Object { $_.Group | Sort-Object DateTime -Descending | Select-Object -First 1 })
    }
  }
}
$clients = @($clients | Group-Object AuthenticatedUser, Protocol, AuthenticationType, UserAgent |
  ForEach-Object { $_.Group | Sort-Object DateTime -Descending | Select-Object -First 1 })
$sections += @{ cmdlet = 'Get-Content'; parameters = @{ Path = 'HttpProxy' }; error = ''; objects = @($clients) + @($missing) }
`

// Version is that of the scripts. 2 wrote when it ran, and who came how.
const Version = 2

// request is a GET of $uri, which changes nothing.
const request = `$found = @()
$failed = 'the command did not run'
$found = @((Invoke-MgGraphRequest -Method GET -Uri $uri -OutputType PSObject -ErrorAction SilentlyContinue -ErrorVariable failed).value)
$sections += @{ cmdlet = 'Invoke-MgGraphRequest'; parameters = @{ Uri = $uri }; error = "$failed"; objects = $found }
`

// Apple Internet Accounts, the mail client of iPhones, which a tenant has to consent to.
const apple = "f8d98a96-0999-43f5-8af3-69971c7bb423"

// Graph returns the script for any machine with Microsoft Graph PowerShell. It writes graph.json; an
// organisation in hybrid with several tenants runs it for each.
func Graph() string {
	var w strings.Builder
	w.WriteString(`# Collects what a tenant knows of an Exchange organisation: its people, its domains, the names of
# Exchange's service principal and who consented to phones. It reads only. Run it on any machine with the
# module Microsoft.Graph, once for each tenant (Connect-MgGraph -TenantId); it writes graph.json, which
# you rename before the next tenant. Then: hma check --snapshot exchange.json --snapshot graph.json
Connect-MgGraph -Scopes 'Application.Read.All','Directory.Read.All','User.Read.All' -NoWelcome
` + begin)
	section{cmdlet: "Get-MgOrganization", texts: []string{"Id", "DisplayName"}, plain: []string{"VerifiedDomains"}}.write(&w, "")
	section{cmdlet: "Get-MgServicePrincipal", parameters: []parameter{{"Filter", "appId eq '" + wellknown.Exchange + "'"}}, texts: []string{"Id", "AppId", "DisplayName"},
		lists: []string{"ServicePrincipalNames", "ReplyUrls"}, plain: []string{"KeyCredentials"}}.write(&w, "")
	fmt.Fprintf(&w, `# the dedicated hybrid application, by the name that Microsoft's script gives it
$uri = '%s'
`, strings.ReplaceAll(target.ApplicationsURI, "'", "''"))
	w.WriteString(request)
	people := []string{"Id", "UserPrincipalName", "DisplayName", "Mail", "OnPremisesImmutableId", "OnPremisesSecurityIdentifier", "OnPremisesSamAccountName"}
	flags := []string{"AccountEnabled", "OnPremisesSyncEnabled"}
	section{cmdlet: "Get-MgUser", parameters: []parameter{{"All", ""}, {"Property", strings.Join(append(people, flags...), ",")}}, texts: people, plain: flags}.write(&w, "")
	section{cmdlet: "Get-MgServicePrincipal", parameters: []parameter{{"All", ""}}, texts: []string{"Id", "AppId", "DisplayName"}, lists: []string{"ServicePrincipalNames"}}.write(&w, "")
	fmt.Fprintf(&w, `$phones = @($found | Where-Object { $_.AppId -eq '%s' })
foreach ($phone in $phones) {
  # what somebody consented to for a phone's client: a GET, which changes nothing
  $uri = "/v1.0/servicePrincipals/$($phone.Id)/oauth2PermissionGrants"
%s}
`, apple, request)
	w.WriteString(end("graph"))
	return w.String()
}

// An error lets the others pass: what failed is in its section, and the verdict says what it lacks.
const begin = `$ErrorActionPreference = 'Continue'
$sections = @()
`

func end(part string) string {
	return fmt.Sprintf(`@{ version = 1; part = '%s'; script = %d; collected = "$(Get-Date -Format o)"; sections = $sections } | ConvertTo-Json -Depth 8 -Compress | Out-File %[1]s.json -Encoding utf8
`, part, Version)
}

// write writes the section: its command, its objects, and its error where it failed.
func (s section) write(w *strings.Builder, indent string) {
	command := s.cmdlet
	var kept []string
	for _, p := range s.parameters {
		value := "'" + strings.ReplaceAll(p.value, "'", "''") + "'"
		switch {
		case p.value == "":
			command, value = command+" -"+p.name, "$true"
		case strings.HasPrefix(p.value, "$"):
			command, value = command+" -"+p.name+" "+p.value, p.value
		case p.name == "Property":
			command += " -" + p.name + " " + p.value
			continue // says nothing about which objects were found
		default:
			command += " -" + p.name + " " + value
		}
		kept = append(kept, p.name+" = "+value)
	}
	var properties []string
	for _, name := range s.texts {
		properties = append(properties, fmt.Sprintf(`@{n='%s';e={"$($_.%[1]s)"}}`, name))
	}
	for _, name := range s.lists {
		properties = append(properties, fmt.Sprintf(`@{n='%s';e={@($_.%[1]s | Where-Object { $null -ne $_ } | ForEach-Object { "$_" })}}`, name))
	}
	properties = append(properties, s.plain...)
	fmt.Fprintf(w, `%[1]s# %[2]s
%[1]s$found = @()
%[1]s$failed = 'the command did not run'
%[1]s$found = @(%[2]s -ErrorAction SilentlyContinue -ErrorVariable failed | Select-Object %[3]s)
%[1]s$sections += @{ cmdlet = '%[4]s'; parameters = @{ %[5]s }; error = "$failed"; objects = $found }
`, indent, command, strings.Join(properties, ",\n"+indent+"    "), s.cmdlet, strings.Join(kept, "; "))
}
