package transport

import (
	"context"
	"errors"
	"net"
)

// LMTP takes mail by RFC 2033 on a listener.
type LMTP struct {
	Transport *Transport
	// AnyAddress lets ServeLMTP work on a listener that is not loopback.
	AnyAddress bool
}

// Serve takes mail until the context ends, then lets running transactions finish.
func (l *LMTP) Serve(ctx context.Context, listener net.Listener) error {
	return errors.ErrUnsupported
}
