package forensic

import "math"

// rates are numbers of entries by day and class of operation, of the latest
// days on which the user was active at all.
type rates struct {
	days []tally
	next int
	most int // 90 unless it is said

	week [7]struct{ sum, days float64 } // entries by day of the week
}

type tally struct {
	counts  [classes]int
	weekday int
}

func (r *rates) learn(t *today) {
	weekday := t.weekday()
	day := tally{t.counts, weekday}
	most := r.most
	if most == 0 {
		most = 90
	}
	if len(r.days) < most {
		r.days = append(r.days, day)
	} else {
		r.days[r.next] = day
		r.next = (r.next + 1) % most
	}
	r.week[weekday].sum += float64(t.total)
	r.week[weekday].days++
}

// weekday is 0 for Thursdays.
func (t *today) weekday() int { return int((t.hours[0]/24%7 + 7) % 7) }

// factor is how much more than on other days is done on a day of the week, as
// if ten days of the mean had been seen as well.
func (r *rates) factor(weekday int) float64 {
	sum, days := 0.0, 0.0
	for _, w := range r.week {
		sum, days = sum+w.sum, days+w.days
	}
	if sum == 0 {
		return 1
	}
	const prior = 10
	mean := sum / days
	return (r.week[weekday].sum + prior*mean) / ((r.week[weekday].days + prior) * mean)
}

// leastActive is on how many days a class was seen at least before its numbers
// have a distribution.
const leastActive = 5

// knows reports whether a class was seen often enough.
func (r *rates) knows(class int) bool {
	active := 0
	for i := range r.days {
		if r.days[i].counts[class] > 0 {
			active++
		}
	}
	return active >= leastActive
}

// tail is the probability that a class has n entries or more on a day of the
// week. Of a class that hardly ever was there it is the probability that it is
// there at all; how often then, nobody knows.
func (r *rates) tail(class, n, weekday int) float64 {
	if n == 0 || len(r.days) == 0 {
		return 1
	}
	active, sum := 0, 0.0
	var factors [7]float64
	for w := range factors {
		factors[w] = r.factor(w)
	}
	for i := range r.days {
		d := &r.days[i]
		if d.counts[class] > 0 {
			active++
		}
		sum += float64(d.counts[class]) / factors[d.weekday]
	}
	days := float64(len(r.days))
	mean, squares := sum/days, 0.0
	for i := range r.days {
		d := &r.days[i]
		x := float64(d.counts[class])/factors[d.weekday] - mean
		squares += x * x
	}
	return tailByMoments(n, active, days, mean, squares, factors[weekday])
}

// tailByMoments is the probability of n or more on a day. Of active days with
// any, few say how often it happens and nothing of how much then.
func tailByMoments(n, active int, days, mean, squares, factor float64) float64 {
	if active < leastActive {
		return min((float64(active)+0.5)/(days+1), 1)
	}
	return negativeBinomialTail(n, mean*factor, dispersion(mean, squares/(days-1)))
}

// maxDispersion is as near to a Poisson distribution as people get. Their
// numbers vary more than independent events do, and moments of a few days can
// fail to show it.
const maxDispersion = 20.0

// dispersion is the k of the negative binomial distribution with this mean and
// variance: m²/(s²−m), by moments.
func dispersion(mean, variance float64) float64 {
	if variance <= mean {
		return maxDispersion
	}
	return min(mean*mean/(variance-mean), maxDispersion)
}

// negativeBinomialTail is the probability of n or more, for a mean above 0 and
// k above 0; the variance is mean + mean²/k.
func negativeBinomialTail(n int, mean, k float64) float64 {
	if n <= 0 {
		return 1
	}
	lg := func(x float64) float64 { v, _ := math.Lgamma(x); return v }
	term := func(x float64) float64 {
		return math.Exp(lg(x+k) - lg(k) - lg(x+1) + k*math.Log(k/(k+mean)) + x*math.Log(mean/(k+mean)))
	}
	q := mean / (k + mean)
	if x := float64(n); x <= mean {
		sum, t := 0.0, term(0)
		for i := range n {
			sum += t
			t *= (float64(i) + k) / float64(i+1) * q
		}
		return max(1-sum, 0)
	}
	sum, t := 0.0, term(float64(n))
	for i := n; t > sum*1e-9; i++ {
		sum += t
		t *= (float64(i) + k) / float64(i+1) * q
	}
	return min(sum, 1)
}

// Of the moving average that finds slow growth (Roberts' EWMA): the weight of
// the latest day, the number of latest days that are no part of what they are
// held against, and the control limit in standard deviations.
const (
	driftWeight = 0.2
	driftDays   = 14
	driftLimit  = 3
)

// drift is the exponentially weighted mean of the square roots of a class's
// numbers on the latest days and today, in its own standard deviations from the
// mean of the days before. Square roots make the variance the same for few and
// for many. It is 0 where too little is known.
func (r *rates) drift(class, n int) float64 {
	if len(r.days) < minDays+driftDays {
		return 0
	}
	at := func(i int) float64 { return math.Sqrt(float64(r.days[(r.next+i)%len(r.days)].counts[class])) }
	before := len(r.days) - driftDays
	sum, squares := 0.0, 0.0
	for i := range before {
		sum += at(i)
	}
	mean := sum / float64(before)
	for i := range before {
		squares += (at(i) - mean) * (at(i) - mean)
	}
	deviation := math.Sqrt(squares / float64(before-1))
	if deviation == 0 {
		return 0
	}
	z := 0.0
	for i := before; i < len(r.days); i++ {
		z = driftWeight*(at(i)-mean) + (1-driftWeight)*z
	}
	z = driftWeight*(math.Sqrt(float64(n))-mean) + (1-driftWeight)*z
	limit := math.Sqrt(driftWeight / (2 - driftWeight) * (1 - math.Pow(1-driftWeight, 2*(driftDays+1))))
	return z / (deviation * limit)
}
