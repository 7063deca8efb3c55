package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"runtime/metrics"
	"strings"
	"time"

	"hma/client/graph"
	"hma/client/mail"
	"hma/hybrid/procedure"
	"hma/hybrid/procedure/facts"
	"hma/hybrid/target"
	"hma/wire/psobject"
	"hma/wire/wellknown"
)

// checkTime is how long the small side is run at a time.
const checkTime = 50 * time.Millisecond

// farms are the organisations that are compared: servers, and tenants that they are in hybrid with.
var farms = []struct{ servers, tenants int }{{500, 20}, {2, 1}}

// check measures whether the size of an organisation shows in what a check and a plan
// cost for each URL in each tenant, and how long somebody waits for the large one.
// Nobody is asked over a network: what is measured is the procedure's own part.
func check(ctx context.Context, b *bench) error {
	var sides []*farm
	for _, size := range farms {
		dir, err := os.MkdirTemp(b.work, "check")
		if err != nil {
			return err
		}
		f := newFarm(size.servers, size.tenants)
		if f.procedure, err = procedure.New(procedure.Options{Target: f.target(), Dir: dir, Now: time.Now}); err != nil {
			return err
		}
		sides = append(sides, f)
	}
	note := fmt.Sprintf("%d servers and %d tenants against %d and %d, for each URL in each tenant", farms[0].servers, farms[0].tenants, farms[1].servers, farms[1].tenants)
	for _, m := range []struct {
		id string
		op func(*farm) error
	}{
		{"check.scale", func(f *farm) error { _, err := f.procedure.Check(ctx); return err }},
		{"plan.scale", func(f *farm) error { _, err := f.procedure.MakePlan(ctx, procedure.Choices{}); return err }},
	} {
		// The large side takes a good part of a second each time: once a pair is enough.
		var ratios, waits, peaks []float64
		for range pairs {
			began := time.Now()
			if err := m.op(sides[0]); err != nil {
				return err
			}
			waited := time.Since(began)
			if len(peaks) < 3 { // it hardly differs from one time to the next
				peak, err := peakHeap(func() error { return m.op(sides[0]) })
				if err != nil {
					return err
				}
				peaks = append(peaks, float64(peak)/1e6)
			}
			small, err := perOp(checkTime, func() error { return m.op(sides[1]) })
			if err != nil {
				return err
			}
			waits = append(waits, waited.Seconds())
			ratios = append(ratios, waited.Seconds()/float64(sides[0].urls)/(small/float64(sides[1].urls)))
		}
		if err := b.print(atMost(1.2).judge(m.id, "ratio", ratios, note), nil); err != nil {
			return err
		}
		large := fmt.Sprintf("%d servers and %d tenants", farms[0].servers, farms[0].tenants)
		if err := b.print(below(2).judge(m.id+".wait", "s", waits, large), nil); err != nil {
			return err
		}
		memory := strings.Replace(m.id, "scale", "memory", 1)
		if err := b.print(below(200).judge(memory, "MB", peaks, large+", at the highest, garbage included"), nil); err != nil {
			return err
		}
	}
	return nil
}

// peakHeap returns how many bytes of objects the heap held at the highest while op ran, dead ones
// that nobody has swept yet included, beyond what was there before.
func peakHeap(op func() error) (uint64, error) {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	now := func() uint64 {
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	runtime.GC()
	before := now()
	peak := before
	done, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		for tick := time.Tick(time.Millisecond); ; {
			select {
			case <-done:
				return
			case <-tick:
				peak = max(peak, now())
			}
		}
	}()
	err := op()
	close(done)
	<-over
	return max(peak, now()) - before, err
}

// farm is an organisation of many servers that answers out of memory, with OAuth
// everywhere and nothing enabled.
type farm struct {
	procedure *procedure.Procedure
	answers   map[string][]psobject.Object
	names     []string
	tenants   int
	urls      int
}

