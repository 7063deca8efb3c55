package mapi

// Property tags by their names in MS-OXPROPS.
const (
	PidTagImportance                      Tag = 0x0017_0003
	PidTagMessageClass                    Tag = 0x001A_001F
	PidTagOriginatorDeliveryReport        Tag = 0x0023_000B
	PidTagPriority                        Tag = 0x0026_0003
	PidTagReadReceiptRequested            Tag = 0x0029_000B
	PidTagSensitivity                     Tag = 0x0036_0003
	PidTagSubject                         Tag = 0x0037_001F
	PidTagClientSubmitTime                Tag = 0x0039_0040
	PidTagSentRepresentingSearchKey       Tag = 0x003B_0102
	PidTagSubjectPrefix                   Tag = 0x003D_001F
	PidTagReceivedByEntryID               Tag = 0x003F_0102
	PidTagReceivedByName                  Tag = 0x0040_001F
	PidTagSentRepresentingEntryID         Tag = 0x0041_0102
	PidTagSentRepresentingName            Tag = 0x0042_001F
	PidTagReceivedRepresentingEntryID     Tag = 0x0043_0102
	PidTagReceivedRepresentingName        Tag = 0x0044_001F
	PidTagReplyRecipientEntries           Tag = 0x004F_0102
	PidTagReplyRecipientNames             Tag = 0x0050_001F
	PidTagMessageToMe                     Tag = 0x0057_000B
	PidTagMessageCcMe                     Tag = 0x0058_000B
	PidTagStartDate                       Tag = 0x0060_0040
	PidTagEndDate                         Tag = 0x0061_0040
	PidTagOwnerAppointmentID              Tag = 0x0062_0003
	PidTagResponseRequested               Tag = 0x0063_000B
	PidTagSentRepresentingAddressType     Tag = 0x0064_001F
	PidTagSentRepresentingEmail           Tag = 0x0065_001F
	PidTagConversationTopic               Tag = 0x0070_001F
	PidTagConversationIndex               Tag = 0x0071_0102
	PidTagReceivedByAddressType           Tag = 0x0075_001F
	PidTagReceivedByEmail                 Tag = 0x0076_001F
	PidTagReceivedRepresentingAddressType Tag = 0x0077_001F
	PidTagReceivedRepresentingEmail       Tag = 0x0078_001F
	PidTagTransportMessageHeaders         Tag = 0x007D_001F

	PidTagRecipientType         Tag = 0x0C15_0003
	PidTagReplyRequested        Tag = 0x0C17_000B
	PidTagSenderEntryID         Tag = 0x0C19_0102
	PidTagSenderName            Tag = 0x0C1A_001F
	PidTagSenderAddressType     Tag = 0x0C1E_001F
	PidTagSenderEmail           Tag = 0x0C1F_001F
	PidTagDeleteAfterSubmit     Tag = 0x0E01_000B
	PidTagDisplayBcc            Tag = 0x0E02_001F
	PidTagDisplayCc             Tag = 0x0E03_001F
	PidTagDisplayTo             Tag = 0x0E04_001F
	PidTagMessageDeliveryTime   Tag = 0x0E06_0040
	PidTagMessageFlags          Tag = 0x0E07_0003
	PidTagMessageSize           Tag = 0x0E08_0003
	PidTagMessageSizeExtended   Tag = 0x0E08_0014
	PidTagParentEntryID         Tag = 0x0E09_0102
	PidTagResponsibility        Tag = 0x0E0F_000B
	PidTagMessageStatus         Tag = 0x0E17_0003
	PidTagHasAttachments        Tag = 0x0E1B_000B
	PidTagNormalizedSubject     Tag = 0x0E1D_001F
	PidTagAttachSize            Tag = 0x0E20_0003
	PidTagAttachNumber          Tag = 0x0E21_0003
	PidTagInternetArticleNumber Tag = 0x0E23_0003
	PidTagRead                  Tag = 0x0E69_000B

	// What only a restriction looks at: a group of texts of a message (Outlook's search tags).
	PidTagSearchAttachments       Tag = 0x0EA5_001F
	PidTagSearchRecipientEmailTo  Tag = 0x0EA6_001F
	PidTagSearchRecipientEmailCc  Tag = 0x0EA7_001F
	PidTagSearchRecipientEmailBcc Tag = 0x0EA8_001F
	PidTagSearchAllIndexedProps   Tag = 0x0EAF_001F

	PidTagAccess                  Tag = 0x0FF4_0003
	PidTagInstanceKey             Tag = 0x0FF6_0102
	PidTagAccessLevel             Tag = 0x0FF7_0003
	PidTagRecordKey               Tag = 0x0FF9_0102
	PidTagObjectType              Tag = 0x0FFE_0003
	PidTagEntryID                 Tag = 0x0FFF_0102
	PidTagBody                    Tag = 0x1000_001F
	PidTagRtfCompressed           Tag = 0x1009_0102
	PidTagBodyHTML                Tag = 0x1013_001F // PidTagBodyHtml, as text
	PidTagHTML                    Tag = 0x1013_0102 // PidTagHtml, as bytes of PidTagInternetCodepage
	PidTagNativeBody              Tag = 0x1016_0003
	PidTagInternetMessageID       Tag = 0x1035_001F
	PidTagInternetReferences      Tag = 0x1039_001F
	PidTagInReplyToID             Tag = 0x1042_001F
	PidTagListUnsubscribe         Tag = 0x1045_001F
	PidTagIconIndex               Tag = 0x1080_0003
	PidTagLastVerbExecuted        Tag = 0x1081_0003
	PidTagLastVerbExecutionTime   Tag = 0x1082_0040
	PidTagFlagStatus              Tag = 0x1090_0003
	PidTagFlagCompleteTime        Tag = 0x1091_0040
	PidTagFollowupIcon            Tag = 0x1095_0003
	PidTagAttributeHidden         Tag = 0x10F4_000B
	PidTagRowID                   Tag = 0x3000_0003
	PidTagDisplayName             Tag = 0x3001_001F
	PidTagAddressType             Tag = 0x3002_001F
	PidTagEmailAddress            Tag = 0x3003_001F
	PidTagComment                 Tag = 0x3004_001F
	PidTagCreationTime            Tag = 0x3007_0040
	PidTagLastModificationTime    Tag = 0x3008_0040
	PidTagSearchKey               Tag = 0x300B_0102
	PidTagConversationID          Tag = 0x3013_0102
	PidTagContentCount            Tag = 0x3602_0003
	PidTagContentUnreadCount      Tag = 0x3603_0003
	PidTagSubfolders              Tag = 0x360A_000B
	PidTagContainerClass          Tag = 0x3613_001F
	PidTagAssociatedContentCount  Tag = 0x3617_0003
	PidTagAttachDataBinary        Tag = 0x3701_0102
	PidTagAttachExtension         Tag = 0x3703_001F
	PidTagAttachFilename          Tag = 0x3704_001F
	PidTagAttachMethod            Tag = 0x3705_0003
	PidTagAttachLongFilename      Tag = 0x3707_001F
	PidTagRenderingPosition       Tag = 0x370B_0003
	PidTagAttachMimeTag           Tag = 0x370E_001F
	PidTagAttachContentID         Tag = 0x3712_001F
	PidTagAttachContentLocation   Tag = 0x3713_001F
	PidTagAttachFlags             Tag = 0x3714_0003
	PidTagAccount                 Tag = 0x3A00_001F
	PidTagGeneration              Tag = 0x3A05_001F
	PidTagGivenName               Tag = 0x3A06_001F
	PidTagBusinessTelephoneNumber Tag = 0x3A08_001F
	PidTagHomeTelephoneNumber     Tag = 0x3A09_001F
	PidTagSurname                 Tag = 0x3A11_001F
	PidTagCompanyName             Tag = 0x3A16_001F
	PidTagTitle                   Tag = 0x3A17_001F
	PidTagDepartmentName          Tag = 0x3A18_001F
	PidTagMobileTelephoneNumber   Tag = 0x3A1C_001F
	PidTagSmtpAddress             Tag = 0x39FE_001F
	PidTagInternetCodepage        Tag = 0x3FDE_0003
	PidTagDelegatedByRule         Tag = 0x3FE3_000B
	PidTagMessageLocaleID         Tag = 0x3FF1_0003
	PidTagCreatorName             Tag = 0x3FF8_001F
	PidTagLastModifierName        Tag = 0x3FFA_001F
	PidTagMessageCodepage         Tag = 0x3FFD_0003
	PidTagSenderSmtpAddress       Tag = 0x5D01_001F
	PidTagSentRepresentingSmtp    Tag = 0x5D02_001F
	PidTagRecipientTrackStatus    Tag = 0x5FFF_0003
	PidTagSourceKey               Tag = 0x65E0_0102
	PidTagParentSourceKey         Tag = 0x65E1_0102
	PidTagChangeKey               Tag = 0x65E2_0102
	PidTagPredecessorChangeList   Tag = 0x65E3_0102
	PidTagLocalCommitTime         Tag = 0x6709_0040
	PidTagLocalCommitTimeMax      Tag = 0x670A_0040
	PidTagDeletedCountTotal       Tag = 0x670B_0003
	PidTagFolderID                Tag = 0x6748_0014
	PidTagParentFolderID          Tag = 0x6749_0014
	PidTagMid                     Tag = 0x674A_0014
	PidTagChangeNumber            Tag = 0x67A4_0014
	PidTagAssociated              Tag = 0x67AA_000B
	PidTagRoamingDatatypes        Tag = 0x7C06_0003
	PidTagRoamingDictionary       Tag = 0x7C07_0102
	PidTagRoamingXMLStream        Tag = 0x7C08_0102
	PidTagAttachmentHidden        Tag = 0x7FFE_000B
)

