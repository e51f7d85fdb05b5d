package main
import ("context";"io";"fmt")
type report struct{}
func measureAll(ctx context.Context, o options, d *dataset, w io.Writer) (*report, error) { return nil, nil }
func (*report) json(io.Writer) error { return nil }
func (*report) markdown(io.Writer) error { return nil }
func (*report) text(io.Writer) error { return nil }
// whole groups thousands.
func whole(f float64) string {
	s := fmt.Sprintf("%.0f", f)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
