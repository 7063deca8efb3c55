package target

import (
	"context"
	"errors"

	"hma/client/adminapi"
	"hma/wire/psobject"
)

// AdminAPI is the Cmdlets and the Lock of an organisation with an Admin API.
type AdminAPI struct{ Client *adminapi.Client }

// Invoke runs one cmdlet.
func (a AdminAPI) Invoke(ctx context.Context, call psobject.Invocation) (psobject.Result, error) {
	return a.Client.Invoke(ctx, call)
}

// Acquire takes the organisation's lease. It is held by a connection, so that it
// is free as soon as this process is gone.
func (a AdminAPI) Acquire(ctx context.Context, operator string) (Lease, error) {
	release, lost, err := a.Client.Lease(ctx, operator)
	if held, ok := errors.AsType[*adminapi.HeldError](err); ok {
		return nil, &HeldError{Operator: held.Holder}
	}
	if err != nil {
		return nil, err
	}
	return &adminLease{release, lost}, nil
}

type adminLease struct {
	release func()
	lost    <-chan struct{}
}

func (l *adminLease) Lost() <-chan struct{} { return l.lost }

func (l *adminLease) Release() { l.release() }
