Get-MgServicePrincipal -Filter "AppId eq '00000002-0000-0ff1-ce00-000000000000'" | select -ExpandProperty ServicePrincipalNames
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
Get-MsolServicePrincipal -AppPrincipalId 00000002-0000-0ff1-ce00-000000000000 | select -ExpandProperty ServicePrincipalNames | select -Last 3
---
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
$servicePrincipal
$servicePrincipal | fl *url*
---
Get-MgContext
---
Get-MgUser
---
Connect-MgGraph -TenantId fabrikam.onmicrosoft.com -Scopes User.Read.All, Organization.Read.All, Domain.Read.All -NoWelcome
---
Get-MgUser; Get-MgOrganization; Get-MgDomain
---
$x = Get-MgServicePrincipal -All
---
Disconnect-MgGraph
---
Get-MgUser
---
Get-Command *-Mg*
