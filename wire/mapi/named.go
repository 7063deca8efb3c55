package mapi

import (
	"strings"

	"hma/wire/guid"
)

// Name identifies a named property: a property set with either a number (LID) or
// a text (MS-OXCDATA 2.6.1). Text is set exactly when the property is known by
// name; then LID is 0.
type Name struct {
	Set  guid.GUID
	LID  uint32
	Text string
}

// Fold returns the form under which two names are the same property: the text of
// a property of PS_INTERNET_HEADERS is compared without case (MS-OXCPRPT 3.2.5.9
// leaves other sets case-sensitive).
func (n Name) Fold() Name {
	if n.Set == PSInternetHeaders {
		n.Text = strings.ToLower(n.Text)
	}
	return n
}

// Property sets (MS-OXPROPS 1.3.2).
var (
	PSMAPI                  = guid.MustParse("00020328-0000-0000-c000-000000000046")
	PSPublicStrings         = guid.MustParse("00020329-0000-0000-c000-000000000046")
	PSInternetHeaders       = guid.MustParse("00020386-0000-0000-c000-000000000046")
	PSETIDAppointment       = guid.MustParse("00062002-0000-0000-c000-000000000046")
	PSETIDTask              = guid.MustParse("00062003-0000-0000-c000-000000000046")
	PSETIDAddress           = guid.MustParse("00062004-0000-0000-c000-000000000046")
	PSETIDCommon            = guid.MustParse("00062008-0000-0000-c000-000000000046")
	PSETIDLog               = guid.MustParse("0006200a-0000-0000-c000-000000000046")
	PSETIDNote              = guid.MustParse("0006200e-0000-0000-c000-000000000046")
	PSETIDSharing           = guid.MustParse("00062040-0000-0000-c000-000000000046")
	PSETIDPostRSS           = guid.MustParse("00062041-0000-0000-c000-000000000046")
	PSETIDMeeting           = guid.MustParse("6ed8da90-450b-101b-98da-00aa003f1305")
	PSETIDUnifiedMessaging  = guid.MustParse("4442858e-a9e3-4e80-b900-317a210cc15b")
	PSETIDAirSync           = guid.MustParse("71035549-0739-4dcb-9163-00f0580dbbdf")
	PSETIDCalendarAssistant = guid.MustParse("11000e07-b51b-40d6-af21-caa85edab1d0")
	PSETIDAttachment        = guid.MustParse("96357f7f-59e1-47d0-99a7-46515c183b54")

	psOwn = guid.MustParse("6f0c2c4e-7d1b-4a52-9d5e-3c9a5f5b8a17") // this project's own names
)

// FirstMailboxName is the first id that a mailbox gives to a name of its own; the
// ids below it belong to the names of this file, the same in every mailbox.
const FirstMailboxName uint16 = 0x8400

