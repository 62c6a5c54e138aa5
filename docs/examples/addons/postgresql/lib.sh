# lib.sh: what provision and destroy have in common. They read it with "."; it is not a program.
# It checks the name of the app, reads the file "settings" and takes a lock.
# settings.sample explains the file "settings".

LC_ALL=C; export LC_ALL
nl='
'
fail() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# The options in app.json come from the author of the preview. This add-on has none: read and drop.
[ -t 0 ] || cat >/dev/null 2>&1
exec </dev/null

case ${RELTUI_APP-} in
    '' | [!a-z]* | *[!a-z0-9-]*) fail "RELTUI_APP is not the name of an app; call this through reltui" ;;
esac
[ "${#RELTUI_APP}" -le 30 ] || fail "RELTUI_APP is longer than 30 characters; call this through reltui"

# Role and database have the same name. Two apps cannot get the same one: an app has no "_" in its name.
name=reltui_$(printf %s "$RELTUI_APP" | tr - _)
mark="reltui add-on of $RELTUI_APP"     # comment on the role and on the database: they are ours

PGHOST=/var/run/postgresql PGPORT=5432 PGUSER=postgres PGDATABASE=postgres AS_USER=postgres
URL_HOST=127.0.0.1 URL_PORT='' CONNECTIONS=20 TEMP_FILES=1GB
[ ! -f settings ] || . ./settings
export PGHOST PGPORT PGUSER PGDATABASE PGCONNECT_TIMEOUT=5
: "${URL_PORT:=$PGPORT}"

runas=
if [ -n "$AS_USER" ]; then
    group=$(id -g "$AS_USER" 2>/dev/null) ||
        fail "there is no system user $AS_USER; install PostgreSQL, or correct AS_USER in the file settings"
    runas="setpriv --reuid=$AS_USER --regid=$group --init-groups"
fi

# One run at a time. Each psql below inherits the lock: a psql that outlives a killed run keeps it.
exec 9<lib.sh
flock -w 35 9 || fail "another run has not ended within 35 seconds; try again"
cd /    # psql complains when it may not enter the folder that it starts in

# sql DATABASE: run the psql script on standard input as the admin role.
# setsid: without a terminal, \password reads the password from the script and not from the keyboard.
# timeout: a server that hangs must not keep psql, and the lock with it, for ever.
# search_path: a preview can make functions in its schema public that have the names of built-in ones.
sql() {
    PGDATABASE=$1 PGOPTIONS='-c search_path=pg_catalog' setsid -w timeout -k 5 30 $runas \
        psql -XqAtw -v ON_ERROR_STOP=1 -v name="$name" -v mark="$mark" \
        -v connections="$CONNECTIONS" -v temp_files="$TEMP_FILES" 2>&1
}

# reason TEXT: the error message in what psql wrote, as one short line.
reason() {
    { printf '%s\n' "$1" | grep -m1 -E 'ERROR|FATAL|error:' || printf '%s\n' "$1" | tail -n 1; } |
        sed 's/^psql:[^ ]* //' | tr -cd '[:print:]' | cut -c 1-300
}

# why STATUS TEXT: one line for people about a psql that failed.
why() {
    case $1 in
        2) echo "login as $PGUSER failed ($(reason "$2")); start PostgreSQL or correct the file settings" ;;
        124 | 137) echo "PostgreSQL gave no answer within 30 seconds; look at the log of the server, then try again" ;;
        *) echo "PostgreSQL refused ($(reason "$2")); look at the log of the server, then try again" ;;
    esac
}

# First lines of each script that runs in the admin database. The advisory lock keeps a new run from
# starting while the server is still at work on the last statement of a psql that was killed.
begin="
SET client_min_messages = error; SET password_encryption = 'scram-sha-256';
SET log_statement = none; SET log_min_duration_statement = -1; SET log_min_error_statement = panic;
SET statement_timeout = '15s'; SET lock_timeout = '15s';
SELECT pg_advisory_lock(735837) \\gset
SET lock_timeout = '5s';"

# What is there? CREATE DATABASE and COMMENT cannot be one transaction, so a database without the comment
# is ours as well while our role owns it. "broken": a DROP DATABASE that was stopped half-way.
state="
SELECT r.oid IS NOT NULL AS has_role, d.oid IS NOT NULL AS has_db, coalesce(d.datconnlimit = -2, false) AS broken,
       (r.oid IS NOT NULL AND shobj_description(r.oid, 'pg_authid') IS DISTINCT FROM :'mark')
       OR (d.oid IS NOT NULL AND d.datdba IS DISTINCT FROM r.oid
           AND shobj_description(d.oid, 'pg_database') IS DISTINCT FROM :'mark') AS foreign
FROM (SELECT) AS one LEFT JOIN pg_roles r ON rolname = :'name' LEFT JOIN pg_database d ON datname = :'name' \\gset
\\if :foreign
\\echo foreign
\\q
\\endif"
foreign="there is a role or database $name on the server that this add-on did not make; rename it, or give the app another name"

# drop_database: remove the database if it exists, also while clients use it. The text is in $out.
# REVOKE comes first, so that the preview cannot come back while its sessions are ended.
drop_database() {
    unstick >/dev/null 2>&1 9<&- &
    helper=$!
    out=$(sql "$PGDATABASE" <<EOF
$begin
$state
\\if :has_db
\\if :broken
\\else
\\if :has_role
REVOKE CONNECT ON DATABASE :"name" FROM :"name";
\\endif
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = :'name' \\gset
SELECT count(*) > 0 AS prepared FROM pg_prepared_xacts WHERE database = :'name' \\gset
\\if :prepared
\\connect :name
SELECT format('ROLLBACK PREPARED %L', gid) FROM pg_prepared_xacts WHERE database = :'name' \\gexec
\\connect $PGDATABASE
$begin
\\endif
\\endif
DROP DATABASE :"name" WITH (FORCE);
\\endif
EOF
    )
    set -- $?
    kill "$helper" 2>/dev/null
    return "$1"
}

# DROP DATABASE waits until every session of the server has answered a signal. These do not answer: a
# session that waits for its client in the middle of a statement (COPY FROM STDIN, or a large value that
# the client does not read) and a login that does not go on. A preview could block each DROP DATABASE
# this way. So if it takes more than 3 seconds, end such sessions of previews, and logins (they are in
# pg_locks, but have no user yet). This stops with the run.
unstick() {
    for i in 1 2 3 4 5; do
        sleep 3
        kill -0 $$ || return
        sql "$PGDATABASE" <<'EOF'
SELECT pg_terminate_backend(l.pid) FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'virtualxid' AND CASE WHEN a.usesysid IS NULL
    THEN coalesce(a.backend_type, 'client backend') = 'client backend'
    ELSE a.state = 'active' AND a.wait_event IN ('ClientRead', 'ClientWrite')
        AND shobj_description(a.usesysid, 'pg_authid') LIKE 'reltui add-on of %' END;
EOF
    done
}
