package script

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"hma/hybrid/procedure"
	"hma/wire/wellknown"
)

// Names of the two files.
const (
	ApplyFile = "apply.ps1"
	UndoFile  = "undo.ps1"
)

// Scripts are a plan as PowerShell, UTF-8 with a byte order mark: without one Windows PowerShell
// 5.1 takes the bytes for the machine's code page, where the halves of a letter can be a quote.
type Scripts struct{ Apply, Undo []byte }

// Make writes the plan for the organisation of that name. Each step of Apply looks before it
// changes, skips what is as wanted, stops at a value that the plan does not know, and records
// what it found in a file of the current folder. Undo goes back in the reverse order to
// what was recorded, and takes from the tenants' lists only what Apply added.
//
// A plan that is blocked is procedure.ErrBlocked. One that holds a character which cannot be
// seen is procedure.ErrInvalid: nobody could read what they sign.
func Make(plan *procedure.Plan, organization string) (*Scripts, error) {
	if len(plan.Blocked) > 0 {
		return nil, fmt.Errorf("%w: %s", procedure.ErrBlocked, plan.Blocked[0].Summary)
	}
	if !planID.MatchString(plan.ID) {
		return nil, fmt.Errorf("script: %w: the id %q cannot be part of a file's name", procedure.ErrInvalid, plan.ID)
	}
	apply, undo := &writer{plan: plan}, &writer{plan: plan}
	what := "Turns Hybrid Modern Authentication on"
	if plan.Goal != "" {
		what = "Brings the organisation to what " + comment(plan.Goal) + " says"
	}
	apply.header(organization, ApplyFile, what, "It may be run again: what is done already is left as it is.")
	undo.header(organization, UndoFile, "Takes back what "+ApplyFile+" of the same plan has changed", "It needs the record files that "+ApplyFile+" wrote, in the current folder.")
	for i := range plan.Changes {
		apply.apply(&plan.Changes[i])
	}
	for i := range slices.Backward(plan.Changes) {
		undo.undo(&plan.Changes[i])
	}
	apply.line("'All steps are done. The way back: %s'", UndoFile)
	undo.line("'All steps are taken back.'")
	var s Scripts
	var err error
	if s.Apply, err = apply.bytes(); err != nil {
		return nil, err
	}
	s.Undo, err = undo.bytes()
	return &s, err
}

var planID = regexp.MustCompile(`^[0-9A-Za-z-]{1,64}$`)

// writer writes one of the two scripts.
type writer struct {
	plan   *procedure.Plan
	b      strings.Builder
	tenant *string // that the script is connected to at this place
	err    error   // the first line that cannot be written
}

// line writes one line. What a plan says must stay on it and be seen.
func (w *writer) line(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	hidden := strings.IndexFunc(text, func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) })
	if hidden >= 0 && w.err == nil {
		r, _ := utf8.DecodeRuneInString(text[hidden:])
		w.err = fmt.Errorf("script: %w: the plan has a character %U that cannot be seen: %q", procedure.ErrInvalid, r, text)
	}
	w.b.WriteString(text + "\r\n")
}

func (w *writer) bytes() ([]byte, error) { return []byte("\ufeff" + w.b.String()), w.err }

func (w *writer) header(organization, file, what, how string) {
	p := w.plan
	w.line("# %s: %s.", file, what)
	w.line("#")
	w.line("# Organisation: %s", comment(organization))
	w.line("# Plan:         %s of %s", p.ID, p.Made.UTC().Format(time.RFC3339))
	w.line("# Made from:    configuration %s", comment(p.Snapshot))
	if whom := p.For(); whom != "" {
		w.line("# For:          %s", comment(whom))
	}
	for _, n := range p.Notes {
		w.line("# Note:         %s", comment(n))
	}
	w.line("#")
	w.line("# It changes, in this order:")
	changes := slices.Clone(p.Changes)
	if file == UndoFile {
		slices.Reverse(changes)
	}
	for _, c := range changes {
		w.line("#   %2d. %s: %s", c.Number, comment(c.Address), comment(properties(&c)))
	}
	w.line("#")
	if file == ApplyFile {
		if len(p.Losses) == 0 {
			w.line("# Nobody loses access.")
		} else {
			w.line("# Who loses access:")
		}
		for _, l := range p.Losses {
			who := l.Person
			if l.Administrator {
				who += " (administrator)"
			}
			w.line("#   %s: %s. %s", comment(who), comment(strings.Join(l.Ways, ", ")), comment(l.Reason))
		}
		if slices.ContainsFunc(p.Changes, func(c procedure.Change) bool { return c.Step == procedure.StepLegacyOff }) {
			w.line("# OWA and ECP will take the cloud's sign-in alone. See one administrator sign in at the cloud before.")
		}
		w.line("#")
	}
	w.line("# Run it in the Exchange Management Shell of one server, with the module Microsoft.Graph.Applications,")
	w.line("# in a folder that is kept: Set-Location there, then this script.")
	w.line("# %s", how)
	w.line("# A step that finds a value which the plan does not know changes nothing and ends the script with 1.")
	w.line("")
	w.line("$ErrorActionPreference = 'Stop'")
}

