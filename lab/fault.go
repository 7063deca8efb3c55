package lab

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"hma/exchange/org"
)

// ErrFault is a fault that the lab cannot suffer, or that does not stand.
var ErrFault = errors.New("refused")

// FaultKind is a kind of fault that a lab can be made to suffer.
type FaultKind struct {
	Name string `json:"name"`
	// Takes is what may follow the name, in the form of usage texts.
	Takes string `json:"takes,omitempty"`
	// Does says what happens, Ends what ends it.
	Does string `json:"does"`
	Ends string `json:"ends"`
	// On are the faults of the kind that stand at the moment.
	On []string `json:"on"`

	// atDoor tells that it wants a server and one of its doors.
	atDoor bool
	// happen makes a fault that happens once, nil for one that stands until it is cleared.
	happen func(ctx context.Context, l *Lab, f fault) error
}

// The standing faults.
const (
	cloudDown   = "cloud-down"
	slow        = "slow"
	unavailable = "503"
)

// defaultSlow is how late slow answers come.
const defaultSlow = "3s"

// Faults are the kinds, those that stand until they are cleared first.
var Faults = []FaultKind{
	{Name: cloudDown, Does: "the cloud drops every connection", Ends: "hma fault clear"},
	{Name: slow, Takes: "[:cloud|SERVER][=TIME]", Does: "answers come late, of the cloud and all servers or of one, by 3s or TIME", Ends: "hma fault clear"},
	{Name: unavailable, Takes: "[:cloud|SERVER]", Does: "the front end of every server, of one, or the cloud answers 503", Ends: "hma fault clear"},
	{Name: "roll-keys", Does: "the cloud signs with a key that it has never published; old tokens stay good for a day",
		Ends: "Set-AuthServer -RefreshAuthMetadata, or the servers fetch it when they meet it (once a minute at most)", happen: rollKeys},
	{Name: "cert-expired", Does: "the organisation's OAuth certificate is one that ended yesterday",
		Ends: "New-ExchangeCertificate and Set-AuthConfig, then hma wizard", happen: expireCertificate},
	{Name: "iis-drift", Takes: ":SERVER/DOOR", Does: "OAuth is turned the other way in IIS alone: the server no longer runs what the directory holds",
		Ends: "the Set-...VirtualDirectory that the finding names", atDoor: true, happen: driftIIS},
}

// fault is one of a kind.
type fault struct {
	kind   *FaultKind
	target string // cloud or a server's name; "" is all
	door   string // in small letters; "" where the kind takes none
	delay  time.Duration
}

// cloudName is the name of the cloud as a target.
const cloudName = "cloud"

// doorKinds are the doors at which IIS can drift, by the name in their URLs.
var doorKinds = map[string]org.Kind{"autodiscover": org.Autodiscover, "ews": org.WebServices, "mapi": org.Mapi, "oab": org.Oab, "owa": org.Owa, "ecp": org.Ecp}

var faultForm = regexp.MustCompile(`^([a-z0-9-]+)(?::([^/=]+)(?:/([^=]+))?)?(?:=(.+))?$`)

// parseFault reads NAME[:TARGET[/DOOR]][=TIME]. What it refuses is ErrFault.
func parseFault(text string, servers []Server) (fault, error) {
	refuse := func(format string, args ...any) (fault, error) {
		return fault{}, fmt.Errorf("fault %q %w: %s", text, ErrFault, fmt.Sprintf(format, args...))
	}
	parts := faultForm.FindStringSubmatch(text)
	i := slices.IndexFunc(Faults, func(k FaultKind) bool { return parts != nil && k.Name == parts[1] })
	if i < 0 {
		var forms []string
		for _, k := range Faults {
			forms = append(forms, k.Name+k.Takes)
		}
		return refuse("want %s", strings.Join(forms, ", "))
	}
	f := fault{kind: &Faults[i], target: parts[2], door: strings.ToLower(parts[3])}
	if f.target != "" && f.kind.Takes == "" || (f.door != "") != f.kind.atDoor || parts[4] != "" && f.kind.Name != slow {
		return refuse("want %s", f.kind.Name+f.kind.Takes)
	}
	if f.kind.atDoor && slices.Contains([]string{"activesync", "eas", "microsoft-server-activesync"}, f.door) {
		return refuse("ActiveSync has no OAuth of its own in IIS that could be turned: it takes what its lists in the directory allow")
	}
	if f.kind.atDoor && doorKinds[f.door] == "" {
		return refuse("DOOR is autodiscover, ews, mapi, oab, owa or ecp")
	}
	if f.kind.Name == slow {
		var err error
		if f.delay, err = time.ParseDuration(cmp.Or(parts[4], defaultSlow)); err != nil || f.delay <= 0 || f.delay > time.Minute {
			return refuse("TIME is up to 1m, as 500ms or 5s")
		}
	}
	if f.target == "" || f.target == cloudName && !f.kind.atDoor {
		return f, nil
	}
	at := slices.IndexFunc(servers, func(s Server) bool { return strings.EqualFold(s.Name, f.target) })
	if at < 0 {
		return refuse("there is no server %s", f.target)
	}
	f.target = servers[at].Name
	return f, nil
}