func newFarm(servers, tenants int) *farm {
	f := &farm{answers: map[string][]psobject.Object{}, tenants: tenants, urls: servers * 13 * tenants, names: []string{"https://mail.contoso.com/", "https://autodiscover.contoso.com/"}}
	add := func(cmdlet string, pairs ...any) {
		var o psobject.Object
		for i := 0; i < len(pairs); i += 2 {
			o.Properties = append(o.Properties, psobject.Property{Name: pairs[i].(string), Value: pairs[i+1]})
		}
		f.answers[cmdlet] = append(f.answers[cmdlet], o)
	}
	for i := range servers {
		name := fmt.Sprintf("EX%d", i)
		host := "https://" + name + ".contoso.com"
		f.names = append(f.names, host+"/")
		add("Get-ExchangeServer", "Name", name, "AdminDisplayVersion", "Version 15.2 (Build 2562.17)")
		add("Get-ClientAccessService", "Name", name, "AutoDiscoverServiceInternalUri", "https://autodiscover.contoso.com/Autodiscover/Autodiscover.xml")
		for _, kind := range facts.Kinds {
			internal, external := host+"/"+string(kind), "https://mail.contoso.com/"+string(kind)
			if kind == facts.Autodiscover {
				internal, external = "", ""
			}
			oauth := !kind.Browser()
			methods := []string{"OAuth"}
			if !oauth {
				methods = []string{"Basic", "Fba"}
			}
			add("Get-"+string(kind)+"VirtualDirectory", "Server", name, "Identity", name+`\`+string(kind)+" (Default Web Site)", "InternalUrl", internal, "ExternalUrl", external,
				"IISAuthenticationMethods", []string{"OAuth"}, "InternalAuthenticationMethods", methods, "ExternalAuthenticationMethods", methods,
				"OAuthAuthentication", oauth, "BasicAuthentication", !oauth, "FormsAuthentication", !oauth)
		}
	}
	for i := range tenants {
		id := farmTenant(i)
		add("Get-AuthServer", "Name", "EvoSts - "+id, "Type", "AzureAD", "Realm", id, "Enabled", true, "AuthorizationEndpoint", "https://login.example/common/oauth2/authorize",
			"AuthMetadataUrl", "https://login.example/"+id+"/federationmetadata/2007-06/federationmetadata.xml", "CertificateStrings", []string{"TUlJ"}, "DomainName", []string{farmDomain(i)})
	}
	add("Get-AuthConfig", "CurrentCertificateThumbprint", "AB")
	add("Get-ExchangeCertificate", "Thumbprint", "AB", "NotBefore", time.Now().AddDate(-1, 0, 0), "NotAfter", time.Now().AddDate(3, 0, 0))
	add("Get-OrganizationConfig", "Name", "Contoso", "OAuth2ClientProfileEnabled", false, "MapiHttpEnabled", true)
	add("Get-AcceptedDomain", "DomainName", "contoso.com")
	return f
}

func farmTenant(i int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", i) }
func farmDomain(i int) string { return fmt.Sprintf("tenant%d.onmicrosoft.com", i) }

func (f *farm) target() target.Target {
	t := target.Target{Cmdlets: f, Probe: noServer{}}
	for i := range f.tenants {
		t.Tenants = append(t.Tenants, target.Tenant{Name: farmDomain(i), Graph: tenant{f, i}})
	}
	return t
}

// Invoke answers out of memory; what is not there is nothing.
func (f *farm) Invoke(_ context.Context, call psobject.Invocation) (psobject.Result, error) {
	return psobject.Result{Output: f.answers[call.Cmdlet]}, nil
}

// tenant is the i-th tenant of a farm; nobody writes to it.
type tenant struct {
	f *farm
	i int
}

func (t tenant) ServicePrincipal(context.Context, string) (graph.ServicePrincipal, error) {
	return graph.ServicePrincipal{ID: "sp", AppID: wellknown.Exchange, ServicePrincipalNames: t.f.names}, nil
}

func (t tenant) NameHolders(context.Context, string) ([]graph.ServicePrincipal, error) {
	return nil, nil
}

func (t tenant) Grants(context.Context, string) ([]graph.Grant, error) { return nil, nil }

func (t tenant) SetServicePrincipalNames(context.Context, string, []string) error { return nil }

func (t tenant) SetReplyURLs(context.Context, string, []string) error { return nil }

func (t tenant) Users(context.Context) ([]graph.User, error) { return nil, nil }

func (tenant) Application(context.Context, string) (graph.Application, bool, error) {
	return graph.Application{}, false, nil
}

func (t tenant) Organization(context.Context) (graph.Organization, error) {
	return graph.Organization{ID: farmTenant(t.i), VerifiedDomains: []graph.VerifiedDomain{{Name: farmDomain(t.i), IsInitial: true}, {Name: "contoso.com"}}}, nil
}

// noServer answers as a server does that offers nothing.
type noServer struct{}

func (noServer) Offer(_ context.Context, d mail.Door, _ string) mail.Handshake {
	return mail.Handshake{Door: d, Status: 401, Response: "HTTP/1.1 401 Unauthorized\r\nDate: " + time.Now().UTC().Format(http.TimeFormat) + "\r\n\r\n"}
}

func (noServer) Present(_ context.Context, d mail.Door, _ mail.Credential) mail.Handshake {
	return mail.Handshake{Door: d}
}

func (noServer) SignIn(context.Context, mail.Door, mail.Browser) []mail.Handshake { return nil }

func (noServer) Forge(context.Context, mail.Door, string) []mail.Handshake { return nil }

func (noServer) Document(context.Context, string) ([]byte, error) {
	return []byte(`<EntityDescriptor><RoleDescriptor><KeyDescriptor use="signing"><KeyInfo><X509Data><X509Certificate>TUlJ</X509Certificate></X509Data></KeyInfo></KeyDescriptor></RoleDescriptor></EntityDescriptor>`), nil
}
