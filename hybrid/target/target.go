package target

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"hma/client/graph"
	"hma/client/mail"
	"hma/wire/psobject"
)

// Target is one organisation with the tenants it is in hybrid with. A face that
// is nil cannot be asked: what it would have told is "not checked".
type Target struct {
	Cmdlets Cmdlets
	Tenants []Tenant
	Probe   Probe
	// Documents fetches metadata where there is no Probe to do it.
	Documents Documents
	Files     Files
	Lock      Lock
	// Collected are the collected files that stand for the organisation, in the order in which they were given;
	// nothing behind them can be changed. nil of an organisation that is asked itself.
	Collected []Collection
}

// Collection is one collected file.
type Collection struct {
	Part   string `json:"part"`             // PartExchange or PartGraph
	Tenant string `json:"tenant,omitempty"` // name of the Graph part's tenant
	// At is when it was collected, zero where the script did not write it, and Script is the script's version.
	At     time.Time `json:"at,omitzero"`
	Script int       `json:"script,omitempty"`
}

// Parts are the parts that collected files stand for, PartExchange and PartGraph.
func (t Target) Parts() []string {
	var parts []string
	for _, c := range t.Collected {
		if !slices.Contains(parts, c.Part) {
			parts = append(parts, c.Part)
		}
	}
	return parts
}

// Tenant is one tenant, asked as somebody who may administer it.
type Tenant struct {
	// Name is the domain that came with it, contoso.onmicrosoft.com.
	Name  string
	Graph Graph
}

// Cmdlets runs cmdlets in the organisation, several at once. When the cmdlet itself failed the
// error is its *psobject.ErrorRecord; any other error says that it may not have run.
type Cmdlets interface {
	Invoke(ctx context.Context, call psobject.Invocation) (psobject.Result, error)
}

// Graph reads the tenant and replaces the two lists of a service principal.
type Graph interface {
	ServicePrincipal(ctx context.Context, appID string) (graph.ServicePrincipal, error)
	// Application returns the tenant's own application with the id; false: it has none.
	Application(ctx context.Context, appID string) (graph.Application, bool, error)
	// NameHolders returns the service principals that have the name, with or without its last slash.
	NameHolders(ctx context.Context, name string) ([]graph.ServicePrincipal, error)
	// Grants returns what has been consented to for the application as a client.
	Grants(ctx context.Context, appID string) ([]graph.Grant, error)
	SetServicePrincipalNames(ctx context.Context, id string, names []string) error
	SetReplyURLs(ctx context.Context, id string, urls []string) error
	Users(ctx context.Context) ([]graph.User, error)
	Organization(ctx context.Context) (graph.Organization, error)
}

// Probe shakes hands with a door as a client would, with several at once, and fetches
// metadata. What goes wrong on the way is in the Handshake.
type Probe interface {
	// Offer sends an empty bearer token for the user (X-User-Identity); at OWA and
	// ECP it follows the redirect a browser would.
	Offer(ctx context.Context, door mail.Door, user string) mail.Handshake
	// Present sends a small request of the door's protocol with the credential.
	Present(ctx context.Context, door mail.Door, credential mail.Credential) mail.Handshake
	// SignIn signs somebody in at OWA or ECP with the browser, up to the page that
	// shows who is signed in: the last handshake is then accepted and of that page.
	SignIn(ctx context.Context, door mail.Door, browser mail.Browser) []mail.Handshake
	// Forge begins a sign-in at OWA or ECP and answers it with a token that the cloud
	// did not give for it; the last handshake tells whether it opened a session.
	Forge(ctx context.Context, door mail.Door, token string) []mail.Handshake
	Documents
}

// Documents fetches metadata.
type Documents interface {
	// Document fetches a document without credentials. An address that it may not ask is a *graph.AddressError.
	Document(ctx context.Context, url string) ([]byte, error)
}

// Document fetches a document by the probe, or else by what is there for documents alone. ErrNoFace
// where neither is, or where the address is none of its own.
func (t *Target) Document(ctx context.Context, url string) ([]byte, error) {
	documents := t.Documents
	if t.Probe != nil {
		documents = t.Probe
	}
	if documents == nil {
		return nil, ErrNoFace
	}
	text, err := documents.Document(ctx, url)
	if _, ok := errors.AsType[*graph.AddressError](err); ok {
		err = fmt.Errorf("%w: %w", ErrNoFace, err)
	}
	return text, err
}

// Files reads what only a file can tell. A file that nobody gave is fs.ErrNotExist.
type Files interface {
	ReadFile(ctx context.Context, name string) ([]byte, error)
}

// Lock lets one operator at a time change the organisation.
type Lock interface {
	// Acquire takes the lock or fails with *HeldError. The lease ends with Release
	// or with the process.
	Acquire(ctx context.Context, operator string) (Lease, error)
}

// Lease is a lock that is held.
type Lease interface {
	// Lost is closed when the lease has ended without Release.
	Lost() <-chan struct{}
	Release()
}

// HeldError says who holds the lock.
type HeldError struct{ Operator string }

// Error implements error.
func (e *HeldError) Error() string {
	return fmt.Sprintf("locked: %s is changing this organisation", e.Operator)
}

// ErrNoFace is what asking a face that the target does not have gives.
var ErrNoFace = errors.New("not available for this organisation")
