# undo.ps1: Takes back what apply.ps1 of the same plan has changed.
#
# Organisation: contoso.com
# Plan:         20240423-101500-abcd of 2024-04-23T10:15:00Z
# Made from:    configuration 6d1f
#
# It changes, in this order:
#    9. ada@contoso.com: AuthenticationPolicy
#    8. authentication policy HMA pilot: a new one that blocks legacy authentication of Imap
#    7. EX1\owa (Default Web Site): BasicAuthentication, FormsAuthentication
#    6. service principal: replyUrls
#    5. organisation: OAuth2ClientProfileEnabled
#    4. AuthServer O'Neill $(exit): DomainName, IsDefaultAuthorizationEndpoint
#    3. EX1\mapi (Default Web Site): IISAuthenticationMethods
#    2. EX1\EWS (Default Web Site): OAuthAuthentication
#    1. service principal: servicePrincipalNames
#
# Run it in the Exchange Management Shell of one server, with the module Microsoft.Graph.Applications,
# in a folder that is kept: Set-Location there, then this script.
# It needs the record files that apply.ps1 wrote, in the current folder.
# A step that finds a value which the plan does not know changes nothing and ends the script with 1.

$ErrorActionPreference = 'Stop'

# Step 9 of 9: ada@contoso.com
$record = Import-Clixml -Path 'hma-20240423-101500-abcd-step-09.xml' -ErrorAction SilentlyContinue
if (-not $record) {
    'Step 9, ada@contoso.com: was not changed'
} else {
    $found = Get-User -Identity 'ada@contoso.com'
    if ((("$($found.AuthenticationPolicy)" -eq "$($record.AuthenticationPolicy)")) -or (("$($found.AuthenticationPolicy)" -eq 'HMA pilot'))) {
        Set-User -Identity 'ada@contoso.com' -AuthenticationPolicy $record.AuthenticationPolicy -ErrorAction Stop
        'Step 9, ada@contoso.com: restored'
    } else {
        'Step 9, ada@contoso.com: stopped, somebody has changed it since'
        exit 1
    }
}

# Step 8 of 9: authentication policy HMA pilot
$record = Get-Content -Path 'hma-20240423-101500-abcd-step-08.txt' -ErrorAction SilentlyContinue
$found = Get-AuthenticationPolicy | Where-Object { $_.Name -eq 'HMA pilot' }
$users = @(Get-User -ResultSize Unlimited | Where-Object { "$($_.AuthenticationPolicy)" -eq 'HMA pilot' })
if (-not $record -or @($found).Count -eq 0) {
    'Step 8, authentication policy HMA pilot: was not made, or it is gone already'
} elseif ($users.Count -ne 0 -or "$((Get-OrganizationConfig).DefaultAuthenticationPolicy)" -eq 'HMA pilot') {
    'Step 8, authentication policy HMA pilot: left, it applies to somebody'
} elseif (($found.BlockLegacyAuthImap -eq $true) -and ($found.BlockModernAuthMapi -eq $false)) {
    Remove-AuthenticationPolicy -Identity 'HMA pilot' -Confirm:$false -ErrorAction Stop
    'Step 8, authentication policy HMA pilot: restored'
} else {
    'Step 8, authentication policy HMA pilot: stopped, somebody has changed it since'
    exit 1
}

# Step 7 of 9: EX1\owa (Default Web Site)
$record = Import-Clixml -Path 'hma-20240423-101500-abcd-step-07.xml' -ErrorAction SilentlyContinue
if (-not $record) {
    'Step 7, EX1\owa (Default Web Site): was not changed'
} else {
    $found = Get-OwaVirtualDirectory -Identity 'EX1\owa (Default Web Site)'
    if ((($found.BasicAuthentication -eq $record.BasicAuthentication) -and ($found.FormsAuthentication -eq $record.FormsAuthentication)) -or (($found.BasicAuthentication -eq $false) -and ($found.FormsAuthentication -eq $false))) {
        Set-OwaVirtualDirectory -Identity 'EX1\owa (Default Web Site)' -BasicAuthentication $record.BasicAuthentication -FormsAuthentication $record.FormsAuthentication -ErrorAction Stop
        'Step 7, EX1\owa (Default Web Site): restored'
    } else {
        'Step 7, EX1\owa (Default Web Site): stopped, somebody has changed it since'
        exit 1
    }
}

# Step 6 of 9: service principal
$added = @(Get-Content -Path 'hma-20240423-101500-abcd-step-06.txt' -ErrorAction SilentlyContinue)
Connect-MgGraph -Scopes 'Application.Read.All', 'Application.ReadWrite.All' -TenantId 'fabrikam.com' -NoWelcome
$principal = Get-MgServicePrincipal -Filter "AppId eq '00000002-0000-0ff1-ce00-000000000000'"
if ($principal.Id -ne '78') {
    'Step 6, service principal: stopped, this is another tenant than the plan was made for'
    exit 1
}
$list = @($principal.ReplyUrls)
$rest = @($list | Where-Object { $added -cnotcontains $_ })
if ($rest.Count -eq $list.Count) {
    'Step 6, service principal: nothing of it was added, or it is gone already'
} else {
    Invoke-MgGraphRequest -Method PATCH -Uri "/v1.0/servicePrincipals/$($principal.Id)" -Body @{ replyUrls = $rest } -ErrorAction Stop
    'Step 6, service principal: restored'
}

