package wbxml

import (
	"fmt"
	"strings"
)

// Tag is a code page and a token in it: page<<8 | token. The zero Tag is none.
type Tag uint16

// pages are the code pages of MS-ASWBXML 2.1.2.1 in their order: the namespace,
// then the names of the tokens from 0x05 on; "-" is a token that is not used,
// and a number jumps to that token. Tokens that only old versions of the
// protocol used keep their names.
var pages = [...]string{
	"AirSync Sync Responses Add Change Delete Fetch SyncKey ClientId ServerId Status Collection Class Version CollectionId " +
		"GetChanges MoreAvailable WindowSize Commands Options FilterType Truncation RTFTruncation Conflict Collections " +
		"ApplicationData DeletesAsMoves NotifyGUID Supported SoftDelete MIMESupport MIMETruncation Wait Limit Partial " +
		"ConversationMode MaxItems HeartbeatInterval",
	"Contacts Anniversary AssistantName AssistantPhoneNumber Birthday Body BodySize BodyTruncated Business2PhoneNumber " +
		"BusinessAddressCity BusinessAddressCountry BusinessAddressPostalCode BusinessAddressState BusinessAddressStreet " +
		"BusinessFaxNumber BusinessPhoneNumber CarPhoneNumber Categories Category Children Child CompanyName Department " +
		"Email1Address Email2Address Email3Address FileAs FirstName Home2PhoneNumber HomeAddressCity HomeAddressCountry " +
		"HomeAddressPostalCode HomeAddressState HomeAddressStreet HomeFaxNumber HomePhoneNumber JobTitle LastName MiddleName " +
		"MobilePhoneNumber OfficeLocation OtherAddressCity OtherAddressCountry OtherAddressPostalCode OtherAddressState " +
		"OtherAddressStreet PagerNumber RadioPhoneNumber Spouse Suffix Title WebPage YomiCompanyName YomiFirstName " +
		"YomiLastName CompressedRTF Picture Alias WeightedRank",
	"Email Attachment Attachments AttName AttSize Att0Id AttMethod AttRemoved Body BodySize BodyTruncated DateReceived " +
		"DisplayName DisplayTo Importance MessageClass Subject Read To Cc From ReplyTo AllDayEvent Categories Category " +
		"DtStamp EndTime InstanceType BusyStatus Location MeetingRequest Organizer RecurrenceId Reminder ResponseRequested " +
		"Recurrences Recurrence Type Until Occurrences Interval DayOfWeek DayOfMonth WeekOfMonth MonthOfYear StartTime " +
		"Sensitivity TimeZone GlobalObjId ThreadTopic MIMEData MIMETruncated MIMESize InternetCPID Flag Status " +
		"ContentClass FlagType CompleteTime DisallowNewTimeProposal",
	"AirNotify Notify Notification Version LifeTime DeviceInfo Enable Folder ServerId DeviceAddress ValidCarrierProfiles " +
		"CarrierProfile Status Responses Devices Device Id Expiry NotifyGUID DeviceFriendlyName",
	"Calendar Timezone AllDayEvent Attendees Attendee Email Name Body BodyTruncated BusyStatus Categories Category " +
		"CompressedRTF DtStamp EndTime Exception Exceptions Deleted ExceptionStartTime Location MeetingStatus OrganizerEmail " +
		"OrganizerName Recurrence Type Until Occurrences Interval DayOfWeek DayOfMonth WeekOfMonth MonthOfYear Reminder " +
		"Sensitivity Subject StartTime UID AttendeeStatus AttendeeType 0x33 DisallowNewTimeProposal ResponseRequested " +
		"AppointmentReplyTime ResponseType CalendarType IsLeapMonth FirstDayOfWeek OnlineMeetingConfLink " +
		"OnlineMeetingExternalLink ClientUid",
	"Move MoveItems Move SrcMsgId SrcFldId DstFldId Response Status DstMsgId",
	"GetItemEstimate GetItemEstimate Version Collections Collection Class CollectionId DateTime Estimate Response Status",
	"FolderHierarchy Folders Folder DisplayName ServerId ParentId Type Response Status ContentClass Changes Add Delete " +
		"Update SyncKey FolderCreate FolderDelete FolderUpdate FolderSync Count Version",
	"MeetingResponse CalendarId CollectionId MeetingResponse RequestId Request Result Status UserResponse Version InstanceId " +
		"- ProposedStartTime ProposedEndTime SendResponse",
	"Tasks Body BodySize BodyTruncated Categories Category Complete DateCompleted DueDate UtcDueDate Importance Recurrence " +
		"Type Start Until Occurrences Interval DayOfMonth DayOfWeek WeekOfMonth MonthOfYear Regenerate DeadOccur ReminderSet " +
		"ReminderTime Sensitivity StartDate UtcStartDate Subject CompressedRTF OrdinalDate SubOrdinalDate CalendarType " +
		"IsLeapMonth FirstDayOfWeek",
	"ResolveRecipients ResolveRecipients Response Status Type Recipient DisplayName EmailAddress Certificates Certificate " +
		"MiniCertificate Options To CertificateRetrieval RecipientCount MaxCertificates MaxAmbiguousRecipients " +
		"CertificateCount Availability StartTime EndTime MergedFreeBusy Picture MaxSize Data MaxPictures",
	"ValidateCert ValidateCert Certificates Certificate CertificateChain CheckCRL Status",
	"Contacts2 CustomerId GovernmentId IMAddress IMAddress2 IMAddress3 ManagerName CompanyMainPhone AccountName NickName MMS",
	"Ping Ping AutdState Status HeartbeatInterval Folders Folder Id Class MaxFolders",
	"Provision Provision Policies Policy PolicyType PolicyKey Data Status RemoteWipe EASProvisionDoc DevicePasswordEnabled " +
		"AlphanumericDevicePasswordRequired RequireStorageCardEncryption PasswordRecoveryEnabled - AttachmentsEnabled " +
		"MinDevicePasswordLength MaxInactivityTimeDeviceLock MaxDevicePasswordFailedAttempts MaxAttachmentSize " +
		"AllowSimpleDevicePassword DevicePasswordExpiration DevicePasswordHistory AllowStorageCard AllowCamera " +
		"RequireDeviceEncryption AllowUnsignedApplications AllowUnsignedInstallationPackages " +
		"MinDevicePasswordComplexCharacters AllowWiFi AllowTextMessaging AllowPOPIMAPEmail AllowBluetooth AllowIrDA " +
		"RequireManualSyncWhenRoaming AllowDesktopSync MaxCalendarAgeFilter AllowHTMLEmail MaxEmailAgeFilter " +
		"MaxEmailBodyTruncationSize MaxEmailHTMLBodyTruncationSize RequireSignedSMIMEMessages " +
		"RequireEncryptedSMIMEMessages RequireSignedSMIMEAlgorithm RequireEncryptionSMIMEAlgorithm " +
		"AllowSMIMEEncryptionAlgorithmNegotiation AllowSMIMESoftCerts AllowBrowser AllowConsumerEmail AllowRemoteDesktop " +
		"AllowInternetSharing UnapprovedInROMApplicationList ApplicationName ApprovedApplicationList Hash " +
		"AccountOnlyRemoteWipe",
	"Search Search - Store Name Query Options Range Status Response Result Properties Total EqualTo Value And Or FreeText - " +
		"DeepTraversal LongId RebuildResults LessThan GreaterThan - - UserName Password ConversationId Picture MaxSize MaxPictures",
	"GAL DisplayName Phone Office Title Company Alias FirstName LastName HomePhone MobilePhone EmailAddress Picture Status Data",
	"AirSyncBase BodyPreference Type TruncationSize AllOrNone - Body Data EstimatedDataSize Truncated Attachments Attachment " +
		"DisplayName FileReference Method ContentId ContentLocation IsInline NativeBodyType ContentType Preview " +
		"BodyPartPreference BodyPart Status Add Delete ClientId Content Location Annotation Street City State Country " +
		"PostalCode Latitude Longitude Accuracy Altitude AltitudeAccuracy LocationUri InstanceId",
	"Settings Settings Status Get Set Oof OofState StartTime EndTime OofMessage AppliesToInternal AppliesToExternalKnown " +
		"AppliesToExternalUnknown Enabled ReplyMessage BodyType DevicePassword Password DeviceInformation Model IMEI " +
		"FriendlyName OS OSLanguage PhoneNumber UserInformation EmailAddresses SMTPAddress UserAgent EnableOutboundSMS " +
		"MobileOperator PrimarySmtpAddress Accounts Account AccountId AccountName UserDisplayName SendDisabled - " +
		"RightsManagementInformation",
	"DocumentLibrary LinkId DisplayName IsFolder CreationDate LastModifiedDate IsHidden ContentLength ContentType",
	"ItemOperations ItemOperations Fetch Store Options Range Total Properties Data Status Response Version Schema Part " +
		"EmptyFolderContents DeleteSubFolders UserName Password Move DstFldId ConversationId MoveAlways",
	"ComposeMail SendMail SmartForward SmartReply SaveInSentItems ReplaceMime - Source FolderId ItemId LongId InstanceId " +
		"Mime ClientId Status AccountId - Forwardees Forwardee Name Email",
	"Email2 UmCallerID UmUserNotes UmAttDuration UmAttOrder ConversationId ConversationIndex LastVerbExecuted " +
		"LastVerbExecutionTime ReceivedAsBcc Sender CalendarType IsLeapMonth AccountId FirstDayOfWeek MeetingMessageType - " +
		"IsDraft Bcc Send",
	"Notes Subject MessageClass LastModifiedDate Categories Category",
	"RightsManagement RightsManagementSupport RightsManagementTemplates RightsManagementTemplate RightsManagementLicense " +
		"EditAllowed ReplyAllowed ReplyAllAllowed ForwardAllowed ModifyRecipientsAllowed ExtractAllowed PrintAllowed " +
		"ExportAllowed ProgrammaticAccessAllowed Owner ContentExpiryDate TemplateID TemplateName TemplateDescription " +
		"ContentOwner RemoveRightsManagementProtection",
	"Find Find SearchId ExecuteSearch MailBoxSearchCriterion Query Status FreeText Options Range DeepTraversal 0x11 Response " +
		"Result Properties Preview HasAttachments Total DisplayCc DisplayBcc GalSearchCriterion 0x20 MaxPictures MaxSize Picture",
}

// names holds the text of every tag, byText is its inverse.
var names, byText = func() (map[Tag]string, map[string]Tag) {
	names, byText := make(map[Tag]string), make(map[string]Tag)
	for page, text := range pages {
		fields := strings.Fields(text)
		token := 0x05
		for _, name := range fields[1:] {
			if _, err := fmt.Sscanf(name, "0x%x", &token); err == nil {
				continue
			}
			if name != "-" {
				tag := Tag(page<<8 | token)
				names[tag] = fields[0] + ":" + name
				byText[names[tag]] = tag
			}
			token++
		}
	}
	return names, byText
}()

// String returns the tag as "Namespace:Name", for example "Settings:Get", or its
// numbers when the protocol has no such tag.
func (t Tag) String() string {
	if name, ok := names[t]; ok {
		return name
	}
	return fmt.Sprintf("%d:0x%02x", t>>8, uint8(t))
}

// Known tells whether the protocol has the tag.
func (t Tag) Known() bool { return names[t] != "" }

// MustTag returns the tag that String shows as text. It is for constants and
// panics when there is none.
func MustTag(text string) Tag {
	tag, ok := byText[text]
	if !ok {
		panic("wbxml: no tag " + text)
	}
	return tag
}
