package workflows

import (
	"fmt"
	"strings"

	"go.temporal.io/sdk/workflow"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
)

// MaxSending is how many mails of a distribution are handed over at once.
const MaxSending = 8

// DistributeReport sends a report to its recipients, an activity each, and waits
// for what the provider says of the mails, for ConfirmFor at most. A mail that may
// have gone out is not sent again; a person decides about it. Then the ledger says
// what became of them. It ends well whatever that is: what failed stands beside
// each recipient. In every case a child workflow keeps this run's history.
func DistributeReport(ctx workflow.Context, start audit.DistributionStart) error {
	return conclude(ctx, start.Ledger, distribute(ctx, start), func(_ workflow.Context, cause error) error { return cause })
}

func distribute(ctx workflow.Context, start audit.DistributionStart) error {
	var do *activities.Activities
	var d activities.Distribution
	see := func(ctx workflow.Context) error {
		return workflow.ExecuteActivity(quick(ctx, "see where the mails stand"), do.DeliveriesOf, start).Get(ctx, &d)
	}
	if err := see(ctx); err != nil {
		return err
	}
	distributionStage(ctx, start, "sending", d)
	if err := sendAll(ctx, start, d.Unsent); err != nil {
		return err
	}
	reported := workflow.GetSignalChannel(ctx, audit.DeliveredSignal)
	deadline, cancel := workflow.WithCancel(ctx)
	defer cancel()
	expired := false
	timer := workflow.NewTimer(deadline, ConfirmFor)
	for {
		for reported.ReceiveAsync(nil) { // one look answers all that came until now
		}
		if err := see(ctx); err != nil {
			return err
		}
		distributionStage(ctx, start, "confirming", d)
		if d.Open == 0 || expired {
			break
		}
		workflow.NewSelector(ctx).
			AddReceive(reported, func(c workflow.ReceiveChannel, _ bool) { c.Receive(ctx, nil) }).
			AddFuture(timer, func(f workflow.Future) { expired = f.Get(ctx, nil) == nil }).
			AddReceive(ctx.Done(), func(workflow.ReceiveChannel, bool) {}).
			Select(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if err := workflow.ExecuteActivity(quick(ctx, "record what became of the mails"), do.FinishDistribution, start).Get(ctx, &d); err != nil {
		return err
	}
	distributionStage(ctx, start, "ended", d)
	return nil
}

// sendAll hands the mails over, MaxSending at a time. One that fails for as long as
// it may be tried is given up, and keeps nobody else waiting.
func sendAll(ctx workflow.Context, start audit.DistributionStart, unsent []string) error {
	var do *activities.Activities
	room := workflow.NewSemaphore(ctx, MaxSending)
	group := workflow.NewWaitGroup(ctx)
	var failed error
	for _, id := range unsent {
		send := activities.SendReport{Start: start, Delivery: id}
		if room.Acquire(ctx, 1) != nil { // who cancels it means the rest, too
			if err := giveUp(ctx, send, "the distribution was canceled"); err != nil {
				return err
			}
			continue
		}
		group.Add(1)
		workflow.Go(ctx, func(ctx workflow.Context) {
			defer group.Done()
			defer room.Release(1)
			err := workflow.ExecuteActivity(sending(ctx, "send "+id), do.SendReport, send).Get(ctx, nil)
			if err != nil {
				err = giveUp(ctx, send, reason(err))
			}
			if err != nil && failed == nil {
				failed = err
			}
		})
	}
	after, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	group.Wait(after)
	return failed
}

func giveUp(ctx workflow.Context, send activities.SendReport, why string) error {
	var do *activities.Activities
	after, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	return workflow.ExecuteActivity(quick(after, "give up "+send.Delivery), do.GiveUpDelivery, activities.GiveUpDelivery{SendReport: send, Reason: why}).Get(after, nil)
}

func distributionStage(ctx workflow.Context, start audit.DistributionStart, stage string, d activities.Distribution) {
	var lines []string
	for _, state := range audit.DeliveryStates { // not of the map, whose order differs from run to run
		if n := d.Counts[state]; n > 0 {
			lines = append(lines, fmt.Sprintf("- %s: %d", state, n))
		}
	}
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("**%s** – distribution of %s\n\n%s", stage, start.Report, strings.Join(lines, "\n")))
	if err := workflow.UpsertTypedSearchAttributes(ctx, AttributeStage.ValueSet(stage)); err != nil {
		workflow.GetLogger(ctx).Warn("search attributes not set", "error", err)
	}
}
