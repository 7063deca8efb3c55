# apply.ps1: Turns Hybrid Modern Authentication on.
#
# Organisation: contoso.com
# Plan:         20240423-101500-abcd of 2024-04-23T10:15:00Z
# Made from:    configuration 6d1f
#
# It changes, in this order:
#    1. service principal: servicePrincipalNames
#    2. EX1\EWS (Default Web Site): OAuthAuthentication
#    3. EX1\mapi (Default Web Site): IISAuthenticationMethods
#    4. AuthServer O'Neill $(exit): DomainName, IsDefaultAuthorizationEndpoint
#    5. organisation: OAuth2ClientProfileEnabled
#    6. service principal: replyUrls
#    7. EX1\owa (Default Web Site): BasicAuthentication, FormsAuthentication
#    8. authentication policy HMA pilot: a new one that blocks legacy authentication of Imap
#    9. ada@contoso.com: AuthenticationPolicy
#
# Who loses access:
#   root@contoso.com (administrator): OWA, ECP. not synchronised
# OWA and ECP will take the cloud's sign-in alone. See one administrator sign in at the cloud before.
#
# Run it in the Exchange Management Shell of one server, with the module Microsoft.Graph.Applications,
# in a folder that is kept: Set-Location there, then this script.
# It may be run again: what is done already is left as it is.
# A step that finds a value which the plan does not know changes nothing and ends the script with 1.

$ErrorActionPreference = 'Stop'

# Step 1 of 9: service principal
# Why: a reason. Affects: somebody.
Connect-MgGraph -Scopes 'Application.Read.All', 'Application.ReadWrite.All' -TenantId 'contoso.com' -NoWelcome
$principal = Get-MgServicePrincipal -Filter "AppId eq '00000002-0000-0ff1-ce00-000000000000'"
if ($principal.Id -ne '77') {
    'Step 1, service principal: stopped, this is another tenant than the plan was made for'
    exit 1
}
$list = @($principal.ServicePrincipalNames)
$missing = @()
if ($list -notcontains 'https://mail.contoso.com/' -and $list -notcontains 'https://mail.contoso.com') { $missing += 'https://mail.contoso.com/' }
if ($missing.Count -eq 0) {
    'Step 1, service principal: is as wanted already'
} else {
    $missing | Out-File -FilePath 'hma-20240423-101500-abcd-step-01.txt' -Append -Encoding UTF8
    Update-MgServicePrincipal -ServicePrincipalId $principal.Id -ServicePrincipalNames ($list + $missing) -ErrorAction Stop
    'Step 1, service principal: done'
}

# Step 2 of 9: EX1\EWS (Default Web Site)
# Why: a reason. Affects: somebody.
$found = Get-WebServicesVirtualDirectory -Identity 'EX1\EWS (Default Web Site)'
if (@($found).Count -ne 1) {
    'Step 2, EX1\EWS (Default Web Site): stopped, there is not one object of that name'
    exit 1
}
# The server runs this already; its copy in Active Directory does not have it and is written again.
if (($found.OAuthAuthentication -eq $true)) {
    $found | Select-Object -Property 'Identity', 'OAuthAuthentication' | Export-Clixml -Path 'hma-20240423-101500-abcd-step-02.xml'
    Set-WebServicesVirtualDirectory -Identity 'EX1\EWS (Default Web Site)' -OAuthAuthentication $true -ErrorAction Stop
    'Step 2, EX1\EWS (Default Web Site): done'
} else {
    'Step 2, EX1\EWS (Default Web Site): stopped, somebody has changed it since the plan was made'
    exit 1
}