// Tags of common named properties (MS-OXPROPS, PidLid and PidName). Their ids are
// this project's own and fixed for ever: WellKnownID and WellKnownName map them.
const (
	PidNameKeywords                       Tag = 0x8000_101F
	PidLidAppointmentStartWhole           Tag = 0x8001_0040
	PidLidAppointmentEndWhole             Tag = 0x8002_0040
	PidLidBusyStatus                      Tag = 0x8003_0003
	PidLidLocation                        Tag = 0x8004_001F
	PidLidAppointmentDuration             Tag = 0x8005_0003
	PidLidAppointmentRecur                Tag = 0x8006_0102
	PidLidAppointmentStateFlags           Tag = 0x8007_0003
	PidLidResponseStatus                  Tag = 0x8008_0003
	PidLidRecurring                       Tag = 0x8009_000B
	PidLidAppointmentSubType              Tag = 0x800A_000B
	PidLidAppointmentSequence             Tag = 0x800B_0003
	PidLidTimeZoneStruct                  Tag = 0x800C_0102
	PidLidTimeZoneDescription             Tag = 0x800D_001F
	PidLidAppointmentTimeZoneStartDisplay Tag = 0x800E_0102
	PidLidAppointmentTimeZoneEndDisplay   Tag = 0x800F_0102
	PidLidAppointmentTimeZoneRecur        Tag = 0x8010_0102
	PidLidExceptionReplaceTime            Tag = 0x8011_0040
	PidLidIntendedBusyStatus              Tag = 0x8012_0003
	PidLidAppointmentReplyTime            Tag = 0x8013_0040
	PidLidFInvited                        Tag = 0x8014_000B
	PidLidClipStart                       Tag = 0x8015_0040
	PidLidClipEnd                         Tag = 0x8016_0040
	PidLidRecurrencePattern               Tag = 0x8017_001F
	PidLidToAttendeesString               Tag = 0x8018_001F
	PidLidCcAttendeesString               Tag = 0x8019_001F
	PidLidAllAttendeesString              Tag = 0x801A_001F
	PidLidAppointmentMessageClass         Tag = 0x801B_001F
	PidLidGlobalObjectID                  Tag = 0x801C_0102
	PidLidCleanGlobalObjectID             Tag = 0x801D_0102
	PidLidIsRecurring                     Tag = 0x801E_000B
	PidLidIsException                     Tag = 0x801F_000B
	PidLidMeetingType                     Tag = 0x8020_0003
	PidLidAttendeeCriticalChange          Tag = 0x8021_0040
	PidLidOwnerCriticalChange             Tag = 0x8022_0040
	PidLidReminderSet                     Tag = 0x8023_000B
	PidLidReminderDelta                   Tag = 0x8024_0003
	PidLidReminderTime                    Tag = 0x8025_0040
	PidLidReminderSignalTime              Tag = 0x8026_0040
	PidLidCommonStart                     Tag = 0x8027_0040
	PidLidCommonEnd                       Tag = 0x8028_0040
	PidLidPrivate                         Tag = 0x8029_000B
	PidLidSideEffects                     Tag = 0x802A_0003
	PidLidFlagRequest                     Tag = 0x802B_001F
	PidLidTaskMode                        Tag = 0x802C_0003
	PidLidCompanies                       Tag = 0x802D_101F
	PidLidBilling                         Tag = 0x802E_001F
	PidLidMileage                         Tag = 0x802F_001F
	PidLidSmartNoAttach                   Tag = 0x8030_000B
	PidLidTaskStatus                      Tag = 0x8031_0003
	PidLidPercentComplete                 Tag = 0x8032_0005
	PidLidTaskStartDate                   Tag = 0x8033_0040
	PidLidTaskDueDate                     Tag = 0x8034_0040
	PidLidTaskDateCompleted               Tag = 0x8035_0040
	PidLidTaskComplete                    Tag = 0x8036_000B
	PidLidTaskOwner                       Tag = 0x8037_001F
	PidLidTaskRecurrence                  Tag = 0x8038_0102
	PidLidTaskActualEffort                Tag = 0x8039_0003
	PidLidTaskEstimatedEffort             Tag = 0x803A_0003
	PidLidFileUnder                       Tag = 0x803B_001F
	PidLidFileUnderID                     Tag = 0x803C_0003
	PidLidEmail1DisplayName               Tag = 0x803D_001F
	PidLidEmail1AddressType               Tag = 0x803E_001F
	PidLidEmail1EmailAddress              Tag = 0x803F_001F
	PidLidEmail1OriginalDisplayName       Tag = 0x8040_001F
	PidLidEmail2DisplayName               Tag = 0x8041_001F
	PidLidEmail2AddressType               Tag = 0x8042_001F
	PidLidEmail2EmailAddress              Tag = 0x8043_001F
	PidLidEmail2OriginalDisplayName       Tag = 0x8044_001F
	PidLidEmail3DisplayName               Tag = 0x8045_001F
	PidLidEmail3AddressType               Tag = 0x8046_001F
	PidLidEmail3EmailAddress              Tag = 0x8047_001F
	PidLidEmail3OriginalDisplayName       Tag = 0x8048_001F
	PidLidInstantMessagingAddress         Tag = 0x8049_001F
	PidLidWorkAddressStreet               Tag = 0x804A_001F
	PidLidWorkAddressCity                 Tag = 0x804B_001F
	PidLidWorkAddressState                Tag = 0x804C_001F
	PidLidWorkAddressPostalCode           Tag = 0x804D_001F
	PidLidWorkAddressCountry              Tag = 0x804E_001F
	PidNameContentClass                   Tag = 0x804F_001F
	PidNameAcceptLanguage                 Tag = 0x8050_001F
	PidLidInternetAccountName             Tag = 0x8051_001F
	PidLidValidFlagStringProof            Tag = 0x8052_0040
	PidLidEmail1OriginalEntryID           Tag = 0x8053_0102
	PidLidEmail2OriginalEntryID           Tag = 0x8054_0102
	PidLidEmail3OriginalEntryID           Tag = 0x8055_0102
	PidLidPostalAddressID                 Tag = 0x8056_0003
	PidLidHasPicture                      Tag = 0x8057_000B
	PidNameIMAddress2                     Tag = 0x8058_001F // not in MS-OXPROPS
	PidNameIMAddress3                     Tag = 0x8059_001F // not in MS-OXPROPS
	PidLidContacts                        Tag = 0x805A_101F

	PidLidAppointmentSequenceTime       Tag = 0x805B_0040
	PidLidAppointmentLastSequence       Tag = 0x805C_0003
	PidLidAppointmentUpdateTime         Tag = 0x805D_0040
	PidLidAppointmentReplyName          Tag = 0x805E_001F
	PidLidRecurrenceType                Tag = 0x805F_0003
	PidLidMeetingWorkspaceURL           Tag = 0x8060_001F
	PidLidNetShowURL                    Tag = 0x8061_001F
	PidLidConferencingCheck             Tag = 0x8062_000B
	PidLidConferencingType              Tag = 0x8063_0003
	PidLidAppointmentProposedStartWhole Tag = 0x8064_0040
	PidLidAppointmentProposedEndWhole   Tag = 0x8065_0040
	PidLidAppointmentProposedDuration   Tag = 0x8066_0003
	PidLidAppointmentCounterProposal    Tag = 0x8067_000B
	PidLidAppointmentProposalNumber     Tag = 0x8068_0003
	PidLidAppointmentNotAllowPropose    Tag = 0x8069_000B
	PidLidWhere                         Tag = 0x806A_001F

	// Follow-up flags (MS-OXOFLAG 2.2), reference attachments (MS-OXWSATT 2.2.4.13), and what a draft answers.
	PidLidToDoOrdinalDate                Tag = 0x806B_0040
	PidLidToDoSubOrdinal                 Tag = 0x806C_001F
	PidLidToDoTitle                      Tag = 0x806D_001F
	PidLidFlagString                     Tag = 0x806E_0003
	PidNameAttachmentProviderType        Tag = 0x806F_001F
	PidNameAttachmentPermissionType      Tag = 0x8070_0003
	PidNameAttachmentProviderEndpointURL Tag = 0x8071_001F // not in MS-OXPROPS
	PidNameAttachmentThumbnailURL        Tag = 0x8072_001F // not in MS-OXPROPS
	PidNameAttachmentPreviewURL          Tag = 0x8073_001F // not in MS-OXPROPS
	PidNameAttachmentIsFolder            Tag = 0x8074_000B // not in MS-OXPROPS
	PidNameAnsweredItem                  Tag = 0x8075_0102 // this project's own, see transport

	// Tasks that recur (MS-OXOTASK 2.2.2.2), and the iCalendar text beside what MAPI cannot hold of it.
	PidLidTaskFRecurring     Tag = 0x8076_000B
	PidLidTaskDeadOccurrence Tag = 0x8077_000B
	PidLidTaskResetReminder  Tag = 0x8078_000B
	PidNameICalendar         Tag = 0x8079_001F // this project's own, see wire/oxcical

	// Members of a private distribution list (MS-OXOCNTC 2.2.2).
	PidLidDistributionListChecksum      Tag = 0x807A_0003
	PidLidDistributionListName          Tag = 0x807B_001F
	PidLidDistributionListOneOffMembers Tag = 0x807C_1102
	PidLidDistributionListMembers       Tag = 0x807D_1102
)

