package main

import (
	"flag"
	"fmt"
	"strings"
)

// help renders what a command teaches. set is nil for one that only has
// subcommands.
func (cmd *command) help(set *flag.FlagSet) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s – %s\n\nUsage:\n", cmd.path, cmd.summary)
	for _, u := range cmd.usage {
		b.WriteString("  " + strings.TrimSpace(cmd.path+" "+u) + "\n")
	}
	section(&b, "", cmd.about, "")
	if len(cmd.children) > 0 {
		b.WriteString("\nCommands:\n")
		for _, child := range cmd.children {
			fmt.Fprintf(&b, "  %-12s %s\n", child.name, child.summary)
		}
	}
	if set != nil {
		flags(&b, set)
	}
	section(&b, "Examples", cmd.examples, "  ")
	if len(cmd.settings) > 0 {
		b.WriteString("\nEnvironment:\n")
		for _, name := range cmd.settings {
			lines := strings.Split(settingHelp(name), "\n")
			if len(name) > 24 {
				fmt.Fprintf(&b, "  %s\n  %-24s %s\n", name, "", lines[0])
			} else {
				fmt.Fprintf(&b, "  %-24s %s\n", name, lines[0])
			}
			for _, more := range lines[1:] {
				fmt.Fprintf(&b, "  %-24s %s\n", "", more)
			}
		}
	}
	exits := cmd.exits
	if exits == "" && set != nil {
		exits = "0  done\n1  it did not work\n2  wrong usage or settings"
	}
	section(&b, "Exit codes", exits, "  ")
	section(&b, "", cmd.closing, "")
	return b.String()
}

func section(b *strings.Builder, title, text, indent string) {
	text = strings.Trim(text, "\n")
	if text == "" {
		return
	}
	b.WriteString("\n")
	if title != "" {
		b.WriteString(title + ":\n")
	}
	for _, line := range strings.Split(text, "\n") {
		b.WriteString(strings.TrimRight(indent+line, " ") + "\n")
	}
}

// flags lists the flags in the order of their names, as flag.VisitAll gives
// them.
func flags(b *strings.Builder, set *flag.FlagSet) {
	first := true
	set.VisitAll(func(f *flag.Flag) {
		if first {
			b.WriteString("\nFlags:\n")
			first = false
		}
		placeholder, usage := flag.UnquoteUsage(f)
		head := "--" + f.Name
		if placeholder != "" {
			head += " " + placeholder
		}
		lines := strings.Split(usage, "\n")
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" && f.DefValue != "0s" {
			lines[len(lines)-1] += fmt.Sprintf(" (default %s)", f.DefValue)
		}
		if len(head) > 22 {
			fmt.Fprintf(b, "  %s\n", head)
			head = ""
		}
		for i, line := range lines {
			if i > 0 {
				head = ""
			}
			fmt.Fprintf(b, "  %-22s %s\n", head, line)
		}
	})
}

// nearest returns the name that differs least from a mistyped one, or "".
func nearest(typed string, names []string) string {
	best, distance := "", max(2, len(typed)/4)+1
	for _, n := range names {
		if d := edits(typed, n); d < distance {
			best, distance = n, d
		}
	}
	return best
}

// edits counts the insertions, deletions and replacements that lead from a to b.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
