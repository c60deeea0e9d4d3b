// MinIO's client for Go, for the benchmarks.
//
//	minio-go put HOST:PORT BUCKET FILE N AT_ONCE   FILE as N objects "minio-go/0" ...
//
// By its defaults over http: SigV4 over the SHA-256 of each chunk, and no
// checksum of the whole, for which it would hash once more.  Keys are ACCESS
// and SECRET in the environment.
// Prints how many, in how many seconds, with how many of the processor.
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

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "minio-go:", err)
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

func putOne(c *minio.Client, bucket, key, file string) {
	f, err := os.Open(file)
	must(err)
	defer f.Close()
	info, err := f.Stat()
	must(err)
	_, err = c.PutObject(context.Background(), bucket, key, f, info.Size(), minio.PutObjectOptions{
		ContentType:      "audio/wav",
		DisableMultipart: true,
	})
	must(err)
}

func main() {
	if len(os.Args) != 7 || os.Args[1] != "put" {
		must(fmt.Errorf("put HOST:PORT BUCKET FILE N AT_ONCE"))
	}
	bucket, file, n := os.Args[3], os.Args[4], number(os.Args[5])
	c, err := minio.New(os.Args[2], &minio.Options{
		Creds:  credentials.NewStaticV4(os.Getenv("ACCESS"), os.Getenv("SECRET"), ""),
		Region: "us-east-1",
	})
	must(err)
	began, used := time.Now(), cpu()
	var next atomic.Int64
	var wait sync.WaitGroup
	for range number(os.Args[6]) {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				putOne(c, bucket, fmt.Sprintf("minio-go/%d", i), file)
			}
		}()
	}
	wait.Wait()
	fmt.Printf("%d %.6f %.6f\n", n, time.Since(began).Seconds(), cpu()-used)
}
