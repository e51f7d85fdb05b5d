package api

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

// readLog holds the entries about reads on their way to the ledgers, so that a
// read does not wait for a commit. A crash loses what it holds: at most the
// reads of one flush interval and of the append that was under way, or
// Config.MaxWaitingReads while the database takes none. It holds no more than
// that: a read that finds it full waits.
type readLog struct {
	log      *ledger.Log
	clock    audit.Clock
	logger   *slog.Logger
	interval time.Duration // negative: a read appends its entry itself
	most     int           // entries

	mostReaders int // that are counted at a time

	wake chan struct{} // has a token when there is a whole batch

	mu     sync.Mutex
	queues map[int32]*readQueue // by ledger
	held   int                  // entries in all queues, those being appended included
	room   chan struct{}        // closed when entries were appended, and replaced
	closed bool
	counts map[countedBy]*readCount
}

// readQueue is what waits for one ledger, in the order of the reads.
type readQueue struct {
	ledger  int32
	waiting []audit.Event // guarded by readLog.mu, and so is held
	held    int           // entries, those of the batch included
	turn    chan struct{} // holds a token while somebody appends
	batch   *readBatch    // being appended, or to be tried again; changed under mu by who has the turn
}

// readBatch is one submission. It stays as it is until it is known to be in the
// ledger: its key makes the second attempt harmless if the first one was
// committed after all.
type readBatch struct {
	key    string
	events []audit.Event
}

const (
	readBatchSize  = 512 // entries of a submission, at most ledger.MaxBulk
	readRetryFirst = 100 * time.Millisecond
	readRetryMost  = 5 * time.Second // between two attempts
	readRoute      = "reads"         // scope of the batches' keys: no client's route
)

func newReadLog(c Config) *readLog {
	return &readLog{
		log: c.Log, clock: c.Clock, logger: c.Logger, interval: c.ReadFlushEvery, most: int(c.MaxWaitingReads), mostReaders: int(c.MaxCountedReaders),
		wake: make(chan struct{}, 1), queues: map[int32]*readQueue{}, room: make(chan struct{}), counts: map[countedBy]*readCount{},
	}
}

// take accepts an entry. It waits while the log is full, at most until ctx
// ends: then the read did not take place.
func (l *readLog) take(ctx context.Context, org int32, e audit.Event) error {
	if l.interval < 0 {
		e.Timestamp = nil // it is now
		out, err := l.log.Append(ctx, ledger.Submission{Ledger: org, Events: []audit.Event{e}})
		if err != nil {
			return err
		}
		return out.Items[0].Err
	}
	for {
		l.mu.Lock()
		if l.closed {
			l.mu.Unlock()
			return &audit.Error{Code: audit.Unavailable, Message: "the API is stopping and records no more reads", RetryAfter: time.Second}
		}
		if l.hasRoom(org) {
			l.put(org, e)
			l.mu.Unlock()
			return nil
		}
		room := l.room
		l.mu.Unlock()
		l.hurry()
		select {
		case <-room:
		case <-ctx.Done():
			return &audit.Error{Code: audit.Unavailable, Message: "too many reads are waiting to be recorded", Err: ctx.Err(), RetryAfter: time.Second}
		}
	}
}

// hasRoom reports, under mu, whether another entry fits. One ledger gets half of
// the room at most: when it takes no entries, the others' readers go on.
func (l *readLog) hasRoom(org int32) bool {
	q := l.queues[org]
	return l.held < l.most && (q == nil || q.held < (l.most+1)/2)
}

// put queues an entry under mu.
func (l *readLog) put(org int32, e audit.Event) {
	q := l.queues[org]
	if q == nil {
		q = &readQueue{ledger: org, turn: make(chan struct{}, 1)}
		l.queues[org] = q
	}
	q.waiting = append(q.waiting, e)
	q.held++
	if l.held++; len(q.waiting)%readBatchSize == 0 {
		l.hurry()
	}
}

func (l *readLog) hurry() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// run appends every interval, and sooner when there is a batch. Each ledger has
// a goroutine of its own while there is something for it, so one that cannot be
// written to holds up no other.
func (l *readLog) run(ctx context.Context) {
	interval := l.interval
	if interval < 0 { // there are still counts
		interval = DefaultReadFlushEvery
	}
	every := time.NewTicker(interval)
	defer every.Stop()
	var group sync.WaitGroup
	defer group.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		case <-l.wake:
		}
		for _, q := range l.due(false) {
			select {
			case q.turn <- struct{}{}:
				group.Go(func() {
					defer func() { <-q.turn }()
					l.drain(ctx, q)
				})
			default: // somebody is at it
			}
		}
	}
}

// due returns the queues with something in them, after the counts whose time
// has come, or all of them, were put there.
func (l *readLog) due(all bool) (list []*readQueue) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sumUp(all)
	for _, q := range l.queues {
		if len(q.waiting) > 0 || len(q.turn) > 0 || q.batch != nil {
			list = append(list, q)
		}
	}
	return list
}

func (l *readLog) flush(ctx context.Context, all bool) error {
	var group sync.WaitGroup
	for _, q := range l.due(all) {
		group.Go(func() {
			select {
			case q.turn <- struct{}{}:
				defer func() { <-q.turn }()
				l.drain(ctx, q)
			case <-ctx.Done():
			}
		})
	}
	group.Wait()
	if ctx.Err() == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == 0 {
		return nil
	}
	return audit.Errorf(audit.Unavailable, "%d reads are not recorded: %w", l.held, ctx.Err())
}

// close refuses reads from now on.
func (l *readLog) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
}

// drain appends what waits in q now, batch by batch in order, however often
// that fails, until ctx ends. What comes meanwhile is left for the next round
// unless it fills a batch, so that a steady trickle is still appended in batches.
func (l *readLog) drain(ctx context.Context, q *readQueue) {
	l.mu.Lock()
	left := len(q.waiting)
	l.mu.Unlock()
	for {
		if q.batch == nil {
			if !l.next(q, min(left, readBatchSize)) {
				return
			}
			left = max(left-len(q.batch.events), 0)
		}
		for wait := readRetryFirst; ; wait = min(2*wait, readRetryMost) {
			again, err := l.append(ctx, q.ledger, q.batch)
			if err == nil {
				left += l.appended(q, again)
				break
			}
			if ctx.Err() != nil {
				return
			}
			l.logger.WarnContext(ctx, "reads not recorded yet", "ledger", q.ledger, "entries", len(q.batch.events), "error", err, "retry_in", wait.String())
			select {
			case <-ctx.Done():
				return
			case <-time.After(wait):
			}
		}
	}
}

// next makes a batch of n entries, or of more when there are enough for a whole
// one. It reports whether there is a batch.
func (l *readLog) next(q *readQueue, n int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(q.waiting) >= readBatchSize {
		n = readBatchSize
	}
	if n == 0 {
		return false
	}
	q.batch = &readBatch{key: newULID(l.clock()), events: q.waiting[:n:n]}
	if q.waiting = q.waiting[n:]; len(q.waiting) == 0 {
		q.waiting = nil
	}
	return true
}

// appended makes room for what a batch took up. What must be appended in
// another form goes to the front; it returns how many these are.
func (l *readLog) appended(q *readQueue, again []audit.Event) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	more := len(again) - len(q.batch.events)
	l.held, q.held, q.batch = l.held+more, q.held+more, nil
	q.waiting = append(again, q.waiting...)
	close(l.room)
	l.room = make(chan struct{})
	return len(again)
}
