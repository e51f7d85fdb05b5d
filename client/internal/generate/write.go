package main

import (
	"fmt"
	"slices"
	"strings"
)

// write writes the operation's parameters, its method, and the one that walks
// all pages.
func (o *operation) write(b *strings.Builder) {
	var outside []parameter // of the path
	arguments := "ctx context.Context"
	for _, p := range o.parameters {
		if p.where == "path" {
			arguments += ", " + unexported(p.name) + " " + p.expression
		} else {
			outside = append(outside, p)
		}
	}
	if o.body != nil {
		arguments += ", body " + o.body.required()
	}
	if o.formName != "" {
		arguments += ", body " + o.formName
	}
	if o.params != "" {
		arguments += ", params " + o.params
		o.writeParams(b, outside)
	}
	arguments += ", options ...CallOption"

	result, call := "error", "callNothing(ctx, c, r, options)"
	switch o.kind {
	case download:
		result, call = "(*Download, error)", "callDownload(ctx, c, r, options)"
	case envelope, bare:
		result = fmt.Sprintf("(*Answer[%s, %s], error)", o.data.required(), o.metadata.text)
		call = fmt.Sprintf("call[%s, %s](ctx, c, r, options)", o.data.required(), o.metadata.text)
	case page:
		result = fmt.Sprintf("(*Page[%s, %s, %s], error)", o.data.text, o.pagination.text, o.metadata.text)
		call = fmt.Sprintf("callPage[%s, %s, %s](ctx, c, r, options)", o.data.text, o.pagination.text, o.metadata.text)
	}
	doc := fmt.Sprintf("%s calls %s %s: %s.", o.name, o.method, o.path, lowerFirst(strings.TrimSuffix(o.summary, ".")))
	if o.about != "" {
		doc += "\n\n" + o.about
	}
	comment(b, "", doc)
	fmt.Fprintf(b, "func (c *Client) %s(%s) %s {\n", o.name, arguments, result)
	fmt.Fprintf(b, "\tr := request{method: %q, path: %s", o.method, o.pathExpression())
	for _, f := range []struct {
		name string
		on   bool
	}{{"open", o.open}, {"repeatable", o.repeatable()}, {"keyed", o.keyed}, {"bare", o.kind == bare}} {
		if f.on {
			fmt.Fprintf(b, ", %s: true", f.name)
		}
	}
	if o.body != nil {
		b.WriteString(", body: body")
	}
	b.WriteString("}\n")
	if o.formName != "" {
		b.WriteString("\tr.form = body.form()\n")
	}
	if o.params != "" {
		b.WriteString("\tparams.set(&r)\n")
	}
	fmt.Fprintf(b, "\treturn %s\n}\n\n", call)
	o.writeForm(b)
	o.writeAll(b, arguments)
}

func (o *operation) repeatable() bool {
	if o.conditional {
		return false // after a lost answer, its tag is the old one
	}
	return o.keyed || o.method != "POST" && o.method != "PATCH"
}

// pathExpression puts the arguments into the path.
func (o *operation) pathExpression() string {
	var out []string
	rest := o.mount + o.path
	for rest != "" {
		before, after, found := strings.Cut(rest, "{")
		if before != "" {
			out = append(out, fmt.Sprintf("%q", before))
		}
		if !found {
			break
		}
		name, tail, _ := strings.Cut(after, "}")
		function := "segment"
		if i := slices.IndexFunc(o.parameters, func(p parameter) bool { return p.name == name && p.several }); i >= 0 {
			function = "segments"
		}
		out = append(out, fmt.Sprintf("%s(%s)", function, unexported(name)))
		rest = tail
	}
	return strings.Join(out, " + ")
}

func (o *operation) writeParams(b *strings.Builder, all []parameter) {
	comment(b, "", fmt.Sprintf("%s are the parameters of %s. Those that are zero are not sent.", o.params, o.name))
	fmt.Fprintf(b, "type %s struct {\n", o.params)
	for _, p := range all {
		if p.description != "" {
			comment(b, "\t", p.description)
		}
		fmt.Fprintf(b, "\t%s %s\n", p.field, p.expression)
	}
	fmt.Fprintf(b, "}\n\nfunc (p *%s) set(r *request) {\n", o.params)
	for _, p := range all {
		fmt.Fprintf(b, "\tr.%s.put(%q, p.%s)\n", p.where, p.name, p.field)
	}
	b.WriteString("}\n\n")
}

