-- People. Accounts, memberships and teams are small and read whole into memory.

INSERT INTO counters (name, value) VALUES
    ('people_version', 1),
    ('user', 0),
    ('team', 0),
    ('login', 0),
    ('audit', 0);

-- Whether members see all projects of the organisation, or those of their teams only.
ALTER TABLE organisations ADD COLUMN open_membership boolean NOT NULL DEFAULT true;

CREATE TABLE users (
    id       integer PRIMARY KEY,
    -- In lower case.
    email    text NOT NULL UNIQUE,
    name     text NOT NULL,
    -- Parameters, salt and result, '$argon2id$…'; without one nobody logs in by password.
    password text,
    active   boolean NOT NULL,
    created  bigint NOT NULL
);

CREATE TABLE memberships (
    organisation integer NOT NULL REFERENCES organisations (id) ON DELETE CASCADE,
    person       integer NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- 0 viewer, 1 member, 2 admin, 3 owner.
    role         smallint NOT NULL,
    created      bigint NOT NULL,
    PRIMARY KEY (organisation, person)
);

CREATE INDEX memberships_person ON memberships (person);

CREATE TABLE teams (
    id           integer PRIMARY KEY,
    organisation integer NOT NULL REFERENCES organisations (id) ON DELETE CASCADE,
    slug         text NOT NULL,
    name         text NOT NULL,
    created      bigint NOT NULL,
    UNIQUE (organisation, slug)
);

CREATE TABLE team_members (
    team   integer NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
    person integer NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (team, person)
);

CREATE INDEX team_members_person ON team_members (person);

CREATE TABLE team_projects (
    team    integer NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
    project integer NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    PRIMARY KEY (team, project)
);

CREATE INDEX team_projects_project ON team_projects (project);

-- Organisations had one team each, by name only.
INSERT INTO teams (id, organisation, slug, name, created)
    SELECT id, id, slug, name, created FROM organisations;
UPDATE counters SET value = (SELECT coalesce(max(id), 0) FROM teams) WHERE name = 'team';
INSERT INTO team_projects (team, project)
    SELECT t.id, p.id FROM projects AS p JOIN teams AS t ON t.organisation = p.organisation;

-- Whose a token is; of the organisation itself when nobody's.
ALTER TABLE api_tokens ADD COLUMN owner integer REFERENCES users (id) ON DELETE CASCADE;
-- The one project that it opens, or all that its owner sees.
ALTER TABLE api_tokens ADD COLUMN project integer REFERENCES projects (id) ON DELETE CASCADE;

CREATE INDEX api_tokens_owner ON api_tokens (owner);
CREATE INDEX api_tokens_project ON api_tokens (project);

CREATE TABLE logins (
    id      integer PRIMARY KEY,
    person  integer NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- SHA-256 of the secret that the browser has.
    hash    bytea NOT NULL UNIQUE,
    created bigint NOT NULL,
    seen    bigint NOT NULL,
    expires bigint NOT NULL,
    address text NOT NULL,
    agent   text NOT NULL
);

CREATE INDEX logins_person ON logins (person);

CREATE TABLE login_links (
    -- Each person has one at most.
    person  integer PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    -- SHA-256 of the secret in it.
    hash    bytea NOT NULL UNIQUE,
    expires bigint NOT NULL
);

CREATE TABLE audit_log (
    id           bigint PRIMARY KEY,
    organisation integer NOT NULL,
    at           bigint NOT NULL,
    -- Who: numbers of what may be gone by now, and the name of then.
    person       integer,
    token        integer,
    actor        text NOT NULL,
    -- What, and on what.
    action       text NOT NULL,
    target       text NOT NULL,
    project      integer,
    -- From where; empty when it was not over a network.
    address      text NOT NULL
);

CREATE INDEX audit_log_organisation ON audit_log (organisation, id);
