package ews

// getPersona answers GetPersona (MS-OXWSPERS 3.1.4.2) with all that is known of a persona.
func getPersona(c *call) error {
	e, err := c.child("PersonaId")
	if err != nil {
		return err
	}
	id, _ := e.Attr("Id")
	p, err := c.persona(id)
	if err != nil {
		return err
	}
	all := personaShape{}
	for _, name := range personaElements {
		all[name] = true
	}
	return c.alone(func() error {
		p.write(c.w, "m:Persona", all)
		return nil
	})
}
