package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/durationpb"
)

// searchAttributes is the closed list by which operators find executions.
// Values are identifiers, stages and counts, never personal data: search
// attributes stay readable even where payloads are encrypted.
var searchAttributes = map[string]enums.IndexedValueType{
	"AuditTenant":    enums.INDEXED_VALUE_TYPE_KEYWORD,
	"AuditKind":      enums.INDEXED_VALUE_TYPE_KEYWORD,
	"AuditStage":     enums.INDEXED_VALUE_TYPE_KEYWORD,
	"AuditFramework": enums.INDEXED_VALUE_TYPE_KEYWORD,
	"AuditItems":     enums.INDEXED_VALUE_TYPE_INT,
	"AuditLedgerSeq": enums.INDEXED_VALUE_TYPE_INT,
	"AuditDueAt":     enums.INDEXED_VALUE_TYPE_DATETIME,
}

// prepare waits until the frontend answers and leaves a namespace with its
// search attributes behind. Both calls may find their work done already.
func (c *devCluster) prepare(ctx context.Context) error {
	namespaces, err := client.NewNamespaceClient(client.Options{HostPort: c.address()})
	if err != nil {
		return fmt.Errorf("connect to temporal: %w", err)
	}
	defer namespaces.Close()
	if err := eventually(ctx, func() error { return c.register(ctx, namespaces) }); err != nil {
		return fmt.Errorf("register namespace %s: %w", c.opts.namespace, err)
	}

	temporal, err := client.NewLazyClient(client.Options{HostPort: c.address(), Namespace: c.opts.namespace})
	if err != nil {
		return fmt.Errorf("connect to temporal: %w", err)
	}
	defer temporal.Close()
	if err := eventually(ctx, func() error { return c.index(ctx, temporal) }); err != nil {
		return fmt.Errorf("register search attributes: %w", err)
	}
	return nil
}

func (c *devCluster) register(ctx context.Context, namespaces client.NamespaceClient) error {
	err := namespaces.Register(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace:                        c.opts.namespace,
		Description:                      "Sealbook development",
		WorkflowExecutionRetentionPeriod: durationpb.New(c.opts.retention),
	})
	var exists *serviceerror.NamespaceAlreadyExists
	if errors.As(err, &exists) {
		return nil
	}
	return err
}

// index adds the attributes and then looks whether the frontend sees them: the
// namespace reaches its cache a moment after the registration.
func (c *devCluster) index(ctx context.Context, temporal client.Client) error {
	operator := temporal.OperatorService()
	if _, err := operator.AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace:        c.opts.namespace,
		SearchAttributes: searchAttributes,
	}); err != nil {
		return err
	}
	listed, err := operator.ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{
		Namespace: c.opts.namespace,
	})
	if err != nil {
		return err
	}
	for name, kind := range searchAttributes {
		if have := listed.GetCustomAttributes()[name]; have != kind {
			return fmt.Errorf("%s is %s, not %s", name, have, kind)
		}
	}
	return nil
}

// eventually repeats an attempt until it succeeds or ctx ends, and then
// returns the attempt's own error: it says more than "deadline exceeded".
func eventually(ctx context.Context, attempt func() error) error {
	const pause = 100 * time.Millisecond
	for {
		err := attempt()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}
