Get-AuthServer nosuch
---
$Error.Count
$Error[0].CategoryInfo.Category
$Error[0]
---
Get-AuthServer nosuch -ErrorAction SilentlyContinue; 'goes on'
---
Get-AuthServer nosuch -ErrorAction Continue; 'goes on'
---
Get-AuthServer nosuch -ErrorAction Stop; 'is not reached'
---
Get-AuthServer nosuch -ea Ignore -ev mine; $mine.Count
---
$ErrorActionPreference = 'Continue'
Get-AuthServer nosuch
'goes on'
---
$ErrorActionPreference = 'Stop'
---
Get-AuthServer -WhatIf
---
Get-AuthServer -Nope 1
---
Get-Nonsense | fl
---
Get-OwaVirtualDirectory |
  where { $_.Server -eq } | fl
---
Set-AuthServer EX1 -DomainName @{Plus='contoso.com'}
---
Set-AuthServer EX1 -DomainName @{add='a.contoso.com','b.contoso.com'; Remove='contoso.com'} -WhatIf
---
$x.Nope = 1
---
1, 2 | foreach { $_ / 0 }
---
Get-OwaVirtualDirectory -Server <hostname>
---
Get-OwaVirtualDirectory | fl | Set-OwaVirtualDirectory -BasicAuthentication $false
---
Get-OwaVirtualDirectory | Set-OwaVirtualDirectory -BasicAuthentication $false -WarningAction SilentlyContinue
---
Get-OwaVirtualDirectory | Set-OwaVirtualDirectory -BasicAuthentication $false -Verbose
