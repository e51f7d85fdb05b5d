package api_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sealbook/sealbook/api"
	"github.com/sealbook/sealbook/audit"
)

func TestErrorsBecomeStatuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want int
	}{
		{audit.Errorf(audit.NotFound, "x"), http.StatusNotFound},
		{fmt.Errorf("wrapped: %w", audit.Errorf(audit.ExportGone, "x")), http.StatusGone},
		{audit.Errorf(audit.InProgress, "x"), http.StatusConflict},
		{audit.Errorf(audit.RateLimited, "x"), http.StatusTooManyRequests},
		{audit.Errorf(audit.Tampered, "x"), http.StatusInternalServerError},
		{audit.Errorf("NEW_CODE", "x"), http.StatusInternalServerError},
		{errors.New("secret"), http.StatusInternalServerError},
		{&audit.Error{Code: audit.Internal, Message: "secret"}, http.StatusInternalServerError},
		{fmt.Errorf("secret: %w", context.DeadlineExceeded), http.StatusServiceUnavailable},
		{fmt.Errorf("secret: %w", &net.OpError{Op: "dial", Err: errors.New("refused")}), http.StatusServiceUnavailable},
		{fmt.Errorf("secret: %w", io.ErrUnexpectedEOF), http.StatusServiceUnavailable},
		{fmt.Errorf("secret: %w", &pgconn.PgError{Code: "57P03"}), http.StatusServiceUnavailable},
		{fmt.Errorf("secret: %w", &pgconn.PgError{Code: "53300"}), http.StatusServiceUnavailable},
		{fmt.Errorf("secret: %w", &pgconn.PgError{Code: "58030"}), http.StatusServiceUnavailable},
		{fmt.Errorf("secret: %w", &pgconn.PgError{Code: "23505"}), http.StatusInternalServerError},
	} {
		if status, message := api.Status(c.err); status != c.want || strings.Contains(message, "secret") {
			t.Errorf("%v is %d %q, not %d", c.err, status, message, c.want)
		}
	}
}

func TestRetentionIsCountedByTheCalendar(t *testing.T) {
	t.Parallel()
	from := time.Date(2025, 8, 26, 14, 25, 30, 789000000, time.UTC)
	if period, until := api.RetentionOf(from, audit.DefaultRetention.AuditLogs.RetentionDays); period != "7_years" || audit.FormatTime(until) != "2032-08-26T14:25:30.789Z" {
		t.Errorf("%s until %s", period, until) // as document B shows it
	}
	if period, until := api.RetentionOf(from, 100); period != "100_days" || audit.FormatTime(until) != "2025-12-04T14:25:30.789Z" {
		t.Errorf("%s until %s", period, until)
	}
}