// String is the fault as parseFault reads it.
func (f fault) String() string {
	text := f.kind.Name
	if f.target != "" {
		text += ":" + f.target
	}
	if f.door != "" {
		text += "/" + f.door
	}
	if f.kind.Name == slow {
		text += "=" + f.delay.String()
	}
	return text
}

// A fault stands until it is cleared, or happens once.
func (f fault) stands() bool  { return f.kind.happen == nil }
func (f fault) happens() bool { return f.kind.happen != nil }

// hits tells whether the fault is at the listener: the cloud, or a server by its name.
func (f fault) hits(listener string) bool {
	switch f.kind.Name {
	case cloudDown:
		return listener == cloudName
	case unavailable:
		return f.target == listener || f.target == "" && listener != cloudName
	}
	return f.target == listener || f.target == ""
}

// SetFaults makes the lab suffer the faults, each as FaultKind tells: a name with what it takes. One that stands
// replaces one of the same kind and target. ErrFault refuses them all before any happens.
func (l *Lab) SetFaults(ctx context.Context, texts ...string) error {
	l.changing.Lock()
	defer l.changing.Unlock()
	all, err := l.parseFaults(texts)
	if err != nil {
		return err
	}
	return l.setFaults(ctx, all)
}

func (l *Lab) setFaults(ctx context.Context, all []fault) error {
	for _, f := range all {
		if f.stands() {
			standing := slices.DeleteFunc(slices.Clone(l.standing()), f.same)
			standing = append(standing, f)
			l.faults.Store(&standing)
		} else if err := f.kind.happen(ctx, l, f); err != nil {
			return fmt.Errorf("fault %s: %w", f, err)
		}
	}
	return nil
}

// ClearFaults ends standing faults: those named, each with its target, or all. One that does not stand, and one that
// happened and is over, is ErrFault.
func (l *Lab) ClearFaults(texts ...string) error {
	l.changing.Lock()
	defer l.changing.Unlock()
	all, err := l.parseFaults(texts)
	if err != nil {
		return err
	}
	standing := slices.Clone(l.standing())
	if len(texts) == 0 {
		standing = nil
	}
	for _, f := range all {
		if f.happens() {
			return fmt.Errorf("fault %q %w: it happens once and leaves nothing to clear: %s", f, ErrFault, f.kind.Ends)
		}
		if !slices.ContainsFunc(standing, f.same) {
			return fmt.Errorf("fault %q %w: it does not stand (hma fault list)", f, ErrFault)
		}
		standing = slices.DeleteFunc(standing, f.same)
	}
	l.faults.Store(&standing)
	return nil
}

func (f fault) same(o fault) bool { return f.kind.Name == o.kind.Name && f.target == o.target }

