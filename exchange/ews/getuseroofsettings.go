package ews

import (
	"slices"
	"strings"
	"time"

	"hma/exchange/org"
	"hma/exchange/store"
	"hma/wire/soap"
)

// The values of OofState and ExternalAudience (MS-OXWOOF 2.2.5) in the order of the store's.
var (
	oofStates    = []string{"Disabled", "Enabled", "Scheduled"}
	oofAudiences = []string{"None", "Known", "All"}
)

// getUserOofSettings answers GetUserOofSettings (MS-OXWOOF 3.1.4.1) for the caller's own mailbox.
func getUserOofSettings(c *call) error {
	if err := c.ownOof(); err != nil {
		return err
	}
	o, err := c.mailbox.Oof(c.ctx)
	if err != nil {
		return err
	}
	c.beginOof("GetUserOofSettingsResponse", nil)
	c.w.Start("t:OofSettings")
	c.w.Element("t:OofState", oofStates[o.State])
	c.w.Element("t:ExternalAudience", oofAudiences[o.Audience])
	if o.Start.IsZero() || o.End.IsZero() {
		// A duration is always told: without one it is the day from the next full hour on.
		o.Start = c.door.opts.Now().UTC().Truncate(time.Hour).Add(time.Hour)
		o.End = o.Start.Add(24 * time.Hour)
	}
	c.writeDuration(o.Start, o.End)
	c.writeReply("t:InternalReply", o.Internal)
	c.writeReply("t:ExternalReply", o.External)
	c.w.End("t:OofSettings")
	c.w.Element("m:AllowExternalOof", "All")
	return c.endOof("GetUserOofSettingsResponse")
}

// ownOof refuses a request about another mailbox.
func (c *call) ownOof() error {
	e := c.req.Child(soap.NSTypes, "Mailbox")
	if e == nil {
		return invalid(c.req, "Mailbox is missing")
	}
	address := e.Child(soap.NSTypes, "Address")
	if address == nil {
		return invalid(e, "Address is missing")
	}
	if !hasAddress(c.person, address.Text) {
		return errAccessDenied
	}
	return nil
}

// hasAddress tells whether a text is one of a person's addresses.
func hasAddress(r *org.Recipient, text string) bool {
	text = strings.TrimSpace(text)
	same := func(a string) bool { return strings.EqualFold(a, text) }
	return same(r.PrimarySMTP) || slices.ContainsFunc(r.Addresses, same)
}

// beginOof begins an answer with its ResponseMessage, of failure when err is not nil.
func (c *call) beginOof(name string, err error) {
	c.begun = true
	c.w.Begin(c.version)
	c.w.Start("m:" + name)
	if err != nil {
		c.w.Start("m:ResponseMessage", "ResponseClass", "Error")
		c.writeProblem(err)
	} else {
		c.w.Start("m:ResponseMessage", "ResponseClass", "Success")
		c.w.Element("m:ResponseCode", "NoError")
	}
	c.w.End("m:ResponseMessage")
}

func (c *call) endOof(name string) error {
	c.w.End("m:" + name)
	c.w.Finish()
	return c.w.Err()
}

// failedOof answers a request that failed.
func failedOof(c *call, err error) error {
	name := strings.TrimSuffix(c.op.name, "Request") + "Response"
	c.beginOof(name, err)
	return c.endOof(name)
}

func (c *call) writeDuration(start, end time.Time) {
	const layout = "2006-01-02T15:04:05Z"
	c.w.Start("t:Duration")
	c.w.Element("t:StartTime", start.UTC().Format(layout))
	c.w.Element("t:EndTime", end.UTC().Format(layout))
	c.w.End("t:Duration")
}

func (c *call) writeReply(name string, r store.OofReply) {
	if r.Language == "" {
		c.w.Start(name)
	} else {
		c.w.Start(name, "xml:lang", r.Language)
	}
	c.w.Element("t:Message", r.Text)
	c.w.End(name)
}
