package org

import (
	"encoding/json"
	"fmt"

	"hma/internal/sqldb"
	"hma/wire/guid"
)

// RoleGroup is a group whose members may run cmdlets (Get-RoleGroup).
type RoleGroup string

// The role groups of an organisation here. Exchange has more, for parts of what these may do.
const (
	OrganizationManagement RoleGroup = "Organization Management"           // everything
	ViewOnlyManagement     RoleGroup = "View-Only Organization Management" // what changes nothing
)

// In tells whether the person is a member of the group.
func (r *Recipient) In(g RoleGroup) bool {
	switch g {
	case OrganizationManagement:
		return r.Administrator
	case ViewOnlyManagement:
		return r.ViewOnlyAdministrator
	}
	return false
}

// SetIn makes the person a member of the group, or no member any more.
func (r *Recipient) SetIn(g RoleGroup, member bool) {
	switch g {
	case OrganizationManagement:
		r.Administrator = member
	case ViewOnlyManagement:
		r.ViewOnlyAdministrator = member
	}
}

// administers tells whether the person is an administrator whose account is on.
func (r *Recipient) administers() bool { return r.Administrator && r.Active() }

// keepAdministrator refuses to let go of the last administrator whose account is on: after it nobody
// could make another one. The version row that the transaction holds keeps two from going at once.
func keepAdministrator(tx *sqldb.Tx, going guid.GUID) error {
	rows, err := tx.Query("SELECT body FROM person WHERE guid <> $1 AND body LIKE $2", going.String(), `%"Administrator":true%`)
	if err != nil {
		return fmt.Errorf("read administrators: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var body string
		if err := rows.Scan(&body); err != nil {
			return fmt.Errorf("read administrators: %w", err)
		}
		var r Recipient
		if err := json.Unmarshal([]byte(body), &r); err != nil {
			return fmt.Errorf("read administrators: %w", err)
		}
		if r.administers() {
			return nil
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read administrators: %w", err)
	}
	return refuse("This is the last member of %s whose account is enabled. Add another one first: without it nobody could administer the organisation.", OrganizationManagement)
}
