package facts

import (
	"slices"
	"strings"

	"hma/client/mail"
)

// A pilot offers tokens to some people before everybody else, by authentication policies: the
// organisation's default one holds people back, and each pilot has one of his own that does not.
// Both names end in words of ours and begin with what stood in their place before, so that the
// way to everybody asks nobody but the organisation.
const (
	later = "HMA later"
	pilot = "HMA pilot"
)

// PolicyProtocols are the protocols that an authentication policy has switches for.
var PolicyProtocols = []string{"ActiveSync", "Autodiscover", "Imap", "Mapi", "OfflineAddressBook", "Pop", "Rpc", "WebServices"}

// tokenProtocols are those of them whose virtual directories take tokens.
var tokenProtocols = []string{"ActiveSync", "Autodiscover", "Mapi", "OfflineAddressBook", "WebServices"}

// LaterPolicy is the name of the default policy that holds people back, in place of base ("" for none).
func LaterPolicy(base string) string { return derived(base, later) }

// PilotPolicy is the name of a pilot's policy, in place of his own ("" for none).
func PilotPolicy(own string) string { return derived(own, pilot) }

// LaterBase returns what LaterPolicy was given; ok is false for any other policy.
func LaterBase(name string) (base string, ok bool) { return taken(name, later) }

// PilotBase returns what PilotPolicy was given; ok is false for any other policy.
func PilotBase(name string) (own string, ok bool) { return taken(name, pilot) }

func derived(base, words string) string {
	if base == "" {
		return words
	}
	return base + " - " + words
}

func taken(name, words string) (base string, ok bool) {
	if strings.EqualFold(name, words) {
		return "", true
	}
	base, ok = strings.CutSuffix(name, " - "+words)
	return base, ok && base != ""
}

// Policy returns the authentication policy of that name, nil for none.
func (f *Facts) Policy(name string) *Policy {
	for i := range f.Policies {
		if name != "" && strings.EqualFold(f.Policies[i].Name, name) {
			return &f.Policies[i]
		}
	}
	return nil
}

// HoldsBack tells whether nobody whom the policy (nil: none) applies to is offered tokens at any door.
func (p *Policy) HoldsBack() bool {
	return p != nil && !slices.ContainsFunc(tokenProtocols, func(protocol string) bool { return !slices.Contains(p.BlockModern, protocol) })
}

// Open tells whether whom the policy (nil: none) applies to may be offered tokens at every door.
func (p *Policy) Open() bool {
	return p == nil || !slices.ContainsFunc(tokenProtocols, func(protocol string) bool { return slices.Contains(p.BlockModern, protocol) })
}

// TokensOnly returns the protocols whose virtual directories take tokens, and by the policy (nil: none) nothing else.
func (p *Policy) TokensOnly() []string {
	if p == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(tokenProtocols), func(protocol string) bool { return !slices.Contains(p.BlockLegacy, protocol) })
}

// Pilots are the people to whom the default policy does not apply in a pilot that is on its way; ok tells whether one is.
func (f *Facts) Pilots() (pilots []*Person, ok bool) {
	if _, ok = LaterBase(f.Organization.DefaultAuthenticationPolicy); !ok {
		return nil, false
	}
	for i := range f.People {
		if p := &f.People[i]; p.Policy != "" && f.PolicyOf(p).Open() {
			pilots = append(pilots, p)
		}
	}
	return pilots, true
}

// Named are the people of that UPN, address or account name.
func (f *Facts) Named(name string) []*Person {
	var found []*Person
	for i := range f.People {
		p := &f.People[i]
		if strings.EqualFold(name, p.UPN) || strings.EqualFold(name, p.Account) || slices.Contains(p.Addresses, strings.ToLower(name)) {
			found = append(found, p)
		}
	}
	return found
}

// policyProtocol are the names that authentication policies have for protocols; none heeds OWA and ECP.
var policyProtocol = map[mail.Protocol]string{mail.Autodiscover: "Autodiscover", mail.MAPI: "Mapi", mail.EWS: "WebServices", mail.ActiveSync: "ActiveSync", mail.OAB: "OfflineAddressBook"}

// HeldBack tells whether a policy keeps tokens from whoever has the name, at the doors of the
// protocol. For a name that nobody has, or several, the default policy speaks.
func (f *Facts) HeldBack(name string, protocol mail.Protocol) bool {
	who := &Person{}
	if found := f.Named(name); len(found) == 1 {
		who = found[0]
	}
	policy := f.PolicyOf(who)
	return policy != nil && slices.Contains(policy.BlockModern, policyProtocol[protocol])
}
