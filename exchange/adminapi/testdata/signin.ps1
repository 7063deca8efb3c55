Get-OwaVirtualDirectory -Server EX1 | Set-OwaVirtualDirectory -AdfsAuthentication $false –BasicAuthentication $false –FormsAuthentication $false –DigestAuthentication $false
Get-EcpVirtualDirectory -Server EX1 | Set-EcpVirtualDirectory -AdfsAuthentication $false –BasicAuthentication $false –FormsAuthentication $false –DigestAuthentication $false
Get-EcpVirtualDirectory -Server EX1 | Set-EcpVirtualDirectory -OAuthAuthentication $true
Get-OwaVirtualDirectory -Server EX1 | Set-OwaVirtualDirectory -OAuthAuthentication $true
Restart-Service -Name W3SVC, WAS -Force
Get-OwaVirtualDirectory | fl Server,*auth*
Get-OwaVirtualDirectory
