package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

// Operations between two looks at the clock's flag.
const batch = 256

// Operations, the upper two bits of a word; the rest is the id of the key.
const (
	get = iota
	put
	remove
	update
)

// counts says how many operations of each kind a stretch of a stream has.
type counts struct {
	gets, getsPresent, puts, updates uint64
}

func (c *counts) add(d counts, times uint64) {
	c.gets += d.gets * times
	c.getsPresent += d.getsPresent * times
	c.puts += d.puts * times
	c.updates += d.updates * times
}

// stream is what one thread does, over and over.
type stream struct {
	words  []uint32
	before []counts // before each batch, and those of the whole
}

// streams are the operations of one mix, one stream for each thread.
type streams struct {
	mix     string
	entries uint64
	threads []stream
}

func (s *stream) count(entries uint64) {
	var now counts
	s.before = append(s.before, now)
	for at, word := range s.words {
		switch id := uint64(word & (1<<30 - 1)); word >> 30 {
		case get:
			now.gets++
			if id < entries {
				now.getsPresent++
			}
		case put:
			now.puts++
		case update:
			now.updates++
		}
		if (at+1)%batch == 0 || at+1 == len(s.words) {
			s.before = append(s.before, now)
		}
	}
}

// until says what the operations before number n, a multiple of the batch, are.
func (s *stream) until(n uint64) counts {
	length := uint64(len(s.words))
	sum := s.before[n%length/batch]
	sum.add(s.before[len(s.before)-1], n/length)
	return sum
}

// reader takes little-endian numbers off a file's content.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.err = errors.New("the stream file is cut off")
		r.rest = nil
		return make([]byte, 8)
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) u32() uint32 { return binary.LittleEndian.Uint32(r.take(4)) }
func (r *reader) u64() uint64 { return binary.LittleEndian.Uint64(r.take(8)) }

// load reads a stream file; benches/src/workloads/file.rs says what is in it.
func load(path string) (*streams, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	in := &reader{rest: content}
	if magic := string(in.take(8)); magic != "ATLASOP1" {
		return nil, fmt.Errorf("%s is not a stream file", path)
	}
	mix := in.take(uint64(in.u32()))
	loaded := &streams{mix: string(mix), entries: in.u64()}
	for threads := in.u32(); threads > 0 && in.err == nil; threads-- {
		length := in.u64()
		if length > uint64(len(in.rest))/4 {
			return nil, errors.New("the stream file is cut off")
		}
		words := make([]uint32, length)
		for at := range words {
			words[at] = in.u32()
		}
		one := stream{words: words}
		one.count(loaded.entries)
		loaded.threads = append(loaded.threads, one)
	}
	return loaded, in.err
}
