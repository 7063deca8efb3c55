# Configure OAuth authentication between Exchange and Exchange Online organizations, by hand. Step 1: the AuthServer objects. Read against hma.md 3.1 and 4.
New-AuthServer -Name "WindowsAzureACS" -AuthMetadataUrl "https://localhost:12345/contoso.onmicrosoft.com/metadata/json/1" | fl Name,Type,Realm,IssuerIdentifier,TokenIssuingEndpoint
New-AuthServer -Name "evoSTS" -Type AzureAD -AuthMetadataUrl "https://localhost:12345/contoso.onmicrosoft.com/federationmetadata/2007-06/federationmetadata.xml" | fl Name,Type,Realm,AuthorizationEndpoint
---
# Step 2: the partner application.
Get-PartnerApplication | ?{$_.ApplicationIdentifier -eq "00000002-0000-0ff1-ce00-000000000000" -and $_.Realm -eq ""} | Set-PartnerApplication -Enabled $true
---
# Steps 3 and 4: the OAuth certificate goes to the cloud.
Connect-MgGraph -Scopes Application.ReadWrite.All -NoWelcome
$key = (Get-ExchangeCertificate -Thumbprint (Get-AuthConfig).CurrentCertificateThumbprint).RawData
$sp = Get-MgServicePrincipal -Filter "AppId eq '00000002-0000-0ff1-ce00-000000000000'"
Invoke-MgGraphRequest -Method PATCH -Uri "v1.0/servicePrincipals/$($sp.Id)" -Body "{""keyCredentials"":[{""type"":""AsymmetricX509Cert"",""usage"":""Verify"",""key"":""$key""}]}"
---
# Step 6: the connector. Read against hma.md 3.8.
New-IntraOrganizationConnector -Name ExchangeHybridOnPremisesToOnline -DiscoveryEndpoint https://localhost:12345/autodiscover/autodiscover.svc -TargetAddressDomains contoso.mail.onmicrosoft.com | fl Name,TargetAddressDomains,DiscoveryEndpoint,Enabled
---
# Does it work? Read against hma.md 3.8, Test-OAuthConnectivity.
Test-OAuthConnectivity -Service EWS -TargetUri https://localhost:12345/ -Mailbox alice@contoso.com | fl Task,ResultType
---
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
# Enable HMA; the object has no GUID in its name here. Silent on success: hma.md 3.9, rows 12 and 13.
Set-AuthServer -Identity "EvoSTS" -IsDefaultAuthorizationEndpoint $true
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
# Step 10. Read against hma.md 3.4, setter rules, and 5.3.
Get-OwaVirtualDirectory -Server EX1 | Set-OwaVirtualDirectory -AdfsAuthentication $false –BasicAuthentication $false –FormsAuthentication $false –DigestAuthentication $false
Get-EcpVirtualDirectory -Server EX1 | Set-EcpVirtualDirectory -AdfsAuthentication $false –BasicAuthentication $false –FormsAuthentication $false –DigestAuthentication $false
---
# Step 11.
Get-EcpVirtualDirectory -Server EX1 | Set-EcpVirtualDirectory -OAuthAuthentication $true
Get-OwaVirtualDirectory -Server EX1 | Set-OwaVirtualDirectory -OAuthAuthentication $true
