package wellknown

// Application ids of first-party and common third-party clients.
const (
	Office            = "d3590ed6-52b3-4102-aeff-aad2292ab01c" // Outlook for Windows and Mac
	OutlookMobile     = "27922004-5251-4030-b22d-91ecd9a37ea4"
	NewOutlook        = "9199bf20-a13f-4107-85dc-02114787ef48"
	AppleAccounts     = "f8d98a96-0999-43f5-8af3-69971c7bb423" // iOS and macOS account settings
	Thunderbird       = "9e5f94bc-e8a4-4e73-b8be-63364c29d753"
	DavMail           = "facd6cff-a294-4415-b59f-c5b01937d7bd"
	Evolution         = "20460e5d-ce91-49af-a3a5-70b6be7486d1" // GNOME Evolution-EWS
	AzureCLI          = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
	AzurePowerShell   = "1950a258-227b-4e31-a9cf-717495945fc2"
	GraphPowerShell   = "14d82eec-204b-4c2f-b7e8-296a70dab67e"
	ExchangeShell     = "fb78d390-0c51-40cd-8e17-fdbfab77341b" // Exchange Online PowerShell v3
	ConnectivityCheck = "5801fbf1-8df2-4c3c-a65c-e230edf60ca2" // Remote Connectivity Analyzer
)

// Tenant ids.
const (
	// ConsumerTenant holds personal Microsoft accounts.
	ConsumerTenant = "9188040d-6c67-4c5b-b112-36a304b66dad"
	// MicrosoftTenant owns first-party applications.
	MicrosoftTenant = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
)