// properties says in short what a step changes.
func properties(c *procedure.Change) string {
	if c.Action == procedure.ActionCreate {
		return "a new one that " + c.Effect()
	}
	names := make([]string, len(c.Settings))
	for i, s := range c.Settings {
		names[i] = s.Property
	}
	return strings.Join(names, ", ")
}

func (w *writer) title(c *procedure.Change) {
	w.line("")
	w.line("# Step %d of %d: %s", c.Number, len(w.plan.Changes), comment(c.Address))
}

// say is a string that tells how a step went.
func say(c *procedure.Change, what string) string {
	return quote(fmt.Sprintf("Step %d, %s: %s", c.Number, c.Address, what))
}

func (w *writer) apply(c *procedure.Change) {
	w.title(c)
	w.line("# Why: %s. Affects: %s.", comment(c.Reason), comment(c.Affects))
	switch {
	case c.Cmdlet == "":
		w.addToList(c)
		return
	case c.Action == procedure.ActionCreate:
		w.create(c)
		return
	}
	w.line("$found = %s", get(c, ""))
	w.one(c)
	wanted, planned := is(c.Settings, "$found", after), is(c.Settings, "$found", before)
	if wanted == planned {
		w.line("# The server runs this already; its copy in Active Directory does not have it and is written again.")
		w.line("if (%s) {", wanted)
	} else {
		w.line("if (%s) {", wanted)
		w.line("    %s", say(c, "is as wanted already"))
		w.line("} elseif (%s) {", planned)
	}
	kept := []string{"Identity"}
	for _, s := range c.Settings {
		kept = append(kept, s.Property)
	}
	w.line("    $found | Select-Object -Property %s | Export-Clixml -Path %s", literal(procedure.Value{V: kept}), quote(w.record(c, "xml")))
	w.line("    %s", set(c, func(s procedure.Setting) string { return literal(s.After) }))
	w.line("    %s", say(c, "done"))
	w.line("} else {")
	w.stop(c, "    ", "somebody has changed it since the plan was made")
	w.line("}")
}

func (w *writer) undo(c *procedure.Change) {
	w.title(c)
	switch {
	case c.Cmdlet == "":
		w.takeFromList(c)
		return
	case c.Action == procedure.ActionCreate:
		w.remove(c)
		return
	}
	w.line("$record = Import-Clixml -Path %s -ErrorAction SilentlyContinue", quote(w.record(c, "xml")))
	w.line("if (-not $record) {")
	w.line("    %s", say(c, "was not changed"))
	w.line("} else {")
	// What was added to a list is taken out of it, so the directory's own copy is looked at.
	lists := slices.ContainsFunc(c.Settings, isList)
	options := ""
	if lists && strings.HasSuffix(c.Cmdlet, "VirtualDirectory") {
		options = " -ADPropertiesOnly"
	}
	w.line("    $found = %s", get(c, options))
	recorded, wanted := is(c.Settings, "$found", recorded), is(c.Settings, "$found", after)
	if lists {
		w.line("    if (%s) {", recorded)
		w.line("        %s", say(c, "is as it was already"))
		w.line("    } elseif (%s) {", wanted)
	} else {
		w.line("    if ((%s) -or (%s)) {", recorded, wanted)
	}
	w.line("        %s", set(c, back))
	w.line("        %s", say(c, "restored"))
	w.line("    } else {")
	w.stop(c, "        ", "somebody has changed it since")
	w.line("    }")
	w.line("}")
}

// back is the value that takes a setting back: from a list goes what was added, everything
// else is set to what was recorded.
func back(s procedure.Setting) string {
	list, ok := s.After.V.([]string)
	if !ok {
		return "$record." + s.Property
	}
	had := s.Before.Strings()
	added := slices.DeleteFunc(slices.Clone(list), func(e string) bool { return slices.Contains(had, e) })
	return "@{Remove=" + literal(procedure.Value{V: added}) + "}"
}

