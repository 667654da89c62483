#Requires -Version 7.2
#Requires -Modules MicrosoftTeams

<#
.SYNOPSIS
    Looks at, puts in place or takes away the voice objects of one tenant.
.DESCRIPTION
    Reads one JSON document from standard input and writes one to standard output; contract.schema.json describes both.
    It goes through the objects in the order given, touches no other, and stops at the first failure. Asking again goes
    on: what is right already is left as it is. One process serves one request, and therefore one tenant.

    The two access tokens come with the document and stay in this process: nothing is written but the answer, and what
    would be in it of a token is taken out.
#>

Set-StrictMode -Version 3.0
$ErrorActionPreference = 'Stop'
# Only the answer goes to standard output.
$ProgressPreference = 'SilentlyContinue'
$WarningPreference = 'SilentlyContinue'
$InformationPreference = 'SilentlyContinue'
$VerbosePreference = 'SilentlyContinue'

# Lists of the tenant as they were last read, by kind. A change forgets the list, so that what is told as the present
# state was read after it.
$script:Lists = @{}

function Get-Text {
    param($Value)
    if ($null -eq $Value) { return '' }
    return [string] $Value
}

# The names in a list of Microsoft's, as plain texts.
function Get-Names {
    param($Value)
    $names = @()
    foreach ($name in @($Value)) {
        if ($null -ne $name) { $names += [string] $name }
    }
    return , $names
}

# Identities of policies come back with a prefix.
function Get-PlainName {
    param($Identity)
    return (Get-Text $Identity) -replace '^Tag:', ''
}

function Get-List {
    param([string] $Kind)
    if (-not $script:Lists.ContainsKey($Kind)) {
        $script:Lists[$Kind] = switch ($Kind) {
            'pstnUsage' { , @(Get-CsOnlinePstnUsage -Identity Global) }
            'voiceRoute' { , @(Get-CsOnlineVoiceRoute) }
            'voiceRoutingPolicy' { , @(Get-CsOnlineVoiceRoutingPolicy) }
            'callingPolicy' { , @(Get-CsTeamsCallingPolicy) }
            default { throw "Invalid request: the kind '$Kind' is not known." }
        }
    }
    return , $script:Lists[$Kind]
}

# The settings of an object as the contract has them; nothing where there is no such object.
function Get-Settings {
    param([string] $Kind, [string] $Name)
    $list = Get-List $Kind
    if ($Kind -eq 'pstnUsage') {
        foreach ($global in $list) {
            if ((Get-Names $global.Usage) -contains $Name) { return @{} }
        }
        return $null
    }
    foreach ($found in $list) {
        if ((Get-PlainName $found.Identity) -ne $Name) { continue }
        switch ($Kind) {
            'voiceRoute' {
                return @{
                    numberPattern = Get-Text $found.NumberPattern
                    gateways      = Get-Names $found.OnlinePstnGatewayList
                    pstnUsages    = Get-Names $found.OnlinePstnUsages
                    priority      = [int] $found.Priority
                }
            }
            'voiceRoutingPolicy' {
                return @{ pstnUsages = Get-Names $found.OnlinePstnUsages }
            }
            'callingPolicy' {
                return @{
                    allowPrivateCalling        = [bool] $found.AllowPrivateCalling
                    allowVoicemail             = Get-Text $found.AllowVoicemail
                    allowCallForwardingToPhone = [bool] $found.AllowCallForwardingToPhone
                    allowCallForwardingToUser  = [bool] $found.AllowCallForwardingToUser
                    musicOnHoldEnabledType     = Get-Text $found.MusicOnHoldEnabledType
                }
            }
        }
    }
    return $null
}

function Test-SameNames {
    param($Wanted, $Found, [bool] $InOrder)
    $left = Get-Names $Wanted
    $right = Get-Names $Found
    if ($left.Count -ne $right.Count) { return $false }
    if (-not $InOrder) {
        $left = @($left | Sort-Object)
        $right = @($right | Sort-Object)
    }
    for ($at = 0; $at -lt $left.Count; $at++) {
        if ($left[$at] -ne $right[$at]) { return $false }
    }
    return $true
}

