package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/client"
)

func reportCommand() *command {
	return &command{
		name: "report", summary: "make a report and download it",
		usage: []string{
			"--type NAME --from DATE --to DATE --out FILE [flags]",
			"--investigation ID --out FILE [flags]",
			"--id ID --out FILE [flags]",
		},
		about: `Asks for a report, waits until it is sealed, and signed when a signatory is
named, downloads it and compares its digest. FILE appears when it is whole. The
report is a durable job of the server: when this command is interrupted, it goes
on, and --id waits for it again.`,
		examples: `sealbook report --type compliance_summary --framework soc2 \
    --from 2024-01-01 --to 2024-12-31 --out report.pdf
sealbook report --type access_review --from 2024-01-01 --to 2024-03-31 --out report.pdf \
    --signatory officer@example.com --meaning reviewed_and_approved --send reader@example.com
sealbook verify report.pdf --roots root.pem`,
		settings: append(clientSettings[:2:2], "SEALBOOK_TEMPORAL_UI_URL"),
		exits: `0  FILE is there and has the digest that the server recorded
1  the report failed, was canceled, or did not end in --timeout
2  wrong usage or settings`,
		setup: func(set *flag.FlagSet) action {
			var o reportOptions
			var send, countersign list
			set.StringVar(&o.kind, "type", "", "`NAME`: "+strings.Join(names(audit.ReportTypes), ", "))
			set.StringVar(&o.investigation, "investigation", "", "the report is of the case with this `ID`, and its type is investigation")
			set.StringVar(&o.framework, "framework", "", "the compliance framework `NAME`, such as soc2")
			set.StringVar(&o.from, "from", "", "first `DATE` of the period")
			set.StringVar(&o.to, "to", "", "last `DATE` of the period, included")
			set.StringVar(&o.format, "format", "pdf", "`FORMAT`: pdf, json or csv")
			set.StringVar(&o.signatory, "signatory", "", "who shall sign it, by `ID` or e-mail address")
			set.StringVar(&o.meaning, "meaning", "reviewed_and_approved", "what they `MEAN` by it: authorship, responsibility,\nreview, verification, approval, reviewed_and_approved")
			set.Var(&countersign, "countersign", "who signs then and what they mean, as `ID=MEANING`, separated\nby commas; repeatable, in this order")
			set.Var(&send, "send", "e-mail `ADDRESSES` to send it to, separated by commas; repeatable")
			set.StringVar(&o.out, "out", "", "`FILE` to write")
			set.StringVar(&o.id, "id", "", "wait for the report with this `ID` instead of asking for one")
			set.DurationVar(&o.timeout, "timeout", 0, "give up waiting after this `TIME`, such as 30m (default: wait)")
			set.BoolVar(&o.json, "json", false, "print the finished report's description as JSON")
			return func(ctx context.Context, c *call, args []string) error {
				o.send, o.countersign = commaSeparated(send), commaSeparated(countersign)
				if err := o.check(args); err != nil {
					return err
				}
				api, err := newClient(c)
				if err != nil {
					return err
				}
				return o.run(ctx, c, api)
			}
		},
	}
}

type reportOptions struct {
	kind, investigation, framework, from, to, format, signatory, meaning string

	send, countersign []string
	out, id           string
	timeout           time.Duration
	json              bool
}

