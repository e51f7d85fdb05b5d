package worker

import (
	"context"
	"errors"

	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"

	"github.com/sealbook/sealbook/audit"
)

// errorInterceptor is the one place where Sealbook's errors become Temporal's:
// an error that trying again cannot mend is not retried, and its code is the
// failure's type. Activities return plain errors and can be tested without
// Temporal.
type errorInterceptor struct {
	interceptor.WorkerInterceptorBase
}

// InterceptActivity implements interceptor.WorkerInterceptor.
func (*errorInterceptor) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	i := &activityErrors{}
	i.Next = next
	return i
}

type activityErrors struct {
	interceptor.ActivityInboundInterceptorBase
}

// ExecuteActivity implements interceptor.ActivityInboundInterceptor.
func (i *activityErrors) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	out, err := i.Next.ExecuteActivity(ctx, in)
	if err == nil {
		return out, nil
	}
	// A worker that stops is no failure: the next attempt resumes elsewhere.
	if errors.Is(context.Cause(ctx), worker.ErrWorkerShutdown) {
		return nil, temporal.NewApplicationErrorWithOptions("the worker stopped", "WORKER_STOPPED",
			temporal.ApplicationErrorOptions{Category: temporal.ApplicationErrorCategoryBenign})
	}
	var e *audit.Error
	if !errors.As(err, &e) {
		return nil, err
	}
	return nil, temporal.NewApplicationErrorWithOptions(e.Message, string(e.Code), temporal.ApplicationErrorOptions{
		NonRetryable: audit.Permanent(e), Cause: e.Err, NextRetryDelay: e.RetryAfter,
	})
}
