package online

import (
	"errors"
	"net/http"
	"strings"

	"hma/entra"
	"hma/wire/soap"
)

// nsAutodiscover is the namespace of SOAP Autodiscover (MS-OXWSADISC 2.2).
const nsAutodiscover = "http://schemas.microsoft.com/exchange/2010/Autodiscover"

// maxUsers is how many people one GetUserSettings may ask about.
const maxUsers = 100

// externalEwsURL is the one setting that is known here.
const externalEwsURL = "ExternalEwsUrl"

// serveAutodiscover answers GetUserSettings (MS-OXWSADISC 3.1.4.2), other actions with a fault.
func (s *service) serveAutodiscover(w http.ResponseWriter, r *http.Request, id string, c *caller) {
	out := soap.NewWriter(w)
	defer out.Release()
	begin := func() {
		out.Start("s:Envelope", "xmlns:s", soap.NSEnvelope, "xmlns:a", nsAutodiscover, "xmlns:i", soap.NSInstance)
		out.Start("s:Body")
	}
	begin()
	status := http.StatusOK
	if err := s.userSettings(out, r, c); err != nil {
		fault, ok := errors.AsType[*soap.Fault](err)
		if !ok {
			s.log.ErrorContext(r.Context(), "online", "request", id, "error", err)
			fault = &soap.Fault{Code: "s:Server", Message: "The server cannot service this request right now."}
		}
		out.Cut(0)
		begin()
		out.Start("s:Fault")
		out.Element("faultcode", fault.Code)
		out.Element("faultstring", fault.Message)
		out.End("s:Fault")
		status = http.StatusInternalServerError
	}
	out.Finish()
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.WriteHeader(status)
	out.Flush()
}

func (s *service) userSettings(out *soap.Writer, r *http.Request, c *caller) error {
	env, err := soap.NewReader(r.Body, limits).Envelope()
	var body *soap.Element
	if err == nil {
		body, err = env.Request(nil, nil)
	}
	if err != nil {
		return &soap.Fault{Code: "s:Client", Message: "The request cannot be read."}
	}
	if body.Name != (soap.Name{Space: nsAutodiscover, Local: "GetUserSettingsRequestMessage"}) {
		return &soap.Fault{Code: "s:Client", Message: "The action is not supported: only GetUserSettings is."}
	}
	request := body.Child(nsAutodiscover, "Request")
	users, settings := children(request.Child(nsAutodiscover, "Users"), "User"), children(request.Child(nsAutodiscover, "RequestedSettings"), "Setting")
	out.Start("a:GetUserSettingsResponseMessage")
	out.Start("a:Response")
	switch {
	case len(users) == 0 || len(settings) == 0 || len(users) > maxUsers:
		outcome(out, "InvalidRequest", "The request is invalid.")
		users = nil
	default:
		outcome(out, "NoError", "")
	}
	out.Start("a:UserResponses")
	for _, u := range users {
		if err := s.userResponse(out, r, c, u, settings); err != nil {
			return err
		}
	}
	out.End("a:UserResponses")
	out.End("a:Response")
	out.End("a:GetUserSettingsResponseMessage")
	return nil
}

func (s *service) userResponse(out *soap.Writer, r *http.Request, c *caller, u *soap.Element, settings []*soap.Element) error {
	address := ""
	if mailbox := u.Child(nsAutodiscover, "Mailbox"); mailbox != nil {
		address = strings.TrimSpace(mailbox.Text)
	}
	_, err := s.byAddress(r.Context(), c.tenant.ID, address)
	known := err == nil
	if err != nil && !errors.Is(err, entra.ErrNotFound) {
		return err
	}
	out.Start("a:UserResponse")
	if known {
		outcome(out, "NoError", "No error.")
	} else {
		outcome(out, "InvalidUser", "Invalid user: '"+address+"'")
	}
	out.Empty("a:RedirectTarget", "i:nil", "true")
	out.Start("a:UserSettingErrors")
	asked := false
	for _, setting := range settings {
		name := strings.TrimSpace(setting.Text)
		if name == externalEwsURL {
			asked = true
		} else if known {
			out.Start("a:UserSettingError")
			outcome(out, "SettingIsNotAvailable", "The setting is not available.")
			out.Element("a:SettingName", name)
			out.End("a:UserSettingError")
		}
	}
	out.End("a:UserSettingErrors")
	out.Start("a:UserSettings")
	if asked && known {
		out.Start("a:UserSetting", "i:type", "a:StringSetting")
		out.Element("a:Name", externalEwsURL)
		out.Element("a:Value", s.origin+"/EWS/Exchange.asmx")
		out.End("a:UserSetting")
	}
	out.End("a:UserSettings")
	out.End("a:UserResponse")
	return nil
}

func outcome(out *soap.Writer, code, message string) {
	out.Element("a:ErrorCode", code)
	out.Element("a:ErrorMessage", message)
}

// children are the elements of a list with the name; a nil list has none.
func children(list *soap.Element, name string) []*soap.Element {
	var all []*soap.Element
	if list != nil {
		for _, e := range list.Children {
			if e.Name == (soap.Name{Space: nsAutodiscover, Local: name}) {
				all = append(all, e)
			}
		}
	}
	return all
}