# Step 3 of 9: EX1\mapi (Default Web Site)
# Why: a reason. Affects: somebody.
$found = Get-MapiVirtualDirectory -Identity 'EX1\mapi (Default Web Site)'
if (@($found).Count -ne 1) {
    'Step 3, EX1\mapi (Default Web Site): stopped, there is not one object of that name'
    exit 1
}
if ((((@($found.IISAuthenticationMethods) | ForEach-Object { "$_" } | Sort-Object) -join ' ') -eq ((@('Ntlm', 'OAuth') | ForEach-Object { "$_" } | Sort-Object) -join ' '))) {
    'Step 3, EX1\mapi (Default Web Site): is as wanted already'
} elseif ((((@($found.IISAuthenticationMethods) | ForEach-Object { "$_" } | Sort-Object) -join ' ') -eq ((@('Ntlm') | ForEach-Object { "$_" } | Sort-Object) -join ' '))) {
    $found | Select-Object -Property 'Identity', 'IISAuthenticationMethods' | Export-Clixml -Path 'hma-20240423-101500-abcd-step-03.xml'
    Set-MapiVirtualDirectory -Identity 'EX1\mapi (Default Web Site)' -IISAuthenticationMethods 'Ntlm', 'OAuth' -ErrorAction Stop
    'Step 3, EX1\mapi (Default Web Site): done'
} else {
    'Step 3, EX1\mapi (Default Web Site): stopped, somebody has changed it since the plan was made'
    exit 1
}

# Step 4 of 9: AuthServer O'Neill $(exit)
# Why: a reason. Affects: somebody.
$found = Get-AuthServer -Identity 'O''Neill $(exit)'
if (@($found).Count -ne 1) {
    'Step 4, AuthServer O''Neill $(exit): stopped, there is not one object of that name'
    exit 1
}
if ((((@($found.DomainName) | ForEach-Object { "$_" } | Sort-Object) -join ' ') -eq ((@('contoso.onmicrosoft.com') | ForEach-Object { "$_" } | Sort-Object) -join ' ')) -and ($found.IsDefaultAuthorizationEndpoint -eq $true)) {
    'Step 4, AuthServer O''Neill $(exit): is as wanted already'
} elseif ((((@($found.DomainName) | ForEach-Object { "$_" } | Sort-Object) -join ' ') -eq ((@(@()) | ForEach-Object { "$_" } | Sort-Object) -join ' ')) -and ($found.IsDefaultAuthorizationEndpoint -eq $false)) {
    $found | Select-Object -Property 'Identity', 'DomainName', 'IsDefaultAuthorizationEndpoint' | Export-Clixml -Path 'hma-20240423-101500-abcd-step-04.xml'
    Set-AuthServer -Identity 'O''Neill $(exit)' -DomainName 'contoso.onmicrosoft.com' -IsDefaultAuthorizationEndpoint $true -ErrorAction Stop
    'Step 4, AuthServer O''Neill $(exit): done'
} else {
    'Step 4, AuthServer O''Neill $(exit): stopped, somebody has changed it since the plan was made'
    exit 1
}

# Step 5 of 9: organisation
# Why: a reason. Affects: somebody.
$found = Get-OrganizationConfig
if (@($found).Count -ne 1) {
    'Step 5, organisation: stopped, there is not one object of that name'
    exit 1
}
if (($found.OAuth2ClientProfileEnabled -eq $true)) {
    'Step 5, organisation: is as wanted already'
} elseif (($found.OAuth2ClientProfileEnabled -eq $false)) {
    $found | Select-Object -Property 'Identity', 'OAuth2ClientProfileEnabled' | Export-Clixml -Path 'hma-20240423-101500-abcd-step-05.xml'
    Set-OrganizationConfig -OAuth2ClientProfileEnabled $true -ErrorAction Stop
    'Step 5, organisation: done'
} else {
    'Step 5, organisation: stopped, somebody has changed it since the plan was made'
    exit 1
}

