package ews

import (
	"errors"
	"slices"
	"strings"
	"time"

	"hma/exchange/store"
	"hma/wire/soap"
)

var errOofSettings = &problem{"ErrorInvalidUserOofSettings", "The out-of-office settings are not valid."}

// setUserOofSettings answers SetUserOofSettings (MS-OXWOOF 3.1.4.2) for the
// caller's own mailbox. A reply that the request does not have stays as it is.
func setUserOofSettings(c *call) error {
	if err := c.ownOof(); err != nil {
		return err
	}
	e := c.req.Child(soap.NSTypes, "UserOofSettings")
	if e == nil {
		return invalid(c.req, "UserOofSettings is missing")
	}
	o, err := c.mailbox.Oof(c.ctx)
	if err != nil {
		return err
	}
	state, audience := -1, -1
	for _, child := range e.Children {
		switch child.Name.Local {
		case "OofState":
			state = slices.Index(oofStates, strings.TrimSpace(child.Text))
		case "ExternalAudience":
			audience = slices.Index(oofAudiences, strings.TrimSpace(child.Text))
		case "Duration":
			if err := readDuration(child, &o); err != nil {
				return err
			}
		case "InternalReply":
			readReply(child, &o.Internal)
		case "ExternalReply":
			readReply(child, &o.External)
		}
	}
	if state < 0 || audience < 0 {
		return invalid(e, "OofState or ExternalAudience is missing or none that there is")
	}
	o.State, o.Audience = store.OofState(state), store.OofAudience(audience)
	err = c.mailbox.SetOof(c.ctx, o)
	if errors.Is(err, store.ErrInvalid) || errors.Is(err, store.ErrTooLarge) {
		return errOofSettings
	}
	if err != nil {
		return err
	}
	c.beginOof("SetUserOofSettingsResponse", nil)
	return c.endOof("SetUserOofSettingsResponse")
}

// readDuration takes a duration.
func readDuration(e *soap.Element, o *store.Oof) error {
	start, end := e.Child(soap.NSTypes, "StartTime"), e.Child(soap.NSTypes, "EndTime")
	if start == nil || end == nil {
		return invalid(e, "a duration has a StartTime and an EndTime")
	}
	from, ok := parseTime(strings.TrimSpace(start.Text))
	to, ok2 := parseTime(strings.TrimSpace(end.Text))
	if !ok || !ok2 {
		return invalid(e, "StartTime or EndTime is no time")
	}
	o.Start, o.End = from.(time.Time), to.(time.Time)
	return nil
}

func readReply(e *soap.Element, r *store.OofReply) {
	r.Text, r.Language = "", ""
	if m := e.Child(soap.NSTypes, "Message"); m != nil {
		r.Text = m.Text
	}
	for _, a := range e.Attrs {
		if a.Name.Local == "lang" { // xml:lang
			r.Language = a.Value
		}
	}
}