// record is the file that says what a step found or added.
func (w *writer) record(c *procedure.Change, kind string) string {
	return fmt.Sprintf("hma-%s-step-%02d.%s", w.plan.ID, c.Number, kind)
}

func (w *writer) stop(c *procedure.Change, indent, why string) {
	w.line("%s%s", indent, say(c, "stopped, "+why))
	w.line("%sexit 1", indent)
}

// one stops where the name is not that of one object.
func (w *writer) one(c *procedure.Change) {
	w.line("if (@($found).Count -ne 1) {")
	w.stop(c, "    ", "there is not one object of that name")
	w.line("}")
}

func get(c *procedure.Change, options string) string {
	return "Get-" + strings.TrimPrefix(c.Cmdlet, "Set-") + identity(c) + options
}

func set(c *procedure.Change, value func(procedure.Setting) string) string {
	var b strings.Builder
	b.WriteString(c.Cmdlet + identity(c))
	for _, s := range c.Settings {
		b.WriteString(" -" + s.Property + " " + value(s))
	}
	return b.String() + " -ErrorAction Stop"
}

func identity(c *procedure.Change) string {
	if c.Identity == "" {
		return ""
	}
	return " -Identity " + quote(c.Identity)
}

func after(s procedure.Setting) string    { return compared(s, s.After) }
func before(s procedure.Setting) string   { return compared(s, s.Before) }
func recorded(s procedure.Setting) string { return asCompared(s, "$record."+s.Property) }

// is is the condition that each property has its value. Lists are sets whose entries differ not by
// case; the server's may be enumerations, which sort by number, so each is made text first.
func is(settings []procedure.Setting, object string, value func(procedure.Setting) string) string {
	parts := make([]string, len(settings))
	for i, s := range settings {
		parts[i] = "(" + asCompared(s, object+"."+s.Property) + " -eq " + value(s) + ")"
	}
	return strings.Join(parts, " -and ")
}

// asCompared is the property that the expression reads, in the form that is compared.
func asCompared(s procedure.Setting, expression string) string {
	switch {
	case isList(s):
		return sorted(expression)
	case isReference(s):
		return `"$(` + expression + `)"`
	}
	return expression
}

// compared is a value of the setting in the same form.
func compared(s procedure.Setting, v procedure.Value) string {
	switch {
	case isList(s):
		return sorted(literal(v))
	case isReference(s):
		text, _ := v.V.(string)
		return quote(text)
	}
	return literal(v)
}

func isList(s procedure.Setting) bool { _, ok := s.After.V.([]string); return ok }

// isReference tells whether the property names another object, or none. The server's are objects
// of their own, whose text is the name.
func isReference(s procedure.Setting) bool {
	_, before := s.Before.V.(string)
	_, after := s.After.V.(string)
	return before || after
}

func sorted(list string) string {
	return `((@(` + list + `) | ForEach-Object { "$_" } | Sort-Object) -join ' ')`
}

// create makes an authentication policy, and records that it did: only then may it be removed.
func (w *writer) create(c *procedure.Change) {
	w.line("$found = %s", named(c))
	w.line("if (@($found).Count -eq 0) {")
	w.line("    %s | Out-File -FilePath %s -Encoding UTF8", quote(c.Identity), quote(w.record(c, "txt")))
	switches := ""
	for _, s := range c.Settings {
		if s.After.V == true {
			switches += " -" + s.Property
		}
	}
	w.line("    %s -Name %s%s -ErrorAction Stop", c.Cmdlet, quote(c.Identity), switches)
	w.line("    %s", say(c, "done"))
	w.line("} elseif (%s) {", is(c.Settings, "$found", after))
	w.line("    %s", say(c, "is as wanted already"))
	w.line("} else {")
	w.stop(c, "    ", "there is another policy of that name")
	w.line("}")
}

// remove takes the policy away again, unless somebody needs it.
func (w *writer) remove(c *procedure.Change) {
	w.line("$record = Get-Content -Path %s -ErrorAction SilentlyContinue", quote(w.record(c, "txt")))
	w.line("$found = %s", named(c))
	w.line("$users = @(Get-User -ResultSize Unlimited | Where-Object { \"$($_.AuthenticationPolicy)\" -eq %s })", quote(c.Identity))
	w.line("if (-not $record -or @($found).Count -eq 0) {")
	w.line("    %s", say(c, "was not made, or it is gone already"))
	w.line("} elseif ($users.Count -ne 0 -or \"$((Get-OrganizationConfig).DefaultAuthenticationPolicy)\" -eq %s) {", quote(c.Identity))
	w.line("    %s", say(c, "left, it applies to somebody"))
	w.line("} elseif (%s) {", is(c.Settings, "$found", after))
	w.line("    Remove-AuthenticationPolicy -Identity %s -Confirm:$false -ErrorAction Stop", quote(c.Identity))
	w.line("    %s", say(c, "restored"))
	w.line("} else {")
	w.stop(c, "    ", "somebody has changed it since")
	w.line("}")
}

