package activesync

import (
	"strings"

	"hma/exchange/clientaccess"
	"hma/wire/wbxml"
)

// Tags of the Settings code page.
var (
	tagSettings           = wbxml.MustTag("Settings:Settings")
	tagStatus             = wbxml.MustTag("Settings:Status")
	tagGet                = wbxml.MustTag("Settings:Get")
	tagUserInformation    = wbxml.MustTag("Settings:UserInformation")
	tagAccounts           = wbxml.MustTag("Settings:Accounts")
	tagAccount            = wbxml.MustTag("Settings:Account")
	tagUserDisplayName    = wbxml.MustTag("Settings:UserDisplayName")
	tagEmailAddresses     = wbxml.MustTag("Settings:EmailAddresses")
	tagSMTPAddress        = wbxml.MustTag("Settings:SMTPAddress")
	tagPrimarySmtpAddress = wbxml.MustTag("Settings:PrimarySmtpAddress")
)

// Statuses of Settings (MS-ASCMD 2.2.3.177.15) and, for rights management, the
// common one that it is off (MS-ASCMD 2.2.2).
const (
	settingsSuccess       = "1"
	settingsProtocolError = "2"
	settingsUnavailable   = "4"
	settingsDenied        = "7"
	statusIRMDisabled     = "168"
)

// settingsParts are the parts that this server does not keep, with the status
// that each is answered with.
var settingsParts = map[wbxml.Tag]string{
	wbxml.MustTag("Settings:Oof"):                         settingsUnavailable,
	wbxml.MustTag("Settings:DeviceInformation"):           settingsUnavailable,
	wbxml.MustTag("Settings:DevicePassword"):              settingsDenied,
	wbxml.MustTag("Settings:RightsManagementInformation"): statusIRMDisabled,
}

// settings answers the Settings command (MS-ASCMD 2.2.1.18): each part of the
// request with a part of the answer, in the request's order. It asks no policy
// key: clients call it before Provision.
func settings(r *clientaccess.Request, q Query, request *wbxml.Element) *wbxml.Element {
	if request == nil || request.Tag != tagSettings || len(request.Children) == 0 {
		return settingsStatus(settingsProtocolError)
	}
	answer := wbxml.New(tagSettings, wbxml.Text(tagStatus, settingsSuccess))
	seen := make(map[wbxml.Tag]bool)
	for _, part := range request.Children {
		status, other := settingsParts[part.Tag]
		switch {
		case seen[part.Tag], !other && part.Tag != tagUserInformation:
			return settingsStatus(settingsProtocolError)
		case other:
			answer.Children = append(answer.Children, wbxml.New(part.Tag, wbxml.Text(tagStatus, status)))
		default:
			answer.Children = append(answer.Children, userInformation(r, q, part))
		}
		seen[part.Tag] = true
	}
	return answer
}

// settingsStatus is a whole answer that only says what is wrong.
func settingsStatus(status string) *wbxml.Element {
	return wbxml.New(tagSettings, wbxml.Text(tagStatus, status))
}

// userInformation answers with the person's addresses: from version 14.1 on
// inside an account and with the primary one named, before it as a plain list
// (MS-ASCMD 2.2.3.2, 2.2.3.192).
func userInformation(r *clientaccess.Request, q Query, part *wbxml.Element) *wbxml.Element {
	if part.Child(tagGet) == nil {
		return wbxml.New(tagUserInformation, wbxml.Text(tagStatus, settingsProtocolError))
	}
	person := r.Identity.Recipient
	addresses := wbxml.New(tagEmailAddresses, wbxml.Text(tagSMTPAddress, person.PrimarySMTP))
	for _, a := range person.Addresses {
		if !strings.EqualFold(a, person.PrimarySMTP) {
			addresses.Children = append(addresses.Children, wbxml.Text(tagSMTPAddress, a))
		}
	}
	get := wbxml.New(tagGet, addresses)
	if q.Version != "14.0" {
		addresses.Children = append(addresses.Children, wbxml.Text(tagPrimarySmtpAddress, person.PrimarySMTP))
		get = wbxml.New(tagGet, wbxml.New(tagAccounts, wbxml.New(tagAccount, wbxml.Text(tagUserDisplayName, person.DisplayName), addresses)))
	}
	return wbxml.New(tagUserInformation, wbxml.Text(tagStatus, settingsSuccess), get)
}
