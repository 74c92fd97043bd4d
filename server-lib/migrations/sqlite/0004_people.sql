-- People. Accounts, memberships and teams are small and read whole into memory.

INSERT INTO counters (name, value) VALUES ('people_version', 1);

-- 1: members see all projects of the organisation; 0: those of their teams only.
ALTER TABLE organisations ADD COLUMN open_membership INTEGER NOT NULL DEFAULT 1;

CREATE TABLE users (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    -- In lower case.
    email    TEXT NOT NULL UNIQUE,
    name     TEXT NOT NULL,
    -- Parameters, salt and result, '$argon2id$…'; without one nobody logs in by password.
    password TEXT,
    active   INTEGER NOT NULL,
    created  INTEGER NOT NULL
) STRICT;

CREATE TABLE memberships (
    organisation INTEGER NOT NULL REFERENCES organisations (id) ON DELETE CASCADE,
    user         INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- 0 viewer, 1 member, 2 admin, 3 owner.
    role         INTEGER NOT NULL,
    created      INTEGER NOT NULL,
    PRIMARY KEY (organisation, user)
) STRICT, WITHOUT ROWID;

CREATE INDEX memberships_user ON memberships (user);

CREATE TABLE teams (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation INTEGER NOT NULL REFERENCES organisations (id) ON DELETE CASCADE,
    slug         TEXT NOT NULL,
    name         TEXT NOT NULL,
    created      INTEGER NOT NULL,
    UNIQUE (organisation, slug)
) STRICT;

CREATE TABLE team_members (
    team INTEGER NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
    user INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (team, user)
) STRICT, WITHOUT ROWID;

CREATE INDEX team_members_user ON team_members (user);

CREATE TABLE team_projects (
    team    INTEGER NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
    project INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    PRIMARY KEY (team, project)
) STRICT, WITHOUT ROWID;

CREATE INDEX team_projects_project ON team_projects (project);

-- Organisations had one team each, by name only.
INSERT INTO teams (organisation, slug, name, created)
    SELECT id, slug, name, created FROM organisations;
INSERT INTO team_projects (team, project)
    SELECT t.id, p.id FROM projects AS p JOIN teams AS t ON t.organisation = p.organisation;

-- Whose a token is; of the organisation itself when nobody's.
ALTER TABLE api_tokens ADD COLUMN owner INTEGER REFERENCES users (id) ON DELETE CASCADE;
-- The one project that it opens, or all that its owner sees.
ALTER TABLE api_tokens ADD COLUMN project INTEGER REFERENCES projects (id) ON DELETE CASCADE;

CREATE INDEX api_tokens_owner ON api_tokens (owner);
CREATE INDEX api_tokens_project ON api_tokens (project);

CREATE TABLE logins (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    user    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- SHA-256 of the secret that the browser has.
    hash    BLOB NOT NULL UNIQUE,
    created INTEGER NOT NULL,
    seen    INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    address TEXT NOT NULL,
    agent   TEXT NOT NULL
) STRICT;

CREATE INDEX logins_user ON logins (user);

CREATE TABLE login_links (
    -- Each person has one at most.
    user    INTEGER PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    -- SHA-256 of the secret in it.
    hash    BLOB NOT NULL UNIQUE,
    expires INTEGER NOT NULL
) STRICT;

CREATE TABLE audit_log (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    -- Who: numbers of what may be gone by now, and the name of then.
    user         INTEGER,
    token        INTEGER,
    actor        TEXT NOT NULL,
    -- What, and on what.
    action       TEXT NOT NULL,
    target       TEXT NOT NULL,
    project      INTEGER,
    -- From where; empty when it was not over a network.
    address      TEXT NOT NULL
) STRICT;

CREATE INDEX audit_log_organisation ON audit_log (organisation, id);