// Further properties of contacts (MS-OXOCNTC 2.2.1).
const (
	PidTagCallbackTelephoneNumber     Tag = 0x3A02_001F
	PidTagInitials                    Tag = 0x3A0A_001F
	PidTagOfficeLocation              Tag = 0x3A19_001F
	PidTagPrimaryTelephoneNumber      Tag = 0x3A1A_001F
	PidTagBusiness2TelephoneNumber    Tag = 0x3A1B_001F
	PidTagRadioTelephoneNumber        Tag = 0x3A1D_001F
	PidTagCarTelephoneNumber          Tag = 0x3A1E_001F
	PidTagOtherTelephoneNumber        Tag = 0x3A1F_001F
	PidTagPagerTelephoneNumber        Tag = 0x3A21_001F
	PidTagPrimaryFaxNumber            Tag = 0x3A23_001F
	PidTagBusinessFaxNumber           Tag = 0x3A24_001F
	PidTagHomeFaxNumber               Tag = 0x3A25_001F
	PidTagTelexNumber                 Tag = 0x3A2C_001F
	PidTagISDNNumber                  Tag = 0x3A2D_001F
	PidTagAssistantTelephoneNumber    Tag = 0x3A2E_001F
	PidTagHome2TelephoneNumber        Tag = 0x3A2F_001F
	PidTagAssistant                   Tag = 0x3A30_001F
	PidTagWeddingAnniversary          Tag = 0x3A41_0040
	PidTagBirthday                    Tag = 0x3A42_0040
	PidTagMiddleName                  Tag = 0x3A44_001F
	PidTagDisplayNamePrefix           Tag = 0x3A45_001F
	PidTagProfession                  Tag = 0x3A46_001F
	PidTagSpouseName                  Tag = 0x3A48_001F
	PidTagTTYTDDPhoneNumber           Tag = 0x3A4B_001F // PidTagTelecommunicationsDeviceForDeafTelephoneNumber
	PidTagManagerName                 Tag = 0x3A4E_001F
	PidTagNickname                    Tag = 0x3A4F_001F
	PidTagBusinessHomePage            Tag = 0x3A51_001F
	PidTagCompanyMainTelephoneNumber  Tag = 0x3A57_001F
	PidTagChildrensNames              Tag = 0x3A58_101F
	PidTagHomeAddressCity             Tag = 0x3A59_001F
	PidTagHomeAddressCountry          Tag = 0x3A5A_001F
	PidTagHomeAddressPostalCode       Tag = 0x3A5B_001F
	PidTagHomeAddressStateOrProvince  Tag = 0x3A5C_001F
	PidTagHomeAddressStreet           Tag = 0x3A5D_001F
	PidTagOtherAddressCity            Tag = 0x3A5F_001F
	PidTagOtherAddressCountry         Tag = 0x3A60_001F
	PidTagOtherAddressPostalCode      Tag = 0x3A61_001F
	PidTagOtherAddressStateOrProvince Tag = 0x3A62_001F
	PidTagOtherAddressStreet          Tag = 0x3A63_001F
)

