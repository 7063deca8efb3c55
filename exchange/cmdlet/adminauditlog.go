package cmdlet

import (
	"context"
	"slices"
	"strings"
	"time"

	"hma/exchange/org"
	"hma/wire/psobject"
)

// Limits of what a record holds, and of a search.
const (
	maxAuditValue   = 1024    // bytes of one parameter's value, of an error and of an object's name
	stockAuditSize  = 1000    // records that a search shows unless told
	maxAuditResults = 250_000 // of Search-AdminAuditLog
)

// auditEnd is how long a record may take that says how a call ended.
const auditEnd = 10 * time.Second

// adminAuditLog: each change that came over the Admin API, by whom and when.
func adminAuditLog() []*cmdlet {
	return []*cmdlet{{psobject.Command{Name: "Search-AdminAuditLog", Synopsis: "Shows who ran which cmdlet that changes something, newest first.",
		Asks: "rule: each change through the Admin API is recorded",
		Params: []psobject.Parameter{param("Cmdlets", "strings"), param("Parameters", "strings"), param("StartDate", "datetime"), param("EndDate", "datetime"),
			param("ObjectIds", "strings"), param("UserIds", "strings"), param("IsSuccess", "bool"), param("ResultSize", "int"), param("StartIndex", "int")}},
		searchAdminAuditLog}}
}

// run runs the call. What changes something is recorded first, and runs only when that is on disk:
// a change that nobody can find the author of is worse than one that has to wait. The record
// then says how the call ended.
func (c *call) run() error {
	if !c.changes() || c.whatIf() {
		return c.cmdlet.run(c)
	}
	if !c.caller.Administrator { // the Get that acts is held by all by its name
		return c.caller.denied(c.cmdlet.Name + " -Argument")
	}
	rec := &org.AuditRecord{Caller: c.caller.Name, Cmdlet: c.cmdlet.Name, Parameters: c.auditParameters(), ObjectModified: c.auditObject(),
		Server: c.caller.Server, ClientIP: c.caller.ClientIP}
	if err := c.r.org.BeginAudit(c, rec); err != nil {
		if c.Err() != nil {
			return err
		}
		c.r.opts.Log.Error("audit log not written", "cmdlet", c.cmdlet.Name, "error", err)
		return &failure{"The command was not run: its record could not be written to the admin audit log.", "ResourceUnavailable", "AdminAuditLogException", ""}
	}
	err := c.cmdlet.run(c)
	if c.object != "" {
		rec.ObjectModified = cut(c.object)
	}
	if rec.Succeeded = err == nil; err != nil {
		told := c.r.record(c.cmdlet.Name, err)
		rec.Error, err = cut(told.Message), told
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c), auditEnd)
	defer cancel()
	if failed := c.r.org.EndAudit(ctx, rec); failed != nil {
		c.r.opts.Log.Error("audit log not written", "cmdlet", c.cmdlet.Name, "error", failed)
		c.warn("The record of this command in the admin audit log does not say how it ended.")
	}
	return err
}

// changes tells whether the call changes something: what Reads does not hold, and the Get that makes
// servers take up what they run.
func (c *call) changes() bool {
	return !Reads(c.cmdlet.Name) || c.cmdlet.Name == diagnosticInfo && c.args.text("Argument") != ""
}

// auditParameters are the call's parameters as a record holds them.
func (c *call) auditParameters() []string {
	var list []string
	for _, p := range c.cmdlet.Params {
		value, ok := c.args[p.Name]
		switch edit, isEdit := value.(psobject.Edit); {
		case !ok:
		case secret(p.Name):
			list = append(list, p.Name+"=******")
		case isEdit:
			list = append(list, p.Name+"="+cut("@{Add="+strings.Join(edit.Add, ", ")+"; Remove="+strings.Join(edit.Remove, ", ")+"}"))
		default:
			list = append(list, p.Name+"="+cut(psobject.Text(value)))
		}
	}
	return list
}

// secret tells whether a parameter's value is nothing for a log.
func secret(name string) bool {
	return slices.ContainsFunc([]string{"Password", "Credential", "Secret", "PrivateKey", "Token"}, func(word string) bool { return strings.Contains(name, word) })
}

// auditObject is the object that the parameters name.
func (c *call) auditObject() string {
	for _, name := range []string{"Identity", "Name", "Server"} {
		if c.args.has(name) {
			return cut(psobject.Text(c.args[name]))
		}
	}
	return ""
}

// cut bounds a text of a record.
func cut(s string) string {
	if len(s) <= maxAuditValue {
		return s
	}
	return strings.ToValidUTF8(s[:maxAuditValue], "") + "..."
}

func searchAdminAuditLog(c *call) error {
	if c.args.has("Parameters") && !c.args.has("Cmdlets") {
		return invalid("Parameters", "Name the cmdlets too: -Parameters is used with -Cmdlets.")
	}
	size, skip := int64(stockAuditSize), int64(0)
	if n, ok := c.args["ResultSize"].(int64); ok {
		size = n
	}
	if n, ok := c.args["StartIndex"].(int64); ok {
		skip = n
	}
	if size < 1 || size > maxAuditResults || skip < 0 {
		return invalid("ResultSize", "ResultSize is from 1 to %d, StartIndex from 0.", maxAuditResults)
	}
	return c.r.org.AuditLog(c, c.args.time("StartDate"), c.args.time("EndDate"), func(r *org.AuditRecord) bool {
		if !c.wants(r) {
			return true
		}
		if skip > 0 {
			skip--
			return true
		}
		c.put(showAuditRecord(r))
		size--
		return size > 0
	})
}

// wants tells whether a record is one that the search asks for.
func (c *call) wants(r *org.AuditRecord) bool {
	for name, have := range map[string]string{"Cmdlets": r.Cmdlet, "ObjectIds": r.ObjectModified, "UserIds": r.Caller} {
		if c.args.has(name) && !containsFold(c.args.strings(name), have) {
			return false
		}
	}
	if c.args.has("Parameters") && !slices.ContainsFunc(r.Parameters, func(p string) bool {
		name, _, _ := strings.Cut(p, "=")
		return containsFold(c.args.strings("Parameters"), name)
	}) {
		return false
	}
	return !c.args.has("IsSuccess") || c.args.bool("IsSuccess") == r.Succeeded
}

func showAuditRecord(r *org.AuditRecord) psobject.Object {
	message := "None"
	switch {
	case r.Error != "":
		message = r.Error
	case !r.Succeeded:
		message = "The command began; how it ended is not known."
	}
	return newObject("Microsoft.Exchange.Management.SystemConfigurationTasks.AdminAuditLogEvent").
		add("ObjectModified", blank(r.ObjectModified)).add("CmdletName", r.Cmdlet).add("CmdletParameters", r.Parameters).
		add("ModifiedProperties", []string{}).add("Caller", r.Caller).add("ExternalAccess", false).add("Succeeded", r.Succeeded).
		add("Error", message).add("RunDate", r.RunDate).add("OriginatingServer", blank(r.Server)).add("ClientIP", blank(r.ClientIP)).
		add("Identity", r.GUID.String()).add("IsValid", true).add("ObjectState", "New").Object
}