# Whether an object does already what is wanted. Gateways of a route are tried in any order; usages of a policy are not.
function Test-AsWanted {
    param([string] $Kind, $Wanted, $Found)
    if ($null -eq $Found) { return $false }
    switch ($Kind) {
        'pstnUsage' { return $true }
        'voiceRoute' {
            return ($Wanted.numberPattern -ceq $Found.numberPattern) -and
                (Test-SameNames $Wanted.gateways $Found.gateways $false) -and
                (Test-SameNames $Wanted.pstnUsages $Found.pstnUsages $false) -and
                (($null -eq $Wanted.priority) -or ($Wanted.priority -eq $Found.priority))
        }
        'voiceRoutingPolicy' { return Test-SameNames $Wanted.pstnUsages $Found.pstnUsages $true }
        'callingPolicy' {
            foreach ($setting in $Wanted.Keys) {
                if ($Wanted[$setting] -ne $Found[$setting]) { return $false }
            }
            return $true
        }
    }
    return $false
}

function Set-Wanted {
    param([string] $Kind, [string] $Name, $Wanted, [bool] $IsNew)
    switch ($Kind) {
        'pstnUsage' {
            Set-CsOnlinePstnUsage -Identity Global -Usage @{ Add = $Name } | Out-Null
        }
        'voiceRoute' {
            $gateways = Get-Names $Wanted.gateways
            $usages = Get-Names $Wanted.pstnUsages
            if ($IsNew) {
                New-CsOnlineVoiceRoute -Identity $Name -NumberPattern $Wanted.numberPattern -OnlinePstnGatewayList $gateways -OnlinePstnUsages $usages | Out-Null
            }
            else {
                Set-CsOnlineVoiceRoute -Identity $Name -NumberPattern $Wanted.numberPattern -OnlinePstnGatewayList @{ Replace = $gateways } -OnlinePstnUsages @{ Replace = $usages } | Out-Null
            }
            if ($null -ne $Wanted.priority) {
                Set-CsOnlineVoiceRoute -Identity $Name -Priority $Wanted.priority | Out-Null
            }
        }
        'voiceRoutingPolicy' {
            $usages = Get-Names $Wanted.pstnUsages
            if ($IsNew) {
                New-CsOnlineVoiceRoutingPolicy -Identity $Name -OnlinePstnUsages $usages | Out-Null
            }
            else {
                Set-CsOnlineVoiceRoutingPolicy -Identity $Name -OnlinePstnUsages @{ Replace = $usages } | Out-Null
            }
        }
        'callingPolicy' {
            if ($IsNew) {
                New-CsTeamsCallingPolicy -Identity $Name -AllowPrivateCalling $Wanted.allowPrivateCalling -AllowVoicemail $Wanted.allowVoicemail -AllowCallForwardingToPhone $Wanted.allowCallForwardingToPhone -AllowCallForwardingToUser $Wanted.allowCallForwardingToUser -MusicOnHoldEnabledType $Wanted.musicOnHoldEnabledType | Out-Null
            }
            else {
                Set-CsTeamsCallingPolicy -Identity $Name -AllowPrivateCalling $Wanted.allowPrivateCalling -AllowVoicemail $Wanted.allowVoicemail -AllowCallForwardingToPhone $Wanted.allowCallForwardingToPhone -AllowCallForwardingToUser $Wanted.allowCallForwardingToUser -MusicOnHoldEnabledType $Wanted.musicOnHoldEnabledType | Out-Null
            }
        }
    }
    $script:Lists.Remove($Kind)
}

function Remove-Named {
    param([string] $Kind, [string] $Name)
    switch ($Kind) {
        'pstnUsage' { Set-CsOnlinePstnUsage -Identity Global -Usage @{ Remove = $Name } | Out-Null }
        'voiceRoute' { Remove-CsOnlineVoiceRoute -Identity $Name | Out-Null }
        'voiceRoutingPolicy' { Remove-CsOnlineVoiceRoutingPolicy -Identity $Name | Out-Null }
        'callingPolicy' { Remove-CsTeamsCallingPolicy -Identity $Name | Out-Null }
    }
    $script:Lists.Remove($Kind)
}

