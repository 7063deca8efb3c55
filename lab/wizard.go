package lab

import (
	"context"
	"slices"
	"time"

	"hma/client/graph"
	"hma/client/mail"
	"hma/hybrid/wizard"
	"hma/internal/roles"
	"hma/wire/psobject"
	"hma/wire/wellknown"
)

// cmdlets are those of the organisation that is being made.
type cmdlets struct{ roles *roles.Roles }

func (c cmdlets) Invoke(ctx context.Context, call psobject.Invocation) (psobject.Result, error) {
	return c.roles.Invoke(ctx, "Hybrid Configuration Wizard", call)
}

// wizard runs the Hybrid Configuration Wizard's part over what was made: cmdlets in this process, and
// the cloud, which answers already, as each tenant's administrator.
func (b *build) wizard(ctx context.Context) error {
	client := mail.New(mail.Options{Roots: b.roots, Now: func() time.Time { return b.now }})
	o := wizard.Options{Cmdlets: cmdlets{b.roles}}
	for i := range b.inHybrid() {
		people := b.people()
		admin := slices.IndexFunc(people, func(p member) bool { return p.admin && !p.builtin && p.tenant == i })
		authority := mail.Authority{Token: b.origin + "/" + b.secrets.tenant(i).String() + "/oauth2/token", ClientID: labClient}
		token, err := client.Password(ctx, authority, wellknown.Graph, b.secrets.Users[admin].UPN, b.secrets.Users[admin].Password)
		if err != nil {
			return err
		}
		directory, err := graph.New(b.origin+"/v1.0", client.HTTP(), func(context.Context) (string, error) { return token.Access, nil })
		if err != nil {
			return err
		}
		o.Tenants = append(o.Tenants, wizard.Tenant{Graph: directory, Login: b.origin, AccessControl: b.origin, Autodiscover: b.origin})
	}
	_, err := wizard.Run(ctx, o)
	return err
}
