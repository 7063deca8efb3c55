package auth

import (
	"strings"

	"hma/exchange/org"
)

// profile is a kind of token by whom it speaks for, under the names that
// Exchange's configuration has for them.
type profile uint8

const (
	v1AppActAs     profile = 1 << iota // delegated: an application for a user
	v1AppOnly                          // an application for itself
	v1IDToken                          // who signed in, for the application itself
	serverToServer                     // server-to-server tokens of the Access Control Service
)

func (p profile) String() string {
	switch p {
	case v1AppActAs:
		return "V1AppActAs"
	case v1AppOnly:
		return "V1AppOnly"
	case v1IDToken:
		return "V1IdToken"
	}
	return "V1S2SAppOnly"
}

// scopes is a set of the delegated permissions that protocols ask for.
type scopes uint8

const (
	userImpersonation scopes = 1 << iota
	fullAccessAsUser
	easAccess
	ewsAccess
)

// parseScopes reads a scp claim; permissions that no protocol asks for by name are not in the set.
func parseScopes(list []string) scopes {
	var set scopes
	for _, scope := range list {
		switch {
		case strings.EqualFold(scope, "user_impersonation"):
			set |= userImpersonation
		case strings.EqualFold(scope, "full_access_as_user"):
			set |= fullAccessAsUser
		case strings.EqualFold(scope, "EAS.AccessAsUser.All"):
			set |= easAccess
		case strings.EqualFold(scope, "EWS.AccessAsUser.All"):
			set |= ewsAccess
		}
	}
	return set
}

// protocol is what a kind of virtual directory asks of a credential.
type protocol struct {
	policy   org.Protocol              // its switch in authentication policies, "" where it has none
	profiles profile                   // the token profiles that it takes
	scopes   scopes                    // one of these must be in scp; 0 means any scope will do
	enabled  func(*org.Recipient) bool // the person's switch for the protocol (Set-CASMailbox), nil where there is none
}

// protocols holds every kind that takes credentials. An unlisted kind takes no token of any profile.
var protocols = map[org.Kind]protocol{
	org.Mapi:         {org.ProtocolMapi, v1AppActAs, userImpersonation, func(r *org.Recipient) bool { return r.MAPIEnabled }},
	org.Oab:          {org.ProtocolOfflineAddressBook, v1AppActAs, userImpersonation, nil},
	org.WebServices:  {org.ProtocolWebServices, v1AppActAs | v1AppOnly, 0, func(r *org.Recipient) bool { return r.EwsEnabled }},
	org.ActiveSync:   {org.ProtocolActiveSync, v1AppActAs, fullAccessAsUser | easAccess | ewsAccess, func(r *org.Recipient) bool { return r.ActiveSyncEnabled }},
	org.Autodiscover: {org.ProtocolAutodiscover, v1AppActAs | v1AppOnly, 0, nil},
	org.Owa:          {"", v1IDToken, 0, func(r *org.Recipient) bool { return r.OWAEnabled }},
	org.Ecp:          {"", v1IDToken, 0, func(r *org.Recipient) bool { return r.ECPEnabled }},
	org.Rpc:          {policy: org.ProtocolRpc},
}
