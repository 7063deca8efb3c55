package procedure

import (
	"context"
	"errors"
	"time"

	"hma/client/mail"
	"hma/hybrid/procedure/facts"
	"hma/hybrid/target"
)

// Options are what a Procedure is given.
type Options struct {
	Target target.Target
	// Dir holds plans/ and journal/; required for everything but Check.
	Dir string
	// Now is the wiring's clock; required.
	Now func() time.Time
	// Operator is who runs it, for the lock, the journal and the history.
	Operator string
	// Addresses says where a server is reached (host:port) whatever name a URL
	// has, by server name; a server that is not in it is reached by the URL's own host.
	Addresses map[string]string
	// SignIn is the person with whom Verify and Survey shake hands; nil leaves them at probes.
	SignIn *SignIn
	// Prove signs one of the administrators in through the cloud and returns the
	// Cloud name of who did. nil means that nobody can be asked.
	Prove func(ctx context.Context, administrators []facts.Person) (upn string, err error)
	// AcceptLockout names administrators (UPN or account name) who may lose access
	// to OWA and ECP without that proof.
	AcceptLockout []string
	// Patience bounds the wait for a server to take up a change; 0 is two minutes.
	Patience time.Duration
	// Sleep waits for d or until ctx ends; nil waits by the machine's timer.
	Sleep func(ctx context.Context, d time.Duration) error
	// Progress is told of each step, one after the other; nil tells nobody.
	Progress func(Event)
}

// SignIn is a person whose tokens, or password, a handshake presents.
type SignIn struct {
	UPN string
	// Token returns an access token for the resource, for example https://mail.contoso.com. It is called from several goroutines at once.
	Token func(ctx context.Context, resource string) (string, error)
	// Password is for doors that offer a way for one and no Bearer; "" tries none.
	Password string
	// Browser signs the person in at the cloud for OWA and ECP. It is given addresses
	// of the default authorization endpoint alone. nil: Verify says that nobody was signed in there.
	Browser mail.Browser
}

// Procedure runs the how-to against one target. Its methods may be called one after the other.
type Procedure struct {
	o Options
	// fault is called with the name of every boundary, for tests that die there.
	fault func(point string)
}

// New returns a Procedure; nothing is read yet.
func New(o Options) (*Procedure, error) {
	if o.Now == nil {
		return nil, errors.New("procedure: a clock is required")
	}
	if o.Patience == 0 {
		o.Patience = 2 * time.Minute
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	if o.Progress == nil {
		o.Progress = func(Event) {}
	}
	if o.Operator == "" {
		o.Operator = "unknown"
	}
	return &Procedure{o: o, fault: func(string) {}}, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// Phase says what an Event is about.
type Phase string

// The phases of a change, in order.
const (
	PhaseSurvey   Phase = "survey"   // shaking hands with a door
	PhaseProving  Phase = "proving"  // waiting for an administrator to sign in
	PhaseStarting Phase = "starting" // a change begins
	PhaseWaiting  Phase = "waiting"  // changed; waiting for the server to run it
	PhaseDone     Phase = "done"     // changed and read back
	PhaseAlready  Phase = "already"  // found as wanted
	PhaseFailed   Phase = "failed"
	PhaseUndone   Phase = "undone" // restored and read back
	PhaseLeft     Phase = "left"   // not restored: moved since
)

// Event is one step of progress.
type Event struct {
	Run    string
	Phase  Phase
	Number int // of the change, from 1
	Total  int
	Change *Change // nil outside of changes
	Detail string
}

// Errors that callers tell apart with errors.Is; each wraps what it was.
var (
	// ErrStale: the organisation is not what the plan was made from. Plan again.
	ErrStale = errors.New("the plan is stale: the organisation has changed since it was made")
	// ErrEmpty: the plan has no changes, and nothing has to be changed.
	ErrEmpty = errors.New("nothing to change: Hybrid Modern Authentication is enabled")
	// ErrCollected: the plan came from files about an organisation that cannot be reached.
	ErrCollected = errors.New("the plan was made from collected files: hma plan --snapshot FILE... --script DIR writes the scripts that carry it out on the servers")
	// ErrChoice: what a plan was asked for cannot be had here.
	ErrChoice = errors.New("cannot be planned so")
	// ErrBlocked: the plan may be looked at but not applied.
	ErrBlocked = errors.New("the plan is blocked")
	// ErrLockout: no administrator has been seen to sign in through the cloud.
	ErrLockout = errors.New("no administrator has signed in through the cloud")
	// ErrMoved: a value is neither what was recorded nor what was wanted.
	ErrMoved = errors.New("changed by somebody else since")
	// ErrUnfinished: another run has to be resumed or rolled back first.
	ErrUnfinished = errors.New("an unfinished run has to be resumed or rolled back first")
	// ErrLater: a later run has to be rolled back first.
	ErrLater = errors.New("a later run stands on it")
	// ErrStands: what is to be taken back in part has something standing on it.
	ErrStands = errors.New("something stands on it")
	// ErrUnreadable: something that the step needs could not be read.
	ErrUnreadable = errors.New("could not be read")
	// ErrNoPlan and ErrNoRun: there is no such plan or run under Dir.
	ErrNoPlan = errors.New("no such plan")
	ErrNoRun  = errors.New("no such run")
	// ErrInvalid: a plan or journal that is damaged, foreign or of a newer version.
	ErrInvalid = errors.New("not usable")
)
