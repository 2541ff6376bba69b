"""What a PostgreSQL database holds, object by object, in a form that is the same after a restore."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seatrial.drills.stores import Item
from seatrial.drills.stores import _postgres_seeds as seeds
from seatrial.drills.stores._forms import Form, Heap, printable, shortened
from seatrial.words import CouldNotLook

__all__ = ["FORMS", "REFUSALS", "items"]

FORMS = {
    "DateStyle": "ISO", "IntervalStyle": "iso_8601", "TimeZone": "UTC", "extra_float_digits": "3", "bytea_output": "hex",
    "row_security": "off", "quote_all_identifiers": "off",
}  # fmt: skip
"""How values are written, whatever the server or the user's settings say. Rows that would be hidden are an error."""
REFUSALS = {
    "authentication failed": "it asks for other credentials",
    "no password supplied": "it asks for a password",
    "pg_hba": "its pg_hba.conf lets this user not in",
    "does not exist": "the database or the user does not exist",
    "starting up": "it is starting up",
    "shutting down": "it is shutting down",
    "not yet accepting": "it does not take connections yet",
    "too many": "it has no connection left",
    "timeout": "it did not answer in time",
    "Connection refused": "nothing listens there",
    "closed the connection": "it closed the connection",
}
MOST_OBJECTS = 100_000
PART = 1024**2

OURS = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
NO_EXTENSION = (
    "NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = '{of}'::regclass AND d.objid = {oid} AND d.deptype = 'e')"
)

RELATIONS = f"""
SELECT c.oid, n.nspname, c.relname, c.relkind::text, c.relpersistence::text, quote_ident(n.nspname) || '.' || quote_ident(c.relname),
  CASE WHEN c.relowner = 10 THEN 'the superuser' ELSE pg_get_userbyid(c.relowner) END,
  (SELECT coalesce(string_agg(quote_ident(attname) || ' ' || format_type(atttypid, atttypmod)
     || CASE WHEN attnotnull THEN ' not null' ELSE '' END || CASE WHEN atthasdef THEN ' default' ELSE '' END, ', ' ORDER BY attnum), '')
   FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped),
  (SELECT coalesce(string_agg(told, '; ' ORDER BY told COLLATE "C"), '')
   FROM (SELECT conname || CASE WHEN contype = 'c' THEN ' CHECK' ELSE ' ' || pg_get_constraintdef(oid) END AS told
     FROM pg_constraint WHERE conrelid = c.oid AND contype IN ('p', 'u', 'f', 'c', 'x')) AS k),
  (SELECT coalesce(string_agg(i.relname::text, ', ' ORDER BY i.relname::text COLLATE "C"), '')
   FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = c.oid AND x.indisvalid),
  (SELECT coalesce(string_agg(tgname::text, ', ' ORDER BY tgname::text COLLATE "C"), '') FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal),
  (SELECT coalesce(string_agg(told, ', ' ORDER BY told COLLATE "C"), '') FROM (
     SELECT DISTINCT CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee)::text END || ' ' || privilege_type AS told
     FROM aclexplode(c.relacl) WHERE grantee <> c.relowner) AS g),
  c.relispopulated
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm', 'v', 'S', 'f') AND c.relpersistence <> 't' AND {OURS} AND {NO_EXTENSION.format(of="pg_class", oid="c.oid")}
ORDER BY 2, 3
LIMIT {MOST_OBJECTS + 1}
"""
SEQUENCES = f"""
SELECT s.seqrelid, s.seqstart || ' by ' || s.seqincrement || ' from ' || s.seqmin || ' to ' || s.seqmax || CASE WHEN s.seqcycle THEN ' cycle' ELSE '' END,
  s.seqincrement, d.refobjid::regclass::text, quote_ident(a.attname)
FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.seqrelid AND d.refclassid = 'pg_class'::regclass
  AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE {OURS}
"""
FUNCTIONS = f"""
SELECT n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', p.prosrc
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {OURS} AND {NO_EXTENSION.format(of="pg_proc", oid="p.oid")}
"""
TYPES = f"""
SELECT n.nspname || '.' || t.typname, t.typtype::text || ' ' || coalesce((SELECT string_agg(enumlabel, ', ' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid), '')
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typtype IN ('e', 'd') AND {OURS} AND {NO_EXTENSION.format(of="pg_type", oid="t.oid")}
"""
EXTENSIONS = "SELECT extname, extname FROM pg_extension WHERE extname <> 'plpgsql'"
ROLES = """
SELECT r.rolname, r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin, r.rolreplication, r.rolbypassrls,
  (SELECT coalesce(string_agg(g.rolname::text, ', ' ORDER BY g.rolname::text COLLATE "C"), '') FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid)
FROM pg_roles r
WHERE r.oid <> 10 AND r.rolname !~ '^pg_' AND EXISTS (
  SELECT FROM pg_shdepend s WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = r.oid
  AND s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()))
"""
"""Roles that something in this database belongs to, or is granted to; not all that the server knows."""
WHATS = {
    "r": "a table",
    "p": "a partitioned table",
    "m": "a materialized view",
    "v": "a view",
    "S": "a sequence",
    "f": "a foreign table",
}