// check refuses what the API would refuse, before anything is asked.
func (o *reportOptions) check(args []string) error {
	if len(args) > 0 {
		return usagef("%q is not a flag; see sealbook report --help", args[0])
	}
	if o.out == "" {
		return usagef("say where the report goes: --out FILE")
	}
	if info, err := os.Stat(filepath.Dir(o.out)); err != nil || !info.IsDir() {
		return usagef("there is no folder %s", filepath.Dir(o.out))
	}
	if o.id != "" {
		if o.kind != "" || o.investigation != "" || o.framework != "" || o.from != "" || o.to != "" || o.signatory != "" || len(o.send)+len(o.countersign) > 0 {
			return usagef("--id waits for a report that has its own request; leave the other flags away")
		}
		return nil
	}
	if o.investigation != "" && o.kind == "" {
		o.kind = string(audit.InvestigationReport)
	}
	request := audit.ReportRequest{
		Type: audit.ReportType(o.kind), Investigation: audit.InvestigationID(o.investigation), Framework: audit.Framework(o.framework), Period: audit.ReportPeriod{Start: o.from, End: o.to},
		Format: audit.ReportFormat(o.format), Distribution: o.send,
	}
	if o.signatory != "" {
		request.Signature = &audit.SignatureRequest{Required: true, Signatory: o.signatory, Meaning: audit.SignatureMeaning(o.meaning), Countersigners: o.countersigners()}
	} else if len(o.countersign) > 0 {
		return usagef("nobody countersigns what nobody signs: say who signs first with --signatory")
	}
	if _, err := request.Normalise(audit.SystemClock()); err != nil {
		return usagef("%s", sentence(err))
	}
	return nil
}

// countersigners splits each at its last "=".
func (o *reportOptions) countersigners() (list []audit.Countersigner) {
	for _, text := range o.countersign {
		who, meaning := text, ""
		if i := strings.LastIndexByte(text, '='); i >= 0 {
			who, meaning = text[:i], text[i+1:]
		}
		list = append(list, audit.Countersigner{Signatory: who, Meaning: audit.SignatureMeaning(meaning)})
	}
	return list
}

// body is the request as the API takes it.
func (o *reportOptions) body() client.ReportRequest {
	out := client.ReportRequest{
		ReportType: client.ReportRequestReportType(o.kind), InvestigationID: o.investigation, Framework: o.framework,
		Format: client.ReportRequestFormat(o.format), Distribution: o.send,
	}
	if o.from != "" || o.to != "" { // a case has its own
		out.Period = &client.ReportRequestPeriod{Start: o.from, End: o.to}
	}
	if o.signatory != "" {
		out.DigitalSignature = &client.ReportRequestDigitalSignature{
			Required: true, Signatory: o.signatory, SignatureMeaning: client.ReportRequestDigitalSignatureSignatureMeaning(o.meaning),
		}
		for _, c := range o.countersigners() {
			out.DigitalSignature.Countersigners = append(out.DigitalSignature.Countersigners, client.ReportRequestDigitalSignatureCountersigner{
				Signatory: c.Signatory, SignatureMeaning: client.ReportRequestDigitalSignatureCountersignerSignatureMeaning(c.Meaning),
			})
		}
	}
	return out
}

func (o *reportOptions) run(ctx context.Context, c *call, api *client.Client) error {
	if o.id == "" {
		away := func(err error) { fmt.Fprintf(c.stderr, "waiting: %s\n", sentence(err)) }
		started, err := api.StartReport(ctx, o.body(), client.StartReportParams{Prefer: "respond-async"}, patiently(patience, away))
		if err != nil {
			return apiError(err)
		}
		o.id = started.Data.ReportID
		if !o.json {
			fmt.Fprintf(c.stdout, "report %s was started\n", printable(o.id))
			if ui := c.config.TemporalUIURL; ui != "" { // the report's id is its workflow's
				fmt.Fprintf(c.stdout, "watch it at %s/namespaces/%s/workflows/%s\n", ui, c.config.namespace(), url.PathEscape(o.id))
			}
		}
	}
	report, raw, err := o.await(ctx, c, api)
	if err != nil {
		return err
	}
	download, err := api.DownloadReport(ctx, o.id)
	if err != nil {
		return apiError(err)
	}
	defer download.Close()
	if _, err := save(c, download, o.out, report.FileInfo.Checksum); err != nil {
		return err
	}
	if o.json {
		_, err := fmt.Fprintf(c.stdout, "%s\n", raw)
		return err
	}
	return o.tell(c, &report)
}

