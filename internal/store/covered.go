package store

import (
	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// coveredResults is [audit.Constraints.CoversResult] as a condition, on a table with
// from_time and until_time and by the arguments that within adds; about is an
// expression for the frameworks, as an array.
func coveredResults(about string) string {
	return ` and not @none and (cardinality(@only::text[]) = 0 or (` + about + ` <@ @only::text[] and cardinality(` + about + `) > 0))
		and (@from::timestamptz is null or from_time >= @from) and (@until::timestamptz is null or until_time <= @until)`
}

func within(c audit.Constraints, args pgx.NamedArgs) pgx.NamedArgs {
	p := c.Period()
	args["none"], args["only"] = len(c.Repositories) > 0, append([]audit.Framework{}, c.Frameworks...)
	args["from"], args["until"] = optional(p.From), optional(p.Until)
	return args
}
