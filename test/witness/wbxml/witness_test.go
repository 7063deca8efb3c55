// Package wbxml has Debian's wbxml2xml, a decoder that is not ours, read what
// the ActiveSync door answers.
package wbxml

import (
	"bytes"
	"encoding/xml"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hma/exchange/activesync"
	"hma/exchange/auth"
	"hma/exchange/clientaccess"
	"hma/exchange/org"
	"hma/wire/guid"
	"hma/wire/wbxml"
)

// program returns the path of wbxml2xml, or ends the test with the reason.
func program(t *testing.T) string {
	t.Helper()
	if os.Getenv("HMA_WITNESS") == "none" {
		t.Skip("HMA_WITNESS=none: wbxml2xml (Debian package libwbxml2-utils) was not asked")
	}
	path, err := exec.LookPath("wbxml2xml")
	if err != nil {
		if os.Getenv("HMA_WITNESS") == "all" {
			t.Fatal("wbxml2xml is not installed (Debian package libwbxml2-utils)")
		}
		t.Skip("wbxml2xml is not installed (Debian package libwbxml2-utils)")
	}
	return path
}

// decode runs a document through wbxml2xml and returns the XML, in which a tag
// that it does not know is called unknown.
func decode(t *testing.T, program string, document []byte) []byte {
	t.Helper()
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.wbxml"), filepath.Join(dir, "out.xml")
	if err := os.WriteFile(in, document, 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := exec.CommandContext(t.Context(), program, "-l", "ACTIVESYNC", "-m", "0", "-o", out, in).CombinedOutput(); err != nil {
		t.Fatalf("wbxml2xml: %v\n%s", err, text)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestUserInformation(t *testing.T) {
	path := program(t)
	// What Microsoft's Test-HMAEAS posts.
	request := []byte{0x03, 0x01, 0x6A, 0x00, 0x00, 0x12, 0x45, 0x5D, 0x07, 0x01, 0x01}
	hr := httptest.NewRequest("POST", "https://mail.contoso.com/Microsoft-Server-ActiveSync?Cmd=Settings&DeviceId=OutlookService&DeviceType=OutlookService", bytes.NewReader(request))
	hr.Header.Set("MS-ASProtocolVersion", "14.1")
	hr.Header.Set("Content-Type", "application/vnd.ms-sync.wbxml")
	w := httptest.NewRecorder()
	activesync.New().ServeDoor(w, &clientaccess.Request{
		Request: hr, Record: &clientaccess.Record{}, Snapshot: &org.Snapshot{},
		Identity: &auth.Identity{Recipient: &org.Recipient{DisplayName: "Jane Müller & <Co>", PrimarySMTP: "jane@contoso.com",
			Addresses: []string{"j.mueller@contoso.com"}, MailboxGUID: guid.New(), ActiveSyncEnabled: true}},
	})
	text := decode(t, path, w.Body.Bytes())
	var answer struct {
		XMLName         xml.Name
		Status          int
		UserInformation struct {
			Status int
			Get    struct {
				Accounts struct {
					Account struct {
						UserDisplayName string
						EmailAddresses  struct {
							// wbxml2xml spells the element SmtpAddress, MS-ASWBXML SMTPAddress.
							Addresses []string `xml:"SmtpAddress"`
							Primary   string   `xml:"PrimarySmtpAddress"`
						}
					}
				}
			}
		}
	}
	if err := newDecoder(text).Decode(&answer); err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	account := answer.UserInformation.Get.Accounts.Account
	if answer.XMLName.Local != "Settings" || answer.Status != 1 || answer.UserInformation.Status != 1 ||
		account.UserDisplayName != "Jane Müller & <Co>" || account.EmailAddresses.Primary != "jane@contoso.com" ||
		!slices.Equal(account.EmailAddresses.Addresses, []string{"jane@contoso.com", "j.mueller@contoso.com"}) {
		t.Errorf("wbxml2xml reads:\n%s", text)
	}
}

// newDecoder reads wbxml2xml's output, which has a document type declaration.
func newDecoder(text []byte) *xml.Decoder {
	dec := xml.NewDecoder(bytes.NewReader(text))
	dec.Strict = false
	return dec
}

// TestEveryTag has wbxml2xml read one document with each tag of our tables.
func TestEveryTag(t *testing.T) {
	path := program(t)
	for page := range 25 { // it has no page 25, Find
		var tags []wbxml.Tag
		root := wbxml.New(wbxml.MustTag("AirSync:Sync"))
		for token := 0x05; token < 0x40; token++ {
			if tag := wbxml.Tag(page<<8 | token); tag.Known() {
				tags = append(tags, tag)
				root.Children = append(root.Children, wbxml.Text(tag, "x"))
			}
		}
		text := decode(t, path, wbxml.Encode(root))
		dec := newDecoder(text)
		var names []string
		for depth := 0; ; {
			token, err := dec.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("page %d: %v", page, err)
			}
			switch token := token.(type) {
			case xml.StartElement:
				if depth++; depth == 2 {
					names = append(names, token.Name.Local)
				}
			case xml.EndElement:
				depth--
			}
		}
		if len(names) != len(tags) {
			t.Errorf("page %d: wbxml2xml reads %d tags of %d", page, len(names), len(tags))
			continue
		}
		for i, tag := range tags {
			_, name, _ := strings.Cut(tag.String(), ":")
			if !strings.EqualFold(name, names[i]) && !strings.EqualFold(respelled[tag.String()], names[i]) {
				t.Errorf("%v is %s for wbxml2xml", tag, names[i])
			}
		}
	}
}

// respelled are the tags that wbxml2xml 0.11.8 calls otherwise than MS-ASWBXML,
// or, with "unknown", that are younger than its tables.
var respelled = map[string]string{
	"Contacts:AssistantPhoneNumber":                     "AssistantTelephoneNumber",
	"Contacts:BusinessAddressCity":                      "BusinessCity",
	"Contacts:BusinessAddressCountry":                   "BusinessCountry",
	"Contacts:BusinessAddressPostalCode":                "BusinessPostalCode",
	"Contacts:BusinessAddressState":                     "BusinessState",
	"Contacts:BusinessAddressStreet":                    "BusinessStreet",
	"Contacts:HomeAddressCity":                          "HomeCity",
	"Contacts:HomeAddressCountry":                       "HomeCountry",
	"Contacts:HomeAddressPostalCode":                    "HomePostalCode",
	"Contacts:HomeAddressState":                         "HomeState",
	"Contacts:HomeAddressStreet":                        "HomeStreet",
	"Contacts:OtherAddressCity":                         "OtherCity",
	"Contacts:OtherAddressCountry":                      "OtherCountry",
	"Contacts:OtherAddressPostalCode":                   "OtherPostalCode",
	"Contacts:OtherAddressState":                        "OtherState",
	"Contacts:OtherAddressStreet":                       "OtherStreet",
	"Email:Att0Id":                                      "AttOId",
	"Email:ReplyTo":                                     "Reply-To",
	"Email:Type":                                        "Recurrence_Type",
	"Email:Until":                                       "Recurrence_Until",
	"Email:Occurrences":                                 "Recurrence_Occurrences",
	"Email:Interval":                                    "Recurrence_Interval",
	"Email:DayOfWeek":                                   "Recurrence_DayOfWeek",
	"Email:DayOfMonth":                                  "Recurrence_DayOfMonth",
	"Email:WeekOfMonth":                                 "Recurrence_WeekOfMonth",
	"Email:MonthOfYear":                                 "Recurrence_MonthOfYear",
	"Email:Status":                                      "FlagStatus",
	"Calendar:Email":                                    "Attendee_Email",
	"Calendar:Name":                                     "Attendee_Name",
	"Calendar:CompressedRTF":                            "Compressed_RTF",
	"Calendar:Deleted":                                  "Exception_Deleted",
	"Calendar:ExceptionStartTime":                       "Exception_StartTime",
	"Calendar:OrganizerEmail":                           "Organizer_Email",
	"Calendar:OrganizerName":                            "Organizer_Name",
	"Calendar:Type":                                     "Recurrence_Type",
	"Calendar:Until":                                    "Recurrence_Until",
	"Calendar:Occurrences":                              "Recurrence_Occurrences",
	"Calendar:Interval":                                 "Recurrence_Interval",
	"Calendar:DayOfWeek":                                "Recurrence_DayOfWeek",
	"Calendar:DayOfMonth":                               "Recurrence_DayOfMonth",
	"Calendar:WeekOfMonth":                              "Recurrence_WeekOfMonth",
	"Calendar:MonthOfYear":                              "Recurrence_MonthOfYear",
	"Calendar:AttendeeStatus":                           "Attendee_Status",
	"Calendar:AttendeeType":                             "Attendee_Type",
	"MeetingResponse:ProposedStartTime":                 "unknown",
	"MeetingResponse:ProposedEndTime":                   "unknown",
	"Tasks:Type":                                        "Recurrence_Type",
	"Tasks:Start":                                       "Recurrence_Start",
	"Tasks:Until":                                       "Recurrence_Until",
	"Tasks:Occurrences":                                 "Recurrence_Occurrences",
	"Tasks:Interval":                                    "Recurrence_Interval",
	"Tasks:DayOfMonth":                                  "Recurrence_DayOfMonth",
	"Tasks:DayOfWeek":                                   "Recurrence_DayOfWeek",
	"Tasks:WeekOfMonth":                                 "Recurrence_WeekOfMonth",
	"Tasks:MonthOfYear":                                 "Recurrence_MonthOfYear",
	"Tasks:Regenerate":                                  "Recurrence_Regenerate",
	"Tasks:DeadOccur":                                   "Recurrence_DeadOccur",
	"Provision:RequireStorageCardEncryption":            "DeviceEncryptionEnabled",
	"Provision:AccountOnlyRemoteWipe":                   "unknown",
	"Settings:RightsManagementInformation":              "ihsManagementInformation",
	"ComposeMail:Name":                                  "ForwardeeName",
	"ComposeMail:Email":                                 "ForwardeeEmail",
	"RightsManagement:Owner":                            "RMOwner",
	"RightsManagement:RemoveRightsManagementProtection": "RemoveRightsManagementDistribution",
}
