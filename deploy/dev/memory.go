package main

import (
	"bufio"
	"fmt"
	"os"
	"syscall"
)

const (
	memoryFolder = "/dev/shm"
	tmpfs        = 0x01021994 // as Linux's magic.h names it
	// memoryNeeded is room for the databases that tests have at one time, with as
	// much for the tests themselves.
	memoryNeeded = 8 << 30
)

// inMemory is where the tests' database is kept: making and dropping a database for
// every test is most of what the disk would be busy with. It is "", for the disk,
// where the folder is not in memory or there is too little, as in many containers.
func inMemory(folder string, needed uint64) string {
	var at syscall.Statfs_t
	if err := syscall.Statfs(folder, &at); err != nil || at.Type != tmpfs {
		return ""
	}
	if at.Bavail*uint64(at.Bsize) < needed || memoryAvailable() < needed {
		return ""
	}
	return folder
}

// memoryAvailable is in bytes, 0 where the kernel does not tell.
func memoryAvailable() (bytes uint64) {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var kib uint64
		if n, _ := fmt.Sscanf(lines.Text(), "MemAvailable: %d kB", &kib); n == 1 {
			return kib << 10
		}
	}
	return 0
}
