package oxvcard

import "hma/wire/mapi"

// texts are the properties that are one text on both sides (MS-OXVCARD 2.1.3).
var texts = []struct {
	name string
	tag  mapi.Tag
}{
	{"FN", mapi.PidTagDisplayName},                // 2.1.3.1.1
	{"NICKNAME", mapi.PidTagNickname},             // 2.1.3.1.3
	{"TITLE", mapi.PidTagTitle},                   // 2.1.3.5.1
	{"ROLE", mapi.PidTagProfession},               // 2.1.3.5.2
	{"NOTE", mapi.PidTagBody},                     // 2.1.3.6.2
	{"X-MS-ASSISTANT", mapi.PidTagAssistant},      // 2.1.3.9
	{"X-MS-MANAGER", mapi.PidTagManagerName},      // 2.1.3.9
	{"X-MS-SPOUSE", mapi.PidTagSpouseName},        // 2.1.3.9
	{"X-INITIALS", mapi.PidTagInitials},           // ours
	{"X-OFFICE", mapi.PidTagOfficeLocation},       // ours
	{"X-MILEAGE", mapi.PidLidMileage},             // ours
	{"X-FILE-AS", mapi.PidLidFileUnder},           // ours, as Evolution's X-EVOLUTION-FILE-AS
	{"X-EVOLUTION-FILE-AS", mapi.PidLidFileUnder}, // read alone
	{"X-ASSISTANT", mapi.PidTagAssistant},         // read alone, as are the next two
	{"X-MANAGER", mapi.PidTagManagerName},
	{"X-SPOUSE", mapi.PidTagSpouseName},
}

// lists are the properties that are several texts.
var lists = []struct {
	name string
	tag  mapi.Tag
}{
	{"CATEGORIES", mapi.PidNameKeywords},      // 2.1.3.6.1
	{"X-MS-CHILD", mapi.PidTagChildrensNames}, // 2.1.3.9
	{"X-COMPANIES", mapi.PidLidCompanies},     // ours
}

// dates are the properties that are a day.
var dates = []struct {
	name string
	tag  mapi.Tag
}{
	{"BDAY", mapi.PidTagBirthday}, // 2.1.3.1.5
	{"X-MS-ANNIVERSARY", mapi.PidTagWeddingAnniversary},
	{"ANNIVERSARY", mapi.PidTagWeddingAnniversary}, // vCard 4.0, read alone
	{"X-ANNIVERSARY", mapi.PidTagWeddingAnniversary},
}

// names are the parts of N in its order (2.1.3.1.2).
var names = []mapi.Tag{mapi.PidTagSurname, mapi.PidTagGivenName, mapi.PidTagMiddleName, mapi.PidTagDisplayNamePrefix, mapi.PidTagGeneration}

// organizations are the parts of ORG (2.1.3.5.5).
var organizations = []mapi.Tag{mapi.PidTagCompanyName, mapi.PidTagDepartmentName}

// addresses are the parts of ADR from the third on - street, locality, region, code,
// country - by its type (2.1.3.2.1). The first two, box and extended address, are
// read as lines of the street.
var addresses = []struct {
	kind string
	tags [5]mapi.Tag
}{
	{"WORK", [5]mapi.Tag{mapi.PidLidWorkAddressStreet, mapi.PidLidWorkAddressCity, mapi.PidLidWorkAddressState, mapi.PidLidWorkAddressPostalCode, mapi.PidLidWorkAddressCountry}},
	{"HOME", [5]mapi.Tag{mapi.PidTagHomeAddressStreet, mapi.PidTagHomeAddressCity, mapi.PidTagHomeAddressStateOrProvince, mapi.PidTagHomeAddressPostalCode, mapi.PidTagHomeAddressCountry}},
	{"", [5]mapi.Tag{mapi.PidTagOtherAddressStreet, mapi.PidTagOtherAddressCity, mapi.PidTagOtherAddressStateOrProvince, mapi.PidTagOtherAddressPostalCode, mapi.PidTagOtherAddressCountry}},
}

// phones are the telephone numbers by property and types (2.1.3.3.1, 2.1.3.9.5): a
// number goes to the first row whose types it has all of and whose place is free.
var phones = []phone{
	{"X-MS-TEL", []string{"ASSISTANT"}, mapi.PidTagAssistantTelephoneNumber},
	{"X-MS-TEL", []string{"CALLBACK"}, mapi.PidTagCallbackTelephoneNumber},
	{"X-MS-TEL", []string{"COMPANY"}, mapi.PidTagCompanyMainTelephoneNumber},
	{"X-MS-TEL", []string{"RADIO"}, mapi.PidTagRadioTelephoneNumber},
	{"X-MS-TEL", []string{"TTYTDD"}, mapi.PidTagTTYTDDPhoneNumber},
	{"X-MS-TEL", []string{"TELEX"}, mapi.PidTagTelexNumber}, // ours
	{"TEL", []string{"FAX", "WORK"}, mapi.PidTagBusinessFaxNumber},
	{"TEL", []string{"FAX", "HOME"}, mapi.PidTagHomeFaxNumber},
	{"TEL", []string{"FAX"}, mapi.PidTagPrimaryFaxNumber},
	{"TEL", []string{"CELL"}, mapi.PidTagMobileTelephoneNumber},
	{"TEL", []string{"PAGER"}, mapi.PidTagPagerTelephoneNumber},
	{"TEL", []string{"CAR"}, mapi.PidTagCarTelephoneNumber},
	{"TEL", []string{"ISDN"}, mapi.PidTagISDNNumber},
	{"TEL", []string{"WORK"}, mapi.PidTagBusinessTelephoneNumber},
	{"TEL", []string{"WORK"}, mapi.PidTagBusiness2TelephoneNumber},
	{"TEL", []string{"HOME"}, mapi.PidTagHomeTelephoneNumber},
	{"TEL", []string{"HOME"}, mapi.PidTagHome2TelephoneNumber},
	{"TEL", []string{"PREF"}, mapi.PidTagPrimaryTelephoneNumber},
	{"TEL", []string{"VOICE"}, mapi.PidTagOtherTelephoneNumber},
}

type phone struct {
	name  string
	types []string
	tag   mapi.Tag
}

// emails are the addresses in their order, with the four properties that follow from
// each (MS-OXOCNTC 2.2.1.2).
var emails = []struct{ address, display, kind, original, entry mapi.Tag }{
	{mapi.PidLidEmail1EmailAddress, mapi.PidLidEmail1DisplayName, mapi.PidLidEmail1AddressType, mapi.PidLidEmail1OriginalDisplayName, mapi.PidLidEmail1OriginalEntryID},
	{mapi.PidLidEmail2EmailAddress, mapi.PidLidEmail2DisplayName, mapi.PidLidEmail2AddressType, mapi.PidLidEmail2OriginalDisplayName, mapi.PidLidEmail2OriginalEntryID},
	{mapi.PidLidEmail3EmailAddress, mapi.PidLidEmail3DisplayName, mapi.PidLidEmail3AddressType, mapi.PidLidEmail3OriginalDisplayName, mapi.PidLidEmail3OriginalEntryID},
}

// messengers are the addresses of instant messaging in their order.
var messengers = []mapi.Tag{mapi.PidLidInstantMessagingAddress, mapi.PidNameIMAddress2, mapi.PidNameIMAddress3}

// sensitivities are the words of CLASS (2.1.3.7.1) by PidTagSensitivity.
var sensitivities = []string{"PUBLIC", "PRIVATE", "PRIVATE", "CONFIDENTIAL"}
