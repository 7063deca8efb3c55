// Package wellknown holds the identifiers that Microsoft's cloud and server
// products agree on. It holds constants and lists only.
package wellknown

// Application ids of services (resources).
const (
	// Exchange is "Office 365 Exchange Online": the client_id of every Exchange
	// challenge and the holder of the on-premises SPNs and reply URLs.
	Exchange = "00000002-0000-0ff1-ce00-000000000000"
	// Graph is Microsoft Graph.
	Graph = "00000003-0000-0000-c000-000000000000"
	// ACS is the issuer id of the Access Control Service in trusted_issuers.
	ACS = "00000001-0000-0000-c000-000000000000"
)

// FullAccessAsApp is the id of Exchange's app role full_access_as_app: EWS as anybody.
const FullAccessAsApp = "dc890d15-9560-4a4c-9b7f-a736ec74ec40"
