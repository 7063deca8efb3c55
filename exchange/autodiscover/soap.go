package autodiscover

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"hma/exchange/clientaccess"
	"hma/exchange/org"
	"hma/wire/soap"
)

// Namespaces of MS-OXWSADISC 2.1 and of WS-Addressing.
const (
	nsAutodiscover = "http://schemas.microsoft.com/exchange/2010/Autodiscover"
	nsAddressing   = "http://www.w3.org/2005/08/addressing"
	// actionBase is what the wsa:Action of each operation begins with.
	actionBase = nsAutodiscover + "/Autodiscover/"
)

// Limits of a SOAP request: the users or domains, and the settings, that one may
// name, and its size.
const (
	maxAsked     = 100
	maxSettings  = 200
	maxSOAP      = 256 << 10
	maxSOAPNodes = 2000
	maxSOAPDepth = 16
)

// Values of ErrorCode (MS-OXWSADISC 2.2.5).
const (
	codeNoError         = "NoError"
	codeRedirectAddress = "RedirectAddress"
	codeRedirectURL     = "RedirectUrl"
	codeInvalidUser     = "InvalidUser"
	codeInvalidRequest  = "InvalidRequest"
	codeInvalidSetting  = "InvalidSetting"
	codeNotAvailable    = "SettingIsNotAvailable"
	codeInvalidDomain   = "InvalidDomain"
)

// soapOperations are the SOAP form's operations, by the name of the request's element
// without RequestMessage. GetFederationInformation and GetOrganizationRelationshipSettings
// are for other organisations' servers and not offered.
var soapOperations = map[string]func(s *soapCall) error{
	"GetUserSettings":   (*soapCall).getUserSettings,
	"GetDomainSettings": (*soapCall).getDomainSettings,
}

// soapCall is one request of the SOAP form on its way through the door.
type soapCall struct {
	*Door
	r       *clientaccess.Request
	w       *soap.Writer
	request *soap.Element // its Request element
}

