package adminapi

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"time"

	"hma/exchange/cmdlet"
	"hma/wire/guid"
	"hma/wire/psobject"
)

// maxRequest is how many bytes an invocation may have.
const maxRequest = 4 << 20

// runTime is how long one invocation may take, and leaseBeat how often the holder of the lease gets a byte.
const (
	runTime   = 2 * time.Minute
	readTime  = 30 * time.Second // for a request's body
	leaseBeat = 2 * time.Second
)

// ErrUnauthorized is what Identify returns for a request without a good credential.
var ErrUnauthorized = errors.New("no valid credential")

// Options are what the handler needs from the wiring.
type Options struct {
	// Identify tells who calls. ErrUnauthorized becomes 401, any other error 403. Required.
	Identify func(*http.Request) (cmdlet.Caller, error)
	// Challenge, if set, adds the headers of a 401.
	Challenge func(w http.ResponseWriter, r *http.Request)
	// Now is the wiring's clock; required.
	Now func() time.Time
	// Lease is the lock that this handler hands out; handlers of one organisation
	// share one. nil makes one of the handler's own.
	Lease *Lease
	// Log takes one record for each invocation; nil discards them.
	Log *slog.Logger
}

// SocketCaller is an Identify for the admin socket: whoever could open it is an administrator.
func SocketCaller(*http.Request) (cmdlet.Caller, error) {
	return cmdlet.Caller{Name: "admin socket", Administrator: true}, nil
}

type handler struct {
	registry *cmdlet.Registry
	opts     Options
}

// New returns the Admin API over the cmdlets, for paths that begin with /adminapi/.
func New(registry *cmdlet.Registry, opts Options) http.Handler {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Lease == nil {
		opts.Lease = new(Lease)
	}
	h := &handler{registry, opts}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /adminapi/v1/commands", h.guard(refuse, h.commands))
	mux.HandleFunc("POST /adminapi/v1/invoke", h.guard(refuse, h.invoke))
	mux.HandleFunc("POST /adminapi/v1/lease", h.guard(refuse, h.lease))
	mux.HandleFunc("POST /adminapi/beta/{organization}/InvokeCommand", h.guard(refuseOData, h.invokeCommand))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotFound, "no such path: the Admin API has v1/commands, v1/invoke, v1/lease and beta/{organization}/InvokeCommand")
	})
	return mux
}

// refuser answers a request that runs no cmdlet, in the form of its path.
type refuser func(w http.ResponseWriter, status int, message string)

// guard admits members of a role group only, and gives every request its id. Refusals are
// logged here, invocations where they run; no writes them.
func (h *handler) guard(no refuser, next func(http.ResponseWriter, *http.Request, cmdlet.Caller)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id := guid.New().String()
		w.Header().Set("request-id", id)
		if r.ContentLength != 0 {
			// A deadline is the machine's time. It fails only where there is no connection, as in tests.
			http.NewResponseController(w).SetReadDeadline(time.Now().Add(readTime))
		}
		caller, err := h.opts.Identify(r)
		if err != nil || !caller.Admitted() {
			h.opts.Log.Info("admin API refused", "id", id, "path", r.URL.Path, "caller", caller.Name, "error", err)
		}
		switch {
		case errors.Is(err, ErrUnauthorized):
			if h.opts.Challenge != nil {
				h.opts.Challenge(w, r)
			}
			no(w, http.StatusUnauthorized, "sign in as an administrator")
		case err != nil || !caller.Admitted():
			no(w, http.StatusForbidden, "only members of Organization Management and View-Only Organization Management may use the Admin API")
		default:
			next(w, r, caller)
		}
	}
}

// refusal is the body of an answer that is no Result.
type refusal struct {
	Error  string     `json:"error"`
	Holder string     `json:"holder,omitempty"`
	Since  *time.Time `json:"since,omitempty"`
}

func refuse(w http.ResponseWriter, status int, message string) {
	write(w, status, refusal{Error: message})
}

// write answers with a JSON document.
func write(w http.ResponseWriter, status int, body any) {
	data, err := json.Marshal(body)
	if err != nil {
		http.Error(w, `{"error":"the answer cannot be written"}`, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(data)
}

// commands lists what the caller may run.
func (h *handler) commands(w http.ResponseWriter, _ *http.Request, caller cmdlet.Caller) {
	write(w, http.StatusOK, h.registry.CommandsFor(caller))
}

// invoke runs one invocation. The answer is 200 with a Result also when the cmdlet
// failed: the status speaks of the request, Result.Error of the cmdlet.
func (h *handler) invoke(w http.ResponseWriter, r *http.Request, caller cmdlet.Caller) {
	var inv psobject.Invocation
	if readBody(w, r, refuse, &inv) {
		write(w, http.StatusOK, h.run(r, caller, inv))
	}
}

// readBody decodes a request's body, or refuses it.
func readBody(w http.ResponseWriter, r *http.Request, no refuser, into any) bool {
	// A form cannot be sent with this type: a page in an administrator's browser cannot run cmdlets.
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		no(w, http.StatusUnsupportedMediaType, "send application/json")
		return false
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			no(w, http.StatusRequestEntityTooLarge, "the invocation is too long")
			return false
		}
		message := "the body is no invocation"
		if bad, ok := errors.AsType[inputError](err); ok {
			message += ": " + bad.Error()
		}
		no(w, http.StatusBadRequest, message)
		return false
	}
	return true
}

// run runs one cmdlet for the caller within its time, and logs it.
func (h *handler) run(r *http.Request, caller cmdlet.Caller, inv psobject.Invocation) (res psobject.Result) {
	ctx, cancel := context.WithTimeout(r.Context(), runTime)
	defer cancel()
	h.opts.Lease.during(func() { res = h.registry.Run(ctx, caller, inv) })
	attrs := []any{"caller", caller.Name, "cmdlet", inv.Cmdlet, "output", len(res.Output)}
	if res.Error != nil {
		attrs = append(attrs, "error", res.Error.Message)
	}
	h.opts.Log.Info("cmdlet", attrs...)
	return res
}
