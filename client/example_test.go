package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/sealbook/sealbook/client"
)

// sealbook stands for a server that takes one entry and lists two.
func sealbook() *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/audit/entries", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, `{"success":true,"data":{"id":"audit_entry_20250826_000042","seq":42,"receipt":{"receipt":"sealbook/v1","record":"…","proof":"…"}},"metadata":{"request_id":"req_1"}}`)
	})
	mux.HandleFunc("GET /api/v1/audit/logs", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"success":true,"data":[{"seq":42,"event_type":"access.granted"},{"seq":41,"event_type":"login"}],"pagination":{"limit":200},"metadata":{"request_id":"req_2"}}`)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, `{"success":false,"error":{"code":"INSUFFICIENT_AUDIT_PRIVILEGES","message":"you may not","details":{"required_permission":"audit:export"}},"metadata":{"request_id":"req_3"}}`)
	})
	return httptest.NewServer(mux)
}

// Append an entry, keep its receipt, and walk the ledger.
func Example() {
	server := sealbook()
	defer server.Close()
	ctx := context.Background()

	api, err := client.New(server.URL, "sk_live_x")
	if err != nil {
		fmt.Println(err)
		return
	}
	entry, err := api.CreateEntry(ctx, client.EntryRequest{
		EventType:  "access.granted",
		ExternalID: "door:7:2025-08-26T14:30:00Z", // the same event is never there twice
		Actor:      &client.EntryRequestActor{Type: client.EntryRequestActorTypeUser, ID: "ada"},
		Details:    map[string]any{"door": 7},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("entry", entry.Data.Seq, "with a receipt:", entry.Data.Receipt != nil)

	for log, err := range api.AllLogs(ctx, client.ListLogsParams{From: "2025-01-01"}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(log.Seq, log.EventType)
	}

	_, err = api.ListExports(ctx, client.ListExportsParams{})
	var refusal *client.Error
	if errors.As(err, &refusal) {
		fmt.Println(refusal.Status, refusal.Code, refusal.Details.RequiredPermission)
	}
	// Output:
	// entry 42 with a receipt: true
	// 42 access.granted
	// 41 login
	// 403 INSUFFICIENT_AUDIT_PRIVILEGES audit:export
}
