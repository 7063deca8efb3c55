package autodiscover

import (
	"encoding/xml"

	"hma/exchange/clientaccess"
	"hma/exchange/org"
)

// mobileSyncDocument is the answer in the schema of ActiveSync (MS-ASCMD 2.2.1.1.2).
type mobileSyncDocument struct {
	XMLName  xml.Name `xml:"Autodiscover"`
	Space    string   `xml:"xmlns,attr"`
	Response mobileSyncResponse
}

type mobileSyncResponse struct {
	Space   string `xml:"xmlns,attr"`
	Culture string
	User    *mobileSyncUser
	Action  mobileSyncAction
}

type mobileSyncUser struct {
	DisplayName  string
	EMailAddress string
}

type mobileSyncAction struct {
	Redirect string `xml:",omitempty"`
	Settings *mobileSyncSettings
	Error    *mobileSyncFailure
}

type mobileSyncSettings struct {
	Server mobileSyncServer
}

type mobileSyncServer struct {
	Type string
	URL  string `xml:"Url"`
	Name string
}

type mobileSyncFailure struct {
	Status    int
	Message   string
	DebugData string
}

// mobileSync makes the answer in this schema, which can send a client to another
// address but to no URL (MS-ASCMD 2.2.3.139).
func mobileSync(r *clientaccess.Request, to destination) *mobileSyncDocument {
	if to.address != "" {
		return &mobileSyncDocument{Space: nsResponse, Response: mobileSyncResponse{
			Space: nsMobileSyncResponse, Culture: "en:us", Action: mobileSyncAction{Redirect: to.address}}}
	}
	person, address := to.person, publicURL(r, org.ActiveSync)
	if person == nil || address == "" {
		return mobileSyncError()
	}
	return &mobileSyncDocument{Space: nsResponse, Response: mobileSyncResponse{
		Space: nsMobileSyncResponse, Culture: "en:us",
		User:   &mobileSyncUser{DisplayName: person.DisplayName, EMailAddress: person.PrimarySMTP},
		Action: mobileSyncAction{Settings: &mobileSyncSettings{mobileSyncServer{Type: "MobileSync", URL: address, Name: address}}},
	}}
}

// mobileSyncError is the one failure of the schema: Status 2, protocol error (MS-ASCMD 2.2.3.177.1).
func mobileSyncError() *mobileSyncDocument {
	return &mobileSyncDocument{Space: nsResponse, Response: mobileSyncResponse{
		Space: nsMobileSyncResponse, Culture: "en:us",
		Action: mobileSyncAction{Error: &mobileSyncFailure{Status: 2, Message: "The email address can't be found.", DebugData: "MailUser"}},
	}}
}
