# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What tests/clients/run starts: gateways that answer by themselves, that forward to another, that lie over moto; moto.
# Sourced by it: folder, secret, gateways and so on are its.
# shellcheck disable=SC2034,SC2154

# ready_urls PID FILE: those of its ready line, once it is there; nothing when the process ended before.
ready_urls() {
    local found
    for _ in $(seq 500); do
        found=$(sed -n 's/^\(eksgate \)\?ready \(http.*\)/\2/p' "$2" | sed 's/ admin .*//')
        [ -z "$found" ] || break
        kill -0 "$1" 2>/dev/null || break
        sleep 0.02
    done
    printf '%s' "$found"
}

key() {
    printf '{ AccessKeyId = "AKIACLIENTS00000000%d", SecretAccessKey = "%s", Arn = "arn:aws:iam::%s" }' "$1" "$secret" "$2"
}

# start_gateway NAME SETTINGS: these besides those that all have. Then its URLs are in `urls`.
start_gateway() {
    mkdir "$folder/$1"
    touch "$folder/$1/stdout"
    cat >"$folder/$1/eksgate.lua" <<END
return {
    workers = 2, data = "$folder/$1", region = { "us-west-2", "us-east-1" }, account = "012345678910",
    audit = { file = "audit.jsonl", record = "all" },
    $2
}
END
    chmod 600 "$folder/$1/eksgate.lua"
    "$program" serve -c "$folder/$1/eksgate.lua" >"$folder/$1/stdout" 2>"$folder/$1/stderr" </dev/null &
    gateways+=($!)
    read -ra urls <<<"$(ready_urls $! "$folder/$1/stdout")"
    if [ "${#urls[@]}" -eq 0 ]; then
        cat "$folder/$1/stderr" >&2
        give_up "the gateway $1 did not get ready"
    fi
}

# The clusters and callers that clients count on.
clusters() {
    cat <<END
    clusters = {
        ["my-cluster"] = { accessConfig = { authenticationMode = "API" } },
        ["large"] = { accessConfig = { authenticationMode = "API" } },
        ["config-map"] = { accessConfig = { authenticationMode = "CONFIG_MAP" } },
    },
END
}

callers() {
    cat <<END
    keys = {
        $(key 1 012345678910:user/clients),
        $(key 2 111122223333:user/terraform),
        $(key 3 444455556666:user/terraform),
        $(key 4 012345678910:user/terraform),
    },
END
}

# start_alone NAME POLICY...: one that answers by itself.
start_alone() {
    local policies
    policies=$(printf '"%s", ' "${@:2}")
    [ $# -gt 1 ] || policies=
    start_gateway "$1" "listen = { \"127.0.0.1:0\" }, policies = { $policies }, $(clusters) $(callers)"
}

# edited NAME COUNT: a policy of lua/policies as somebody would have it who tests at any hour, among so many.
edited() {
    case $1 in
    change_window)
        sed -e '/^local WINDOWS = {/a\    {}, -- always' -e '/^    { "20[0-9][0-9]-/d' "$root/lua/policies/$1.lua" >"$folder/$1.lua"
        printf '%s' "$folder/$1.lua"
        ;;
    rate_limit) # alone, so low a limit that everybody meets it
        [ "$2" -eq 1 ] || { printf '%s' "$root/lua/policies/$1.lua"; return; }
        sed -e 's/rate = [0-9]*, per = 60, burst = [0-9]*/rate = 60, per = 60, burst = 3/' "$root/lua/policies/$1.lua" >"$folder/$1.lua"
        printf '%s' "$folder/$1.lua"
        ;;
    *) printf '%s' "$root/lua/policies/$1.lua" ;;
    esac
}

