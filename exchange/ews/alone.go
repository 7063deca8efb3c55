package ews

// Some operations answer with one response message that is the response itself,
// without ResponseMessages around it: GetInboxRules, UpdateInboxRules and others
// (MS-OXWSRULES 3.1.4.1.3.2).

// alone writes such an answer of success; payload writes what it carries.
func (c *call) alone(payload func() error) error {
	name := c.op.alone()
	c.begun = true
	c.w.Begin(c.version)
	mark := c.w.Mark()
	c.w.Start(name, "ResponseClass", "Success")
	c.w.Element("m:ResponseCode", "NoError")
	if payload != nil {
		if err := payload(); err != nil {
			if told(err) && c.w.Err() == nil && c.w.Cut(mark) {
				c.writeAlone(name, err)
				return c.w.Err()
			}
			return err
		}
	}
	c.w.End(name)
	c.w.Finish()
	return c.w.Err()
}

// failedAlone writes such an answer of failure.
func failedAlone(c *call, err error) error {
	c.begun = true
	c.w.Begin(c.version)
	c.writeAlone(c.op.alone(), err)
	return c.w.Err()
}

// alone is the element of an answer without a list of messages.
func (o *operation) alone() string {
	if o.name == "GetPersona" {
		return "m:GetPersonaResponseMessage" // MS-OXWSPERS 3.1.4.2.1.2
	}
	return "m:" + o.name + "Response"
}

func (c *call) writeAlone(name string, err error) {
	c.w.Start(name, "ResponseClass", "Error")
	c.writeProblem(err)
	c.w.End(name)
	c.w.Finish()
}

// writeProblem writes what every response message of failure says.
func (c *call) writeProblem(err error) {
	code, text := c.door.codeOf(c.request, err)
	c.w.Element("m:MessageText", text)
	c.w.Element("m:ResponseCode", code)
	c.w.Element("m:DescriptiveLinkKey", "0")
}