func (l *Lab) parseFaults(texts []string) ([]fault, error) {
	var all []fault
	for _, text := range texts {
		f, err := parseFault(text, l.servers)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

func (l *Lab) standing() []fault {
	if all := l.faults.Load(); all != nil {
		return *all
	}
	return nil
}

// suffers returns the standing fault of the name at the listener, nil without one.
func (l *Lab) suffers(name, listener string) *fault {
	all := l.standing()
	if i := slices.IndexFunc(all, func(f fault) bool { return f.kind.Name == name && f.hits(listener) }); i >= 0 {
		return &all[i]
	}
	return nil
}

// suffer stands before the handler of a listener: it answers late, not at all, or 503 while a fault says so.
func (l *Lab) suffer(listener string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if l.suffers(cloudDown, listener) != nil {
			panic(http.ErrAbortHandler) // the connection was there before: it is dropped too
		}
		if f := l.suffers(slow, listener); f != nil {
			select {
			case <-time.After(f.delay):
			case <-q.Context().Done():
				return
			}
		}
		if l.suffers(unavailable, listener) != nil {
			http.Error(w, "The service is unavailable.", http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, q)
	})
}

// dropping is the cloud's listener: new connections are dropped, before anything is said on them, while the cloud is down.
type dropping struct {
	net.Listener
	lab *Lab
}

// Accept returns the next connection that is not dropped.
func (d dropping) Accept() (net.Conn, error) {
	for {
		conn, err := d.Listener.Accept()
		if err != nil || d.lab.suffers(cloudDown, cloudName) == nil {
			return conn, err
		}
		if tcp, ok := conn.(*net.TCPConn); ok {
			tcp.SetLinger(0) // a reset: nobody waits for more
		}
		conn.Close()
	}
}

// rollKeys has the cloud sign with a key that was never published, as in an emergency: the next one is passed over.
// The servers have fetched what they are to know before.
func rollKeys(ctx context.Context, l *Lab, _ fault) error {
	l.Roles.RefreshKeys(ctx)
	for range 2 {
		if err := l.Roles.Entra.RotateKeys(ctx); err != nil {
			return err
		}
	}
	return nil
}

func expireCertificate(ctx context.Context, l *Lab, _ fault) error {
	yesterday := l.Now().AddDate(0, 0, -1)
	_, err := l.Roles.Org.CreateOAuthCertificate(ctx, yesterday.AddDate(-5, 0, 0), yesterday)
	return err
}

func driftIIS(ctx context.Context, l *Lab, f fault) error {
	kind := doorKinds[f.door]
	return l.Roles.Org.ChangeIIS(ctx, f.target, kind, func(vd *org.VirtualDirectory) {
		if kind != org.Mapi {
			vd.OAuthAuthentication = !vd.OAuthAuthentication
			return
		}
		methods := slices.DeleteFunc(slices.Clone(vd.IISAuthenticationMethods), func(m org.Method) bool { return m == org.MethodOAuth })
		if len(methods) == len(vd.IISAuthenticationMethods) {
			methods = append(methods, org.MethodOAuth)
		}
		vd.IISAuthenticationMethods = methods
	})
}

// FaultsPath is where the admin socket of a lab shows its FaultList (GET), is told of faults to suffer (POST) and of
// standing ones to end (DELETE), both as a FaultChange.
const FaultsPath = "/lab/v1/faults"

// FaultChange names faults: as SetFaults and ClearFaults take them.
type FaultChange struct {
	Faults []string `json:"faults"`
}

// FaultList is every kind of fault with what stands.
type FaultList struct {
	Version int         `json:"version"`
	Faults  []FaultKind `json:"faults"`
}

func (l *Lab) showFaults(w http.ResponseWriter, _ *http.Request) {
	list := FaultList{1, slices.Clone(Faults)}
	for i := range list.Faults {
		k := &list.Faults[i]
		k.On = []string{}
		for _, f := range l.standing() {
			if f.kind.Name == k.Name {
				k.On = append(k.On, f.String())
			}
		}
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(list) // an error here is the connection's
}

func (l *Lab) changeFaults(w http.ResponseWriter, q *http.Request) {
	var in FaultChange
	if err := json.NewDecoder(http.MaxBytesReader(w, q.Body, 4<<10)).Decode(&in); err != nil {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	var err error
	if q.Method == http.MethodDelete {
		err = l.ClearFaults(in.Faults...)
	} else {
		err = l.SetFaults(q.Context(), in.Faults...)
	}
	switch {
	case errors.Is(err, ErrFault):
		http.Error(w, err.Error(), http.StatusBadRequest)
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	default:
		l.showFaults(w, q)
	}
}
