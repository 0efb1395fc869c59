package main

import "sync"

// A value is the id of its key above a stamp.
const (
	stampBits = 40
	stampMask = 1<<stampBits - 1
)

func stamped(id, stamp uint64) uint64 { return id<<stampBits | stamp&stampMask }
func bumped(value uint64) uint64      { return stamped(value>>stampBits, value+1) }

// table is a map under measurement.
//
// Each has a replay loop of its own, so that no call through an interface stands between the loop and
// the map.
type table interface {
	// replay does operations; the first is number n of its thread.
	replay(words []uint32, n uint64, t *tally)
	// each visits all entries; nobody else uses the map meanwhile.
	each(visit func(id, value uint64))
}

// maps knows how each map is made.
var maps = map[string]func() table{
	"sync-map": func() table { return new(syncMap) },
	"rwmutex":  func() table { return &lockedMap{entries: map[uint64]uint64{}} },
	"sharded":  func() table { return newShardedMap() },
}

// tally is what one thread saw.
type tally struct {
	hits, strange         uint64
	inserted, insertedIDs uint64
	removed, removedIDs   uint64
	updated               uint64
}

func (t *tally) got(id, value uint64, found bool) {
	if found {
		t.hits++
		t.strange |= value>>stampBits ^ id
	}
}

func (t *tally) put(id uint64, isNew bool) {
	if isNew {
		t.inserted++
		t.insertedIDs += id
	}
}

func (t *tally) remove(id uint64, removed bool) {
	if removed {
		t.removed++
		t.removedIDs += id
	}
}

func (t *tally) update(updated bool) {
	if updated {
		t.updated++
	}
}

// syncMap is sync.Map, with keys and values in interfaces as it wants them.
type syncMap struct{ entries sync.Map }

func (m *syncMap) get(id uint64) (uint64, bool) {
	value, found := m.entries.Load(id)
	if !found {
		return 0, false
	}
	return value.(uint64), true
}

func (m *syncMap) put(id, value uint64) bool {
	_, found := m.entries.Swap(id, value)
	return !found
}

func (m *syncMap) remove(id uint64) bool {
	_, found := m.entries.LoadAndDelete(id)
	return found
}

func (m *syncMap) update(id uint64) bool {
	for {
		value, found := m.entries.Load(id)
		if !found {
			return false
		}
		if m.entries.CompareAndSwap(id, value, bumped(value.(uint64))) {
			return true
		}
	}
}

func (m *syncMap) replay(words []uint32, n uint64, t *tally) {
	for at, word := range words {
		switch id := uint64(word & (1<<30 - 1)); word >> 30 {
		case get:
			value, found := m.get(id)
			t.got(id, value, found)
		case put:
			t.put(id, m.put(id, stamped(id, n+uint64(at))))
		case remove:
			t.remove(id, m.remove(id))
		default:
			t.update(m.update(id))
		}
	}
}

func (m *syncMap) each(visit func(id, value uint64)) {
	m.entries.Range(func(id, value any) bool {
		visit(id.(uint64), value.(uint64))
		return true
	})
}

// lockedMap is a plain map under a sync.RWMutex.
type lockedMap struct {
	lock    sync.RWMutex
	entries map[uint64]uint64
}

func (m *lockedMap) get(id uint64) (uint64, bool) {
	m.lock.RLock()
	value, found := m.entries[id]
	m.lock.RUnlock()
	return value, found
}

func (m *lockedMap) put(id, value uint64) bool {
	m.lock.Lock()
	_, found := m.entries[id]
	m.entries[id] = value
	m.lock.Unlock()
	return !found
}

func (m *lockedMap) remove(id uint64) bool {
	m.lock.Lock()
	_, found := m.entries[id]
	delete(m.entries, id)
	m.lock.Unlock()
	return found
}

func (m *lockedMap) update(id uint64) bool {
	m.lock.Lock()
	value, found := m.entries[id]
	if found {
		m.entries[id] = bumped(value)
	}
	m.lock.Unlock()
	return found
}

func (m *lockedMap) replay(words []uint32, n uint64, t *tally) {
	for at, word := range words {
		switch id := uint64(word & (1<<30 - 1)); word >> 30 {
		case get:
			value, found := m.get(id)
			t.got(id, value, found)
		case put:
			t.put(id, m.put(id, stamped(id, n+uint64(at))))
		case remove:
			t.remove(id, m.remove(id))
		default:
			t.update(m.update(id))
		}
	}
}

func (m *lockedMap) each(visit func(id, value uint64)) {
	for id, value := range m.entries {
		visit(id, value)
	}
}

const shardBits = 5

// shardedMap is 32 locked maps, each on cache lines of its own.
type shardedMap struct {
	shards [1 << shardBits]struct {
		lockedMap
		_ [96]byte
	}
}

func newShardedMap() *shardedMap {
	m := new(shardedMap)
	for at := range m.shards {
		m.shards[at].entries = map[uint64]uint64{}
	}
	return m
}

// shard spreads the ids by a multiplication.
func (m *shardedMap) shard(id uint64) *lockedMap {
	return &m.shards[id*0x9e3779b97f4a7c15>>(64-shardBits)].lockedMap
}

func (m *shardedMap) replay(words []uint32, n uint64, t *tally) {
	for at, word := range words {
		id := uint64(word & (1<<30 - 1))
		shard := m.shard(id)
		switch word >> 30 {
		case get:
			value, found := shard.get(id)
			t.got(id, value, found)
		case put:
			t.put(id, shard.put(id, stamped(id, n+uint64(at))))
		case remove:
			t.remove(id, shard.remove(id))
		default:
			t.update(shard.update(id))
		}
	}
}

func (m *shardedMap) each(visit func(id, value uint64)) {
	for at := range m.shards {
		m.shards[at].each(visit)
	}
}