# Step 5 of 9: organisation
$record = Import-Clixml -Path 'hma-20240423-101500-abcd-step-05.xml' -ErrorAction SilentlyContinue
if (-not $record) {
    'Step 5, organisation: was not changed'
} else {
    $found = Get-OrganizationConfig
    if ((($found.OAuth2ClientProfileEnabled -eq $record.OAuth2ClientProfileEnabled)) -or (($found.OAuth2ClientProfileEnabled -eq $true))) {
        Set-OrganizationConfig -OAuth2ClientProfileEnabled $record.OAuth2ClientProfileEnabled -ErrorAction Stop
        'Step 5, organisation: restored'
    } else {
        'Step 5, organisation: stopped, somebody has changed it since'
        exit 1
    }
}

# Step 4 of 9: AuthServer O'Neill $(exit)
$record = Import-Clixml -Path 'hma-20240423-101500-abcd-step-04.xml' -ErrorAction SilentlyContinue
if (-not $record) {
    'Step 4, AuthServer O''Neill $(exit): was not changed'
} else {
    $found = Get-AuthServer -Identity 'O''Neill $(exit)'
    if ((((@($found.DomainName) | ForEach-Object { "$_" } | Sort-Object) -join ' ') -eq ((@($record.DomainName) | ForEach-Object { "$_" } | Sort-Object) -join ' ')) -and ($found.IsDefaultAuthorizationEndpoint -eq $record.IsDefaultAuthorizationEndpoint)) {
        'Step 4, AuthServer O''Neill $(exit): is as it was already'
    } elseif ((((@($found.DomainName) | ForEach-Object { "$_" } | Sort-Object) -join ' ') -eq ((@('contoso.onmicrosoft.com') | ForEach-Object { "$_" } | Sort-Object) -join ' ')) -and ($found.IsDefaultAuthorizationEndpoint -eq $true)) {
        Set-AuthServer -Identity 'O''Neill $(exit)' -DomainName @{Remove='contoso.onmicrosoft.com'} -IsDefaultAuthorizationEndpoint $record.IsDefaultAuthorizationEndpoint -ErrorAction Stop
        'Step 4, AuthServer O''Neill $(exit): restored'
    } else {
        'Step 4, AuthServer O''Neill $(exit): stopped, somebody has changed it since'
        exit 1
    }
}

# Step 3 of 9: EX1\mapi (Default Web Site)
$record = Import-Clixml -Path 'hma-20240423-101500-abcd-step-03.xml' -ErrorAction SilentlyContinue
if (-not $record) {
    'Step 3, EX1\mapi (Default Web Site): was not changed'
} else {
    $found = Get-MapiVirtualDirectory -Identity 'EX1\mapi (Default Web Site)' -ADPropertiesOnly
    if ((((@($found.IISAuthenticationMethods) | ForEach-Object { "$_" } | Sort-Object) -join ' ') -eq ((@($record.IISAuthenticationMethods) | ForEach-Object { "$_" } | Sort-Object) -join ' '))) {
        'Step 3, EX1\mapi (Default Web Site): is as it was already'
    } elseif ((((@($found.IISAuthenticationMethods) | ForEach-Object { "$_" } | Sort-Object) -join ' ') -eq ((@('Ntlm', 'OAuth') | ForEach-Object { "$_" } | Sort-Object) -join ' '))) {
        Set-MapiVirtualDirectory -Identity 'EX1\mapi (Default Web Site)' -IISAuthenticationMethods @{Remove='OAuth'} -ErrorAction Stop
        'Step 3, EX1\mapi (Default Web Site): restored'
    } else {
        'Step 3, EX1\mapi (Default Web Site): stopped, somebody has changed it since'
        exit 1
    }
}

# Step 2 of 9: EX1\EWS (Default Web Site)
$record = Import-Clixml -Path 'hma-20240423-101500-abcd-step-02.xml' -ErrorAction SilentlyContinue
if (-not $record) {
    'Step 2, EX1\EWS (Default Web Site): was not changed'
} else {
    $found = Get-WebServicesVirtualDirectory -Identity 'EX1\EWS (Default Web Site)'
    if ((($found.OAuthAuthentication -eq $record.OAuthAuthentication)) -or (($found.OAuthAuthentication -eq $true))) {
        Set-WebServicesVirtualDirectory -Identity 'EX1\EWS (Default Web Site)' -OAuthAuthentication $record.OAuthAuthentication -ErrorAction Stop
        'Step 2, EX1\EWS (Default Web Site): restored'
    } else {
        'Step 2, EX1\EWS (Default Web Site): stopped, somebody has changed it since'
        exit 1
    }
}

# Step 1 of 9: service principal
$added = @(Get-Content -Path 'hma-20240423-101500-abcd-step-01.txt' -ErrorAction SilentlyContinue)
Connect-MgGraph -Scopes 'Application.Read.All', 'Application.ReadWrite.All' -TenantId 'contoso.com' -NoWelcome
$principal = Get-MgServicePrincipal -Filter "AppId eq '00000002-0000-0ff1-ce00-000000000000'"
if ($principal.Id -ne '77') {
    'Step 1, service principal: stopped, this is another tenant than the plan was made for'
    exit 1
}
$list = @($principal.ServicePrincipalNames)
$rest = @($list | Where-Object { $added -cnotcontains $_ })
if ($rest.Count -eq $list.Count) {
    'Step 1, service principal: nothing of it was added, or it is gone already'
} else {
    Invoke-MgGraphRequest -Method PATCH -Uri "/v1.0/servicePrincipals/$($principal.Id)" -Body @{ servicePrincipalNames = $rest } -ErrorAction Stop
    'Step 1, service principal: restored'
}
'All steps are taken back.'
