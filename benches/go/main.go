// Command go measures Go's maps for the Rust benchmark beside it, one round at a time.
//
// The benchmark starts it with the name of a map and speaks with it over standard input and output,
// a line each way:
//
//	(at the start)        ready DESIGN-OF-SYNC.MAP VERSION
//	load FILE             loaded
//	round THREADS MILLIS  round OPS SECONDS HITS GETS
//
// An answer that begins with `wrong` says which answer of the map was wrong, one that begins with
// `error` what else went wrong. `load` makes the streams of the file (see streams.go) the ones that
// rounds replay, and fills a map for them. A round of `grow` fills fresh maps and ignores MILLIS.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"time"
)

// design tells which sync.Map the toolchain has by its fields.
func design() string {
	if _, old := reflect.TypeOf(sync.Map{}).FieldByName("misses"); old {
		return "read-dirty"
	}
	return "trie"
}

// answer carries out one command.
func answer(line string, bench *bench) (string, error) {
	words := strings.Fields(line)
	switch {
	case len(words) > 0 && words[0] == "load":
		streams, err := load(strings.TrimSpace(strings.TrimPrefix(line, "load")))
		if err != nil {
			return "", err
		}
		bench.begin(streams)
		return "loaded", nil
	case len(words) == 3 && words[0] == "round":
		var threads int
		var millis float64
		if _, err := fmt.Sscan(words[1]+" "+words[2], &threads, &millis); err != nil {
			return "", err
		}
		limit := time.Duration(millis * float64(time.Millisecond))
		if bench.streams == nil || threads < 1 || threads > len(bench.streams.threads) {
			return "", fmt.Errorf("no streams for %d threads", threads)
		}
		round, err := bench.round(threads, limit)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("round %d %.9f %d %d", round.ops, round.seconds, round.hits, round.gets), nil
	}
	return "", fmt.Errorf("not a command: %q", line)
}

func main() {
	fault := flag.Bool("fault", false, "give one key the value of another, for a test of the checks")
	flag.Parse()
	build, known := maps[flag.Arg(0)]
	if flag.NArg() != 1 || !known {
		fmt.Printf("error not a map: %q\n", flag.Args())
		os.Exit(1)
	}
	bench := &bench{build: build, fault: *fault}
	fmt.Println("ready", design(), runtime.Version())
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		said, err := answer(input.Text(), bench)
		switch err := err.(type) {
		case nil:
			fmt.Println(said)
		case wrongAnswer:
			fmt.Println("wrong", err)
		default:
			fmt.Println("error", err)
		}
	}
}
