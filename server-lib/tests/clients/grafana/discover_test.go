package grafana

import (
	"fmt"
	"net/url"
	"sort"
	"strings"
	"testing"
	"time"
)

// table is a list of rows, of which a column holds values of one kind: a frame has no others.
func (s server) table(query url.Values) []map[string]interface{} {
	s.t.Helper()
	start, end := period(plainTime)
	asked := url.Values{"query": {""}, "start": {start}, "end": {end}, "per_page": {"100"}}
	for name, values := range query {
		asked[name] = values
	}
	var out struct {
		Data []map[string]interface{} `json:"data"`
	}
	s.get(s.below("events/", asked), &out)
	kinds := map[string]string{}
	for _, row := range out.Data {
		for _, field := range query["field"] {
			value, isThere := row[field]
			if !isThere {
				s.t.Errorf("no %s in %v", field, row)
			}
			if value == nil {
				continue
			}
			kind := fmt.Sprintf("%T", value)
			if known, isKnown := kinds[field]; isKnown && known != kind {
				s.t.Errorf("%s is %s and %s", field, known, kind)
			}
			kinds[field] = kind
		}
	}
	return out.Data
}

func TestEventsAreATableOfTheFieldsAskedFor(t *testing.T) {
	s := connect(t)
	rows := s.table(url.Values{
		"field": {
			"id", "title", "project", "project.id", "release", "count()", "epm()", "last_seen()",
			"level", "event.type", "platform",
		},
		"sort": {"-last_seen()"},
	})
	if len(rows) != 3 {
		t.Fatalf("%d rows: %v", len(rows), rows)
	}
	newest := rows[0]
	for field, wanted := range map[string]interface{}{
		"id":         "00000000000000000000000000000b01",
		"title":      "the bank did not answer",
		"project":    "my-project",
		"release":    nil,
		"count()":    1.0,
		"level":      "warning",
		"event.type": "default",
		"platform":   "node",
	} {
		if newest[field] != wanted {
			t.Errorf("%s is %v, not %v", field, newest[field], wanted)
		}
	}
	seen, err := time.Parse(time.RFC3339, newest["last_seen()"].(string))
	if err != nil || !isRecent(seen) {
		t.Errorf("last seen %v: %v", newest["last_seen()"], err)
	}
	if rate, isNumber := newest["epm()"].(float64); !isNumber || rate <= 0 || rate > 1 {
		t.Errorf("%v a minute", newest["epm()"])
	}
}

func TestEventsAreCountedByWhatTheyShare(t *testing.T) {
	s := connect(t)
	rows := s.table(url.Values{
		"field":       {"title", "release", "count()", "count_unique(user)"},
		"query":       {"event.type:error"},
		"environment": {"production"},
		"sort":        {"-count()"},
	})
	if len(rows) != 1 || rows[0]["title"] != "PaymentError: card was declined" {
		t.Fatalf("%v", rows)
	}
	if rows[0]["count()"] != 2.0 || rows[0]["count_unique(user)"] != 1.0 {
		t.Errorf("%v", rows[0])
	}
	if rows[0]["release"] != "shop@1.2.3" {
		t.Errorf("%v", rows[0])
	}
}

// sums adds up every series of an answer, however deep it is, and names each by its way there.
func sums(t *testing.T, name string, answer map[string]interface{}, into map[string]float64) {
	t.Helper()
	if data, isThere := answer["data"]; isThere {
		sum, before := 0.0, 0.0
		for _, point := range data.([]interface{}) {
			pair := point.([]interface{})
			moment, values := pair[0].(float64), pair[1].([]interface{})
			if moment <= before {
				t.Errorf("%s has %v after %v", name, moment, before)
			}
			before = moment
			if count := values[0].(map[string]interface{})["count"]; count != nil {
				sum += count.(float64)
			}
		}
		into[name] = sum
		return
	}
	for key, child := range answer {
		if deeper, isObject := child.(map[string]interface{}); isObject && key != "order" {
			sums(t, strings.TrimPrefix(name+": "+key, ": "), deeper, into)
		}
	}
}

