package grafana

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

func isRecent(moment time.Time) bool {
	age := time.Since(moment)
	return -time.Hour < age && age < 2*time.Hour
}

func TestOrganisationsAreListedWithTheirSlugs(t *testing.T) {
	found := connect(t).first()
	if found.Slug != "my-organisation" || found.Name != "My organisation" || found.ID == "" {
		t.Errorf("%+v", found)
	}
	if found.Status.ID != "active" || found.Avatar.Type == "" || !isRecent(found.DateCreated) {
		t.Errorf("%+v", found)
	}
}

func TestProjectsAreListedPageByPage(t *testing.T) {
	s := connect(t)
	var all []project
	pages := 0
	for path := s.below("projects/", url.Values{"per_page": {"1"}}); path != ""; pages++ {
		var page []project
		path = s.get(path, &page)
		all = append(all, page...)
	}
	if pages != 2 || len(all) != 2 {
		t.Fatalf("%d projects on %d pages: %+v", len(all), pages, all)
	}
	for _, one := range all {
		if one.Slug != "my-project" {
			continue
		}
		if one.Name != "My project" || !one.HasAccess || !one.IsMember || !isRecent(one.DateCreated) {
			t.Errorf("%+v", one)
		}
		if strings.Join(one.Environments, " ") != "production staging" {
			t.Errorf("environments %q", one.Environments)
		}
		if len(one.Teams) != 2 || one.Teams[1].Slug != "payments" || one.Team != one.Teams[0] {
			t.Errorf("team %+v of %+v", one.Team, one.Teams)
		}
		return
	}
	t.Errorf("no my-project in %+v", all)
}

func TestTeamsAreListedAndTheirProjects(t *testing.T) {
	s := connect(t)
	var teams []team
	s.get(s.below("teams/", nil), &teams)
	for _, one := range teams {
		if one.Slug != "payments" {
			continue
		}
		if one.Name != "Payments" || one.ID == "" || !one.HasAccess || !isRecent(one.DateCreated) {
			t.Errorf("%+v", one)
		}
		if len(one.Projects) != 1 {
			t.Errorf("projects %+v", one.Projects)
		}
		var projects []project
		s.get("/api/0/teams/"+s.first().Slug+"/payments/projects/", &projects)
		if len(projects) != 1 || projects[0].Slug != "my-project" {
			t.Errorf("projects of the team: %+v", projects)
		}
		return
	}
	t.Fatalf("no payments in %+v", teams)
}

func TestTagsAreListedWithHowManyValuesTheyHave(t *testing.T) {
	s := connect(t)
	var tags []tag
	s.get(s.below("tags/", nil), &tags)
	values := map[string]int{}
	for _, one := range tags {
		if one.Name == "" {
			t.Errorf("%q has no name", one.Key)
		}
		values[one.Key] = one.TotalValues
	}
	if values["environment"] < 2 || values["shard"] < 1 {
		t.Errorf("%+v", tags)
	}
}

