package main

import "testing"

func TestInMemory(t *testing.T) {
	if available := memoryAvailable(); available == 0 {
		t.Error("the kernel tells of no memory")
	}
	for folder, needed := range map[string]uint64{"/proc": 0, "/nowhere": 0, memoryFolder: 1 << 60} {
		if got := inMemory(folder, needed); got != "" {
			t.Errorf("%d bytes are found in %s", needed, got)
		}
	}
}
