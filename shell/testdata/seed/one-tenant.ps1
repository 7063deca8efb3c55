# Add on-premises web service URLs as SPNs, step 1. Read against hma.md 3.9, rows 1 to 5; property order 3.4.
Get-MapiVirtualDirectory -ADPropertiesOnly | fl server,*url*
Get-WebServicesVirtualDirectory -ADPropertiesOnly | fl server,*url*
Get-ClientAccessService | fl Name, AutodiscoverServiceInternalUri
Get-OABVirtualDirectory -ADPropertiesOnly | fl server,*url*
Get-AutodiscoverVirtualDirectory -ADPropertiesOnly | fl server,*url*
Get-ActiveSyncVirtualDirectory -ADPropertiesOnly | fl server,*url*
---
# Step 2.
Install-Module Microsoft.Graph -Scope AllUsers
---
# Step 3.
Connect-MgGraph -Scopes Application.Read.All, Application.ReadWrite.All
---
# Step 4. Read against hma.md 3.8, the Entra side.
Get-MgServicePrincipal -Filter "AppId eq '00000002-0000-0ff1-ce00-000000000000'" | select -ExpandProperty ServicePrincipalNames
---
# Step 5. As written it would replace the list; it adds.
$x = Get-MgServicePrincipal -Filter "AppId eq '00000002-0000-0ff1-ce00-000000000000'"
$ServicePrincipalUpdate = @(
"https://mail.contoso.com/","https://autodiscover.contoso.com/"
)
Update-MgServicePrincipal -ServicePrincipalId $x.Id -ServicePrincipalNames $ServicePrincipalUpdate
---
# Step 6. The retired name that the how-to still mentions.
(Get-MsolServicePrincipal -AppPrincipalId 00000002-0000-0ff1-ce00-000000000000).ServicePrincipalNames -like "https://*.contoso.com/"
---
# Verify virtual directories are properly configured. Read against hma.md 3.9, rows 6 to 10.
Get-MapiVirtualDirectory | fl server,*url*,*auth*
Get-WebServicesVirtualDirectory | fl server,*url*,*oauth*
Get-OABVirtualDirectory | fl server,*url*,*oauth*
Get-AutoDiscoverVirtualDirectory | fl server,*oauth*
Get-ActiveSyncVirtualDirectory | fl server,*url*,*auth*
---
# The how-to's own sample, byte for byte.
Get-MapiVirtualDirectory | fl server,*url*,*auth*
---
# Confirm the EvoSTS Auth Server Object is Present. Read against hma.md 3.1 and 3.9, row 11.
Get-AuthServer | where {$_.Name -like "EvoSts*"} | ft name,enabled
---
# Enable HMA, pasted with its placeholder: the values that fit are named.
Set-AuthServer -Identity "EvoSTS - <GUID>" -IsDefaultAuthorizationEndpoint $true
Set-OrganizationConfig -OAuth2ClientProfileEnabled $true
---
# Enable HMA. Silent on success: hma.md 3.9, rows 12 and 13.
Set-AuthServer -Identity "EvoSTS - aaaaaaaa-0000-0000-0000-000000000001" -IsDefaultAuthorizationEndpoint $true
Set-OrganizationConfig -OAuth2ClientProfileEnabled $true
---
# The other placeholder of this step.
Set-AuthServer -Identity "EvoSTS" -DomainName "Tenant Domain" -IsDefaultAuthorizationEndpoint $true
---
# Enable HMA, as of the wizard of September 2020. What is set already is a warning: hma.md 3.9, row 13.
Set-AuthServer -Identity "EvoSTS - aaaaaaaa-0000-0000-0000-000000000001" -DomainName "contoso.onmicrosoft.com" -IsDefaultAuthorizationEndpoint $true
Set-OrganizationConfig -OAuth2ClientProfileEnabled $true
---
# Get-OrganizationConfig is the documented check: hma.md 3.3.
Get-OrganizationConfig | ft OAuth*
Get-AuthServer | where {$_.Name -like "EvoSts*"} | fl Name,DomainName,IsDefaultAuthorizationEndpoint
---
# Steps to enable Hybrid Modern Authentication for OWA and ECP, step 1. Read against hma.md 3.9, rows 16 and 17.
Get-OwaVirtualDirectory -ADPropertiesOnly | fl name, *url*
Get-EcpVirtualDirectory -ADPropertiesOnly | fl name, *url*
---
# Steps 2 to 6.
Install-Module Microsoft.Graph -Scope AllUsers
---
Connect-Graph -Scopes User.Read, Application.ReadWrite.All
---
# Step 4, pasted with its placeholder.
$replyUrlsToBeAdded = @(
"https://YourDomain.contoso.com/owa","https://YourDomain.contoso.com/ecp"
)
---
$replyUrlsToBeAdded = @(
"https://mail.contoso.com/owa","https://mail.contoso.com/ecp"
)
---
$servicePrincipal = Get-MgServicePrincipal -Filter "AppId eq '00000002-0000-0ff1-ce00-000000000000'"
$servicePrincipal.ReplyUrls += $replyUrlsToBeAdded
Update-MgServicePrincipal -ServicePrincipalId $servicePrincipal.Id -AppId "00000002-0000-0ff1-ce00-000000000000" -ReplyUrls $servicePrincipal.ReplyUrls
---
(Get-MgServicePrincipal -Filter "AppId eq '00000002-0000-0ff1-ce00-000000000000'").ReplyUrls
---
# Step 8, optional: it changes nothing where there are no download domains. Read against hma.md 3.6 and 3.9, rows 14 and 15.
New-SettingOverride -Name "OWA HMA Download Domain Support" -Component "OAuth" -Section "OAuthIdentityCacheFixForDownloadDomains" -Parameters ("Enabled=true") -Reason "Enable support for OWA HMA when Download Domains are in use"
Get-ExchangeDiagnosticInfo -Process Microsoft.Exchange.Directory.TopologyService -Component VariantConfiguration -Argument Refresh
Restart-Service -Name W3SVC, WAS -Force
---
# Step 9, optional: it changes nothing where no mailbox is linked. On each server these lines go into <appSettings> of <ExchangeInstallPath>\ClientAccess\Owa\web.config.
#notepad
<add key="OAuthHttpModule.ConvertToSidBasedIdentity" value="true"/>
<add key="OAuthHttpModule.UseMasterAccountSid" value="true"/>
---
New-SettingOverride -Name "OWA HMA AFRF Support" -Component "OAuth" -Section "OwaHMAFixForAfRfScenarios" -Parameters ("Enabled=true") -Reason "Enable support for OWA HMA in AFRF scenarios"
Get-ExchangeDiagnosticInfo -Process Microsoft.Exchange.Directory.TopologyService -Component VariantConfiguration -Argument Refresh
Restart-Service -Name W3SVC, WAS -Force
---
# A wrong order that the how-to warns of: OAuth while another method is on.
Get-EcpVirtualDirectory -Server EX1 | Set-EcpVirtualDirectory -OAuthAuthentication $true
---
# Step 10, pasted with its placeholder.
Get-OwaVirtualDirectory -Server <computername> | Set-OwaVirtualDirectory -AdfsAuthentication $false –BasicAuthentication $false –FormsAuthentication $false –DigestAuthentication $false
---
# Step 10. Read against hma.md 3.4, setter rules, and 5.3.
Get-OwaVirtualDirectory -Server EX1 | Set-OwaVirtualDirectory -AdfsAuthentication $false –BasicAuthentication $false –FormsAuthentication $false –DigestAuthentication $false
Get-EcpVirtualDirectory -Server EX1 | Set-EcpVirtualDirectory -AdfsAuthentication $false –BasicAuthentication $false –FormsAuthentication $false –DigestAuthentication $false
---
# The other wrong order: OAuth on OWA before ECP has it.
Get-OwaVirtualDirectory -Server EX1 | Set-OwaVirtualDirectory -OAuthAuthentication $true
---
# Step 11.
Get-EcpVirtualDirectory -Server EX1 | Set-EcpVirtualDirectory -OAuthAuthentication $true
Get-OwaVirtualDirectory -Server EX1 | Set-OwaVirtualDirectory -OAuthAuthentication $true
