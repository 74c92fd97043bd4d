// Package grafana asks what Grafana's Sentry data source (2.2.5) asks, and decodes the answers by
// the rules of its Go types: a number where it wants a text fails a whole panel.
package grafana

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

// How the data source writes the ends of a period: without a zone, and with one.
const (
	plainTime = "2006-01-02T15:04:05"
	zonedTime = "2006-01-02T15:04:05Z07:00"
)

// named is what several answers have of a team or a project.
type named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Slug string `json:"slug"`
}

type avatar struct {
	Type string      `json:"avatarType"`
	UUID interface{} `json:"avatarUuid"`
}

type organisation struct {
	named
	DateCreated    time.Time `json:"dateCreated"`
	IsEarlyAdopter bool      `json:"isEarlyAdopter"`
	Require2FA     bool      `json:"require2FA"`
	Avatar         avatar    `json:"avatar"`
	Status         struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"status"`
}

type project struct {
	named
	DateCreated  time.Time `json:"dateCreated"`
	HasAccess    bool      `json:"hasAccess"`
	IsBookmarked bool      `json:"isBookmarked"`
	IsMember     bool      `json:"isMember"`
	Environments []string  `json:"environments"`
	Team         named     `json:"team"`
	Teams        []named   `json:"teams"`
}

type team struct {
	named
	Avatar      avatar        `json:"avatar"`
	DateCreated time.Time     `json:"dateCreated"`
	HasAccess   bool          `json:"hasAccess"`
	IsMember    bool          `json:"isMember"`
	IsPending   bool          `json:"isPending"`
	MemberCount int           `json:"memberCount"`
	Projects    []interface{} `json:"projects"`
}

type tag struct {
	Key         string `json:"key"`
	Name        string `json:"name"`
	TotalValues int    `json:"totalValues"`
}

type issue struct {
	ID           string    `json:"id"`
	ShortID      string    `json:"shortId"`
	Title        string    `json:"title"`
	Culprit      string    `json:"culprit"`
	Level        string    `json:"level"`
	Type         string    `json:"type"`
	Platform     string    `json:"platform"`
	Status       string    `json:"status"`
	Substatus    string    `json:"substatus"`
	Permalink    string    `json:"permalink"`
	Count        string    `json:"count"`
	UserCount    int64     `json:"userCount"`
	NumComments  int64     `json:"numComments"`
	FirstSeen    time.Time `json:"firstSeen"`
	LastSeen     time.Time `json:"lastSeen"`
	HasSeen      bool      `json:"hasSeen"`
	IsUnhandled  bool      `json:"isUnhandled"`
	IsPublic     bool      `json:"isPublic"`
	IsBookmarked bool      `json:"isBookmarked"`
	IsSubscribed bool      `json:"isSubscribed"`
	Project      struct {
		named
		Platform string `json:"platform"`
	} `json:"project"`
	Metadata struct {
		Value    string `json:"value"`
		Type     string `json:"type"`
		Filename string `json:"filename"`
		Function string `json:"function"`
	} `json:"metadata"`
	AssignedTo struct {
		ID    string `json:"id"`
		Type  string `json:"type"`
		Name  string `json:"name"`
		Email string `json:"email"`
	} `json:"assignedTo"`
	SubscriptionDetails struct {
		Reason string `json:"reason"`
	} `json:"subscriptionDetails"`
}

type outcomes struct {
	Start     time.Time   `json:"start"`
	End       time.Time   `json:"end"`
	Intervals []time.Time `json:"intervals"`
	Groups    []struct {
		By struct {
			Outcome  string `json:"outcome"`
			Reason   string `json:"reason"`
			Category string `json:"category"`
		} `json:"by"`
		Totals struct {
			Quantity  int64 `json:"sum(quantity)"`
			TimesSeen int64 `json:"sum(times_seen)"`
		} `json:"totals"`
		Series struct {
			Quantity  []int64 `json:"sum(quantity)"`
			TimesSeen []int64 `json:"sum(times_seen)"`
		} `json:"series"`
	} `json:"groups"`
}

// server is the one under test.
type server struct {
	t     *testing.T
	base  string
	token string
}

func connect(t *testing.T) server {
	base, token := os.Getenv("SENTRY_URL"), os.Getenv("SENTRY_AUTH_TOKEN")
	if base == "" || token == "" {
		t.Fatal("SENTRY_URL and SENTRY_AUTH_TOKEN say which server to ask")
	}
	return server{t, base, token}
}

// request asks for a path and returns the status and the address of the next page. Of an answer
// that is no 200 it decodes into refusal what the data source shows.
func (s server) request(path string, out, refusal interface{}) (int, string) {
	s.t.Helper()
	request, err := http.NewRequest(http.MethodGet, s.base+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("User-Agent", "grafana-sentry-datasource/2.2.5")
	request.Header.Set("Authorization", "Bearer "+s.token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	if kind := response.Header.Get("Content-Type"); kind != "application/json" {
		s.t.Fatalf("%s answers with %q", path, kind)
	}
	wanted := out
	if response.StatusCode != http.StatusOK {
		wanted = refusal
	}
	if err := json.NewDecoder(response.Body).Decode(wanted); err != nil {
		s.t.Fatalf("%s: status %d: %v", path, response.StatusCode, err)
	}
	return response.StatusCode, next(s.t, response.Header.Get("Link"))
}

// get decodes an answer that must be a 200, and returns the path of the next page.
func (s server) get(path string, out interface{}) string {
	s.t.Helper()
	var refusal struct {
		Detail string `json:"detail"`
	}
	status, more := s.request(path, out, &refusal)
	if status != http.StatusOK {
		s.t.Fatalf("%s: %d %s", path, status, refusal.Detail)
	}
	return more
}

// next finds the page that follows, as a path: the data source puts its own host before it.
func next(t *testing.T, header string) string {
	for _, link := range strings.Split(header, ",") {
		parts := strings.Split(link, ";")
		has := func(wanted string) bool {
			for _, part := range parts[1:] {
				if strings.TrimSpace(part) == wanted {
					return true
				}
			}
			return false
		}
		if !has(`rel="next"`) || !has(`results="true"`) {
			continue
		}
		target, err := url.Parse(strings.Trim(strings.TrimSpace(parts[0]), "<>"))
		if err != nil {
			t.Fatalf("the next page is %q: %v", parts[0], err)
		}
		return target.RequestURI()
	}
	return ""
}

// period returns the last two hours and the next, as text of a layout.
func period(layout string) (string, string) {
	now := time.Now().UTC()
	return now.Add(-2 * time.Hour).Format(layout), now.Add(time.Hour).Format(layout)
}

// first returns the organisation, as the data source finds it.
func (s server) first() organisation {
	s.t.Helper()
	var all []organisation
	s.get("/api/0/organizations/", &all)
	if len(all) != 1 {
		s.t.Fatalf("%d organisations: %+v", len(all), all)
	}
	return all[0]
}

// below returns a path below the organisation.
func (s server) below(rest string, query url.Values) string {
	s.t.Helper()
	return fmt.Sprintf("/api/0/organizations/%s/%s?%s", s.first().Slug, rest, query.Encode())
}
