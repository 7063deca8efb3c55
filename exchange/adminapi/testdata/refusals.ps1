Get-EcpVirtualDirectory -Server EX1 | Set-EcpVirtualDirectory -BasicAuthentication $false -FormsAuthentication $false
Get-OwaVirtualDirectory -Server EX1 | Set-OwaVirtualDirectory -OAuthAuthentication $true
Set-MapiVirtualDirectory "EX1\mapi (Default Web Site)" -IISAuthenticationMethods OAuth
Get-MailboxServer
Get-Nonsense
Get-AuthServer | where {$_.Name -like "EvoSts*"} | ft name,enabled
$x = Get-AuthServer
Get-AuthServer -Nope x
Set-AuthServer -I x -En
