package shell

import (
	"strings"

	"hma/shell/parse"
	"hma/wire/psobject"
)

// whereOperators are the comparisons of Where-Object's short form: where Name -like "EvoSts*".
var whereOperators = []string{"EQ", "NE", "GT", "GE", "LT", "LE", "Like", "NotLike", "Match", "NotMatch", "Contains", "NotContains", "In", "NotIn"}

func whereObject() *cmdlet {
	params := []psobject.Parameter{needed(at(0, named("FilterScript", "any", "Property"))), at(1, named("Value", "any")), named("Not", "switch")}
	for _, op := range whereOperators {
		params = append(params, named(op, "switch", "I"+op), named("C"+op, "switch"))
	}
	return &cmdlet{psobject.Command{Name: "Where-Object", Synopsis: "Lets those objects through that a condition holds for.", Params: append(params, inputParameter)}, func(c *call) (*stage, error) {
		test, err := c.condition()
		if err != nil {
			return nil, err
		}
		return &stage{process: func(v any) error {
			ok, err := test(v)
			if err != nil || !ok {
				return err
			}
			return c.out(v)
		}}, nil
	}}
}

// condition is what Where-Object's arguments ask of an object.
func (c *call) condition() (func(any) (bool, error), error) {
	var op string
	exact := false
	for _, name := range whereOperators {
		for _, given := range []string{name, "C" + name} {
			if !c.flag(given) {
				continue
			}
			if op != "" {
				return nil, c.unbound(c.source.Extent, c.name, "AmbiguousParameterSet", "Parameter set cannot be resolved: only one comparison can be given; write { } with -and.")
			}
			op, exact = name, given != name
		}
	}
	if b, ok := c.args["FilterScript"].value.(*parse.Block); ok {
		if op != "" || c.has("Value") || c.has("Not") {
			return nil, c.unbound(c.source.Extent, c.name, "AmbiguousParameterSet", "Parameter set cannot be resolved: a script block and a comparison cannot be used together.")
		}
		return func(v any) (bool, error) {
			result, err := c.of(v, b)
			return truth(result), err
		}, nil
	}
	property := c.string("FilterScript")
	if op == "" {
		if c.has("Value") {
			return nil, c.unbound(c.args["Value"].at, c.name, "OperatorNotSpecified", "The specified operator is missing: write for example %s -eq %s.", property, c.string("Value"))
		}
		return func(v any) (bool, error) { return truth(member(v, property)) != c.flag("Not"), nil }, nil
	}
	if !c.has("Value") {
		return nil, c.unbound(c.source.Extent, c.name, "ValueNotSpecifiedForWhereObject", "The value of the comparison is missing.")
	}
	value := c.args["Value"].value
	return func(v any) (bool, error) {
		result, err := c.operate(strings.ToLower(op), exact, member(v, property), value)
		if err != nil {
			return false, c.failed("InvalidOperation", "PSInvalidOperationException", "OperatorFailed", "", "%s", err)
		}
		return truth(result) != c.flag("Not"), nil
	}, nil
}
