package main

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"strings"
)

func check(holds bool, what string) {
	if !holds {
		panic(what)
	}
}

func get(path string) io.ReadCloser {
	answer, err := http.Get(os.Getenv("API") + path)
	if err != nil {
		panic(err)
	}
	check(answer.StatusCode == 200, answer.Status)
	return answer.Body
}

func main() {
	who, _ := io.ReadAll(get("/whoami"))
	check(strings.Contains(string(who), "key-holder"), string(who))
	events := bufio.NewReader(get("/held?id=" + os.Getenv("ID")))
	first, _ := events.ReadString('\n')
	check(first == "data: first\n", first)
	io.ReadAll(get("/release?id=" + os.Getenv("ID")))
	rest, _ := io.ReadAll(events)
	check(strings.Contains(string(rest), "data: last"), string(rest))
	os.Exit(7)
}