# What is done with one object, how it was and how it is.
function Invoke-Work {
    param([string] $Work, $Object)
    $kind = [string] $Object.kind
    $name = [string] $Object.name
    if ([string]::IsNullOrWhiteSpace($name) -or $name -eq 'Global') {
        throw "Invalid request: the name '$name' cannot be used."
    }
    $was = Get-Settings $kind $name
    $action = 'unchanged'
    switch ($Work) {
        'look' { $action = if ($null -eq $was) { 'absent' } else { 'seen' } }
        'apply' {
            if (-not (Test-AsWanted $kind $Object.settings $was)) {
                Set-Wanted $kind $name $Object.settings ($null -eq $was)
                $action = if ($null -eq $was) { 'created' } else { 'updated' }
            }
        }
        'remove' {
            if ($null -eq $was) {
                $action = 'absent'
            }
            else {
                Remove-Named $kind $name
                $action = 'removed'
            }
        }
        default { throw "Invalid request: the work '$Work' is not known." }
    }
    $now = Get-Settings $kind $name
    return @{ kind = $kind; name = $name; action = $action; was = $was; now = $now }
}

# The contract's code for what Microsoft says. Its module gives sentences and no codes, so the order matters: 40301 is a
# refusal and contains what an ended token says.
function Get-Code {
    param([string] $Message)
    switch -Regex ($Message) {
        'was not configured for this tenant|domain.+not (verified|configured)' { return 'DomainNotConfigured' }
        '40301|\b403\b|Forbidden|Access ?Denied|not authorized to' { return 'Forbidden' }
        '\b401\b|Unauthorized|token.+(expired|not valid)|Lifetime validation failed' { return 'Unauthorized' }
        'in use|currently (assigned|used)|being used' { return 'InUse' }
        'Invalid|Cannot (validate|find|bind)|not valid|\b400\b|BadRequest|already exists' { return 'Invalid' }
        default { return 'Internal' }
    }
}

# No token leaves the process, whatever a message contains.
function Get-Shown {
    param([string] $Message, $Request)
    $shown = $Message
    if ($Request -is [hashtable]) {
        foreach ($field in @('graphToken', 'teamsToken')) {
            if ($Request.ContainsKey($field) -and $Request[$field]) {
                $shown = $shown.Replace([string] $Request[$field], '[token]')
            }
        }
    }
    return $shown
}

$answer = @{ version = 2; ok = $true; results = @(); error = $null }
$request = $null
$object = $null
try {
    $request = [Console]::In.ReadToEnd() | ConvertFrom-Json -AsHashtable -Depth 10
    if (($request -isnot [hashtable]) -or ($request['version'] -ne 2)) {
        throw 'Invalid request: version 2 of the contract is spoken here.'
    }
    $session = Connect-MicrosoftTeams -AccessTokens @($request['graphToken'], $request['teamsToken'])
    if ([string] $session.TenantId -ne [string] $request['tenant']) {
        throw 'Unauthorized: the tokens belong to another tenant.'
    }
    foreach ($object in @($request['objects'])) {
        $answer.results += Invoke-Work $request['work'] $object
    }
}
catch {
    $message = Get-Shown $_.Exception.Message $request
    $answer.ok = $false
    $answer.error = @{
        code    = Get-Code $message
        message = $message
        kind    = if ($null -ne $object) { $object.kind } else { $null }
        name    = if ($null -ne $object) { $object.name } else { $null }
    }
}
finally {
    # The process ends in any case; a session that does not close by itself is no failure of the work.
    Disconnect-MicrosoftTeams -ErrorAction SilentlyContinue | Out-Null
}
[Console]::Out.Write((ConvertTo-Json -InputObject $answer -Depth 10 -Compress))
