package report

import (
	"slices"
	"strings"
	"unicode"
)

// rightToLeft reports whether r is a letter of a script that is read from the right.
func rightToLeft(r rune) bool {
	return r >= 0x590 && unicode.In(r, unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Thaana, unicode.Nko) && !unicode.IsDigit(r)
}

// visual puts a line into the order in which it is seen. gofpdf writes characters
// from the left in the order it is given, so that words of scripts that are read
// from the right come reversed. It is the part of the Unicode bidirectional
// algorithm (UAX #9) that a line needs whose direction is from left to right: what
// lies between two letters of such a script is turned around with them, apart from
// numbers and Latin words, and marks stay behind their letters.
func visual(s string) string {
	line := []rune(s)
	for start := 0; start < len(line); start++ {
		if !rightToLeft(line[start]) {
			continue
		}
		end := start + 1 // behind the last letter of the run
		for i := end; i < len(line) && (rightToLeft(line[i]) || !unicode.IsLetter(line[i])); i++ {
			if rightToLeft(line[i]) || unicode.Is(unicode.M, line[i]) && end == i {
				end = i + 1
			}
		}
		if end < len(line) && closes(line[start:end], line[end]) {
			end++
		}
		run := line[start:end]
		slices.Reverse(run)
		restore(run)
		start = end - 1
	}
	return string(line)
}

var mirrored = map[rune]rune{'(': ')', ')': '(', '[': ']', ']': '[', '{': '}', '}': '{', '<': '>', '>': '<', '«': '»', '»': '«'}

// closes reports whether r is the bracket to one that was opened in the run.
func closes(run []rune, r rune) bool {
	open := 0
	for _, x := range run {
		switch x {
		case mirrored[r]:
			open++
		case r:
			open--
		}
	}
	return strings.ContainsRune(")]}>»", r) && open > 0
}

// restore turns back what is read from the left in a reversed run: numbers, and a
// letter with its marks. Brackets are mirrored.
func restore(run []rune) {
	numeric := func(i int) bool {
		return unicode.IsDigit(run[i]) || i > 0 && i+1 < len(run) && unicode.IsDigit(run[i-1]) && unicode.IsDigit(run[i+1]) && slices.Contains([]rune{'.', ',', ':', '-', '/'}, run[i])
	}
	for i := 0; i < len(run); {
		end := i
		switch {
		case numeric(i):
			for end < len(run) && numeric(end) {
				end++
			}
		case unicode.Is(unicode.M, run[i]):
			for end < len(run) && unicode.Is(unicode.M, run[end]) {
				end++
			}
			end = min(end+1, len(run)) // the letter
		default:
			if m, ok := mirrored[run[i]]; ok {
				run[i] = m
			}
			i++
			continue
		}
		slices.Reverse(run[i:end])
		i = end
	}
}