func TestEventsAreCountedOverTime(t *testing.T) {
	s := connect(t)
	for _, one := range []struct {
		axes, groups []string
		wanted       string
	}{
		{[]string{"count()"}, nil, "map[:3]"},
		{
			[]string{"count()"},
			[]string{"title"},
			"map[PaymentError: card was declined:2 the bank did not answer:1]",
		},
		{
			[]string{"count()", "count_unique(user)"},
			nil,
			"map[count():3 count_unique(user):1]",
		},
		{
			[]string{"count()", "count_unique(user)"},
			[]string{"environment"},
			"map[production: count():2 production: count_unique(user):1 " +
				"staging: count():1 staging: count_unique(user):0]",
		},
	} {
		for _, interval := range []string{"30s", "5m", "1h"} {
			start, end := period(zonedTime)
			query := url.Values{
				"query": {""}, "start": {start}, "end": {end}, "interval": {interval},
				"partial": {"1"}, "excludeOther": {"1"}, "topEvents": {"10"},
				"yAxis": one.axes, "field": append(append([]string{}, one.axes...), one.groups...),
			}
			if len(one.groups) > 0 {
				query.Set("sort", "-count()")
			}
			var answer map[string]interface{}
			s.get(s.below("events-stats/", query), &answer)
			found := map[string]float64{}
			sums(t, "", answer, found)
			if told := fmt.Sprint(found); told != one.wanted {
				t.Errorf("%v by %v each %s: %s", one.axes, one.groups, interval, told)
			}
		}
	}
}

// What is asked of spans is answered, though there are none.
func TestSpansAreAskedForWithoutAnError(t *testing.T) {
	s := connect(t)
	var attributes []struct {
		Key  string `json:"key"`
		Name string `json:"name"`
	}
	query := url.Values{"attributeType": {"number"}, "itemType": {"spans"}}
	s.get(s.below("trace-items/attributes/", query), &attributes)
	rows := s.table(url.Values{
		"dataset": {"spans"}, "useRpc": {"1"}, "field": {"id", "span.op"},
	})
	if len(rows) != 0 {
		t.Errorf("%v", rows)
	}
}

type measured struct {
	Start     time.Time   `json:"start"`
	End       time.Time   `json:"end"`
	Intervals []time.Time `json:"intervals"`
	Groups    []struct {
		By     map[string]interface{} `json:"by"`
		Totals map[string]interface{} `json:"totals"`
		Series map[string]interface{} `json:"series"`
	} `json:"groups"`
}

func TestSessionsAreMeasuredByRelease(t *testing.T) {
	s := connect(t)
	start, end := period(plainTime)
	for _, one := range []struct {
		field, group string
		wanted       string
	}{
		{"session.all", "", "[: 4]"},
		{"session.crash_free_rate", "release", "[shop@1.2.3: 0.75]"},
		{"session.crash_rate", "environment", "[production: 0.25]"},
		{"session.crashed", "project", "[1: 1]"},
		{"session.all", "session.status", "[abnormal: 0 crashed: 1 errored: 1 healthy: 2]"},
		{"count_unique(sentry.sessions.user)", "release", "[shop@1.2.3: 4]"},
		{"session.crash_free_user_rate", "", "[: 0.75]"},
		{"session.healthy_user", "", "[: 2]"},
		{"session.anr_rate", "", "[: 0]"},
	} {
		query := url.Values{
			"start": {start}, "end": {end}, "interval": {"1h"}, "includeSeries": {"1"},
			"field": {one.field}, "per_page": {"1"},
		}
		if one.group != "" {
			query.Set("groupBy", one.group)
			query.Del("per_page")
			if one.group != "session.status" {
				query.Set("orderBy", "-"+one.field)
				query.Set("per_page", "5")
			}
		}
		var found measured
		s.get(s.below("metrics/data/", query), &found)
		var told []string
		for _, group := range found.Groups {
			name := ""
			for _, by := range group.By {
				// A number or a text; whatever else stops the data source.
				if number, isNumber := by.(float64); isNumber {
					name = fmt.Sprint(number)
				} else {
					name = by.(string)
				}
			}
			told = append(told, fmt.Sprintf("%s: %v", name, group.Totals[one.field]))
			series := group.Series[one.field].([]interface{})
			if len(series) != len(found.Intervals) {
				t.Errorf("%s has %d of %d intervals", one.field, len(series), len(found.Intervals))
			}
			for _, value := range series {
				if _, isNumber := value.(float64); !isNumber && value != nil {
					t.Errorf("%s has %v", one.field, value)
				}
			}
		}
		sort.Strings(told)
		if text := fmt.Sprint(told); text != one.wanted {
			t.Errorf("%s by %q: %s", one.field, one.group, text)
		}
	}
}
