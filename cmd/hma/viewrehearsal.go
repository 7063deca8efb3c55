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
	for i, x := range r.Replaced {
		if i == mostSaid {
			v.printf("  ... and %d more: --json has them all\n", len(r.Replaced)-mostSaid)
			break
		}
		v.printf("  replaced  %s %s: %s, was %s\n", x.Object, x.Property, x.Is, cmp.Or(x.Was, "not collected"))
	}
	for i, x := range r.LeftOut {
		if i == mostSaid {
			v.printf("  ... and %d more: --json has them all\n", len(r.LeftOut)-mostSaid)
			break
		}
		v.printf("  left out  %s: %s\n", x.Object, x.Why)
	}
}
