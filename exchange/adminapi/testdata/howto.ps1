Get-MapiVirtualDirectory -ADPropertiesOnly | fl server,*url*
Get-WebServicesVirtualDirectory -ADPropertiesOnly | fl server,*url*
Get-ClientAccessService | fl Name, AutodiscoverServiceInternalUri
Get-OABVirtualDirectory -ADPropertiesOnly | fl server,*url*
Get-AutodiscoverVirtualDirectory -ADPropertiesOnly | fl server,*url*
Get-ActiveSyncVirtualDirectory -ADPropertiesOnly | fl server,*url*
Get-MapiVirtualDirectory | fl server,*url*,*auth*
Get-WebServicesVirtualDirectory | fl server,*url*,*oauth*
Get-OABVirtualDirectory | fl server,*url*,*oauth*
Get-AutoDiscoverVirtualDirectory | fl server,*oauth*
Get-ActiveSyncVirtualDirectory | fl server,*url*,*auth*
Get-AuthServer | ft name,enabled
Set-AuthServer -Identity "EvoSTS - 11111111-2222-3333-4444-555555555555" -IsDefaultAuthorizationEndpoint $true
Set-AuthServer -Identity "EvoSTS - 11111111-2222-3333-4444-555555555555" -DomainName "contoso.onmicrosoft.com" -IsDefaultAuthorizationEndpoint $true
Set-OrganizationConfig -OAuth2ClientProfileEnabled $true
Set-OrganizationConfig -OAuth2ClientProfileEnabled:$true
Get-OrganizationConfig | ft OAuth*
Get-AuthServer | fl Name,*Endpoint*,DomainName
Get-OwaVirtualDirectory -ADPropertiesOnly | fl name, *url*
Get-EcpVirtualDirectory -ADPropertiesOnly | fl name, *url*
