-- SPDX-License-Identifier: Apache-2.0
-- eksgate beside an app: whoever reaches it is the app, policies decide, EKS answers, records are lines of the pod's log.
-- The region is $AWS_REGION, which AWS's webhook sets with the credentials.
return {
    listen = { "127.0.0.1:9182", "unix:/run/eksgate/eksgate.sock" },
    status = "0.0.0.0:9181", -- the kubelet's probes come from outside the pod; in a cluster of IPv6: "[::]:9181"
    -- No admin listener: the app could reach it.
    workers = 1,
    drain_timeout = 10,
    auth = "none",
    -- For policies and records. IRSA's webhook sets AWS_ROLE_ARN; without it ROLE_ARN says it.
    caller = env("AWS_ROLE_ARN", env("ROLE_ARN", "")),
    access_entries = "upstream",
    upstream = { endpoint = "https://eks.{region}.amazonaws.com", credentials = "default" },
    policies = { "app.lua" },
    default_verdict = "deny",
    audit = { file = "-" },
    http = { connections = 256 },
}
