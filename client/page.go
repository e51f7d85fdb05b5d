package client

import "iter"

// walk yields the items of all pages. next gets what it returned before, which
// is the zero value at first, and says whether there is another page. The first
// error ends it.
func walk[T, P any](next func(P) (items []T, following P, more bool, err error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var at P
		for more := true; more; {
			var items []T
			var err error
			if items, at, more, err = next(at); err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
		}
	}
}