// tell says what the report came to.
func (o *reportOptions) tell(c *call, r *client.Report) error {
	var b strings.Builder
	pages := ""
	if r.FileInfo.Pages > 0 {
		pages = ", " + counted(r.FileInfo.Pages, "page", "pages")
	}
	fmt.Fprintf(&b, "%s  %d bytes%s\n%s\n", o.out, r.FileInfo.SizeBytes, pages, printable(r.FileInfo.Checksum))
	if s := r.Summary; s != nil {
		if s.OverallComplianceScore != nil {
			fmt.Fprintf(&b, "score %.1f of what was assessed, coverage %.1f %%, floor %.1f\n", *s.OverallComplianceScore, value(s.CoveragePercent), value(s.ScoreFloor))
		} else if s.OverallComplianceScoreReason != "" {
			fmt.Fprintf(&b, "no score: %s\n", printable(s.OverallComplianceScoreReason))
		}
		fmt.Fprintf(&b, "%s\n", counted(s.TotalAuditEntries, "entry of the period", "entries of the period"))
	}
	if d := r.DigitalSignature; d.Sealed {
		fmt.Fprintf(&b, "sealed with %s\n", printable(value(d.CertificateFingerprint)))
		if d.Signed {
			fmt.Fprintf(&b, "signed by %s at %s: %s\n", printable(value(d.Signatory)), audit.FormatTime(value(d.SignatureTimestamp)), printable(string(value(d.SignatureMeaning))))
			for _, c := range d.Countersigners {
				fmt.Fprintf(&b, "signed by %s at %s: %s\n", printable(c.Signatory), audit.FormatTime(value(c.SignatureTimestamp)), printable(string(c.SignatureMeaning)))
			}
		}
	}
	if n := len(r.Distribution.Recipients); n > 0 {
		said := "the mail provider has not accepted every mail yet"
		switch {
		case r.Distribution.DeliveryConfirmation:
			said = "delivered"
		case r.Distribution.EmailSent:
			said = "accepted by the mail provider"
		}
		fmt.Fprintf(&b, "sent to %s: %s\n", counted(int64(n), "recipient", "recipients"), said)
	}
	_, err := fmt.Fprint(c.stdout, b.String())
	return err
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// await waits for the report's end, and a moment for what becomes of its mails.
func (o *reportOptions) await(ctx context.Context, c *call, api *client.Client) (r client.Report, raw json.RawMessage, err error) {
	bar := newProgress(c.stderr, "queued", -1, false)
	defer bar.end()
	began, generated := time.Now(), time.Time{}
	for pause := 200 * time.Millisecond; ; pause = min(pause*3/2, 2*time.Second) {
		shown, err := api.ShowReport(ctx, o.id, patiently(patience, func(err error) { bar.say(sentence(err)) }))
		if err == nil {
			r, raw = shown.Data, shown.Raw
		}
		switch {
		case ctx.Err() != nil:
			return r, raw, o.interrupted()
		case err != nil:
			return r, raw, apiError(err)
		case r.Status == client.ReportStatusGenerated:
			if generated.IsZero() {
				generated, pause = time.Now(), 100*time.Millisecond
			}
			if len(r.Distribution.Recipients) == 0 || r.Distribution.DeliveryConfirmation || time.Since(generated) > mailPatience {
				return r, raw, nil
			}
		case r.Status == client.ReportStatusFailed:
			return r, raw, fmt.Errorf("the report failed: %s", printable(r.Error))
		case audit.ReportStatus(r.Status).Final():
			return r, raw, fmt.Errorf("the report is %s", printable(string(r.Status)))
		case o.timeout > 0 && time.Since(began) > o.timeout:
			return r, raw, fmt.Errorf("the report is still %s after %s; it goes on, and --id %s waits for it", printable(string(r.Status)), o.timeout, o.id)
		}
		bar.say(printable(strings.ReplaceAll(string(r.Status), "_", " ")))
		if p := r.Progress; p != nil {
			bar.say(printable(p.Stage))
			bar.to(p.EntriesDone, p.EntriesTotal)
		}
		if err := sleep(ctx, pause); err != nil {
			return r, raw, o.interrupted()
		}
	}
}

// mailPatience is how long this command waits for what becomes of the mails; the
// server goes on asking for days.
const mailPatience = 10 * time.Second

func (o *reportOptions) interrupted() error {
	return errors.New("nobody waits any more, but the report goes on; sealbook report --id " + o.id + " --out " + o.out + " waits for it again")
}
