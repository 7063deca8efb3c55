package psobject

// Invocation is the body of POST /adminapi/v1/invoke: one cmdlet, once.
type Invocation struct {
	// Cmdlet is the name in any case, for example "Set-OwaVirtualDirectory".
	Cmdlet string `json:"cmdlet"`
	// Parameters are bound by their full names (the shell resolves positions and
	// abbreviations with the help of Command). Values are of Property's types.
	Parameters []Property `json:"parameters,omitempty"`
	// Input is the pipeline: the cmdlet runs once for each object. Empty means no pipeline.
	Input []Object `json:"input,omitempty"`
}

// Result is what an invocation answers. Output keeps what came before an error.
type Result struct {
	Output   []Object `json:"output,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
	// WhatIf are the whole lines, "What if: ..." included, that a command with -WhatIf prints
	// instead of doing what they say.
	WhatIf []string     `json:"whatIf,omitempty"`
	Error  *ErrorRecord `json:"error,omitempty"`
}

// ErrorRecord is a cmdlet's error in the shape in which PowerShell shows it.
type ErrorRecord struct {
	// Message is one sentence for the administrator.
	Message string `json:"message"`
	// Category is the CategoryInfo word: InvalidArgument, ObjectNotFound,
	// PermissionDenied, InvalidOperation, NotImplemented, ResourceUnavailable.
	Category string `json:"category"`
	// Reason is the exception name, for example ManagementObjectNotFoundException.
	Reason string `json:"reason"`
	// Target is the object or argument that the error is about.
	Target string `json:"target,omitempty"`
	// Cmdlet is the name of the cmdlet that failed.
	Cmdlet string `json:"cmdlet"`
}

// Error implements error with the message.
func (e *ErrorRecord) Error() string { return e.Cmdlet + ": " + e.Message }

// Command describes one cmdlet, as GET /adminapi/v1/commands lists them: what
// the shell needs to bind arguments, complete names and print help.
type Command struct {
	Name     string      `json:"name"`
	Synopsis string      `json:"synopsis"`
	Params   []Parameter `json:"parameters,omitempty"`
	// Sets are the parameter sets, each a list of parameter names that may stand
	// together; empty means that all parameters may.
	Sets map[string][]string `json:"sets,omitempty"`
	// Asks names why the cmdlet exists: a line of the how-to, a rule or a witness.
	Asks string `json:"asks"`
}

// Parameter describes one parameter of a Command.
type Parameter struct {
	Name string `json:"name"`
	// Type is one of string, bool, int, strings, switch, datetime. A strings parameter of a
	// Set cmdlet takes an Edit too.
	Type      string   `json:"type"`
	Mandatory bool     `json:"mandatory,omitempty"`
	Nullable  bool     `json:"nullable,omitempty"` // a bool parameter takes $null, too
	Position  *int     `json:"position,omitempty"`
	Pipeline  bool     `json:"pipeline,omitempty"` // takes the pipeline object (its Identity)
	Values    []string `json:"values,omitempty"`   // allowed words, compared without case
	Aliases   []string `json:"aliases,omitempty"`
}