func (o *operation) writeForm(b *strings.Builder) {
	if o.formName == "" {
		return
	}
	fmt.Fprintf(b, "func (b *%s) form() *form {\n\tf := new(form)\n", o.formName)
	for _, m := range o.form {
		method := "field"
		if text(m.value, "contentMediaType") != "" || text(m.value, "format") == "binary" {
			method = "file"
		}
		fmt.Fprintf(b, "\tf.%s(%q, b.%s)\n", method, m.name, exported(m.name))
	}
	b.WriteString("\treturn f\n}\n\n")
}

// writeAll writes the iterator over all pages: by cursor where there is one,
// else by number.
func (o *operation) writeAll(b *strings.Builder, arguments string) {
	has := func(name string) bool {
		return slices.ContainsFunc(o.parameters, func(p parameter) bool { return p.where == "query" && p.name == name })
	}
	byCursor := has("cursor")
	if o.item == "" || o.limit == "" || !byCursor && !has("page") {
		return
	}
	name := "All" + strings.TrimPrefix(o.name, "List")
	pass := "ctx"
	for _, p := range o.parameters {
		if p.where == "path" {
			pass += ", " + unexported(p.name)
		}
	}
	doc := fmt.Sprintf("%s walks all pages of %s, from the one that params name. An error is the last that it yields.", name, o.name)
	if byCursor {
		doc += " What is appended meanwhile neither repeats nor hides anything: in descending order it is not seen, in ascending order it comes at the end."
	} else {
		doc += " Pages are counted, so what is added meanwhile can show an item twice."
	}
	comment(b, "", doc)
	fmt.Fprintf(b, "func (c *Client) %s(%s) iter.Seq2[%s, error] {\n", name, arguments, o.item)
	key := "string"
	if !byCursor {
		key = "int64"
	}
	fmt.Fprintf(b, "\treturn walk(func(at %s) ([]%s, %s, bool, error) {\n\t\tparams := params\n", key, o.item, key)
	if o.limit != "0" {
		fmt.Fprintf(b, "\t\tparams.Limit = cmp.Or(params.Limit, %s)\n", o.limit)
	}
	if has("include_total") {
		b.WriteString("\t\tparams.IncludeTotal = new(false)\n")
	}
	if byCursor {
		b.WriteString("\t\tif at != \"\" {\n\t\t\tparams.Cursor = at\n")
		for _, counting := range []string{"page", "offset"} {
			if has(counting) {
				fmt.Fprintf(b, "\t\t\tparams.%s = 0\n", exported(counting))
			}
		}
		b.WriteString("\t\t}\n")
	} else {
		b.WriteString("\t\tparams.Page = cmp.Or(at, params.Page, 1)\n")
	}
	fmt.Fprintf(b, "\t\tanswer, err := c.%s(%s, params, options...)\n\t\tif err != nil {\n\t\t\treturn nil, at, false, err\n\t\t}\n\t\titems := answer.Data%s\n", o.name, pass, o.items)
	if byCursor {
		b.WriteString("\t\tnext := answer.Pagination.NextCursor\n\t\treturn items, next, next != \"\" && len(items) > 0, nil\n")
	} else {
		b.WriteString("\t\treturn items, params.Page + 1, len(items) > 0 && int64(len(items)) >= answer.Pagination.Limit, nil\n")
	}
	b.WriteString("\t})\n}\n\n")
}

// lowerFirst leaves words alone that are not written so for a sentence's sake.
func lowerFirst(s string) string {
	if len(s) > 1 && (s[1] >= 'a' && s[1] <= 'z' || s[1] == ' ') {
		return strings.ToLower(s[:1]) + s[1:]
	}
	return s
}

// comment writes a comment in lines of up to 100 columns. Paragraphs stay.
func comment(b *strings.Builder, indent, text string) {
	for i, paragraph := range strings.Split(strings.TrimSpace(text), "\n\n") {
		if i > 0 {
			b.WriteString(indent + "//\n")
		}
		line := ""
		for _, word := range strings.Fields(paragraph) {
			if line != "" && len(line)+1+len(word) > 96 {
				b.WriteString(indent + "// " + line + "\n")
				line = ""
			}
			if line != "" {
				line += " "
			}
			line += word
		}
		b.WriteString(indent + "// " + line + "\n")
	}
}
