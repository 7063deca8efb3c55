Get-MapiVirtualDirectory | fl server,*url*,*auth*
---
Install-Module Microsoft.Graph -Scope AllUsers
---
Connect-MgGraph -Scopes Application.Read.All, Application.ReadWrite.All
---
Get-MgServicePrincipal -Filter "AppId eq '00000002-0000-0ff1-ce00-000000000000'" | select -ExpandProperty ServicePrincipalNames
---
$x = Get-MgServicePrincipal -Filter "AppId eq '00000002-0000-0ff1-ce00-000000000000'"
$ServicePrincipalUpdate = @(
"https://mail.corp.contoso.com/","https://owa.contoso.com/"
)
Update-MgServicePrincipal -ServicePrincipalId $x.Id -ServicePrincipalNames $ServicePrincipalUpdate
---
Get-AuthServer | where {$_.Name -like "EvoSts*"} | ft name,enabled
---
Set-AuthServer -Identity "EvoSTS - <GUID>" -IsDefaultAuthorizationEndpoint $true
---
Set-AuthServer -Identity "EvoSTS - {GUID}" -DomainName "Tenant Domain" -IsDefaultAuthorizationEndpoint $true
---
Set-AuthServer -Identity "EvoSTS - 1" -DomainName "Tenant Domain" -IsDefaultAuthorizationEndpoint $true
---
Set-AuthServer -Identity {GUID} -IsDefaultAuthorizationEndpoint $true
---
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
New-SettingOverride -Name "OWA HMA Download Domain Support" -Parameters ("Enabled=true")
---
Get-OwaVirtualDirectory -Server <computername> | Set-OwaVirtualDirectory -AdfsAuthentication $false –BasicAuthentication $false –FormsAuthentication $false –DigestAuthentication $false
---
Get-OwaVirtualDirectory -Server EX2 | Set-OwaVirtualDirectory -AdfsAuthentication $false –BasicAuthentication $false –FormsAuthentication $false –DigestAuthentication $false
