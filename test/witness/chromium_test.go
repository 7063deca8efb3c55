package witness

import (
	"testing"

	"hma/internal/testenv"
)

func chromiumBefore(t *testing.T, e *testenv.Env) {}
func chromiumAfter(t *testing.T, e *testenv.Env)  {}