// wellKnown is in the order of the ids: entry n has id 0x8000+n. Append only.
var wellKnown = [...]Name{
	{PSPublicStrings, 0, "Keywords"},
	{PSETIDAppointment, 0x820D, ""},
	{PSETIDAppointment, 0x820E, ""},
	{PSETIDAppointment, 0x8205, ""},
	{PSETIDAppointment, 0x8208, ""},
	{PSETIDAppointment, 0x8213, ""},
	{PSETIDAppointment, 0x8216, ""},
	{PSETIDAppointment, 0x8217, ""},
	{PSETIDAppointment, 0x8218, ""},
	{PSETIDAppointment, 0x8223, ""},
	{PSETIDAppointment, 0x8215, ""},
	{PSETIDAppointment, 0x8201, ""},
	{PSETIDAppointment, 0x8233, ""},
	{PSETIDAppointment, 0x8234, ""},
	{PSETIDAppointment, 0x825E, ""},
	{PSETIDAppointment, 0x825F, ""},
	{PSETIDAppointment, 0x8260, ""},
	{PSETIDAppointment, 0x8228, ""},
	{PSETIDAppointment, 0x8224, ""},
	{PSETIDAppointment, 0x8220, ""},
	{PSETIDAppointment, 0x8229, ""},
	{PSETIDAppointment, 0x8235, ""},
	{PSETIDAppointment, 0x8236, ""},
	{PSETIDAppointment, 0x8232, ""},
	{PSETIDAppointment, 0x823B, ""},
	{PSETIDAppointment, 0x823C, ""},
	{PSETIDAppointment, 0x8238, ""},
	{PSETIDMeeting, 0x0024, ""},
	{PSETIDMeeting, 0x0003, ""},
	{PSETIDMeeting, 0x0023, ""},
	{PSETIDMeeting, 0x0005, ""},
	{PSETIDMeeting, 0x000A, ""},
	{PSETIDMeeting, 0x0026, ""},
	{PSETIDMeeting, 0x0001, ""},
	{PSETIDMeeting, 0x001A, ""},
	{PSETIDCommon, 0x8503, ""},
	{PSETIDCommon, 0x8501, ""},
	{PSETIDCommon, 0x8502, ""},
	{PSETIDCommon, 0x8560, ""},
	{PSETIDCommon, 0x8516, ""},
	{PSETIDCommon, 0x8517, ""},
	{PSETIDCommon, 0x8506, ""},
	{PSETIDCommon, 0x8510, ""},
	{PSETIDCommon, 0x8530, ""},
	{PSETIDCommon, 0x8518, ""},
	{PSETIDCommon, 0x8539, ""},
	{PSETIDCommon, 0x8535, ""},
	{PSETIDCommon, 0x8534, ""},
	{PSETIDCommon, 0x8514, ""},
	{PSETIDTask, 0x8101, ""},
	{PSETIDTask, 0x8102, ""},
	{PSETIDTask, 0x8104, ""},
	{PSETIDTask, 0x8105, ""},
	{PSETIDTask, 0x810F, ""},
	{PSETIDTask, 0x811C, ""},
	{PSETIDTask, 0x811F, ""},
	{PSETIDTask, 0x8116, ""},
	{PSETIDTask, 0x8110, ""},
	{PSETIDTask, 0x8111, ""},
	{PSETIDAddress, 0x8005, ""},
	{PSETIDAddress, 0x8006, ""},
	{PSETIDAddress, 0x8080, ""},
	{PSETIDAddress, 0x8082, ""},
	{PSETIDAddress, 0x8083, ""},
	{PSETIDAddress, 0x8084, ""},
	{PSETIDAddress, 0x8090, ""},
	{PSETIDAddress, 0x8092, ""},
	{PSETIDAddress, 0x8093, ""},
	{PSETIDAddress, 0x8094, ""},
	{PSETIDAddress, 0x80A0, ""},
	{PSETIDAddress, 0x80A2, ""},
	{PSETIDAddress, 0x80A3, ""},
	{PSETIDAddress, 0x80A4, ""},
	{PSETIDAddress, 0x8062, ""},
	{PSETIDAddress, 0x8045, ""},
	{PSETIDAddress, 0x8046, ""},
	{PSETIDAddress, 0x8047, ""},
	{PSETIDAddress, 0x8048, ""},
	{PSETIDAddress, 0x8049, ""},
	{PSInternetHeaders, 0, "content-class"},
	{PSInternetHeaders, 0, "accept-language"},
	{PSETIDCommon, 0x8580, ""},
	{PSETIDCommon, 0x85BF, ""},
	{PSETIDAddress, 0x8085, ""},
	{PSETIDAddress, 0x8095, ""},
	{PSETIDAddress, 0x80A5, ""},
	{PSETIDAddress, 0x8022, ""},
	{PSETIDAddress, 0x8015, ""},
	{PSETIDAirSync, 0, "AirSync:IMAddress2"},
	{PSETIDAirSync, 0, "AirSync:IMAddress3"},
	{PSETIDCommon, 0x853A, ""},
	{PSETIDAppointment, 0x8202, ""},
	{PSETIDAppointment, 0x8203, ""},
	{PSETIDAppointment, 0x8226, ""},
	{PSETIDAppointment, 0x8230, ""},
	{PSETIDAppointment, 0x8231, ""},
	{PSETIDAppointment, 0x8209, ""},
	{PSETIDAppointment, 0x8248, ""},
	{PSETIDAppointment, 0x8240, ""},
	{PSETIDAppointment, 0x8241, ""},
	{PSETIDAppointment, 0x8250, ""},
	{PSETIDAppointment, 0x8251, ""},
	{PSETIDAppointment, 0x8256, ""},
	{PSETIDAppointment, 0x8257, ""},
	{PSETIDAppointment, 0x8259, ""},
	{PSETIDAppointment, 0x825A, ""},
	{PSETIDMeeting, 0x0002, ""},
	{PSETIDCommon, 0x85A0, ""},
	{PSETIDCommon, 0x85A1, ""},
	{PSETIDCommon, 0x85A4, ""},
	{PSETIDCommon, 0x85C0, ""},
	{PSETIDAttachment, 0, "AttachmentProviderType"},
	{PSETIDAttachment, 0, "AttachmentPermissionType"},
	{PSETIDAttachment, 0, "AttachmentProviderEndpointUrl"},
	{PSETIDAttachment, 0, "AttachmentThumbnailUrl"},
	{PSETIDAttachment, 0, "AttachmentPreviewUrl"},
	{PSETIDAttachment, 0, "AttachmentIsFolder"},
	{psOwn, 0, "AnsweredItem"},
	{PSETIDTask, 0x8126, ""},
	{PSETIDTask, 0x8109, ""},
	{PSETIDTask, 0x8107, ""},
	{psOwn, 0, "ICalendar"},
	{PSETIDAddress, 0x804C, ""},
	{PSETIDAddress, 0x8053, ""},
	{PSETIDAddress, 0x8054, ""},
	{PSETIDAddress, 0x8055, ""},
}

var wellKnownIDs = func() map[Name]uint16 {
	ids := make(map[Name]uint16, len(wellKnown))
	for i, name := range wellKnown {
		ids[name.Fold()] = 0x8000 + uint16(i)
	}
	return ids
}()

// WellKnownID returns the id of a name that is the same in every mailbox.
func WellKnownID(name Name) (id uint16, ok bool) {
	id, ok = wellKnownIDs[name.Fold()]
	return id, ok
}

// WellKnownName returns the name behind an id that is the same in every mailbox.
func WellKnownName(id uint16) (name Name, ok bool) {
	if i := int(id) - 0x8000; i >= 0 && i < len(wellKnown) {
		return wellKnown[i], true
	}
	return Name{}, false
}
