"""Values that protect nothing: what vendors ship, what everybody uses, names of users and services, and short ones."""

from __future__ import annotations

import re
from collections.abc import Iterable

from seatrial.scan.names import words
from seatrial.scan.values import placeholder
from seatrial.scan.vocabulary import worded

__all__ = ["common", "shipped", "weakness"]

# By product: how its variables, services and URL schemes are called, and what it ships with or its handbook shows.
_DEFAULTS: tuple[tuple[str, str, str], ...] = (
    ("MinIO", "minio s3", "minioadmin minio123 minio miniosecret minio-secret minioadmin123 minio_secret_key"),
    ("PostgreSQL", "postgres postgresql pg pgsql", "postgres password postgrespassword mysecretpassword example"),
    ("RabbitMQ", "rabbitmq amqp amqps rabbit", "guest rabbitmq rabbit user"),
    ("Grafana", "grafana gf", "admin grafana prom-operator"),
    ("Redis", "redis rediss valkey", "redis foobared redispassword yourpassword str0ng_passw0rd"),
    ("Elasticsearch", "elastic elasticsearch kibana logstash xpack", "changeme elastic kibana elasticpassword"),
    ("OpenSearch", "opensearch", "admin myStrongPassword123! myStrongPassword@123"),
    ("MySQL", "mysql mariadb", "root mysql mariadb my-secret-pw example password somewordpress"),
    ("MongoDB", "mongo mongodb", "mongo mongodb root admin example pass mongoadmin secret"),
    ("SQL Server", "mssql sqlserver sa", "yourStrong(!)Password yourStrong!Password P@ssw0rd Password123 <YourStrong@Passw0rd>"),
    ("Oracle", "oracle", "oracle manager change_on_install tiger welcome1"),
    ("Keycloak", "keycloak kc", "admin keycloak change_me"),
    ("Neo4j", "neo4j", "neo4j neo4j/neo4j test letmein"),
    ("CouchDB", "couchdb", "couchdb admin password relax"),
    ("ClickHouse", "clickhouse", "clickhouse default changeme"),
    ("Cassandra", "cassandra scylla", "cassandra"),
    ("InfluxDB", "influxdb influx", "admin influxdb my-super-secret-auth-token my-super-secret-admin-token adminadmin"),
    ("SonarQube", "sonar sonarqube", "admin sonar sonarqube"),
    ("Nexus", "nexus", "admin123"),
    ("Jenkins", "jenkins", "admin jenkins"),
    ("Airflow", "airflow", "airflow"),
    ("Superset", "superset", "admin superset TEST_NON_DEV_SECRET thisISaSECRET_1234"),
    ("Vault", "vault", "root myroot dev-only-token 00000000-0000-0000-0000-000000000000"),
    ("Zabbix", "zabbix zbx", "zabbix"),
    ("Harbor", "harbor", "Harbor12345 root123"),
    ("GitLab", "gitlab", "5iveL!fe gitlab"),
    ("Gitea", "gitea", "gitea"),
    ("pgAdmin", "pgadmin", "admin SuperSecret"),
    ("WordPress", "wordpress", "wordpress somewordpress"),
    ("Tomcat", "tomcat", "tomcat s3cret admin"),
    ("ActiveMQ", "activemq artemis", "admin artemis simetraehcapa"),
    ("EMQX", "emqx mqtt", "public mqtt"),
    ("Splunk", "splunk", "changeme"),
    ("Graylog", "graylog", "admin somepasswordpepper replacethiswithyourownsecret!"),
    ("OpenLDAP", "ldap openldap", "admin adminpassword config JonSn0w"),
    ("Langfuse", "langfuse nextauth salt", "mysecret mysalt myredissecret miniosecret"),
    ("Dify", "dify", "difyai123456 dify-sandbox"),
    ("Milvus", "milvus", "Milvus"),
    ("Open WebUI", "webui openwebui", "t0p-s3cr3t"),
    ("LiteLLM", "litellm", "sk-1234"),
    ("an OpenAI-compatible server", "openai llm vllm ollama lmstudio localai", "EMPTY ollama lm-studio token-abc123 sk-1234 sk-no-key-required"),
    ("LocalStack", "aws localstack", "test localstack"),
    ("Rancher", "rancher", "admin password"),
    ("Kong", "kong", "kong"),
    ("Supabase", "supabase jwt", "super-secret-jwt-token-with-at-least-32-characters-long"),
    ("Jupyter", "jupyter", "jupyter"),
    ("Mattermost", "mattermost mm", "mmuser_password mostest"),
    ("Metabase", "metabase mb", "metabase mysecretpassword"),
    ("Nextcloud", "nextcloud", "nextcloud"),
    ("Odoo", "odoo", "odoo"),
    ("Hasura", "hasura", "myadminsecretkey postgrespassword"),
    ("Directus", "directus", "d1r3ctu5 directus"),
    ("n8n", "n8n", "n8n"),
    ("Temporal", "temporal", "temporal"),
    ("Flask", "flask secret", "dev"),
    ("AkiDB", "akidb", "akidbsecret akidb"),
)  # fmt: skip
_BY_NAME: dict[str, list[tuple[str, frozenset[str]]]] = {}
for _product, _names, _values in _DEFAULTS:
    for _name in _names.split():
        _BY_NAME.setdefault(_name, []).append((_product, frozenset(_values.split())))