// Further properties of meetings, their attendees and the exceptions of a series (MS-OXOCAL 2.2.4.10, 2.2.10.1).
const (
	PidTagRecipientProposed          Tag = 0x5FE1_000B
	PidTagRecipientProposedStartTime Tag = 0x5FE3_0040
	PidTagRecipientProposedEndTime   Tag = 0x5FE4_0040
	PidTagRecipientTrackStatusTime   Tag = 0x5FFB_0040
	PidTagRecipientFlags             Tag = 0x5FFD_0003
	PidTagProcessed                  Tag = 0x7D01_000B
	PidTagExceptionReplaceTime       Tag = 0x7FF9_0040
	PidTagExceptionStartTime         Tag = 0x7FFB_0040
	PidTagExceptionEndTime           Tag = 0x7FFC_0040
	PidTagAttachmentFlags            Tag = 0x7FFD_0003
)

// Further properties of follow-up flags (MS-OXOFLAG 2.2.1), retention (MS-OXCMSG 2.2.1.58) and attachments (MS-OXCMSG 2.2.2).
const (
	PidTagToDoItemFlags          Tag = 0x0E2B_0003
	PidTagBlockStatus            Tag = 0x1096_0003
	PidTagArchiveTag             Tag = 0x3018_0102
	PidTagPolicyTag              Tag = 0x3019_0102
	PidTagRetentionDate          Tag = 0x301C_0040
	PidTagAttachLongPathname     Tag = 0x370D_001F
	PidTagAttachmentContactPhoto Tag = 0x7FFF_000B
)