func TestIssuesAreFoundByQueryPeriodProjectAndEnvironment(t *testing.T) {
	s := connect(t)
	start, end := period(plainTime)
	list := func(more url.Values) []issue {
		t.Helper()
		query := url.Values{"query": {""}, "start": {start}, "end": {end}, "limit": {"10000"}}
		for name, values := range more {
			query[name] = values
		}
		var found []issue
		s.get(s.below("issues/", query), &found)
		return found
	}

	all := list(url.Values{"sort": {"freq"}})
	if len(all) != 2 {
		t.Fatalf("%d issues: %+v", len(all), all)
	}
	one := all[0]
	if one.Title != "PaymentError: card was declined" || one.Count != "2" || one.UserCount != 1 {
		t.Errorf("%+v", one)
	}
	if one.Level != "error" || one.Type != "error" || one.Platform != "python" || !one.IsUnhandled {
		t.Errorf("%+v", one)
	}
	if one.Status != "unresolved" || one.Substatus == "" || one.Project.Slug != "my-project" {
		t.Errorf("%+v", one)
	}
	if one.Metadata.Type != "PaymentError" || one.Metadata.Value != "card was declined" {
		t.Errorf("%+v", one.Metadata)
	}
	if one.Metadata.Filename != "shop/pay.py" || one.Metadata.Function != "charge" {
		t.Errorf("%+v", one.Metadata)
	}
	if !isRecent(one.FirstSeen) || one.LastSeen.Before(one.FirstSeen) {
		t.Errorf("seen %v to %v", one.FirstSeen, one.LastSeen)
	}
	if !strings.HasPrefix(one.Permalink, s.base+"/organizations/my-organisation/issues/"+one.ID) {
		t.Errorf("permalink %q", one.Permalink)
	}
	if one.AssignedTo.Type != "team" || one.AssignedTo.Name != "payments" || one.NumComments != 1 {
		t.Errorf("%+v with %d comments", one.AssignedTo, one.NumComments)
	}

	for _, order := range []string{"date", "new", "priority", "user"} {
		if sorted := list(url.Values{"sort": {order}}); len(sorted) != 2 {
			t.Errorf("%d issues by %s", len(sorted), order)
		}
	}
	for title, narrow := range map[string]url.Values{
		"PaymentError: card was declined": {"query": {"is:unresolved level:error user.id:42"}},
		"the bank did not answer":         {"environment": {"staging"}},
	} {
		narrow.Set("project", one.Project.ID)
		if found := list(narrow); len(found) != 1 || found[0].Title != title {
			t.Errorf("%v finds %+v", narrow, found)
		}
	}
	old := time.Now().UTC().AddDate(0, -1, 0)
	before := url.Values{
		"start": {old.Format(plainTime)},
		"end":   {old.Add(time.Hour).Format(plainTime)},
	}
	if found := list(before); len(found) != 0 {
		t.Errorf("%d issues a month ago", len(found))
	}
}

func TestAWrongQueryIsRefusedWithADetail(t *testing.T) {
	s := connect(t)
	start, end := period(plainTime)
	query := url.Values{"query": {"is:("}, "start": {start}, "end": {end}, "limit": {"100"}}
	var refusal struct {
		Detail string `json:"detail"`
	}
	status, _ := s.request(s.below("issues/", query), &[]issue{}, &refusal)
	if status != 400 || refusal.Detail == "" {
		t.Errorf("%d %q", status, refusal.Detail)
	}
}

func TestOutcomesAreSummedInWholeNumbers(t *testing.T) {
	s := connect(t)
	start, end := period(plainTime)
	query := url.Values{
		"start": {start}, "end": {end}, "interval": {"1h"}, "category": {"error"},
		"field": {"sum(quantity)", "sum(times_seen)"}, "groupBy": {"outcome", "category", "reason"},
		"project": {"-1"}, "outcome": {"accepted"},
	}
	var found outcomes
	s.get(s.below("stats_v2/", query), &found)
	if len(found.Intervals) < 3 || found.End.Sub(found.Start) < 3*time.Hour {
		t.Errorf("%v to %v in %d intervals", found.Start, found.End, len(found.Intervals))
	}
	if len(found.Groups) != 1 {
		t.Fatalf("%+v", found.Groups)
	}
	group := found.Groups[0]
	if group.By.Outcome != "accepted" || group.By.Category != "error" {
		t.Errorf("%+v", group.By)
	}
	if group.Totals.Quantity != 3 || group.Totals.TimesSeen != 3 {
		t.Errorf("%+v", group.Totals)
	}
	for _, series := range [][]int64{group.Series.Quantity, group.Series.TimesSeen} {
		sum := int64(0)
		for _, count := range series {
			sum += count
		}
		if len(series) != len(found.Intervals) || sum != 3 {
			t.Errorf("%v over %d intervals", series, len(found.Intervals))
		}
	}
}