# Unmistakable wherever they stand.
_ANYWHERE = {
    "minioadmin": "MinIO", "foobared": "Redis", "prom-operator": "Grafana", "Harbor12345": "Harbor", "5iveL!fe": "GitLab",
    "difyai123456": "Dify", "t0p-s3cr3t": "Open WebUI", "myStrongPassword123!": "OpenSearch", "yourStrong(!)Password": "SQL Server",
    "mysecretpassword": "PostgreSQL", "my-secret-pw": "MySQL", "change_on_install": "Oracle", "somewordpress": "WordPress",
    "super-secret-jwt-token-with-at-least-32-characters-long": "Supabase", "akidbsecret": "AkiDB", "changeit": "Java's key stores",
}  # fmt: skip

_MOST_USED = worded("""
    123456 password 123456789 12345 12345678 qwerty 1234567 111111 1234567890 123123 abc123 1234 password1
    iloveyou 1q2w3e4r 000000 qwerty123 zaq12wsx dragon sunshine princess letmein 654321 monkey 27653 1qaz2wsx
    123321 qwertyuiop superman asdfghjkl trustno1 football baseball welcome shadow master michael jennifer 666666
    jordan 121212 access batman passw0rd hello charlie freedom whatever qazwsx admin admin123 admin1234
    administrator root toor root123 rootpass rootpassword pass pass123 pass1234 password123 password1234
    password12 p@ssw0rd p@ssword pa$$w0rd passwd test test123 test1234 testing tester testpass testpassword guest
    user user123 user1234 demo demo123 default changeme changeit changethis secret secret123 s3cret s3cr3t
    supersecret topsecret mysecret verysecret welcome1 welcome123 welcome2024 letmein123 login qwerty1 qwerty12
    asdf asdfgh asdf1234 zxcvbnm zxcvbn zaq1zaq1 1q2w3e 1q2w3e4r5t q1w2e3r4 q1w2e3r4t5 987654321 11111111 00000000
    88888888 55555 7777777 112233 123qwe 123abc a123456 aa123456 abcd1234 abc12345 abcdef abcdefg computer
    internet server service system oracle mysql postgres postgresql redis mongo mongodb hunter2 foobar foobar123
    foo bar changeme123 change_me temp temp123 temppass temporary dev devpass development local localhost staging
    production prod backup cisco ubnt raspberry alpine vagrant docker ubuntu debian centos admin@123 admin!
    adminadmin adminpass adminpassword superuser sysadmin operator manager public private community ninja azerty
    loveme flower starwars solo google facebook killer pepper ginger summer winter autumn spring2024 summer2023
    summer2024 winter2024 cookie mustang ranger hockey george maggie cheese banana orange purple silver thunder
    merlin andrew joshua matthew daniel hannah thomas robert tigger soccer buster hammer yankees biteme lovely
    ashley nicole jessica samantha secret1 qweasd qweasdzxc 1234qwer qwer1234 qwe123 asd123 zxc123 p455w0rd
    passw0rd1 passw0rd123 password! password1! Password123! P@ssw0rd1 P@ssw0rd123 apple samsung dbpass dbpassword
    dbuser myuser mypass mypassword mydb userpass userpassword apppass apppassword examplepassword sekret geheim
    passwort motdepasse contrasena token apikey key none correcthorsebatterystaple
    """)  # fmt: skip
_MOST_USED_LOW = frozenset(word.lower() for word in _MOST_USED)
_FILLERS = sorted(
    (
        worded("""
    password passwd pass secret supersecret admin root key token user test dev prod local default db my the super
    app the_ 2020 2021 2022 2023 2024 2025 2026 123456 12345 1234 123 321 12 1 01 0 ! @ # $ - _ .
    """)
    ),
    key=len,
    reverse=True,
)
_RUNS = (
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "01234567890",
    "zyxwvutsrqponmlkjihgfedcba",
    "09876543210",
)


def weakness(value: str, *, key: str = "", names: Iterable[str] = ()) -> str:
    """Why a value protects nothing, or nothing when it may.

    Args:
        value: the value of a secret.
        key: what it is called; a default counts for its own product.
        names: users and services it belongs to: a password of that name is none.
    """
    low = value.lower()
    about = [word for name in (key, *names) for word in words(name)]
    for word in about:
        for product, values in _BY_NAME.get(word, ()):
            if value in values or low in values:
                return f"default of {product}"
    if value in _ANYWHERE:
        return f"default of {_ANYWHERE[value]}"
    if low in _MOST_USED_LOW:
        return "one of the most used passwords"
    if low in {name.lower() for name in names if name}:
        return "the same as its user or service"
    if placeholder(value):
        return "a placeholder"
    if len(value) < 8:
        return "shorter than 8 characters"
    if _made_of(low, {word for word in about if len(word) > 2} | {name.lower() for name in names if name}):
        return "made of its own name and common words"
    if len(set(low)) <= 3 or re.fullmatch(r"(.{1,4})\1+.{0,3}", value, re.S):
        return "repeated characters"
    if any(low[at : at + 6] in run for run in _RUNS for at in range(0, max(1, len(low) - 5), 3)) and len(value) <= 16:
        return "a run of neighbouring characters"
    if len(value) < 12 and value.isalpha() and (value.islower() or value.isupper() or value.istitle()):
        return "letters only, and short"
    if value.isdigit() and len(value) < 16:
        return "digits only"
    return ""


def _made_of(low: str, names: set[str]) -> bool:
    """Whether a value is its own name, its user or its service with the usual endings."""
    if len(low) > 48:
        return False
    rest = low
    for part in sorted(names, key=len, reverse=True):
        rest = rest.replace(part, " ")
    for part in _FILLERS:
        rest = rest.replace(part, " ")
    return not rest.strip()


def shipped(value: str) -> bool:
    """Whether a value is a product's own, whatever it is called."""
    return value in _ANYWHERE


def common(value: str) -> bool:
    """Whether a value is one of the passwords that everybody uses."""
    return value.lower() in _MOST_USED_LOW
