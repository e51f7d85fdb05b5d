package audit

import (
	"testing"
	"time"
)

// BenchmarkDecodeEvent decodes what a plant's entries look like. The baseline is "long",
// [json.Decoder] with UseNumber, which the short way agrees with: x-long says how many
// times as long decoding takes.
func BenchmarkDecodeEvent(b *testing.B) {
	payload := []byte(`{"action":{"changes":[{"change_reason":"drift","field":"alarm_high","new_value":82.5,"old_value":80}],"operation":"limit_change"},` +
		`"actor":{"department":"production","email":"u17@plant.example","id":"u17","name":"Robin Weaver","role":"operator","session_id":"s-1f9a","type":"user"},` +
		`"class":"data_change","context":{"location":"hall 2","source_ip":"10.2.0.17","user_agent":"console/4.1"},"details":{"outcome":"success","unit":"bar"},"external_id":"plant-2:000917",` +
		`"metadata":{"emitter_id":"plc-gateway-2","emitter_seq":917},"resource":{"id":"reactor-2/pressure","parent_machine":"reactor-2","type":"parameter"},"severity":"medium","timestamp":"2025-03-04T09:15:27.123Z"}`)
	if !decodeShort(new(Event), payload) {
		b.Fatal("the short way does not take it")
	}
	long := time.Duration(0)
	for _, way := range []struct {
		name string
		run  func() error
	}{
		{"long", func() error { _, err := decodeLong(payload); return err }},
		{"short", func() error { _, err := DecodeEvent("t", payload); return err }},
	} {
		b.Run(way.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := way.run(); err != nil {
					b.Fatal(err)
				}
			}
			each := b.Elapsed() / time.Duration(b.N)
			if way.name == "long" {
				long = each
			}
			b.ReportMetric(float64(each)/float64(long), "x-long")
		})
	}
}
