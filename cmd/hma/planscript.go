package main

import (
	"path/filepath"

	"hma/hybrid/journal"
	"hma/hybrid/procedure"
	"hma/hybrid/procedure/script"
)

// writeScripts writes the plan's two scripts to a folder, which is made when it is not there.
func writeScripts(plan *procedure.Plan, dir string) error {
	scripts, err := script.Make(plan, plan.Organization)
	if err != nil {
		return err
	}
	if err := journal.WriteFile(filepath.Join(dir, script.ApplyFile), scripts.Apply); err != nil {
		return err
	}
	return journal.WriteFile(filepath.Join(dir, script.UndoFile), scripts.Undo)
}
