package main

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Insertions in a round of `grow`, at the least: a small map is filled many times over.
const insertions = 100_000

// wrongAnswer says that a map answered wrongly.
type wrongAnswer string

func (w wrongAnswer) Error() string { return string(w) }

func expect(what string, found, right uint64) error {
	if found == right {
		return nil
	}
	return wrongAnswer(fmt.Sprintf("%s: %d where %d is right", what, found, right))
}

// first returns the first error.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// result is what came of one round.
type result struct {
	ops        uint64
	seconds    float64
	hits, gets uint64
}

// bench is a map, the streams that it is measured with and what must be in it.
type bench struct {
	build   func() table
	fault   bool
	streams *streams
	table   table
	next    []uint64 // the number of the next operation of each thread
	len     uint64
	ids     uint64
	updates uint64
}

// begin makes the streams the present ones and fills a map for them.
func (b *bench) begin(s *streams) {
	*b = bench{build: b.build, fault: b.fault, streams: s, table: b.build()}
	b.next = make([]uint64, len(s.threads))
	if s.mix != "grow" {
		words := make([]uint32, s.entries)
		for id := range words {
			words[id] = put<<30 | uint32(id)
			b.ids += uint64(id)
		}
		b.len = s.entries
		for at := range words {
			// One at a time, as operation number 0: all stamps are 0.
			b.table.replay(words[at:at+1], 0, new(tally))
		}
		if b.fault {
			b.give(1, 2)
		}
	}
	runtime.GC()
}

// give sets the value of one key to that of another, behind the back of the checks.
func (b *bench) give(id, other uint64) {
	switch m := b.table.(type) {
	case *syncMap:
		m.put(id, stamped(other, 0))
	case *lockedMap:
		m.put(id, stamped(other, 0))
	case *shardedMap:
		m.shard(id).put(id, stamped(other, 0))
	}
}

// run does a job on so many threads at once and returns the seconds from first beginning to last end.
func run(threads int, stop *atomic.Bool, limit time.Duration, job func(thread int)) float64 {
	var ready, done sync.WaitGroup
	gate := make(chan struct{})
	begins, ends := make([]time.Time, threads), make([]time.Time, threads)
	for thread := 0; thread < threads; thread++ {
		ready.Add(1)
		done.Add(1)
		go func(thread int) {
			defer done.Done()
			ready.Done()
			<-gate
			begins[thread] = time.Now()
			job(thread)
			ends[thread] = time.Now()
		}(thread)
	}
	ready.Wait()
	close(gate)
	if stop != nil {
		time.Sleep(limit)
		stop.Store(true)
	}
	done.Wait()
	begin, end := begins[0], ends[0]
	for thread := range begins {
		if begins[thread].Before(begin) {
			begin = begins[thread]
		}
		if ends[thread].After(end) {
			end = ends[thread]
		}
	}
	return end.Sub(begin).Seconds()
}

func sum(tallies []tally) tally {
	var all tally
	for _, t := range tallies {
		all.hits += t.hits
		all.strange |= t.strange
		all.inserted += t.inserted
		all.insertedIDs += t.insertedIDs
		all.removed += t.removed
		all.removedIDs += t.removedIDs
		all.updated += t.updated
	}
	return all
}

func (b *bench) round(threads int, limit time.Duration) (result, error) {
	if b.streams.mix == "grow" {
		return b.grow(threads)
	}
	var stop atomic.Bool
	tallies, ends := make([]tally, threads), make([]uint64, threads)
	seconds := run(threads, &stop, limit, func(thread int) {
		var t tally
		words, n := b.streams.threads[thread].words, b.next[thread]
		for !stop.Load() {
			start := n % uint64(len(words))
			b.table.replay(words[start:start+batch], n, &t)
			n += batch
		}
		tallies[thread], ends[thread] = t, n
	})
	var ops uint64
	var stretch counts
	for thread, end := range ends {
		s := &b.streams.threads[thread]
		ops += end - b.next[thread]
		stretch.add(s.until(end), 1)
		stretch.add(s.until(b.next[thread]), ^uint64(0))
		b.next[thread] = end
	}
	if b.fault {
		// Again: an overwrite or a removal may have mended it.
		b.give(1, 2)
	}
	all := sum(tallies)
	return result{ops, seconds, all.hits, stretch.gets}, b.check(all, stretch)
}

// check compares what the map said, and what is in it, with what is true.
func (b *bench) check(all tally, stretch counts) error {
	errs := []error{expect("bits in which values read differ from their keys", all.strange, 0)}
	switch b.streams.mix {
	case "miss50":
		errs = append(errs, expect("reads that found their key", all.hits, stretch.getsPresent))
	case "read100", "zipf95-5", "zipf50-50u":
		errs = append(errs, expect("reads that found their key", all.hits, stretch.gets))
	}
	if b.streams.mix == "read98" || b.streams.mix == "exchange" {
		b.len += all.inserted - all.removed
		b.ids += all.insertedIDs - all.removedIDs
	} else {
		b.updates += stretch.updates
		errs = append(errs,
			expect("overwrites that were told their key is new", all.inserted, 0),
			expect("updates that found their key", all.updated, stretch.updates))
	}
	var entries, ids, stamps uint64
	b.table.each(func(id, value uint64) {
		entries++
		ids += value >> stampBits
		stamps += value & stampMask
	})
	errs = append(errs,
		expect("entries that iteration visits", entries, b.len),
		expect("sum of the ids present", ids, b.ids))
	if b.streams.mix == "zipf50-50u" {
		errs = append(errs, expect("sum of all increments", stamps&stampMask, b.updates&stampMask))
	}
	return first(errs...)
}

// grow fills fresh maps.
func (b *bench) grow(threads int) (result, error) {
	size := b.streams.entries
	tables := make([]table, max64(insertions/size, 1))
	for at := range tables {
		tables[at] = b.build()
	}
	// The maps of the last round go before the clock starts, as they do on the other side.
	runtime.GC()
	tallies := make([]tally, threads)
	seconds := run(threads, nil, 0, func(thread int) {
		var t tally
		for _, table := range tables {
			table.replay(b.streams.threads[thread].words, 0, &t)
		}
		tallies[thread] = t
	})
	if b.fault {
		b.table = tables[0]
		b.give(1, 2)
	}
	var gets, ops uint64
	for thread := 0; thread < threads; thread++ {
		s := &b.streams.threads[thread]
		gets += s.before[len(s.before)-1].gets * uint64(len(tables))
		ops += uint64(len(s.words)) * uint64(len(tables))
	}
	all := sum(tallies)
	err := first(
		expect("bits in which values read differ from their keys", all.strange, 0),
		expect("reads that found their key", all.hits, gets),
		expect("keys that were new", all.inserted, size*uint64(len(tables))))
	for _, table := range tables {
		var entries, ids uint64
		table.each(func(_, value uint64) {
			entries++
			ids += value >> stampBits
		})
		err = first(err,
			expect("entries that iteration visits", entries, size),
			expect("sum of the ids present", ids, size*(size-1)/2))
	}
	return result{ops, seconds, all.hits, gets}, err
}

func max64(a, b uint64) uint64 {
	if a > b {
		return a
	}
	return b
}
