package main

import (
	"cmp"
	"fmt"

	"hma/lab"
)

// mostSaid bounds how many lines of one kind are printed; --json has them all.
const mostSaid = 40

// showRehearsal prints what became of a snapshot: a line for each value that was replaced and each thing that was left out.
func (v *view) showRehearsal(r *lab.Rehearsal) {
	v.printf("\n%s\n", styleTitle.Render("Loaded for a rehearsal: "+r.Organization))
	v.wrap(0, fmt.Sprintf("%s, %s, %d people without their mail, %s in the cloud. Everybody has the same password, that of endpoints.json.",
		count(r.Servers, "server"), count(r.Tenants, "tenant"), r.People, count(r.Accounts, "account")))
	for _, c := range r.Collected {
		if !c.At.IsZero() {
			v.printf("  collected %s: %s\n", cmp.Or(c.Tenant, c.Part), c.At.Format("2006-01-02 15:04Z"))
		}
	}
	var replaced, left []string
	for _, x := range r.Replaced {
		replaced = append(replaced, fmt.Sprintf("replaced  %s %s: %s, was %s", x.Object, x.Property, x.Is, cmp.Or(x.Was, "not collected")))
	}
	for _, x := range r.LeftOut {
		left = append(left, "left out  "+x.Object+": "+x.Why)
	}
	for _, lines := range [][]string{replaced, left} {
		for i, line := range lines {
			if i == mostSaid {
				v.printf("  ... and %d more: --json has them all\n", len(lines)-mostSaid)
				break
			}
			v.printf("  %s\n", line)
		}
	}
}
