package cmdlet

import (
	"fmt"
	"strings"

	"hma/wire/psobject"
)

// unsupported are cmdlets of Exchange Server, and of the shells beside it, that an
// administrator may try here and that this organisation does not have.
var unsupported = strings.Fields(`
	Add-RecipientPermission
	Clear-MobileDevice Complete-MigrationBatch Connect-ExchangeOnline Connect-Mailbox
	Disable-App Disable-InboxRule Disable-MailUser Disable-TransportRule Disable-UMMailbox
	Dismount-Database Enable-App Enable-InboxRule Enable-MailUser
	Enable-OrganizationCustomization Enable-OutlookAnywhere Enable-TransportRule Export-ExchangeCertificate Export-TransportRuleCollection
	Get-ActiveSyncDevice Get-ActiveSyncDeviceAccessRule Get-ActiveSyncMailboxPolicy Get-ActiveSyncOrganizationSettings
	Get-ADServerSettings Get-AddressBookPolicy Get-AddressList Get-AdSite Get-AdminAuditLogConfig
	Get-App Get-AvailabilityAddressSpace Get-ClientAccessArray Get-ClientAccessRule Get-ClientAccessServer
	Get-Contact Get-DatabaseAvailabilityGroup Get-DynamicDistributionGroup
	Get-EmailAddressPolicy Get-ExchangeServerAccessLicense Get-FederatedOrganizationIdentifier Get-FederationTrust
	Get-GlobalAddressList Get-Group Get-HealthReport Get-ImapSettings Get-InboxRule
	Get-IntraOrganizationConfiguration Get-IRMConfiguration Get-JournalRule Get-LogonStatistics
	Get-MailboxDatabaseCopyStatus Get-MailboxExportRequest Get-MailboxFolderPermission
	Get-MailboxFolderStatistics Get-MailboxImportRequest Get-MailboxRegionalConfiguration
	Get-MailboxServer Get-MailContact Get-MailUser Get-ManagementRole
	Get-Message Get-MessageTrackingLog Get-MigrationBatch Get-MobileDevice
	Get-MobileDeviceMailboxPolicy Get-MobileDeviceStatistics Get-MoveRequest Get-NetworkConnectionInfo Get-OfflineAddressBook
	Get-OrganizationRelationship Get-OutlookAnywhere Get-OutlookProvider Get-OwaMailboxPolicy
	Get-PopSettings Get-PublicFolder Get-Queue Get-ReceiveConnector Get-RemoteDomain
	Get-RetentionPolicy Get-RoleAssignmentPolicy Get-SendConnector Get-ServerComponentState Get-ServerHealth
	Get-SharingPolicy Get-TransportConfig
	Get-TransportRule Get-TransportServer Get-TransportService Get-UMMailbox Import-ExchangeCertificate
	Install-TransportAgent Mount-Database Move-ActiveMailboxDatabase Move-DatabasePath New-ActiveSyncDeviceAccessRule
	New-AddressList New-ClientAccessRule
	New-EmailAddressPolicy New-InboxRule
	New-MailboxDatabase New-MailboxExportRequest New-MailboxImportRequest New-MailContact New-MailUser
	New-MigrationBatch New-MoveRequest New-OfflineAddressBook
	New-OrganizationRelationship
	New-ReceiveConnector New-RoleGroup New-SendConnector
	New-TransportRule
	Remove-ExchangeCertificate Remove-HybridConfiguration Remove-InboxRule
	Remove-Mailbox Remove-MobileDevice Remove-MoveRequest
	Remove-PartnerApplication
	Remove-TransportRule Resume-MoveRequest Search-Mailbox
	Search-MailboxAuditLog Set-AcceptedDomain Set-ActiveSyncOrganizationSettings Set-ADServerSettings
	Set-ClientAccessArray Set-ClientAccessServer Set-EmailAddressPolicy
	Set-ExchangeServer Set-FederationTrust Set-ImapSettings Set-InboxRule
	Set-MailboxAutoReplyConfiguration Set-MailboxFolderPermission
	Set-MailboxRegionalConfiguration Set-MailUser Set-OfflineAddressBook Set-OrganizationRelationship Set-OutlookAnywhere
	Set-OutlookProvider Set-OwaMailboxPolicy Set-PopSettings Set-PowerShellVirtualDirectory
	Set-ReceiveConnector Set-RemoteMailbox Set-SendConnector Set-ServerComponentState
	Set-TransportConfig Set-TransportRule Set-TransportService Start-ManagedFolderAssistant
	Suspend-MoveRequest Test-ActiveSyncConnectivity Test-EcpConnectivity Test-MAPIConnectivity Test-Mailflow
	Test-MigrationServerAvailability Test-OutlookConnectivity Test-OutlookWebServices
	Test-OwaConnectivity Test-ReplicationHealth Test-WebServicesConnectivity Update-AddressList
	Update-EmailAddressPolicy Update-GlobalAddressList Update-HybridConfiguration Update-OfflineAddressBook Update-Recipient
`)

// unknown is the answer to a name that is no cmdlet here.
func unknown(name string) *psobject.ErrorRecord {
	for _, n := range unsupported {
		if strings.EqualFold(n, name) {
			return &psobject.ErrorRecord{Message: fmt.Sprintf("The cmdlet '%s' is not supported by this organisation.", n),
				Category: "NotImplemented", Reason: "NotSupportedException", Target: n, Cmdlet: n}
		}
	}
	if len(name) > 100 {
		name = strings.ToValidUTF8(name[:100], "")
	}
	return &psobject.ErrorRecord{Message: fmt.Sprintf("The term '%s' is not recognized as the name of a cmdlet.", name),
		Category: "ObjectNotFound", Reason: "CommandNotFoundException", Target: name, Cmdlet: name}
}
