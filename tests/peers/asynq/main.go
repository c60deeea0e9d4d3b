// A queue of Asynq for the benchmarks; how durable it is, its Redis decides.
//
//	asynq fill ADDRESS N                put N jobs that do nothing into the queue
//	asynq drain ADDRESS N CONCURRENCY   work until none is left
//
// drain prints how many, in how many seconds, with how many of the processor;
// the clock stands still until the library is ready to begin and ends when
// Redis has no job any more.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hibiken/asynq"
)

// Clients at once when jobs are put in: there is no other way to put in many.
const fillers = 50

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "asynq:", err)
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

func fill(at asynq.RedisClientOpt, n int) {
	c := asynq.NewClient(at)
	defer c.Close()
	var next atomic.Int64
	var wait sync.WaitGroup
	for range fillers {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				body := fmt.Appendf(nil, `{"id":"b-%d"}`, i)
				_, err := c.Enqueue(asynq.NewTask("bench", body), asynq.MaxRetry(0))
				must(err)
			}
		}()
	}
	wait.Wait()
}

// Jobs that wait, and those that wait or are being worked.
func left(in *asynq.Inspector) (pending, all int) {
	q, err := in.GetQueueInfo("default")
	must(err)
	return q.Pending, q.Pending + q.Active
}

func drain(at asynq.RedisClientOpt, n, concurrency int) {
	at.PoolSize = concurrency + 10
	in := asynq.NewInspector(at)
	if pending, _ := left(in); pending != n {
		must(fmt.Errorf("the queue has %d jobs, not %d", pending, n))
	}
	var done atomic.Int64
	end := make(chan struct{})
	s := asynq.NewServer(at, asynq.Config{Concurrency: concurrency, LogLevel: asynq.FatalLevel})
	began, used := time.Now(), cpu()
	must(s.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error {
		if done.Add(1) == int64(n) {
			close(end)
		}
		return nil
	})))
	<-end
	for _, all := left(in); all > 0; _, all = left(in) {
		time.Sleep(time.Millisecond)
	}
	fmt.Printf("%d %.6f %.6f\n", n, time.Since(began).Seconds(), cpu()-used)
	if done.Load() != int64(n) {
		must(fmt.Errorf("%d jobs were worked, not %d", done.Load(), n))
	}
}

func main() {
	if len(os.Args) < 4 {
		must(fmt.Errorf("fill ADDRESS N | drain ADDRESS N CONCURRENCY"))
	}
	at := asynq.RedisClientOpt{Addr: os.Args[2]}
	switch os.Args[1] {
	case "fill":
		fill(at, number(os.Args[3]))
	case "drain":
		drain(at, number(os.Args[3]), number(os.Args[4]))
	}
}
