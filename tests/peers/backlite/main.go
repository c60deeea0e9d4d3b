// A queue of backlite for the benchmarks, as durable as it can be: WAL with
// synchronous FULL.
//
//	backlite fill DIR N            put N jobs that do nothing into the queue
//	backlite drain DIR N WORKERS   work until none is left
//	backlite lives DIR FILE WORKERS
//	                               the lines of FILE, each put in and worked
//
// The last two print how many, in how many seconds, with how many of the
// processor; the clock stands still until the library is ready to begin and
// ends when the last job is gone from the file.
package main

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	_ "github.com/mattn/go-sqlite3"
	"github.com/mikestefanello/backlite"
)

// Jobs of one transaction when they are put in, as many as dsrun takes.
const batch = 500

type job struct {
	Line string
}

// Nothing is kept of a job that is done: the fastest there is.
func (job) Config() backlite.QueueConfig {
	return backlite.QueueConfig{Name: "bench", MaxAttempts: 1}
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "backlite:", err)
		os.Exit(1)
	}
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	must(err)
	return n
}

func cpu() float64 {
	var u syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

func open(dir string, workers int) (*sql.DB, *backlite.Client) {
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, "queue.db")+
		"?_journal_mode=WAL&_synchronous=FULL&_busy_timeout=60000")
	must(err)
	// SQLite has one writer; more connections only wait for each other.
	db.SetMaxOpenConns(1)
	c, err := backlite.NewClient(backlite.ClientConfig{
		DB: db, ReleaseAfter: time.Hour, NumWorkers: workers,
	})
	must(err)
	must(c.Install())
	return db, c
}

func fill(c *backlite.Client, lines []string) {
	for len(lines) > 0 {
		n := min(batch, len(lines))
		tasks := make([]backlite.Task, n)
		for i, line := range lines[:n] {
			tasks[i] = job{Line: line}
		}
		_, err := c.Add(tasks...).Save()
		must(err)
		lines = lines[n:]
	}
}

func made(n int) []string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = fmt.Sprintf(`{"id":"b-%d"}`, i)
	}
	return lines
}

func read(name string) []string {
	f, err := os.Open(name)
	must(err)
	defer f.Close()
	var lines []string
	in := bufio.NewScanner(f)
	for in.Scan() {
		lines = append(lines, in.Text())
	}
	must(in.Err())
	return lines
}

func left(db *sql.DB) (n int) {
	must(db.QueryRow("SELECT count(*) FROM backlite_tasks").Scan(&n))
	return n
}

func work(db *sql.DB, c *backlite.Client, n int, before func()) {
	var done atomic.Int64
	all := make(chan struct{})
	c.Register(backlite.NewQueue(func(context.Context, job) error {
		if done.Add(1) == int64(n) {
			close(all)
		}
		return nil
	}))
	began, used := time.Now(), cpu()
	before()
	c.Start(context.Background())
	<-all
	for left(db) > 0 {
		time.Sleep(time.Millisecond)
	}
	fmt.Printf("%d %.6f %.6f\n", n, time.Since(began).Seconds(), cpu()-used)
	if done.Load() != int64(n) {
		must(fmt.Errorf("%d jobs were worked, not %d", done.Load(), n))
	}
}

func main() {
	if len(os.Args) < 4 {
		must(fmt.Errorf("fill DIR N | drain DIR N WORKERS | lives DIR FILE WORKERS"))
	}
	workers := 1
	if len(os.Args) > 4 {
		workers = number(os.Args[4])
	}
	db, c := open(os.Args[2], workers)
	switch os.Args[1] {
	case "fill":
		fill(c, made(number(os.Args[3])))
	case "drain":
		n := number(os.Args[3])
		if left(db) != n {
			must(fmt.Errorf("the queue has %d jobs, not %d", left(db), n))
		}
		work(db, c, n, func() {})
	case "lives":
		lines := read(os.Args[3])
		work(db, c, len(lines), func() { fill(c, lines) })
	}
}
