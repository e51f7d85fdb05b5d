package forensic

import "math"

// calibration turns what a model says into what was seen: for each feature the
// surprises of all users' earlier days, so that a feature whose model is too
// sure of itself, as of new files that come with each new project, counts for
// no more than its share of days.
type calibration struct {
	days   float64
	counts [slots][maxBits*perBit + 1]float64 // days by surprise
}

// Features whose surprise comes from a model; those by rank need none.
const (
	slotHours   = iota
	slotNew     // and the features that can be new
	slotNumbers = slotNew + features
	slots       = slotNumbers + 1
)

const perBit = 4 // a bin is a quarter of a bit

// learn adds a day's surprises, by the models.
func (c *calibration) learn(day [slots]float64) {
	c.days++
	for slot, bits := range day {
		c.counts[slot][int(bits*perBit)]++
	}
}

// bits is the surprise of a model's surprise: -log2 of the share of days, and
// this one, on which the model said as much. It is no more than what the model
// says.
func (c *calibration) bits(slot int, bits float64) float64 {
	least := 1.0
	for _, n := range c.counts[slot][int(bits*perBit):] {
		least += n
	}
	return min(-math.Log2(least/(c.days+1)), bits)
}
