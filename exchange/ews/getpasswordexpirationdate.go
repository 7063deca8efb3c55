package ews

import "hma/wire/soap"

// noExpiration is how Exchange says of a password that it does not expire: the last
// moment of .NET's calendar.
const noExpiration = "9999-12-31T23:59:59"

// getPasswordExpirationDate answers GetPasswordExpirationDate (MS-OXWSPED 3.1.4.1): a
// directory that sets passwords no end has none to tell.
func getPasswordExpirationDate(c *call) error {
	if e := c.req.Child(soap.NSMessages, "MailboxSmtpAddress"); e != nil && e.Text != "" && !hasAddress(c.person, e.Text) {
		return errAccessDenied
	}
	return c.alone(func() error {
		c.w.Element("m:PasswordExpirationDate", noExpiration)
		return nil
	})
}
