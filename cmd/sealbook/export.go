package main

import (
	"context"
	"encoding/json"
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

func exportCommand() *command {
	return &command{
		name: "export", summary: "export an evidence package and download it",
		usage: []string{
			"--framework NAME --from DATE --to DATE --out FILE [flags]",
			"--job ID --out FILE [flags]",
		},
		about: `Asks for an evidence package, waits until it is made and verified, downloads it
and compares its digest. FILE appears when it is whole. The export is a durable
job of the server: when this command is interrupted, the job goes on, and --job
with its id waits for it again.`,
		examples: `sealbook export --framework soc2 --from 2024-01-01 --to 2024-12-31 --out evidence.zip
sealbook export --framework iso27001 --from 2024-01-01 --to 2024-03-31 \
    --include access_logs,configuration_history --repository repo_42 --out access.zip
sealbook export --job export_01j… --out evidence.zip
sealbook verify evidence.zip --key ledger.vkey`,
		settings: append(clientSettings[:2:2], "SEALBOOK_TEMPORAL_UI_URL"),
		exits: `0  FILE is there and has the digest that the server recorded
1  the export failed, was canceled, or did not end in --timeout
2  wrong usage or settings`,
		setup: func(set *flag.FlagSet) action {
			var o exportOptions
			var include, repositories list
			set.StringVar(&o.framework, "framework", "", "the compliance framework `NAME`: soc2, fda_21cfr11, iso_27001, gdpr, sox, nist_csf")
			set.StringVar(&o.request.AuditPeriod.From, "from", "", "first `DATE` of the period")
			set.StringVar(&o.request.AuditPeriod.To, "to", "", "last `DATE` of the period, included")
			set.Var(&include, "include", "only these `CATEGORIES`, separated by commas (default all):\n"+strings.Join(names(audit.Categories), ", "))
			set.Var(&repositories, "repository", "only entries of these repository `IDS`; repeatable")
			set.StringVar(&o.format, "format", "zip", "`FORMAT`: zip, json or csv")
			set.StringVar(&o.out, "out", "", "`FILE` to write")
			set.StringVar(&o.job, "job", "", "wait for the export with this `ID` instead of starting one")
			set.DurationVar(&o.timeout, "timeout", 0, "give up waiting after this `TIME`, such as 30m (default: wait)")
			set.BoolVar(&o.cancel, "cancel-on-interrupt", false, "cancel the export when this command is interrupted")
			set.BoolVar(&o.json, "json", false, "print the finished job as JSON")
			return func(ctx context.Context, c *call, args []string) error {
				o.include, o.repositories = include, repositories
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

type exportOptions struct {
	framework, format     string
	include, repositories []string
	request               audit.ExportRequest
	out, job              string
	timeout               time.Duration
	cancel, json          bool
}

// check refuses what the API would refuse, before anything is asked.
func (o *exportOptions) check(args []string) error {
	if len(args) > 0 {
		return usagef("%q is not a flag; see sealbook export --help", args[0])
	}
	if o.out == "" {
		return usagef("say where the package goes: --out FILE")
	}
	if info, err := os.Stat(filepath.Dir(o.out)); err != nil || !info.IsDir() {
		return usagef("there is no folder %s", filepath.Dir(o.out))
	}
	if o.job != "" {
		if o.framework != "" || o.request.AuditPeriod.From != "" || o.request.AuditPeriod.To != "" || len(o.include)+len(o.repositories) > 0 {
			return usagef("--job waits for an export that has its own request; leave the other flags away")
		}
		return nil
	}
	if o.framework == "" || o.request.AuditPeriod.From == "" || o.request.AuditPeriod.To == "" {
		return usagef("an export needs --framework, --from and --to; see sealbook export --help")
	}
	o.request.Format, o.request.Framework = audit.Format(o.format), audit.Framework(o.framework)
	for _, c := range commaSeparated(o.include) {
		o.request.Include = append(o.request.Include, audit.Category(c))
	}
	if len(o.request.Include) == 0 {
		o.request.Include = audit.Categories
	}
	o.request.RepositoryIDs = commaSeparated(o.repositories)
	if err := o.request.Validate(); err != nil {
		return usagef("%s", sentence(err))
	}
	return nil
}

// body is the request as the API takes it.
func (o *exportOptions) body() client.ExportRequest {
	out := client.ExportRequest{
		Format: client.ExportRequestFormat(o.request.Format), Framework: string(o.request.Framework),
		AuditPeriod:   client.ExportRequestAuditPeriod{From: o.request.AuditPeriod.From, To: o.request.AuditPeriod.To},
		RepositoryIDs: o.request.RepositoryIDs,
	}
	for _, c := range o.request.Include {
		out.Include = append(out.Include, client.ExportRequestIncludeItem(c))
	}
	return out
}

func (o *exportOptions) run(ctx context.Context, c *call, api *client.Client) error {
	away := func(err error) { fmt.Fprintf(c.stderr, "waiting: %s\n", sentence(err)) }
	if o.job == "" {
		started, err := api.StartExport(ctx, o.body(), client.StartExportParams{}, patiently(patience, away))
		if err != nil {
			return apiError(err)
		}
		o.job = started.Data.JobID
		if !o.json {
			fmt.Fprintf(c.stdout, "export %s was started\n", printable(o.job))
			if ui := c.config.TemporalUIURL; ui != "" { // the job's id is its workflow's
				fmt.Fprintf(c.stdout, "watch it at %s/namespaces/%s/workflows/%s\n", ui, c.config.namespace(), url.PathEscape(o.job))
			}
		}
	}
	job, raw, err := o.await(ctx, c, api)
	if err != nil {
		return err
	}
	size, err := o.download(ctx, c, api, job)
	if err != nil {
		return err
	}
	if o.json {
		_, err := fmt.Fprintf(c.stdout, "%s\n", raw)
		return err
	}
	fmt.Fprintf(c.stdout, "%s  %d bytes\n%s\n", o.out, size, job.SHA256)
	for _, f := range job.Failures {
		fmt.Fprintf(c.stdout, "the package is partial: %s\n", printable(f))
	}
	return nil
}

// await waits for the job's end.
func (o *exportOptions) await(ctx context.Context, c *call, api *client.Client) (job client.Export, raw json.RawMessage, err error) {
	bar := newProgress(c.stderr, "queued", -1, false)
	defer bar.end()
	began := time.Now()
	for pause := 200 * time.Millisecond; ; pause = min(pause*3/2, 2*time.Second) {
		shown, err := api.ShowExport(ctx, o.job, patiently(patience, func(err error) { bar.say(sentence(err)) }))
		if err == nil {
			job, raw = shown.Data, shown.Raw
		}
		switch {
		case ctx.Err() != nil:
			return job, raw, o.interrupted(ctx, api)
		case err != nil:
			return job, raw, apiError(err)
		case job.Status == client.ExportStatusCompleted:
			return job, raw, nil
		case job.Status == client.ExportStatusFailed && job.Error != "":
			return job, raw, fmt.Errorf("the export failed: %s", printable(job.Error))
		case audit.ExportStatus(job.Status).Final():
			return job, raw, fmt.Errorf("the export is %s", printable(string(job.Status)))
		case o.timeout > 0 && time.Since(began) > o.timeout:
			return job, raw, fmt.Errorf("the export is still %s after %s; it goes on, and --job %s waits for it", printable(string(job.Status)), o.timeout, o.job)
		}
		bar.say(printable(string(job.Status)))
		if p := job.Progress; p != nil {
			bar.say(printable(p.Stage))
			bar.to(p.EntriesDone, p.EntriesTotal)
		}
		if err := sleep(ctx, pause); err != nil {
			return job, raw, o.interrupted(ctx, api)
		}
	}
}

// interrupted says what becomes of the job when nobody waits any more.
func (o *exportOptions) interrupted(ctx context.Context, api *client.Client) error {
	if !o.cancel {
		return fmt.Errorf("nobody waits any more, but the export goes on; sealbook export --job %s --out %s waits for it again", o.job, o.out)
	}
	if _, err := api.CancelExport(context.WithoutCancel(ctx), o.job, client.Timeout(10*time.Second)); err != nil {
		return fmt.Errorf("the export %s could not be canceled: %s", o.job, sentence(apiError(err)))
	}
	return fmt.Errorf("the export %s is being canceled", o.job)
}

// download fetches the package.
func (o *exportOptions) download(ctx context.Context, c *call, api *client.Client, job client.Export) (size int64, err error) {
	download, err := api.DownloadExport(ctx, o.job)
	if err != nil {
		return 0, apiError(err)
	}
	defer download.Close()
	return save(c, download, o.out, job.SHA256)
}

// commaSeparated joins repeated flags whose values are lists.
func commaSeparated(values []string) (out []string) {
	for _, v := range values {
		for _, part := range strings.Split(v, ",") {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, part)
			}
		}
	}
	return out
}

func names[T ~string](values []T) (out []string) {
	for _, v := range values {
		out = append(out, string(v))
	}
	return out
}