// Further properties of mail that was delivered (MS-OXOMSG 2.2.1).
const (
	PidTagAutoForwarded      Tag = 0x0005_000B
	PidTagMessageRecipientMe Tag = 0x0059_000B
	// PidTagReceiptTime is when a message was read or deleted, PidTagReadReceiptSmtpAddress who wants to know.
	PidTagReceiptTime            Tag = 0x002A_0040
	PidTagReadReceiptSmtpAddress Tag = 0x5D05_001F
)

// PidTagRoamingBinary is the third kind of value of a configuration (MS-OXOCFG 2.2.2).
const PidTagRoamingBinary Tag = 0x7C09_0102

// Bits of PidTagRoamingDatatypes (MS-OXOCFG 2.2.2.1): which of its values a configuration has.
const (
	RoamingBinary     int32 = 0x0001
	RoamingXML        int32 = 0x0002
	RoamingDictionary int32 = 0x0004
)

// Bits of PidTagMessageFlags (MS-OXCMSG 2.2.1.6).
const (
	MsgFlagRead       int32 = 0x0001
	MsgFlagUnmodified int32 = 0x0002
	MsgFlagSubmitted  int32 = 0x0004
	MsgFlagUnsent     int32 = 0x0008
	MsgFlagHasAttach  int32 = 0x0010
	MsgFlagFromMe     int32 = 0x0020
	MsgFlagAssociated int32 = 0x0040
	MsgFlagResend     int32 = 0x0080
	// The sender is to be told when the message is read, and when it is deleted unread.
	MsgFlagNotifyRead   int32 = 0x0100
	MsgFlagNotifyUnread int32 = 0x0200
)

// Recipient types (MS-OXCMSG 2.2.3.1.2); the originator is 0.
const (
	RecipientTo  int32 = 1
	RecipientCc  int32 = 2
	RecipientBcc int32 = 3
)

// Attachment methods (MS-OXCMSG 2.2.2.9).
const (
	AttachByValue     int32 = 1
	AttachByReference int32 = 2
	AttachEmbedded    int32 = 5
	AttachOLE         int32 = 6
	AttachByWebRef    int32 = 7
)
