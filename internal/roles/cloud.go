package roles

import (
	"net"
	"net/http"
	"time"

	"hma/entra/graph"
	"hma/entra/online"
	"hma/entra/signin"
	"hma/entra/sts"
)

// cloudReadTimeout bounds a request to the cloud: forms and small documents.
const cloudReadTimeout = 30 * time.Second

// ServeCloud answers on the listener as the cloud half: sign-in, tokens,
// metadata, Graph and the small end of Exchange Online on one origin.
func (r *Roles) ServeCloud(l net.Listener, cert Certificate) error {
	tokens, err := sts.New(r.Entra, sts.Options{Origin: r.cfg.Origin, Now: r.cfg.Now, Log: r.log, SignIn: signin.New(r.cfg.Lab, r.log)})
	if err != nil {
		return err
	}
	directory, err := graph.New(r.Entra, graph.Options{Origin: r.cfg.Origin, Now: r.cfg.Now, Log: r.log})
	if err != nil {
		return err
	}
	exchangeOnline, err := online.New(r.Entra, online.Options{Origin: r.cfg.Origin, Now: r.cfg.Now, Log: r.log})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/v1.0/", directory)
	for _, path := range []string{"/EWS/", "/ews/", "/autodiscover/", "/Autodiscover/"} {
		mux.Handle(path, exchangeOnline)
	}
	mux.Handle("/", tokens)
	r.serveHTTPS("cloud", l, cert, &http.Server{Handler: mux, ReadTimeout: cloudReadTimeout}, "h2", "http/1.1")
	return nil
}
