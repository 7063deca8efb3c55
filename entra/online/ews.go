package online

import (
	"errors"
	"net/http"
	"strings"

	"hma/entra"
	"hma/wire/soap"
)

// limits of a request: both services ask short questions.
var limits = soap.Limits{Bytes: 256 << 10, Depth: 32, Elements: 5000, Attributes: 32, Attribute: 8 << 10, Text: 64 << 10}

// version is what the service says of itself.
var version = soap.ServerVersion{Major: 15, Minor: 20, Version: "V2018_01_08"}

// maxPeople bounds the mailboxes of one free/busy request, as Exchange does.
const maxPeople = 100

const (
	codeNoMailbox = "ErrorNonExistentMailbox"
	textNoMailbox = "The SMTP address has no mailbox associated with it."
)

// serveEWS answers Exchange Web Services. Nobody has a mailbox here, so every
// operation but free/busy, which answers for each person, ends in the fault that says so.
func (s *service) serveEWS(w http.ResponseWriter, r *http.Request, id string, c *caller) {
	out := soap.NewWriter(w)
	defer out.Release()
	out.Begin(version)
	err := s.operation(out, r, c)
	status := http.StatusOK
	if err != nil {
		fault, ok := errors.AsType[*soap.Fault](err)
		if !ok {
			s.log.ErrorContext(r.Context(), "online", "request", id, "error", err)
			fault = &soap.Fault{Code: "ErrorInternalServerTransientError", Message: "The server cannot service this request right now. Try again later."}
		}
		out.Cut(0)
		out.Begin(version)
		out.Fault(fault)
		status = http.StatusInternalServerError
	}
	out.Finish()
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.WriteHeader(status)
	out.Flush()
}

// operation reads the envelope and writes the answer's body.
func (s *service) operation(out *soap.Writer, r *http.Request, c *caller) error {
	env, err := soap.NewReader(r.Body, limits).Envelope()
	var request *soap.Element
	if err == nil {
		request, err = env.Request(nil, nil)
	}
	if err != nil {
		return &soap.Fault{Code: "ErrorSchemaValidation", Message: "The request failed schema validation."}
	}
	if request.Name == (soap.Name{Space: soap.NSMessages, Local: "GetUserAvailabilityRequest"}) {
		return availability(out, request)
	}
	if request.Name.Space != soap.NSMessages {
		return &soap.Fault{Code: "ErrorInvalidRequest", Message: "The request is invalid."}
	}
	person := c.user
	if as := env.Block(soap.NSTypes, "ExchangeImpersonation"); as != nil {
		if person, err = s.impersonated(r, c, as); err != nil {
			return err
		}
	}
	if person == nil {
		return &soap.Fault{Code: "ErrorMissingEmailAddress",
			Message: "When making a request as an account that does not have a mailbox, you must specify the mailbox primary SMTP address for any distinguished folder Ids."}
	}
	return &soap.Fault{Code: codeNoMailbox, Message: textNoMailbox}
}

// impersonated finds the person that an application acts for (ExchangeImpersonation, MS-OXWSCDATA 2.2.4.32).
func (s *service) impersonated(r *http.Request, c *caller, as *soap.Element) (*entra.User, error) {
	if c.user != nil {
		return nil, &soap.Fault{Code: "ErrorImpersonateUserDenied", Message: "The account does not have permission to impersonate the requested user."}
	}
	who := as.Child(soap.NSTypes, "ConnectingSID")
	for _, form := range []string{"PrimarySmtpAddress", "SmtpAddress", "PrincipalName"} {
		if e := who.Child(soap.NSTypes, form); e != nil {
			user, err := s.byAddress(r.Context(), c.tenant.ID, strings.TrimSpace(e.Text))
			if errors.Is(err, entra.ErrNotFound) {
				return nil, &soap.Fault{Code: codeNoMailbox, Message: textNoMailbox}
			}
			return user, err
		}
	}
	return nil, &soap.Fault{Code: "ErrorInvalidRequest", Message: "The request is invalid."}
}

// availability answers GetUserAvailability (MS-OXWAVLS 3.1.4.1): of nobody here is anything known.
func availability(out *soap.Writer, request *soap.Element) error {
	list := request.Child(soap.NSMessages, "MailboxDataArray")
	if list == nil || len(list.Children) == 0 || len(list.Children) > maxPeople {
		return &soap.Fault{Code: "ErrorInvalidParameter", Message: "The number of mailboxes in the request must be between 1 and 100."}
	}
	out.Start("m:GetUserAvailabilityResponse")
	out.Start("m:FreeBusyResponseArray")
	for range list.Children {
		out.Start("m:FreeBusyResponse")
		out.Start("m:ResponseMessage", "ResponseClass", "Error")
		out.Element("m:MessageText", "Unable to resolve e-mail address to an Active Directory object with a mailbox.")
		out.Element("m:ResponseCode", "ErrorMailRecipientNotFound")
		out.End("m:ResponseMessage")
		out.End("m:FreeBusyResponse")
	}
	out.End("m:FreeBusyResponseArray")
	out.End("m:GetUserAvailabilityResponse")
	return nil
}