def items(connection: Any) -> dict[str, Item]:
    """All objects there are, by name, in the transaction that is open."""
    found: dict[str, Item] = {}
    # Every name is then told with its schema.
    connection.execute("SET LOCAL search_path = ''")
    relations = connection.execute(RELATIONS).fetchall()
    if len(relations) > MOST_OBJECTS:
        raise CouldNotLook(f"the database has more than {MOST_OBJECTS:,} tables, which is more than are compared")
    sequences = {row[0]: row[1:] for row in connection.execute(SEQUENCES)}
    for relation in relations:
        if relation[3] == "S":
            name, item = _sequence(connection, relation, sequences[relation[0]])
            found[name] = item
        else:
            found.update(_relation(connection, relation))
    for what, told, query in (
        ("function", "a function", FUNCTIONS),
        ("type", "a type", TYPES),
        ("extension", "an extension", EXTENSIONS),
    ):
        for name, body in connection.execute(query):
            form = Form(what)
            form.add(body.encode())
            found[f"{what} {_text(name)}"] = Item(form.digest(), form.size, told)
    for name, *rest in connection.execute(ROLES):
        found[f"role {_text(name)}"] = _role(rest)
    found.update(_large_objects(connection))
    return found


def _text(name: str) -> str:
    return printable(name.encode("utf-8", "surrogateescape"))


def _role(rest: list[Any]) -> Item:
    *flags, member = rest
    names = ("superuser", "inherit", "createrole", "createdb", "login", "replication", "bypassrls")
    has = ", ".join(name for name, flag in zip(names, flags, strict=True) if flag)
    return Item(Form("role").digest(), 0, "a role", (("attributes", has or "none"), ("member of", member or "none")))


def _relation(connection: Any, relation: Any) -> Iterator[tuple[str, Item]]:
    """A table or view; of sentinels also row by row."""
    _, schema, name, kind, persistence, quoted, owner, columns, constraints, indexes, triggers, grants, full = relation
    attributes = {
        "columns": columns, "constraints": constraints, "grants": grants, "indexes": indexes, "owner": owner, "triggers": triggers,
    }  # fmt: skip
    told = tuple((key, shortened(value or "none")) for key, value in sorted(attributes.items()))
    # What an unlogged table held is not kept over a crash either: its rows are nobody's promise.
    rows = kind in "rm" and persistence != "u" and full
    if name in seeds.TABLES:
        yield name, Item(Form("table").digest(), 0, WHATS[kind], told)
        for key, item in _rows(connection, schema, name):
            yield seeds.named(name, key), item
        return
    heap = Heap()
    if rows:
        with connection.cursor().copy(f"COPY (SELECT t::text FROM {quoted} t) TO STDOUT") as copy:
            for row in _lines(copy):
                heap.add((row,))
    what = f"{WHATS[kind]} of {heap.count} rows" if rows else WHATS[kind]
    where = f"{_text(schema)}.{_text(name)}"
    yield f"{WHATS[kind].partition(' ')[2]} {where}", Item(heap.digest(), heap.size, what, told)


