// An OCI registry in memory, for tests: on loopback, with a password and TLS where asked for.
// It tells its port in a line, and ends when its standard input does.
package main

import (
	"crypto/subtle"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"runtime/debug"

	"github.com/google/go-containerregistry/pkg/registry"
)

var (
	login       = flag.String("login", "", "name:password, of all who may do anything")
	certificate = flag.String("certificate", "", "PEM file; with -key, the registry speaks TLS")
	key         = flag.String("key", "", "PEM file")
	version     = flag.Bool("version", false, "print the version of the registry's module")
)

func main() {
	flag.Parse()
	if *version {
		built, _ := debug.ReadBuildInfo()
		fmt.Println(built.Deps[0].Path, built.Deps[0].Version)
		return
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	go endWithStdin()
	handler := guarded(registry.New())
	if *certificate != "" {
		log.Fatal(http.ServeTLS(listener, handler, *certificate, *key))
	}
	log.Fatal(http.Serve(listener, handler))
}

func endWithStdin() {
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

func guarded(inner http.Handler) http.Handler {
	return http.HandlerFunc(func(to http.ResponseWriter, asked *http.Request) {
		name, password, _ := asked.BasicAuth()
		given := []byte(name + ":" + password)
		if *login != "" && subtle.ConstantTimeCompare(given, []byte(*login)) == 0 {
			to.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			to.Header().Set("Content-Type", "application/json")
			to.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(to, `{"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]}`)
			return
		}
		inner.ServeHTTP(to, asked)
	})
}