// serveSOAP answers the SOAP form (MS-OXWSADISC).
func (d *Door) serveSOAP(w http.ResponseWriter, r *clientaccess.Request) {
	if r.Method != http.MethodPost {
		r.Record.Begin("SOAP", false)
		w.Header().Set("Allow", "POST")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	out := soap.NewWriter(w)
	defer out.Release()
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	s := &soapCall{Door: d, r: r, w: out}
	if err := s.serve(); err != nil {
		code, text := "s:Client", "The request is not valid: "+err.Error()
		if fault, ok := errors.AsType[*soapFault](err); ok {
			code, text = fault.code, fault.text
		} else if !errors.As(err, new(*soap.SyntaxError)) {
			code, text = "s:Server", "The server could not answer the request."
			d.log.Error("autodiscover failed", "request", r.ID, "error", err)
		}
		out.Cut(0)
		s.fault(code, text)
		w.WriteHeader(http.StatusInternalServerError) // SOAP 1.1 6.2
	}
	out.Flush() // whoever asked is gone when it fails
}

// soapFault is a failure of the request as a whole.
type soapFault struct{ code, text string }

// Error implements error.
func (f *soapFault) Error() string { return f.text }

func (s *soapCall) serve() error {
	limits := soap.DefaultLimits
	limits.Depth, limits.Elements = maxSOAPDepth, maxSOAPNodes
	reader := soap.NewReader(s.r.Body, limits)
	reader.SetBytes(maxSOAP)
	env, err := reader.Envelope()
	if err != nil {
		s.r.Record.Begin("SOAP", false)
		return err
	}
	name := strings.TrimSuffix(env.Operation.Local, "RequestMessage")
	operation := soapOperations[name]
	if operation == nil || env.Operation.Space != nsAutodiscover {
		s.r.Record.Begin("SOAP", false)
		// WS-Addressing SOAP Binding 6.4.2.
		return &soapFault{"a:ActionNotSupported", "The server does not offer the operation."}
	}
	s.r.Record.Begin(name, false)
	message, err := env.Request(nil, nil)
	if err != nil {
		return err
	}
	if s.request = message.Child(nsAutodiscover, "Request"); s.request == nil {
		return &soapFault{"s:Client", "The request has no Request element."}
	}
	s.begin(name)
	if err := operation(s); err != nil {
		return err
	}
	s.w.End("Response")
	s.w.End(name + "ResponseMessage")
	s.w.End("s:Body")
	s.w.End("s:Envelope")
	return nil
}

// begin writes the answer as far as its Response.
func (s *soapCall) begin(operation string) {
	s.w.Declare()
	s.w.Start("s:Envelope", "xmlns:s", soap.NSEnvelope, "xmlns:a", nsAddressing)
	s.w.Start("s:Header")
	s.w.Element("a:Action", actionBase+operation+"Response", "s:mustUnderstand", "1")
	v := s.r.Snapshot.Server.Version
	s.w.Start("h:ServerVersionInfo", "xmlns:h", nsAutodiscover)
	for i, part := range []string{"MajorVersion", "MinorVersion", "MajorBuildNumber", "MinorBuildNumber"} {
		s.w.Element("h:"+part, strconv.Itoa(v[i]))
	}
	s.w.Element("h:Version", soapVersion)
	s.w.End("h:ServerVersionInfo")
	s.w.End("s:Header")
	s.w.Start("s:Body")
	s.w.Start(operation+"ResponseMessage", "xmlns", nsAutodiscover)
	s.w.Start("Response", "xmlns:i", soap.NSInstance)
}

// soapVersion is the version of the service as its header names it.
const soapVersion = "Exchange2015"

// fault writes a fault; its own children carry no namespace (SOAP 1.1 4.4).
func (s *soapCall) fault(code, text string) {
	s.w.Declare()
	s.w.Start("s:Envelope", "xmlns:s", soap.NSEnvelope, "xmlns:a", nsAddressing)
	s.w.Start("s:Body")
	s.w.Start("s:Fault")
	s.w.Element("faultcode", code)
	s.w.Element("faultstring", text, "xml:lang", "en-US")
	s.w.End("s:Fault")
	s.w.End("s:Body")
	s.w.End("s:Envelope")
}

// outcome writes the ErrorCode and ErrorMessage that every response begins with.
func (s *soapCall) outcome(code, text string) {
	s.w.Element("ErrorCode", code)
	s.w.Element("ErrorMessage", text)
}

// asked returns what a request lists: the texts of the children of list, each
// looked for in path; and the settings.
func (s *soapCall) asked(list string, path ...string) (names, settings []string, err error) {
	all, wanted := s.request.Child(nsAutodiscover, list), s.request.Child(nsAutodiscover, "RequestedSettings")
	switch {
	case all == nil || len(all.Children) == 0:
		return nil, nil, fmt.Errorf("%s names nobody", list)
	case len(all.Children) > maxAsked:
		return nil, nil, fmt.Errorf("%s has more than %d entries", list, maxAsked)
	case wanted == nil || len(wanted.Children) == 0:
		return nil, nil, errors.New("RequestedSettings names no setting")
	case len(wanted.Children) > maxSettings:
		return nil, nil, fmt.Errorf("RequestedSettings has more than %d entries", maxSettings)
	}
	for _, e := range all.Children {
		for _, step := range path {
			e = e.Child(nsAutodiscover, step)
		}
		text := ""
		if e != nil {
			text = strings.TrimSpace(e.Text)
		}
		names = append(names, text)
	}
	for _, e := range wanted.Children {
		if name := strings.TrimSpace(e.Text); !slices.Contains(settings, name) { // each is answered once
			settings = append(settings, name)
		}
	}
	return names, settings, nil
}

// getUserSettings answers GetUserSettings (MS-OXWSADISC 3.1.4.3): one response for each user.
func (s *soapCall) getUserSettings() error {
	users, settings, err := s.asked("Users", "Mailbox")
	if err != nil {
		s.outcome(codeInvalidRequest, err.Error())
		return nil
	}
	s.outcome(codeNoError, "")
	s.w.Start("UserResponses")
	for _, user := range users {
		s.w.Start("UserResponse")
		if err := s.userResponse(user, settings); err != nil {
			return err
		}
		s.w.End("UserResponse")
	}
	s.w.End("UserResponses")
	return nil
}

func (s *soapCall) userResponse(user string, settings []string) error {
	found, err := s.find(s.r, &request{Email: user})
	if err != nil {
		return err
	}
	switch {
	case found.address != "":
		s.outcome(codeRedirectAddress, "Redirect to the address.")
		s.w.Element("RedirectTarget", found.address)
		return nil
	case found.url != "":
		s.outcome(codeRedirectURL, "Redirect to the URL.")
		s.w.Element("RedirectTarget", found.url)
		return nil
	case found.person == nil:
		s.outcome(codeInvalidUser, "The email address can't be found.")
		s.w.Empty("RedirectTarget", "i:nil", "true")
		return nil
	}
	s.outcome(codeNoError, "No error.")
	s.w.Empty("RedirectTarget", "i:nil", "true")
	values, missing, err := s.values(found.person, settings)
	if err != nil {
		return err
	}
	s.errors("UserSettingErrors", "UserSettingError", missing)
	s.w.Start("UserSettings")
	for _, v := range values {
		v.write(s.w)
	}
	s.w.End("UserSettings")
	return nil
}

// settingError is a setting that an answer lacks, and why.
type settingError struct{ code, name string }

func (s *soapCall) errors(list, element string, missing []settingError) {
	if len(missing) == 0 {
		s.w.Empty(list)
		return
	}
	s.w.Start(list)
	for _, m := range missing {
		s.w.Start(element)
		text := "The setting '" + m.name + "' is not available."
		if m.code == codeInvalidSetting {
			text = "The setting is not one of this service."
		}
		s.outcome(m.code, text)
		s.w.Element("SettingName", m.name)
		s.w.End(element)
	}
	s.w.End(list)
}

// getDomainSettings answers GetDomainSettings (MS-OXWSADISC 3.1.4.1): where the
// EWS of an accepted domain is, and of which version.
func (s *soapCall) getDomainSettings() error {
	domains, settings, err := s.asked("Domains")
	if err != nil {
		s.outcome(codeInvalidRequest, err.Error())
		return nil
	}
	s.outcome(codeNoError, "")
	s.w.Start("DomainResponses")
	for _, domain := range domains {
		s.w.Start("DomainResponse")
		s.domainResponse(strings.ToLower(domain), settings)
		s.w.End("DomainResponse")
	}
	s.w.End("DomainResponses")
	return nil
}

func (s *soapCall) domainResponse(domain string, settings []string) {
	switch target := elsewhere(s.r.Snapshot, domain); {
	case target != "":
		s.outcome(codeRedirectURL, "Redirect to the URL.")
		s.w.Element("RedirectTarget", target)
		return
	case !accepted(s.r.Snapshot, domain):
		s.outcome(codeInvalidDomain, "The domain is not one of this organization.")
		s.w.Empty("RedirectTarget", "i:nil", "true")
		return
	}
	values := map[string]string{"ExternalEwsUrl": side(outside).url(s.r, org.WebServices), "ExternalEwsVersion": version(s.r.Snapshot)}
	var missing []settingError
	for _, name := range settings {
		switch v, known := values[name]; {
		case !known:
			missing = append(missing, settingError{codeInvalidSetting, cut(name)})
		case v == "":
			missing = append(missing, settingError{codeNotAvailable, name})
		}
	}
	s.outcome(codeNoError, "")
	s.errors("DomainSettingErrors", "DomainSettingError", missing)
	s.w.Start("DomainSettings")
	for _, name := range settings {
		if v := values[name]; v != "" {
			s.w.Start("DomainSetting", "i:type", "DomainStringSetting")
			s.w.Element("Name", name)
			s.w.Element("Value", v)
			s.w.End("DomainSetting")
		}
	}
	s.w.End("DomainSettings")
	s.w.Empty("RedirectTarget", "i:nil", "true")
}

// version is a server's build as the settings write it: 15.02.1544.011.
func version(s *org.Snapshot) string {
	v := s.Server.Version
	return fmt.Sprintf("%d.%02d.%04d.%03d", v[0], v[1], v[2], v[3])
}

// values returns the settings of a person's mailbox that there are, in the order
// asked for, and which there are not.
func (s *soapCall) values(person *org.Recipient, names []string) (list []setting, missing []settingError, err error) {
	ask := &settingCall{r: s.r, person: person}
	if ask.mapped, err = s.mapped(s.r, person); err != nil {
		return nil, nil, err
	}
	for _, name := range names {
		make, known := userSettings[name]
		if !known {
			missing = append(missing, settingError{codeInvalidSetting, cut(name)})
			continue
		}
		v := setting{name: name}
		if make != nil {
			make(ask, &v)
		}
		if v.empty() {
			missing = append(missing, settingError{codeNotAvailable, name})
			continue
		}
		list = append(list, v)
	}
	return list, missing, nil
}

// setting is one value of a UserSetting, of one of three types.
type setting struct {
	name    string
	text    string
	clients []webClient
	others  []*org.Recipient // alternate mailboxes
}

// webClient is a URL of OWA with the ways to sign in there.
type webClient struct{ methods, url string }

func (v *setting) empty() bool { return v.text == "" && v.clients == nil && v.others == nil }

// write writes the UserSetting (MS-OXWSADISC 2.2.4.14, its types 2.2.4.2, 2.2.4.17 and 2.2.4.22).
func (v *setting) write(w *soap.Writer) {
	kind := "StringSetting"
	switch {
	case v.clients != nil:
		kind = "WebClientUrlCollectionSetting"
	case v.others != nil:
		kind = "AlternateMailboxCollectionSetting"
	}
	w.Start("UserSetting", "i:type", kind)
	w.Element("Name", v.name)
	switch {
	case v.clients != nil:
		w.Start("WebClientUrls")
		for _, c := range v.clients {
			w.Start("WebClientUrl")
			w.Element("AuthenticationMethods", c.methods)
			w.Element("Url", c.url)
			w.End("WebClientUrl")
		}
		w.End("WebClientUrls")
	case v.others != nil:
		w.Start("AlternateMailboxes")
		for _, m := range v.others {
			w.Start("AlternateMailbox")
			w.Element("DisplayName", m.DisplayName)
			w.Element("LegacyDN", m.LegacyDN)
			w.Element("OwnerSmtpAddress", m.PrimarySMTP)
			w.Element("Server", mailboxAddress(m))
			w.Element("SmtpAddress", m.PrimarySMTP)
			w.Element("Type", alternateDelegate)
			w.End("AlternateMailbox")
		}
		w.End("AlternateMailboxes")
	default:
		w.Element("Value", v.text)
	}
	w.End("UserSetting")
}

// alternateDelegate is the type of a mailbox that somebody opens beside the own one.
const alternateDelegate = "Delegate"

// settingCall is what a setting is made of.
type settingCall struct {
	r      *clientaccess.Request
	person *org.Recipient
	mapped []*org.Recipient
}

// userSettings are the names of UserSettingName; nil is a setting of which this
// organisation has no value (voice mail, POP, IMAP, SMTP, public folders ...).
var userSettings = map[string]func(c *settingCall, v *setting){
	"UserDisplayName":         func(c *settingCall, v *setting) { v.text = c.person.DisplayName },
	"UserDN":                  func(c *settingCall, v *setting) { v.text = c.person.LegacyDN },
	"MailboxDN":               func(c *settingCall, v *setting) { v.text = c.person.LegacyDN },
	"UserDeploymentId":        func(c *settingCall, v *setting) { v.text = c.r.Snapshot.Org.GUID.String() },
	"AutoDiscoverSMTPAddress": func(c *settingCall, v *setting) { v.text = c.person.PrimarySMTP },
	"UserMSOnline":            func(c *settingCall, v *setting) { v.text = "False" },
	"InternalMailboxServer":   func(c *settingCall, v *setting) { v.text = mailboxAddress(c.person) },
	"InternalRpcClientServer": func(c *settingCall, v *setting) { v.text = mailboxAddress(c.person) },
	"InternalMailboxServerDN": func(c *settingCall, v *setting) { v.text = exch(c.r, c.person).ServerDN },
	"ExternalMailboxServer":   func(c *settingCall, v *setting) { v.text = host(side(outside).url(c.r, org.Rpc)) },
	"ExternalMailboxServerRequiresSSL": func(c *settingCall, v *setting) {
		if side(outside).url(c.r, org.Rpc) != "" {
			v.text = "True"
		}
	},
	"ExternalMailboxServerAuthenticationMethods": func(c *settingCall, v *setting) {
		if side(outside).url(c.r, org.Rpc) != "" {
			v.text = authPackage(c.r, org.Rpc)
		}
	},
	"InternalEwsUrl":                 func(c *settingCall, v *setting) { v.text = urls(c.r, inside).EwsURL },
	"ExternalEwsUrl":                 func(c *settingCall, v *setting) { v.text = urls(c.r, outside).EwsURL },
	"InternalEcpUrl":                 func(c *settingCall, v *setting) { v.text = urls(c.r, inside).EcpURL },
	"ExternalEcpUrl":                 func(c *settingCall, v *setting) { v.text = urls(c.r, outside).EcpURL },
	"InternalOABUrl":                 func(c *settingCall, v *setting) { v.text = urls(c.r, inside).OABURL },
	"ExternalOABUrl":                 func(c *settingCall, v *setting) { v.text = urls(c.r, outside).OABURL },
	"InternalPhotosUrl":              func(c *settingCall, v *setting) { v.text = photos(urls(c.r, inside).EwsURL) },
	"ExternalPhotosUrl":              func(c *settingCall, v *setting) { v.text = photos(urls(c.r, outside).EwsURL) },
	"InternalWebClientUrls":          func(c *settingCall, v *setting) { v.clients = webClients(c.r, inside) },
	"ExternalWebClientUrls":          func(c *settingCall, v *setting) { v.clients = webClients(c.r, outside) },
	"InternalServerExclusiveConnect": func(c *settingCall, v *setting) { v.text = "Off" },
	"ExternalServerExclusiveConnect": func(c *settingCall, v *setting) {
		if side(outside).url(c.r, org.WebServices) != "" {
			v.text = "On"
		}
	},
	"ExternalEwsVersion":   func(c *settingCall, v *setting) { v.text = version(c.r.Snapshot) },
	"CasVersion":           func(c *settingCall, v *setting) { v.text = version(c.r.Snapshot) },
	"EwsSupportedSchemas":  func(c *settingCall, v *setting) { v.text = supportedSchemas },
	"ShowGalAsDefaultView": func(c *settingCall, v *setting) { v.text = "True" },
	"GroupingInformation":  func(c *settingCall, v *setting) { v.text = siteName },
	"MapiHttpEnabled": func(c *settingCall, v *setting) {
		v.text = "False"
		if c.r.Snapshot.MapiHTTP(c.person) && c.person.MAPIEnabled {
			v.text = "True"
		}
	},
	"AlternateMailboxes": func(c *settingCall, v *setting) { v.others = c.mapped },

	"ActiveDirectoryServer": nil, "PublicFolderServer": nil, "PublicFolderInformation": nil, "CrossOrganizationSharingEnabled": nil,
	"InternalUMUrl": nil, "ExternalUMUrl": nil, "ExchangeRpcUrl": nil, "EwsPartnerUrl": nil, "EwsPartnerEndpoint": nil, "SharingUrl": nil,
	"InternalPop3Connections": nil, "ExternalPop3Connections": nil, "InternalImap4Connections": nil, "ExternalImap4Connections": nil,
	"InternalSmtpConnections": nil, "ExternalSmtpConnections": nil, "InteropExternalEwsUrl": nil, "InteropExternalEwsVersion": nil,
	"MobileMailboxPolicy": nil, "MobileMailboxPolicyInterop": nil, "SPMySiteHostURL": nil, "DocumentSharingLocations": nil, "SiteMailboxCreationURL": nil,
	"CertPrincipalName": nil, "GroupExpansionUrl": nil, "TeamMailboxes": nil,
	"EcpVoicemailUrlFragment": nil, "EcpEmailSubscriptionsUrlFragment": nil, "EcpTextMessagingUrlFragment": nil, "EcpDeliveryReportUrlFragment": nil,
	"EcpRetentionPolicyTagsUrlFragment": nil, "EcpPublishingUrlFragment": nil, "EcpPhotoUrlFragment": nil, "EcpConnectUrlFragment": nil,
	"EcpTeamMailboxUrlFragment": nil, "EcpTeamMailboxCreatingUrlFragment": nil, "EcpTeamMailboxEditingUrlFragment": nil, "EcpExtensionInstallationUrlFragment": nil,
	"InternalEcpVoicemailUrl": nil, "InternalEcpEmailSubscriptionsUrl": nil, "InternalEcpTextMessagingUrl": nil, "InternalEcpDeliveryReportUrl": nil,
	"InternalEcpRetentionPolicyTagsUrl": nil, "InternalEcpPublishingUrl": nil, "InternalEcpPhotoUrl": nil, "InternalEcpConnectUrl": nil,
	"InternalEcpTeamMailboxUrl": nil, "InternalEcpTeamMailboxCreatingUrl": nil, "InternalEcpTeamMailboxEditingUrl": nil, "InternalEcpTeamMailboxHidingUrl": nil, "InternalEcpExtensionInstallationUrl": nil,
	"ExternalEcpVoicemailUrl": nil, "ExternalEcpEmailSubscriptionsUrl": nil, "ExternalEcpTextMessagingUrl": nil, "ExternalEcpDeliveryReportUrl": nil,
	"ExternalEcpRetentionPolicyTagsUrl": nil, "ExternalEcpPublishingUrl": nil, "ExternalEcpPhotoUrl": nil, "ExternalEcpConnectUrl": nil,
	"ExternalEcpTeamMailboxUrl": nil, "ExternalEcpTeamMailboxCreatingUrl": nil, "ExternalEcpTeamMailboxEditingUrl": nil, "ExternalEcpTeamMailboxHidingUrl": nil, "ExternalEcpExtensionInstallationUrl": nil,
}

// supportedSchemas are the versions of EWS requests that clients may choose from.
const supportedSchemas = "Exchange2007, Exchange2007_SP1, Exchange2010, Exchange2010_SP1, Exchange2010_SP2, Exchange2013, Exchange2013_SP1, Exchange2015"

// siteName is the Active Directory site of every server, by the name that setup gives the first one.
const siteName = "Default-First-Site-Name"

// photos is where pictures of people are below an EWS URL.
func photos(ews string) string {
	if ews == "" {
		return ""
	}
	return ews + "/s"
}

// webClients returns OWA's URL of a side, if it has one.
func webClients(r *clientaccess.Request, s side) []webClient {
	at := owa(r, s, "")
	if at == nil {
		return nil
	}
	return []webClient{{cmp.Or(at.OWAURL.AuthenticationMethod, "None"), at.OWAURL.URL}}
}
