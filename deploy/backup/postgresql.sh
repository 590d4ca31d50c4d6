#!/bin/sh
# Backup and restore of a Threadbridge database on PostgreSQL.
#
#   postgresql.sh backup FILE     while the programs run, which go on writing
#   postgresql.sh restore FILE    into an empty database: what is there is never overwritten
#
# Where, and as whom, comes from the environment: PGHOST, PGUSER, PGDATABASE, PGPASSWORD. It needs pg_dump, pg_restore
# and psql, of the server's version or a later one. Exit 1 with one sentence if something is wrong.
set -eu
umask 077

refuse() {
    echo "$*" >&2
    exit 1
}

ask() {
    psql --no-psqlrc --tuples-only --no-align --quiet --set=ON_ERROR_STOP=1 --command="$1"
}

[ $# -eq 2 ] || refuse "Say: postgresql.sh backup FILE, or postgresql.sh restore FILE"
file=$2
case $1 in
backup)
    [ ! -e "$file" ] || refuse "$file exists. Choose another name."
    trap 'rm -f "$file.unfinished"' EXIT
    # Rights and owners are of this server; where it is restored, everything is of whoever restores it.
    pg_dump --format=custom --no-owner --no-privileges --file="$file.unfinished"
    # It can be read to its end.
    pg_restore --file=/dev/null "$file.unfinished"
    mv "$file.unfinished" "$file"
    echo "$file is written and checked."
    ;;
restore)
    [ -r "$file" ] || refuse "$file cannot be read."
    tables=$(ask "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')")
    [ "$tables" = 0 ] || refuse "The database has $tables tables. Create an empty one, and name it in PGDATABASE."
    pg_restore --single-transaction --exit-on-error --no-owner --no-privileges --dbname="${PGDATABASE:?is not set}" "$file"
    ask "ANALYZE"
    echo "$file is restored; its schema is at revision $(ask "SELECT version_num FROM alembic_version")."
    ;;
*)
    refuse "Say backup or restore, not $1."
    ;;
esac
