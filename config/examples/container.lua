-- SPDX-License-Identifier: Apache-2.0
-- For a container: every address, one key whose secret comes from the environment, records on stdout, nothing on disk. The
-- admin listener is for the health check, `eksgate ctl health`, and open to the container alone. In the image of
-- packaging/container this file is /etc/eksgate/container.lua.
-- Names of variables: those that begin with EKSGATE_ are settings, so yours begin with something else.
return {
    listen = { "0.0.0.0:8080" },
    status = "0.0.0.0:9181",
    admin = "127.0.0.1:9180",
    region = env("CLUSTER_REGION", "us-east-1"),
    account = env("CLUSTER_ACCOUNT"),
    clusters = { [env("CLUSTER_NAME")] = {} }, -- mode API
    keys = {
        {
            AccessKeyId = env("DEPLOYER_KEY_ID"),
            SecretAccessKey = env("DEPLOYER_SECRET"),
            Arn = "arn:aws:iam::" .. env("CLUSTER_ACCOUNT") .. ":user/deployer",
        },
    },
    store = { driver = env("STORE", "memory") }, -- "sqlite" where a volume is mounted at /var/lib/eksgate
    audit = { file = "-", record = "all" },
}