def _lines(copy: Any) -> Iterator[bytes]:
    """Rows of COPY as text: one a line, whatever the packets are."""
    left = b""
    for part in copy:
        lines = (left + bytes(part)).split(b"\n")
        left = lines.pop()
        yield from lines
    if left:
        yield left


def _quoted(*names: str) -> str:
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def _rows(connection: Any, schema: str, name: str) -> Iterator[tuple[str, Item]]:
    """Rows of a sentinel, by its first column; those that refer to another say to what they lead."""
    table, people = _quoted(schema, name), _quoted(schema, seeds.PEOPLE)
    first = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum LIMIT 1",
        (table,),
    ).fetchone()
    if first is None:
        return
    key = _quoted(first[0])
    refers = "NULL"
    if name == seeds.NOTES and connection.execute("SELECT to_regclass(%s)", (people,)).fetchone()[0] is not None:
        refers = f"(SELECT p.body FROM {people} p WHERE p.name = t.person)"
    columns = (
        "t.*"
        if name != seeds.NOTES
        else "t.name, t.body, t.raw, t.made, t.number, t.ratio, t.yes, t.tags, t.document, t.person"
    )
    with connection.cursor(name="seatrial") as rows:
        rows.itersize = 64
        rows.execute(f"SELECT {key}::text, ROW({columns})::text, {refers} FROM {table} t")
        for label, whole, leads in rows:
            form = Form("row")
            form.add(whole.encode("utf-8", "surrogateescape"))
            attributes = (("refers to", leads),) if leads is not None else ()
            yield label, Item(form.digest(), form.size, f"a row of {_text(name)}", attributes)


def _sequence(connection: Any, relation: Any, told: Any) -> tuple[str, Item]:
    """A sequence: how it counts, and whether what it gives next was given before.

    Its number itself is not compared: after a recovery it is rightly up to 32 further than it was.
    """
    name, quoted, owner, grants = relation[2], relation[5], relation[6], relation[11]
    counts, step, table, column = told
    form = Form("sequence")
    form.add(counts.encode())
    value, called = connection.execute(f"SELECT last_value, is_called FROM {quoted}").fetchone()
    attributes = {"grants": grants or "none", "owner": owner}
    if table is not None:
        ahead = "min" if step < 0 else "max"
        most = connection.execute(f"SELECT {ahead}({column}) FROM {table}").fetchone()[0]
        behind = most is not None and ((value < most if step > 0 else value > most) or (value == most and not called))
        attributes["behind its column"] = "yes" if behind else "no"
    elif name == seeds.SEQUENCE:
        attributes["has come to"] = f"{seeds.REACHED} or further" if called and value >= seeds.REACHED else str(value)
    else:
        attributes["was used"] = "yes" if called else "no"
    where = name if name.startswith(seeds.MARK) else f"sequence {_text(relation[1])}.{_text(name)}"
    return where, Item(form.digest(), form.size, "a sequence", tuple(sorted(attributes.items())))


def _large_objects(connection: Any) -> Iterator[tuple[str, Item]]:
    numbers = connection.execute(
        f"SELECT oid FROM pg_largeobject_metadata ORDER BY oid LIMIT {MOST_OBJECTS + 1}"
    ).fetchall()
    if len(numbers) > MOST_OBJECTS:
        raise CouldNotLook(
            f"the database has more than {MOST_OBJECTS:,} large objects, which is more than are compared"
        )
    for (number,) in numbers:
        form, start = Form("large object"), 0
        while part := connection.execute("SELECT lo_get(%s, %s, %s)", (number, start, PART)).fetchone()[0]:
            form.more(bytes(part))
            start += len(part)
        yield f"large object {number}", Item(form.digest(), form.size, "a large object")
