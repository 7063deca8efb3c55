Get-OwaVirtualDirectory
---
Get-OwaVirtualDirectory | fl
---
Get-OwaVirtualDirectory | select Name, Server, @{n='Basic';e={$_.BasicAuthentication}}
---
Get-OwaVirtualDirectory | select -First 1 | select *auth*
---
Get-OwaVirtualDirectory | sort Server -Descending | ft Server, *auth* -AutoSize
---
Get-OwaVirtualDirectory | group Name | fl Count, Name
---
Get-AuthServer | where Enabled | % Name
---
Get-AuthServer | where Name -notlike 'Evo*' | fl Name, Enabled, DomainName
---
foreach ($v in Get-OwaVirtualDirectory) { "$($v.Server): $($v.ExternalUrl)" }
---
(Get-OwaVirtualDirectory).Server
---
(Get-OwaVirtualDirectory)[-1].Server
---
Get-OwaVirtualDirectory | gm -Name *url, n*
---
$before = Get-OwaVirtualDirectory
$after = Get-OwaVirtualDirectory
$after[1].BasicAuthentication = $false
compare $before $after -Property Server, BasicAuthentication
---
Get-OwaVirtualDirectory | select Server, ExternalUrl | ConvertTo-Json
---
Get-OwaVirtualDirectory | fl Server, *url* > owa.txt
Get-Content owa.txt | Select-String ex2
---
Get-OwaVirtualDirectory | Export-Csv owa.csv -NoTypeInformation
gc owa.csv
---
Get-OwaVirtualDirectory -Server EX1 | Tee-Object owa.txt | select -exp Server
gc owa.txt
---
Get-OwaVirtualDirectory | % Server | Out-File list.txt
'EX3' >> list.txt
(gc list.txt -Tail 2) -join '+'
sls EX1 list.txt
---
Get-Command *-OwaVirtualDirectory
---
Get-Command -Verb Out
---
Get-Help Set-OwaVirtualDirectory
---
Get-ExchangeServer -?
---
if ((Get-OwaVirtualDirectory | where { $_.BasicAuthentication }).Count -eq 2) { 'both' } else { 'not both' }
---
Get-OwaVirtualDirectory | measure
---
Get-MapiVirtualDirectory | select -exp IISAuthenticationMethods | sort
---
@{Server='EX1'; Ready=$true}
---
$FormatEnumerationLimit = 2
Get-MapiVirtualDirectory | fl IIS*
