package org

import (
	"strings"

	"hma/wire/guid"
)

// DefaultEwsMaxConcurrency is how many EWS requests one mailbox's owner has under way
// at a time where no policy says otherwise (New-ThrottlingPolicy, EwsMaxConcurrency).
const DefaultEwsMaxConcurrency = 27

// ThrottlingScope says to whom a throttling policy applies.
type ThrottlingScope string

// The scopes of policies that can be made: to those who have it of their own
// (Set-ThrottlingPolicyAssociation), or to everybody who has none.
const (
	ThrottlingRegular      ThrottlingScope = "Regular"
	ThrottlingOrganization ThrottlingScope = "Organization"
)

// ThrottlingPolicy says how much of the servers one person may use at a time
// (Get-ThrottlingPolicy).
type ThrottlingPolicy struct {
	Stamp
	GUID  guid.GUID
	Name  string
	Scope ThrottlingScope
	// EwsMaxConcurrency is how many EWS requests may be under way: 0 has no limit, nil leaves
	// it to the policy of the organisation, and that to DefaultEwsMaxConcurrency.
	EwsMaxConcurrency *int `json:",omitempty"`
}

// checkThrottling refuses a policy without a name, and a second one for the whole organisation.
func (c *Configuration) checkThrottling() error {
	whole := 0
	for _, p := range c.Throttling {
		if strings.TrimSpace(p.Name) == "" {
			return refuse("A throttling policy needs a name.")
		}
		if p.Scope == ThrottlingOrganization {
			whole++
		}
	}
	if whole > 1 {
		return refuse("%d throttling policies would apply to the whole organisation; only one may.", whole)
	}
	return nil
}

// EwsMaxConcurrency returns how many EWS requests the owner of a mailbox may have under way; 0 for any number.
func (s *Snapshot) EwsMaxConcurrency(r *Recipient) int {
	limit := DefaultEwsMaxConcurrency
	for _, p := range s.Throttling {
		if p.EwsMaxConcurrency == nil {
			continue
		}
		if p.GUID == r.ThrottlingPolicy {
			return *p.EwsMaxConcurrency
		}
		if p.Scope == ThrottlingOrganization {
			limit = *p.EwsMaxConcurrency
		}
	}
	return limit
}
