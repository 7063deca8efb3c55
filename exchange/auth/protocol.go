package auth

import (
	"hma/exchange/org"
	"hma/wire/jwt"
)

// protocol is what a kind of virtual directory asks of a credential.
type protocol struct {
	policy  org.Protocol              // its switch in authentication policies, "" where it has none
	asks    jwt.Demand                // what it asks of a token
	enabled func(*org.Recipient) bool // the person's switch for the protocol (Set-CASMailbox), nil where there is none
}

// protocols holds every kind that takes credentials. An unlisted kind takes no token of any profile.
var protocols = map[org.Kind]protocol{
	org.Mapi:         {org.ProtocolMapi, jwt.MAPI, func(r *org.Recipient) bool { return r.MAPIEnabled }},
	org.Oab:          {org.ProtocolOfflineAddressBook, jwt.OAB, nil},
	org.WebServices:  {org.ProtocolWebServices, jwt.EWS, func(r *org.Recipient) bool { return r.EwsEnabled }},
	org.ActiveSync:   {org.ProtocolActiveSync, jwt.ActiveSync, func(r *org.Recipient) bool { return r.ActiveSyncEnabled }},
	org.Autodiscover: {org.ProtocolAutodiscover, jwt.Autodiscover, nil},
	org.Owa:          {"", jwt.OWA, func(r *org.Recipient) bool { return r.OWAEnabled }},
	org.Ecp:          {"", jwt.ECP, func(r *org.Recipient) bool { return r.ECPEnabled }},
	org.Rpc:          {policy: org.ProtocolRpc},
}
