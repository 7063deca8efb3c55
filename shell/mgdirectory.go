package shell

import "hma/wire/psobject"

var (
	mgUser = entityKind{"User", []string{"AccountEnabled", "CreatedDateTime", "DisplayName", "GivenName", "Id", "Mail", "MailNickname", "OnPremisesDistinguishedName", "OnPremisesDomainName",
		"OnPremisesImmutableId", "OnPremisesLastSyncDateTime", "OnPremisesSamAccountName", "OnPremisesSecurityIdentifier", "OnPremisesSyncEnabled", "OnPremisesUserPrincipalName", "ProxyAddresses",
		"Surname", "UserPrincipalName", "UserType"}}
	mgOrganization = entityKind{"Organization", []string{"CountryLetterCode", "CreatedDateTime", "DisplayName", "Id", "OnPremisesLastSyncDateTime", "OnPremisesSyncEnabled", "TenantType", "VerifiedDomains"}}
	mgDomain       = entityKind{"Domain", []string{"AuthenticationType", "AvailabilityStatus", "Id", "IsAdminManaged", "IsDefault", "IsInitial", "IsRoot", "IsVerified",
		"PasswordNotificationWindowInDays", "PasswordValidityPeriodInDays", "SupportedServices"}}
)

func getMgUser() *cmdlet {
	return once(psobject.Command{Name: "Get-MgUser", Synopsis: "Reads people of the tenant.", Asks: "how-to: ensure that all user identities are synchronized",
		Params: queryParameters("UserId")}, func(c *call) error { return c.entities(&mgUser, "/users", "UserId") })
}

func getMgOrganization() *cmdlet {
	return once(psobject.Command{Name: "Get-MgOrganization", Synopsis: "Reads the tenant.", Asks: "how-to: the tenant domain of Set-AuthServer -DomainName",
		Params: queryParameters("OrganizationId")}, func(c *call) error { return c.entities(&mgOrganization, "/organization", "OrganizationId") })
}

func getMgDomain() *cmdlet {
	return once(psobject.Command{Name: "Get-MgDomain", Synopsis: "Reads the domains of the tenant.", Asks: "how-to: the tenant domain of Set-AuthServer -DomainName",
		Params: queryParameters("DomainId")}, func(c *call) error { return c.entities(&mgDomain, "/domains", "DomainId") })
}
