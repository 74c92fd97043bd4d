//! Who there is, and who is logged in.

use super::Access::{Open, Token};
use super::Takes::{Bytes, Json, Nothing};
use super::management::{CURSOR, PER_PAGE, operations};
use super::{Gives, Operation};

const PAGED: &[(&str, &str)] = &[CURSOR, PER_PAGE];
const SEARCHED: &[(&str, &str)] = &[CURSOR, PER_PAGE, ("query", "Part of the address or name")];
const FORM: super::Takes = Bytes("application/x-www-form-urlencoded");
const PAGE: Gives = Gives::Bytes(200, "text/html");

const MEMBER_READ: &[&str] = &["member:read"];
const MEMBER_WRITE: &[&str] = &["member:write"];
const TEAM_READ: &[&str] = &["team:read", "org:read"];
const TEAM_WRITE: &[&str] = &["team:write", "org:write"];
const PROJECT_WRITE: &[&str] = &["project:write"];

operations! { OPERATIONS:
    get "/api/0/auth/", "Tells who sends", Token(&[]), &[], Nothing => Gives::Json(200, "Sender");
    post "/api/0/auth/", "Logs in; the answer sets a cookie", Open, &[], Json("Credentials") => Gives::Json(200, "Sender");
    delete "/api/0/auth/", "Logs out", Token(&[]), &[], Nothing => Gives::Status(204);
    get "/api/0/users/me/", "Tells who sends", Token(&[]), &[], Nothing => Gives::Json(200, "Sender");
    put "/api/0/users/me/", "Changes the sender's account; needs a login", Token(&[]), &[], Json("AccountChange") => Gives::Json(200, "User");
    put "/api/0/users/me/password/", "Sets a new password and ends other logins; needs a login", Token(&[]), &[], Json("NewPassword") => Gives::Status(204);
    get "/api/0/users/me/logins/", "Lists where the sender is logged in; needs a login", Token(&[]), &[], Nothing => Gives::List("Login");
    delete "/api/0/users/me/logins/", "Ends all other logins; needs a login", Token(&[]), &[], Nothing => Gives::Status(204);
    delete "/api/0/users/me/logins/{login}/", "Ends a login; needs a login", Token(&[]), &[], Nothing => Gives::Status(204);
    get "/api/0/organizations/{organisation}/members/", "Lists members", Token(MEMBER_READ), SEARCHED, Nothing => Gives::List("Member");
    post "/api/0/organizations/{organisation}/members/", "Adds a person; one who is new gets a link to log in", Token(MEMBER_WRITE), &[], Json("NewMember") => Gives::Json(201, "Member");
    get "/api/0/organizations/{organisation}/members/{member}/", "Shows a member", Token(MEMBER_READ), &[], Nothing => Gives::Json(200, "Member");
    put "/api/0/organizations/{organisation}/members/{member}/", "Changes a member's role and teams, or whether the account is active", Token(MEMBER_WRITE), &[], Json("MemberChange") => Gives::Json(200, "Member");
    delete "/api/0/organizations/{organisation}/members/{member}/", "Ends a membership", Token(&["member:admin"]), &[], Nothing => Gives::Status(204);
    post "/api/0/organizations/{organisation}/members/{member}/teams/{team}/", "Puts a member into a team", Token(&["team:write"]), &[], Nothing => Gives::Json(201, "Team");
    delete "/api/0/organizations/{organisation}/members/{member}/teams/{team}/", "Takes a member out of a team", Token(&["team:write"]), &[], Nothing => Gives::Json(200, "Team");
    get "/api/0/organizations/{organisation}/teams/", "Lists teams", Token(TEAM_READ), PAGED, Nothing => Gives::List("Team");
    post "/api/0/organizations/{organisation}/teams/", "Makes a team", Token(TEAM_WRITE), &[], Json("NewTeam") => Gives::Json(201, "Team");
    get "/api/0/organizations/{organisation}/audit-logs/", "Lists who did what, newest first", Token(&["org:write"]), &[("before", "Number of an entry; those before it are listed"), PER_PAGE], Nothing => Gives::Json(200, "AuditLog");
    get "/api/0/teams/{organisation}/{team}/", "Shows a team", Token(TEAM_READ), &[], Nothing => Gives::Json(200, "Team");
    put "/api/0/teams/{organisation}/{team}/", "Changes a team", Token(TEAM_WRITE), &[], Json("NewTeam") => Gives::Json(200, "Team");
    delete "/api/0/teams/{organisation}/{team}/", "Deletes a team; its projects stay", Token(&["team:admin"]), &[], Nothing => Gives::Status(204);
    get "/api/0/teams/{organisation}/{team}/members/", "Lists members of a team", Token(MEMBER_READ), PAGED, Nothing => Gives::List("Member");
    get "/api/0/projects/{organisation}/{project}/members/", "Lists who sees a project", Token(MEMBER_READ), PAGED, Nothing => Gives::List("Member");
    get "/api/0/projects/{organisation}/{project}/teams/", "Lists the teams of a project", Token(&["project:read"]), PAGED, Nothing => Gives::List("Team");
    post "/api/0/projects/{organisation}/{project}/teams/{team}/", "Gives a project to a team", Token(PROJECT_WRITE), &[], Nothing => Gives::Json(201, "ProjectDetail");
    delete "/api/0/projects/{organisation}/{project}/teams/{team}/", "Takes a project away from a team", Token(PROJECT_WRITE), &[], Nothing => Gives::Json(200, "ProjectDetail");
    get "/auth/login/", "Shows the page to log in", Open, &[("next", "Path to go to afterwards")], Nothing => PAGE;
    post "/auth/login/", "Logs in from the page", Open, &[], FORM => Gives::Status(303);
    post "/auth/logout/", "Logs out from the page", Open, &[], FORM => Gives::Status(303);
    get "/auth/link/{link}/", "Shows whom a link logs in", Open, &[], Nothing => PAGE;
    post "/auth/link/{link}/", "Logs in with a link, once", Open, &[], FORM => Gives::Status(303);
}
