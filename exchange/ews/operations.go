package ews

// operation is one operation of the service.
type operation struct {
	name    string
	serve   func(c *call) error // nil: not offered
	since   schema              // the first that has it
	content int64               // how many bytes a request that carries mail may have, 0 where none does
	waits   bool                // it is meant to take long
	list    string              // the element of its requests that lists objects, "" for one object
	payload string              // the element that its response messages always have, "" for none
	// failed writes the answer to a request that fails as a whole, where that is no
	// list of response messages (alone.go); nil where it is.
	failed func(c *call, err error) error
}

// operations is every operation of MS-OXWSDL by the name of its request element.
// Those without a function are answered with ErrorInvalidOperation, like a name
// that is not here: clients take that as "not offered" and ask once only.
var operations = make(map[string]*operation)

func init() {
	for _, op := range []operation{
		{name: "AddDelegate", serve: addDelegate, failed: failedAlone},
		{name: "ApplyConversationAction", since: exchange2010SP1, serve: applyConversationAction, list: "ConversationActions"},
		{name: "ArchiveItem", since: exchange2013, serve: archiveItem, list: "ItemIds", payload: "m:Items"},
		{name: "ConvertId", serve: convertID, list: "SourceIds"},
		{name: "CopyFolder", serve: copyFolder, list: "FolderIds", payload: "m:Folders"},
		{name: "CopyItem", serve: copyItem, list: "ItemIds", payload: "m:Items"},
		{name: "CreateAttachment", serve: createAttachment, list: "Attachments", content: maxMail, payload: "m:Attachments"},
		{name: "CreateFolder", serve: createFolder, list: "Folders", payload: "m:Folders"},
		{name: "CreateItem", serve: createItem, list: "Items", content: maxMail, payload: "m:Items"},
		{name: "CreateUserConfiguration", since: exchange2010, serve: createUserConfiguration},
		{name: "DeleteAttachment", serve: deleteAttachment, list: "AttachmentIds"},
		{name: "DeleteFolder", serve: deleteFolder, list: "FolderIds"},
		{name: "DeleteItem", serve: deleteItem, list: "ItemIds"},
		{name: "DeleteUserConfiguration", since: exchange2010, serve: deleteUserConfiguration},
		{name: "EmptyFolder", since: exchange2010SP1, serve: emptyFolder, list: "FolderIds"},
		{name: "ExpandDL", serve: expandDL},
		{name: "ExportItems", since: exchange2010SP1, serve: exportItems, list: "ItemIds"},
		{name: "FindConversation", since: exchange2010SP1, serve: findConversation},
		{name: "FindFolder", serve: findFolder, list: "ParentFolderIds"},
		{name: "FindItem", serve: findItem, list: "ParentFolderIds"},
		{name: "FindPeople", since: exchange2013, serve: findPeople, failed: failedAlone},
		{name: "GetAttachment", serve: getAttachment, list: "AttachmentIds", payload: "m:Attachments"},
		{name: "GetConversationItems", since: exchange2013, serve: getConversationItems, list: "Conversations"},
		{name: "GetDelegate", serve: getDelegate, failed: failedAlone},
		{name: "GetEvents", serve: getEvents},
		{name: "GetFolder", serve: getFolder, list: "FolderIds", payload: "m:Folders"},
		{name: "GetInboxRules", since: exchange2010SP1, serve: getInboxRules, failed: failedAlone},
		{name: "GetItem", serve: getItem, list: "ItemIds", payload: "m:Items"},
		{name: "GetPersona", since: exchange2013, serve: getPersona, failed: failedAlone},
		{name: "GetRoomLists", since: exchange2010, serve: getRoomLists, failed: failedAlone},
		{name: "GetRooms", since: exchange2010, serve: getRooms, failed: failedAlone},
		{name: "GetSearchableMailboxes", since: exchange2013, serve: getSearchableMailboxes, failed: failedAlone},
		{name: "GetServerTimeZones", since: exchange2010, serve: getServerTimeZones, payload: "m:TimeZoneDefinitions"},
		{name: "GetMailTips", since: exchange2010, serve: getMailTips, failed: failedAlone},
		{name: "GetPasswordExpirationDate", since: exchange2010SP1, serve: getPasswordExpirationDate, failed: failedAlone},
		{name: "GetServiceConfiguration", since: exchange2010, serve: getServiceConfiguration, failed: failedAlone},
		{name: "GetStreamingEvents", since: exchange2010SP1, serve: getStreamingEvents, waits: true},
		{name: "GetUserConfiguration", since: exchange2010, serve: getUserConfiguration},
		{name: "GetUserPhoto", since: exchange2013, serve: getUserPhoto, failed: failedAlone},
		{name: "GetUserOofSettingsRequest", serve: getUserOofSettings, failed: failedOof},
		{name: "GetUserAvailabilityRequest", serve: getUserAvailability},
		{name: "MarkAllItemsAsRead", since: exchange2013, serve: markAllItemsAsRead, list: "FolderIds"},
		{name: "MarkAsJunk", since: exchange2013, serve: markAsJunk, list: "ItemIds"},
		{name: "MoveFolder", serve: moveFolder, list: "FolderIds", payload: "m:Folders"},
		{name: "MoveItem", serve: moveItem, list: "ItemIds", payload: "m:Items"},
		{name: "RemoveDelegate", serve: removeDelegate, failed: failedAlone},
		{name: "ResolveNames", serve: resolveNames},
		{name: "SendItem", serve: sendItem, list: "ItemIds"},
		{name: "SetUserOofSettingsRequest", serve: setUserOofSettings, failed: failedOof},
		{name: "Subscribe", serve: subscribe},
		{name: "SyncFolderHierarchy", serve: syncFolderHierarchy},
		{name: "SyncFolderItems", serve: syncFolderItems},
		{name: "Unsubscribe", serve: unsubscribe},
		{name: "UploadItems", since: exchange2010SP1, serve: uploadItems, list: "Items", content: maxUpload},
		{name: "UpdateDelegate", serve: updateDelegate, failed: failedAlone},
		{name: "UpdateFolder", serve: updateFolder, list: "FolderChanges", payload: "m:Folders"},
		{name: "UpdateInboxRules", since: exchange2010SP1, serve: updateInboxRules, failed: failedAlone},
		{name: "UpdateItem", serve: updateItem, list: "ItemChanges", content: maxMail, payload: "m:Items"},
		{name: "UpdateUserConfiguration", since: exchange2010, serve: updateUserConfiguration},
	} {
		operations[op.name] = &op
	}
	for _, name := range []string{
		"AddDistributionGroupToImList", "AddImContactToGroup", "AddImGroup", "AddNewImContactToGroup",
		"AddNewTelUriContactToGroup", "CreateFolderPath", "CreateManagedFolder",
		"DisableApp", "DisconnectPhoneCall",
		"FindMessageTrackingReport", "GetAppManifests", "GetAppMarketplaceUrl", "GetClientAccessToken",
		"GetDiscoverySearchConfiguration", "GetHoldOnMailboxes", "GetImItemList",
		"GetImItems", "GetMessageTrackingReport", "GetNonIndexableItemDetails",
		"GetNonIndexableItemStatistics", "GetPhoneCallInformation", "GetReminders",
		"GetSharingFolder",
		"GetSharingMetadata",
		"GetUserRetentionPolicyTags", "InstallApp", "PerformReminderAction", "PlayOnPhone", "RefreshSharingFolder",
		"RemoveContactFromImList", "RemoveDistributionGroupFromImList", "RemoveImContactFromGroup", "RemoveImGroup",
		"SearchMailboxes", "SetHoldOnMailboxes", "SetImGroup", "UninstallApp",
	} {
		operations[name] = &operation{name: name}
	}
}
