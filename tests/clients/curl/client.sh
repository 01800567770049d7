#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# curl --aws-sigv4 creates access entries, reads them back, asks who it is, and is refused. curl before 8 signs the path of
# its URL as it is, where EKS signs it percent-encoded once more: it gets a URL with the escapes doubled, and sends the right
# target.
set -uo pipefail

failures=0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

check() {
    if [ "$2" -eq 0 ]; then
        printf 'ok - %s\n' "$1"
    else
        printf 'not ok - %s: %.600s\n' "$1" "$(tr '\r\n' '  ' <"$folder/head") $(cat "$folder/body")"
        failures=1
    fi
}

escape() {
    jq -rn --arg text "$1" '$text | @uri'
}

# request SECRET METHOD PATH [BODY]: the reply's head and body are then in the folder.
request() {
    local url=$ENDPOINT$3 target=()
    if [ "$(curl --version | sed -n '1s/^curl \([0-9]*\).*/\1/p')" -lt 8 ]; then
        url=$ENDPOINT${3//%/%25}
        target=(--request-target "$3")
    fi
    [ $# -lt 4 ] || target+=(--header "Content-Type: application/json" --data-binary "$4")
    # The secret goes through curl's configuration: others can read command lines.
    printf 'user = "%s:%s"\n' "$AWS_ACCESS_KEY_ID" "$1" |
        curl --config - --silent --max-time 20 --noproxy '*' --aws-sigv4 aws:amz:us-west-2:eks --request "$2" \
            --dump-header "$folder/head" --output "$folder/body" "${target[@]}" "$url"
}

status_is() {
    head -n 1 "$folder/head" | grep -q "^HTTP/1.1 $1 "
}

error_is() {
    status_is "$1" && grep -qi "^x-amzn-ErrorType: $2"$'\r' "$folder/head"
}

entries=/clusters/my-cluster/access-entries
for principal in "role/$CLIENT_PREFIX-plain" "role/team/a+b=c,d.e@f-g/$CLIENT_PREFIX+=,.@-_x" \
    "user/people/$CLIENT_PREFIX@example.com"; do
    arn=arn:aws:iam::012345678910:$principal
    body=$(jq -cn --arg arn "$arn" '{principalArn: $arn, tags: {team: "blue"}}')
    request "$AWS_SECRET_ACCESS_KEY" POST "$entries" "$body"
    status_is 200 && [ "$(jq -r .accessEntry.principalArn "$folder/body")" = "$arn" ]
    check "creates $arn" $?
    cp "$folder/body" "$folder/made"
    request "$AWS_SECRET_ACCESS_KEY" GET "$entries/$(escape "$arn")"
    status_is 200 && cmp -s "$folder/body" "$folder/made"
    check "reads it back" $?
    request "$AWS_SECRET_ACCESS_KEY" POST "$entries" "$body"
    error_is 409 ResourceInUseException
    check "is refused a second one" $?
    request "a wrong secret" GET "$entries/$(escape "$arn")"
    error_is 403 InvalidSignatureException
    check "is refused with a wrong secret" $?
    request "a wrong secret" POST "$entries" "$body"
    error_is 403 InvalidSignatureException
    check "is refused to create with a wrong secret" $?
done

printf 'user = "%s:%s"\n' "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" |
    curl --config - --silent --max-time 20 --noproxy '*' --aws-sigv4 aws:amz:us-east-1:sts \
        --data "Action=GetCallerIdentity&Version=2011-06-15" --dump-header "$folder/head" --output "$folder/body" "$ENDPOINT/"
status_is 200 && grep -q '<Arn>arn:aws:iam::012345678910:user/clients</Arn>' "$folder/body"
check "is told who it is" $?
exit "$failures"
