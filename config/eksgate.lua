-- SPDX-License-Identifier: Apache-2.0
-- Every setting. What stands behind "--" is the default or an example; the rest is what a careful gateway starts from:
-- default_verdict = "deny", so nobody changes or reads anything until a policy allows it. Copy it to
-- /etc/eksgate/eksgate.lua, make it yours, and run `eksgate check`. config/README.md says what each setting accepts.
return {
    -- Where clients connect: IP:PORT, [IPv6]:PORT, localhost:PORT, unix:/path; a table is a listener that speaks TLS.
    listen = { "127.0.0.1:8080" },
    -- listen = { "127.0.0.1:8080", "[::1]:8080", "unix:/run/eksgate/eksgate.sock" },
    -- listen = {
    --     {
    --         address = "0.0.0.0:8443",
    --         certificate = "/etc/eksgate/tls.crt", -- PEM, the intermediates behind it
    --         key = "/etc/eksgate/tls.key", -- PEM, no passphrase, not readable by everybody
    --         certificates = { { certificate = "other.crt", key = "other.key" } }, -- further ones, chosen by server name
    --         client_ca = "clients.crt", -- who signs clients' certificates; policies see req.client_certificate
    --         client_certificates = "required", -- or "optional"
    --         connect = true, -- with auth = "upstream": clients' HTTPS_PROXY; answers for the endpoint's host alone
    --     },
    -- },
    unix_mode = "0660", -- of the unix sockets made
    status = "127.0.0.1:9181", -- /livez /readyz /metrics; safe to expose; nil is off
    admin = "127.0.0.1:9180", -- changes things: loopback or a unix socket; nil is off
    -- admin_token_file = "admin.token", -- what orders must show; lets the admin listener be reached from outside
    -- admin_token = env("ADMIN_TOKEN", ""), -- the same, without a file
    hosts = {}, -- further Host names that the admin listener takes, and under auth = "none" all of them: { "eksgate.example.internal" }
    workers = "auto", -- threads that serve requests; auto: one per processor
    drain_timeout = 30, -- seconds that requests under way may take after SIGTERM
    log = { level = "info" }, -- error, warn, info, debug; on stderr

    -- Where eksgate keeps its files.
    data = env("EKSGATE_DATA", "/var/lib/eksgate"),

    -- Where the configured clusters are. region: a name, a list of names, or "*": what a signature's scope may name; the
    -- first is where the clusters are.
    partition = "aws",
    region = "us-west-2",
    account = "012345678910",
    -- DescribeCluster's shape: what is given wins, also over what requests have changed; the rest has local values.
    -- authenticationMode: "API", "API_AND_CONFIG_MAP", "CONFIG_MAP" (no access entries then).
    clusters = {
        ["my-cluster"] = { accessConfig = { authenticationMode = "API" } },
        -- ["lab"] = { version = "1.34", endpoint = "https://127.0.0.1:6443", certificateAuthority = { data = "..." } },
    },

    -- Who is let in: callers whose signature verifies against a key of this file. `eksgate keys add --arn ARN` writes it.
    auth = "sigv4",
    keys = "eksgate.keys.json",
    -- keys = { { AccessKeyId = "...", SecretAccessKey = env("DEPLOYER_SECRET"), Arn = "arn:aws:iam::012345678910:user/ci" } },
    -- auth = "upstream", -- whoever the upstream verifies; needs no keys, access_entries = "upstream", and an endpoint
    -- auth = "none", -- whoever reaches the listeners, which must be loopback or unix sockets: for a sidecar
    -- caller = "arn:aws:iam::012345678910:role/app", -- who everybody is then
    sigv4 = {
        clock_window = 300, -- seconds that a request's date may be off, either way
        query_auth = false, -- presigned requests
        query_expires_max = 900, -- seconds, of presigned requests
        unsigned_headers = {}, -- x-amz- headers that a proxy adds: { "x-amz-cf-id" }
    },

    -- The IAM principals that exist, one ARN per line; without it nobody is asked whether a principal does.
    -- principals = "principals.txt",

    -- Who answers for access entries: "store", or "upstream", which then answers everything.
    access_entries = "store",
    store = {
        driver = "sqlite", -- "memory": entries live until the process ends
        file = "eksgate.db", -- below data
        busy_timeout = 2, -- seconds that a lock of another process is waited for
    },

    -- What requests are forwarded to, and how it is reached; of each worker.
    upstream = {
        -- endpoint = "https://eks.{region}.amazonaws.com", -- with access_entries = "upstream"
        -- connect = "vpce-0a1b2c3d.eks.{region}.vpce.amazonaws.com", -- in the place of the endpoint's name, which leads here
        connect_timeout = 3, -- seconds, fractions are fine: name, connection, proxy and TLS handshake together
        write_timeout = 10, -- for the upstream to take a request
        first_byte_timeout = 30, -- from the request's last byte to its reply's first
        total_timeout = 60, -- waiting for a connection included
        idle_timeout = 20, -- how long a connection is kept
        connections = 64,
        waiting = 1000, -- requests that may wait for one; past it 503
        reply_bytes = 8388608,
        -- ca_file = "upstream-ca.pem", -- in the place of $AWS_CA_BUNDLE and the system's certificates
        -- proxy = "http://proxy.example.internal:3128", -- in the place of $HTTPS_PROXY; "none": without one
        -- no_proxy = "10.0.0.0/8,.example.internal", -- in the place of $NO_PROXY
        breaker_failures = 10, -- in a row, then 503 at once
        breaker_time = 5, -- seconds, then one request tries
        -- Who signs what is forwarded, once there is something to forward to.
        -- credentials = "default", -- what AWS's tools would find; "caller": the caller's own key; or a key from env():
        -- -- { access_key_id = env("KEY_ID"), secret_access_key = env("SECRET"), session_token = env("TOKEN") }
        -- assume_role = "arn:aws:iam::{account}:role/eksgate", -- with those; absent: no other role
        -- session_name = "caller", -- made from the caller's ARN
        -- source_identity = "caller", -- needs sts:SetSourceIdentity in the role's trust policy; "": none
        -- sts_endpoint = "https://sts.{region}.amazonaws.com",
    },

    -- With an upstream that has clusters and no access entries, as moto, and access_entries = "store".
    overlay = {
        cluster_ttl = 2, -- seconds that it counts that the upstream has shown a cluster; 0: it is asked each time
        authentication_mode = "API_AND_CONFIG_MAP", -- of clusters for which neither CreateCluster nor the upstream says one
    },

    -- Lua files, asked in this order; packages install some in /usr/share/eksgate/lua/policies.
    policies = {
        -- "policies/team_username.lua", "policies/required_tags.lua",
        self_test = false, -- true: they must pass their specs, NAME_spec.lua, before they are taken up
        smoke_test = true, -- they must answer two requests that nobody sent
    },
    shadow = {}, -- others that are asked too, without effect; records say where they would decide otherwise
    default_verdict = "deny", -- "allow": what no policy denies goes on
    policy = {
        cpu_ms = 10, -- processor time of all hooks of one request together
        memory_bytes = 1048576, -- that the hooks of one request may add
        state_bytes = 8388608, -- of one worker's Lua state
        -- endpoints = { -- whom authorize hooks may ask with eksgate.http
        --     opa = "http://127.0.0.1:8181/v1/data",
        --     approvals = {
        --         url = "https://approvals.example.com",
        --         timeout_ms = 1000, -- for one question as a whole
        --         reply_bytes = 65536,
        --         ca = "approvals-ca.pem", -- in the place of the system's
        --         headers = { Authorization = "Bearer " .. env("APPROVALS_TOKEN") },
        --     },
        -- },
        -- library = "/usr/share/eksgate/lua", -- found beside the program when absent
    },

    -- One JSON line per change and refusal. A relative file is below data; "-" is stdout, nil is off.
    audit = {
        file = "audit.jsonl",
        durable = true, -- on the disk before the change is applied
        max_size = 268435456, -- bytes, then a new file is begun; 0: never
        -- signing_key = "audit.key.pem", -- signs checkpoints: openssl genpkey -algorithm ed25519
        record = "changes", -- "all": reads too
        strangers_per_second = 10, -- records of requests refused before their signature held
    },

    http = {
        head_bytes = 16384,
        headers = 64,
        body_bytes = 1048576,
        connections = 10000, -- of all workers together
        head_timeout = 10, -- seconds; fractions are fine
        body_timeout = 30,
        reply_timeout = 30,
        idle_timeout = 60,
        cors_headers = true, -- as EKS sends them
        proxy_protocol = false, -- version 2, from trusted_proxies
        trusted_proxies = {}, -- { "10.0.0.0/8" }: their X-Forwarded-For gives the source address
    },

    limits = {
        entries_per_cluster = 3000, -- EKS's
        groups_per_entry = 100,
        policies_per_entry = 20,
        tokens = 100000, -- clientRequestTokens remembered
        tokens_per_entry = 16,
        token_age = 86400, -- seconds
    },
    commit = {
        queue = 10000, -- changes that may wait; past it 503
        queue_age = 5, -- seconds
    },

    -- Refused here: settings of `eksgate mock`, which reads a file only when -c names one.
    -- clock = "system", -- of createdAt and modifiedAt; "frozen:2026-01-01T00:00:00Z"
    -- ids = "random", -- of entries, clusters and updates; "seeded:4711"
    -- seed = "seed.json", -- {"clusters":[{"cluster":{"name":"c"},"accessEntries":[...]}]}; what it begins with
    -- faults = "faults.json", -- {"faults":[{"operation":"CreateAccessEntry","error":"ThrottlingException","times":2}]}
    -- mock = { requests = 1000 }, -- how many of the last ones GET /v1/mock/requests has
}