# Step 6 of 9: service principal
# Why: a reason. Affects: somebody.
Connect-MgGraph -Scopes 'Application.Read.All', 'Application.ReadWrite.All' -TenantId 'fabrikam.com' -NoWelcome
$principal = Get-MgServicePrincipal -Filter "AppId eq '00000002-0000-0ff1-ce00-000000000000'"
if ($principal.Id -ne '78') {
    'Step 6, service principal: stopped, this is another tenant than the plan was made for'
    exit 1
}
$list = @($principal.ReplyUrls)
$missing = @()
if ($list -cnotcontains 'https://mail.contoso.com/owa') { $missing += 'https://mail.contoso.com/owa' }
if ($missing.Count -eq 0) {
    'Step 6, service principal: is as wanted already'
} else {
    $missing | Out-File -FilePath 'hma-20240423-101500-abcd-step-06.txt' -Append -Encoding UTF8
    Update-MgServicePrincipal -ServicePrincipalId $principal.Id -ReplyUrls ($list + $missing) -ErrorAction Stop
    'Step 6, service principal: done'
}

# Step 7 of 9: EX1\owa (Default Web Site)
# Why: a reason. Affects: somebody.
$found = Get-OwaVirtualDirectory -Identity 'EX1\owa (Default Web Site)'
if (@($found).Count -ne 1) {
    'Step 7, EX1\owa (Default Web Site): stopped, there is not one object of that name'
    exit 1
}
if (($found.BasicAuthentication -eq $false) -and ($found.FormsAuthentication -eq $false)) {
    'Step 7, EX1\owa (Default Web Site): is as wanted already'
} elseif (($found.BasicAuthentication -eq $true) -and ($found.FormsAuthentication -eq $true)) {
    $found | Select-Object -Property 'Identity', 'BasicAuthentication', 'FormsAuthentication' | Export-Clixml -Path 'hma-20240423-101500-abcd-step-07.xml'
    Set-OwaVirtualDirectory -Identity 'EX1\owa (Default Web Site)' -BasicAuthentication $false -FormsAuthentication $false -ErrorAction Stop
    'Step 7, EX1\owa (Default Web Site): done'
} else {
    'Step 7, EX1\owa (Default Web Site): stopped, somebody has changed it since the plan was made'
    exit 1
}

# Step 8 of 9: authentication policy HMA pilot
# Why: a reason. Affects: somebody.
$found = Get-AuthenticationPolicy | Where-Object { $_.Name -eq 'HMA pilot' }
if (@($found).Count -eq 0) {
    'HMA pilot' | Out-File -FilePath 'hma-20240423-101500-abcd-step-08.txt' -Encoding UTF8
    New-AuthenticationPolicy -Name 'HMA pilot' -BlockLegacyAuthImap -ErrorAction Stop
    'Step 8, authentication policy HMA pilot: done'
} elseif (($found.BlockLegacyAuthImap -eq $true) -and ($found.BlockModernAuthMapi -eq $false)) {
    'Step 8, authentication policy HMA pilot: is as wanted already'
} else {
    'Step 8, authentication policy HMA pilot: stopped, there is another policy of that name'
    exit 1
}

# Step 9 of 9: ada@contoso.com
# Why: a reason. Affects: somebody.
$found = Get-User -Identity 'ada@contoso.com'
if (@($found).Count -ne 1) {
    'Step 9, ada@contoso.com: stopped, there is not one object of that name'
    exit 1
}
if (("$($found.AuthenticationPolicy)" -eq 'HMA pilot')) {
    'Step 9, ada@contoso.com: is as wanted already'
} elseif (("$($found.AuthenticationPolicy)" -eq '')) {
    $found | Select-Object -Property 'Identity', 'AuthenticationPolicy' | Export-Clixml -Path 'hma-20240423-101500-abcd-step-09.xml'
    Set-User -Identity 'ada@contoso.com' -AuthenticationPolicy 'HMA pilot' -ErrorAction Stop
    'Step 9, ada@contoso.com: done'
} else {
    'Step 9, ada@contoso.com: stopped, somebody has changed it since the plan was made'
    exit 1
}
'All steps are done. The way back: undo.ps1'
