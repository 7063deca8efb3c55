package lab

// Endpoints is endpoints.json: everything that a client, a test or a command
// needs to reach a running lab. Version 1; fields are only ever added.
type Endpoints struct {
	Version int              `json:"version"`
	PID     int              `json:"pid"`
	Cloud   string           `json:"cloud"`
	Servers []ServerEndpoint `json:"servers"`
	Graph   string           `json:"graph"`
	LMTP    string           `json:"lmtp"`
	// Metrics is where Prometheus fetches; /healthz and /readyz lie beside it. Plain HTTP on loopback.
	Metrics string         `json:"metrics"`
	CA      string         `json:"ca"`
	Tenant  TenantEndpoint `json:"tenant"`
	// Tenants are all that the organisation is in hybrid with, Tenant being the first.
	Tenants     []TenantEndpoint  `json:"tenants"`
	Domain      string            `json:"domain"`
	Names       map[string]string `json:"names"`
	Users       []User            `json:"users"`
	Clients     []Client          `json:"clients"`
	AdminSocket string            `json:"admin_socket"`
	// Clock is how far the lab's clock is ahead of the machine's, in seconds; behind it below 0.
	Clock int64 `json:"clock,omitempty"`
}

// ServerEndpoint is one server's own origin.
type ServerEndpoint struct {
	Name  string `json:"name"`
	URL   string `json:"url"`
	Build string `json:"build"` // 15.2.1544.11
}

// TenantEndpoint names the cloud tenant by id and by its onmicrosoft.com domain.
type TenantEndpoint struct {
	ID     string `json:"id"`
	Domain string `json:"domain"`
}

// User is somebody of the lab, with the password that only a lab would write down.
type User struct {
	UPN      string `json:"upn"`
	Name     string `json:"name"`
	Password string `json:"password"`
	Synced   bool   `json:"synced"`
	// Role is "user" or "admin", or "operator": the lab's own account in a tenant of a snapshot where no administrator
	// of the organisation is synchronised.
	Role string `json:"role"`
	// Tenant is the initial domain of the tenant that the account is in; "" is the first one's.
	Tenant string `json:"tenant,omitempty"`
}

// Administers tells whether the user can sign in to the cloud as an administrator of the tenant.
func (u *User) Administers() bool { return u.Role == "admin" && u.Synced || u.Role == "operator" }

// Client is an application that the lab's tenant knows.
type Client struct {
	Name     string `json:"name"`
	ID       string `json:"id"`
	Secret   string `json:"secret,omitempty"`
	Redirect string `json:"redirect"`
}