# start_with_policies NAME VERDICT POLICY...: one with these of lua/policies, for a pipeline of the account. It goes into
# SHIPPED, an object {NAME: {endpoint, policies}}.
start_with_policies() {
    local file files='' name=$1 verdict=$2
    shift 2
    for file in "$@"; do
        files+="\"$(edited "$file" $#)\", "
    done
    start_gateway "$name" "listen = { \"127.0.0.1:0\" }, policies = { $files }, default_verdict = \"$verdict\", $(clusters)
        policy = { library = \"$root/lua\", endpoints = { opa = \"$decider\" } },
        keys = { $(key 5 012345678910:user/ci-terraform) },"
    SHIPPED=$(jq -c --arg name "${name//-/ }" --arg endpoint "${urls[0]}" \
        '.[$name] = {endpoint: $endpoint, policies: $ARGS.positional}' --args "$@" <<<"$SHIPPED")
}

# One with all the shipped policies, and with --full one for each of them.
start_shipped() {
    local all=() file name verdict decider
    start_helper decider.py
    decider=${urls[0]}
    for file in "$root"/lua/policies/*.lua; do
        name=$(basename "$file" .lua)
        [ "$name" != "${name%_spec}" ] || all+=("$name")
    done
    SHIPPED='{}'
    start_with_policies all-shipped-policies deny "${all[@]}"
    [ "${EKSGATE_FULL:-}" = 1 ] || return 0
    for name in "${all[@]}"; do
        verdict=allow
        [ "$name" != allowed_callers ] || verdict=deny
        start_with_policies "$name" "$verdict" "$name"
    done
}

# start_helper PROGRAM ARGUMENT...: one of the Python programs here. Then its URL is in `urls`.
start_helper() {
    local file=$folder/helper-${#helpers[@]}
    touch "$file"
    python3 -B "$here/$1" "${@:2}" >"$file" 2>"$file.err" </dev/null &
    helpers+=($!)
    read -ra urls <<<"$(ready_urls $! "$file")"
    [ "${#urls[@]}" -gt 0 ] || give_up "$1 did not get ready"
}

# Whoever met the low limit went on all the same.
throttled() {
    grep -q '"errorCode":"TooManyRequestsException"' "$folder/rate_limit/audit.jsonl"
}

# A proxy before a gateway that loses replies, and finds it busy (lossy.py). start_lossy URL: then its URL is in `urls`.
start_lossy() {
    start_helper lossy.py "${1#http://}"
}

# A listener with a certificate of the authority that FOLDER holds.
tls_listener() {
    printf '{ address = "127.0.0.1:0", certificate = "%s/server.crt", key = "%s/server.key" }' "$1" "$1"
}

# start_front NAME UPSTREAM SETTINGS: forwards to that URL, speaks TLS with a certificate of the authority that clients trust.
start_front() {
    start_gateway "$1" "listen = { $(tls_listener "$folder/tls") }, upstream = { endpoint = \"$2\", $3 }, $(callers)
        ${4:-access_entries = \"upstream\",}"
}

make_certificates() {
    local name
    [ ! -e "$folder/tls" ] || return 0
    for name in tls tls-back; do
        quietly "$root/packaging/make-certificate" "$folder/$name" || give_up "certificates could not be made"
    done
}

# One behind another: `back` knows a single caller, which is the role of those before it. Callers' own keys it doesn't know.
# Then PAIR_ENDPOINT is one before it, over TLS on both ways, PAIR_LOSSY_ENDPOINT one with a lossy network behind it.
start_pair() {
    local id=AKIACLIENTS000000009 direct own
    [ -z "$PAIR_ENDPOINT" ] || return 0
    make_certificates
    start_gateway back "listen = { $(tls_listener "$folder/tls-back"), \"127.0.0.1:0\" }, $(clusters) keys = { {
        AccessKeyId = \"$id\", SecretAccessKey = \"own-$secret\", SessionToken = \"$session\",
        Arn = \"arn:aws:sts::012345678910:assumed-role/gateway/front\" } },"
    direct=${urls[0]}
    start_lossy "${urls[1]}"
    own="credentials = { access_key_id = \"$id\", secret_access_key = \"own-$secret\", session_token = \"$session\" }"
    start_front front-lossy "${urls[0]}" "$own"
    PAIR_LOSSY_ENDPOINT=${urls[0]}
    start_front front "$direct" "ca_file = \"$folder/tls-back/ca.crt\", $own"
    PAIR_ENDPOINT=${urls[0]}
}

# What AWS is to a gateway that lets signed requests pass: one that verifies them, by the endpoint's real name. Then the URL
# of the gateway before it, for HTTPS_PROXY, is in PASSING_PROXY.
start_passing() {
    local files=$folder/tls-aws real
    quietly "$root/packaging/make-certificate" "$files" eks.us-west-2.amazonaws.com ||
        give_up "certificates could not be made"
    start_gateway aws "listen = { $(tls_listener "$files") }, $(clusters) $(callers)"
    real=${urls[0]#https://}
    start_gateway passing "auth = \"upstream\", access_entries = \"upstream\", policies = { \"$root/lua/policies/no_nodes.lua\" },
        listen = { {
            address = \"127.0.0.1:0\", certificate = \"$files/server.crt\", key = \"$files/server.key\", connect = true,
        } },
        upstream = {
            endpoint = \"https://eks.{region}.amazonaws.com\", connect = \"$real\", ca_file = \"$files/ca.crt\",
            proxy = \"none\",
        },"
    PASSING_PROXY=${urls[0]}
}

# At the versions, and in the folder, that the benchmarks and specs have, too. Its folder is in `moto`.
install_moto() {
    local sum
    sum=$(sha256sum "$root/tests/bench/moto-requirements.txt")
    moto=${EKSGATE_BUILD:-$root/build/release}/../bench/moto-${sum:0:16}
    [ ! -e "$moto/complete" ] || return 0
    rm -rf "$moto"
    mkdir -p "${moto%/*}"
    quietly python3 -m venv "$moto" &&
        quietly "$moto/bin/pip" install --quiet --disable-pip-version-check --no-deps \
            --requirement "$root/tests/bench/moto-requirements.txt" &&
        touch "$moto/complete"
}

# moto, an overlay on it, and one that forwards everything to it; their URLs are in MOTO_URL, OVERLAY_ENDPOINT, MOTO_ENDPOINT.
start_moto() {
    local moto pid
    [ -z "$OVERLAY_ENDPOINT" ] || return 0
    make_certificates
    install_moto || return 1
    touch "$folder/moto"
    MOTO_ACCOUNT_ID=012345678910 "$moto/bin/moto_server" -H 127.0.0.1 -p 0 >"$folder/moto" 2>&1 </dev/null &
    pid=$!
    helpers+=("$pid")
    for _ in $(seq 600); do
        MOTO_URL=$(sed -n 's/.*Running on \(http[0-9.:/]*\).*/\1/p' "$folder/moto")
        [ -z "$MOTO_URL" ] || break
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    [ -n "$MOTO_URL" ] || give_up "moto did not get ready: $(tail -n 5 "$folder/moto")"
    start_front overlay "$MOTO_URL" '' 'store = { driver = "memory" },'
    OVERLAY_ENDPOINT=${urls[0]}
    start_front before-moto "$MOTO_URL" 'credentials = "caller"'
    MOTO_ENDPOINT=${urls[0]}
}

# What reached the one behind was signed by those before it, and by nobody else; they know who asked for it.
signed_anew() {
    local name seen
    for name in back front front-lossy; do
        quietly "$program" audit verify "$folder/$name/audit.jsonl" || return 1
    done
    seen=$(jq -r '.userIdentity | select(.invokedBy != "eksgate").accessKeyId' "$folder/back/audit.jsonl" | sort -u)
    [ "$seen" = AKIACLIENTS000000009 ] && grep -q 'AKIACLIENTS00000000[14]' "$folder/front/audit.jsonl" &&
        ! grep -q "$seen" "$folder/front/audit.jsonl"
}

# Whoever asked was verified by the one behind, with the caller's own key; the one before it was told so for each change.
passed_through() {
    local seen said='.additionalEventData.eksgate | select(.settles != null and .outcome == "applied").verified'
    quietly "$program" audit verify "$folder/passing/audit.jsonl" || return 1
    seen=$(jq -r '.userIdentity | select(.invokedBy != "eksgate").accessKeyId' "$folder/aws/audit.jsonl" | sort -u)
    [ "$seen" = AKIACLIENTS000000001 ] && [ "$(jq "$said" "$folder/passing/audit.jsonl" | sort -u)" = true ]
}
