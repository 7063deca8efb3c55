package rule

// Edition is one thing in which the how-to of February 2024 and its later edition differ.
type Edition struct {
	About string
	First string // what the first says
	Later string // what the later says
	Here  string // what the procedure does
	Rules []string
}

// Editions are the differences that somebody who follows either of them meets.
var Editions = []Edition{
	{"service principal names, step 5", "the snippet writes a new list, which replaces the old one", "appends with `+=`", "appends, reads back, and never writes a list that loses an entry; spn-list", []string{"spn-list"}},
	{"reply URLs, step 5", "appends with `+=`", "the same", "appends the same way; a URL that is there is not written again; reply-urls", []string{"reply-urls"}},
	{"verifying the names, step 6", "`Get-MsolServicePrincipal`, retired with the MSOnline module", "`Get-MgServicePrincipal`", "Graph; the shell knows no Msol cmdlet", nil},
	{"virtual directories to look at", "four are named, five are listed", "five, with ActiveSync", "five, and OWA and ECP together; oauth-virtual-directories, owa-ecp-methods", []string{"oauth-virtual-directories", "owa-ecp-methods"}},
	{"accounts that are not synchronised", "lose OWA and ECP", "fail at any sign-in by OAuth", "counted for Outlook and phones, too; users-synchronised, who-loses-access", []string{"users-synchronised", "who-loses-access"}},
	{"all servers alike", "only for OWA and ECP", "for everything", "builds-uniform, build-hma", []string{"builds-uniform", "build-hma"}},
	{"minimum builds", "in the overview page", "named", "build-hma, build-several-tenants, build-owa-ecp", []string{"build-hma", "build-several-tenants", "build-owa-ecp"}},
	{"Hybrid Agent", "in the overview page", "classic hybrid is named as a condition", "hybrid-agent", []string{"hybrid-agent"}},
	{"SSL offloading", "in the page for iOS and Android", "named as unsupported", "ssl-offloading", []string{"ssl-offloading"}},
	{"several tenants", "one EvoSTS each", "and all in one cloud", "evosts, same-cloud", []string{"evosts", "same-cloud"}},
	{"AutoDetect", "two address ranges", "and `<domain>.outlookmobile.com`, `.outlookmobile.us`", "autodetect writes the ranges and the names", []string{"autodetect"}},
	{"dashes", "typographic ones before some parameters", "the same", "the shell takes them, as PowerShell does", nil},
	{"the object's name", "`EvoSTS`, `EvoSts - <GUID>` and `EvoSTS - {GUID}`", "the same", "any case; the type AzureAD decides, else the name; evosts", []string{"evosts"}},
	{"last slash of a service principal name", "with it in the command, without it in the text", "the same", "with and without are one name; spn-list, spn-duplicates", []string{"spn-list", "spn-duplicates"}},
}