// named is the policy of the change's name, nothing when there is none.
func named(c *procedure.Change) string {
	return "Get-AuthenticationPolicy | Where-Object { $_.Name -eq " + quote(c.Identity) + " }"
}

// addToList appends to a list of a tenant. Graph replaces a list as a whole, so it is read right before.
func (w *writer) addToList(c *procedure.Change) {
	s := c.Settings[0]
	w.principal(c)
	w.line("$missing = @()")
	for _, entry := range s.After.Strings() {
		q := quote(entry)
		if s.Property == "replyUrls" { // the cloud compares them with case and slash
			w.line("if ($list -cnotcontains %s) { $missing += %s }", q, q)
		} else {
			w.line("if ($list -notcontains %s -and $list -notcontains %s) { $missing += %s }", q, quote(strings.TrimSuffix(entry, "/")), q)
		}
	}
	w.line("if ($missing.Count -eq 0) {")
	w.line("    %s", say(c, "is as wanted already"))
	w.line("} else {")
	w.line("    $missing | Out-File -FilePath %s -Append -Encoding UTF8", quote(w.record(c, "txt")))
	w.line("    Update-MgServicePrincipal -ServicePrincipalId $principal.Id -%s ($list + $missing) -ErrorAction Stop", listName(s.Property))
	w.line("    %s", say(c, "done"))
	w.line("}")
}

func (w *writer) takeFromList(c *procedure.Change) {
	w.line("$added = @(Get-Content -Path %s -ErrorAction SilentlyContinue)", quote(w.record(c, "txt")))
	w.principal(c)
	w.line("$rest = @($list | Where-Object { $added -cnotcontains $_ })")
	w.line("if ($rest.Count -eq $list.Count) {")
	w.line("    %s", say(c, "nothing of it was added, or it is gone already"))
	w.line("} else {")
	w.line(`    Invoke-MgGraphRequest -Method PATCH -Uri "/v1.0/servicePrincipals/$($principal.Id)" -Body @{ %s = $rest } -ErrorAction Stop`, c.Settings[0].Property)
	w.line("    %s", say(c, "restored"))
	w.line("}")
}

// principal reads the list of the change's tenant into $list, after a sign-in where the tenant is another one.
func (w *writer) principal(c *procedure.Change) {
	if w.tenant == nil || *w.tenant != c.Tenant {
		w.tenant = &c.Tenant
		tenant := ""
		if c.Tenant != "" {
			tenant = " -TenantId " + quote(c.Tenant)
		}
		w.line("Connect-MgGraph -Scopes 'Application.Read.All', 'Application.ReadWrite.All'%s -NoWelcome", tenant)
	}
	w.line(`$principal = Get-MgServicePrincipal -Filter "AppId eq '%s'"`, wellknown.Exchange)
	w.line("if ($principal.Id -ne %s) {", quote(c.ObjectID))
	w.stop(c, "    ", "this is another tenant than the plan was made for")
	w.line("}")
	w.line("$list = @($principal.%s)", listName(c.Settings[0].Property))
}

// listName is the cmdlets' name of a property of Graph.
func listName(property string) string { return strings.ToUpper(property[:1]) + property[1:] }

// literal is a value as PowerShell has it.
func literal(v procedure.Value) string {
	switch x := v.V.(type) {
	case bool:
		if x {
			return "$true"
		}
		return "$false"
	case string:
		return quote(x)
	case []string:
		if len(x) == 0 {
			return "@()"
		}
		quoted := make([]string, len(x))
		for i, s := range x {
			quoted[i] = quote(s)
		}
		return strings.Join(quoted, ", ")
	}
	return "$null"
}

// quote is text as a literal string. Inside of one only a single quote means anything, and
// PowerShell takes the typographic ones for the same; two of them are one.
func quote(text string) string {
	return "'" + quotes.Replace(text) + "'"
}

var quotes = strings.NewReplacer("'", "''", "‘", "‘‘", "’", "’’", "‚", "‚‚", "‛", "‛‛")

// comment is text that stays on its line.
func comment(text string) string {
	return strings.NewReplacer("\n", " ", "\r", " ").Replace(strings.TrimSuffix(text, "."))
}
