package procedure

import (
	"context"

	"hma/hybrid/procedure/desired"
)

// State reads the configuration that Hybrid Modern Authentication depends on. ErrUnreadable
// when a part of it is missing: what was not read would look as if it was not there.
func (p *Procedure) State(ctx context.Context) (*desired.State, error) {
	f, err := p.complete(ctx)
	if err != nil {
		return nil, err
	}
	return desired.Of(f), nil
}
