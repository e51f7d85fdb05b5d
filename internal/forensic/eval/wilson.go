package eval

import "math"

// z is the 97.5th percentile of the normal distribution.
const z = 1.959963984540054

// Share is so many of so many.
type Share struct{ Of, All int }

// Value is the share, 0 to 1; 0 of none is NaN.
func (s Share) Value() float64 { return float64(s.Of) / float64(s.All) }

// Wilson is the 95 % score interval of the share (Wilson 1927), within 0 to 1.
// Of none at all it is everything.
func (s Share) Wilson() (low, high float64) {
	if s.All == 0 {
		return 0, 1
	}
	n, p := float64(s.All), s.Value()
	middle := p + z*z/(2*n)
	half := z * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	low, high = (middle-half)/(1+z*z/n), (middle+half)/(1+z*z/n)
	return max(low, 0), min(high, 1)
}

// byar is the 95 % interval of the mean of a count (Byar's approximation of the
// Poisson interval), for alarms, of which a user-day can have several.
func byar(count int) (low, high float64) {
	if n := float64(count); count > 0 {
		low = n * math.Pow(1-1/(9*n)-z/(3*math.Sqrt(n)), 3)
	}
	n := float64(count) + 1
	return low, n * math.Pow(1-1/(9*n)+z/(3*math.Sqrt(n)), 3)
}

// Precision is the share of alarms that are real (Bayes) if so many of all
// user-days hold an incident, an alarm is raised for this share of those, and
// so many alarms for each harmless user-day. It is NaN if there are no alarms.
func Precision(prevalence, found, falseAlarms float64) float64 {
	right := prevalence * found
	return right / (right + (1-prevalence)*falseAlarms)
}
