// SPDX-License-Identifier: Apache-2.0

// The AWS SDK for Go creates access entries, reads them back, asks who it is, and is refused.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

const cluster = "my-cluster"

var failures int

func check(what string, good bool, shown any) {
	if good {
		fmt.Printf("ok - %s\n", what)
		return
	}
	failures++
	fmt.Printf("not ok - %s: %.600s\n", what, fmt.Sprintf("%+v", shown))
}

func credentials(secret string) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: secret}, nil
	})
}

func client(secret string) *eks.Client {
	return eks.New(eks.Options{
		BaseEndpoint: aws.String(os.Getenv("ENDPOINT")), Region: "us-west-2", Credentials: credentials(secret),
		RetryMaxAttempts: 1,
	})
}

func stsClient(secret string) *sts.Client {
	return sts.New(sts.Options{
		BaseEndpoint: aws.String(os.Getenv("ENDPOINT")), Region: "us-east-1", Credentials: credentials(secret),
		RetryMaxAttempts: 1,
	})
}

func tryCaller(ctx context.Context) {
	identity, err := stsClient(os.Getenv("AWS_SECRET_ACCESS_KEY")).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	check("is told who it is", err == nil && *identity.Arn == "arn:aws:iam::012345678910:user/clients" &&
		*identity.Account == "012345678910" && *identity.UserId == "AIDAZTYAQXAKB2ULZAJA3", err)
	_, err = stsClient("a wrong secret").GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	check("is refused as STS refuses", code(err) == "SignatureDoesNotMatch", err)
}

func code(err error) string {
	var failure smithy.APIError
	if errors.As(err, &failure) {
		return failure.ErrorCode()
	}
	return fmt.Sprint(err)
}

func tryPrincipal(ctx context.Context, api *eks.Client, arn, username string) {
	made, err := api.CreateAccessEntry(ctx, &eks.CreateAccessEntryInput{
		ClusterName: aws.String(cluster), PrincipalArn: aws.String(arn), Tags: map[string]string{"team": "blue"},
		KubernetesGroups: []string{"viewers"},
	})
	if err != nil {
		check("creates "+arn, false, err)
		return
	}
	entry := made.AccessEntry
	check("creates "+arn, *entry.PrincipalArn == arn && *entry.Username == username && entry.CreatedAt != nil, entry)
	again, err := api.DescribeAccessEntry(ctx, &eks.DescribeAccessEntryInput{
		ClusterName: aws.String(cluster), PrincipalArn: aws.String(arn),
	})
	check("reads it back", err == nil && reflect.DeepEqual(again.AccessEntry, entry), err)
	_, err = api.CreateAccessEntry(ctx, &eks.CreateAccessEntryInput{
		ClusterName: aws.String(cluster), PrincipalArn: aws.String(arn),
	})
	var inUse *types.ResourceInUseException
	check("is refused a second one", errors.As(err, &inUse), err)
}

func main() {
	ctx := context.Background()
	prefix := os.Getenv("CLIENT_PREFIX")
	api := client(os.Getenv("AWS_SECRET_ACCESS_KEY"))
	odd := "arn:aws:iam::012345678910:role/team/a+b=c,d.e@f-g/" + prefix + "+=,.@-_x"
	tryPrincipal(ctx, api, "arn:aws:iam::012345678910:role/"+prefix+"-plain",
		"arn:aws:sts::012345678910:assumed-role/"+prefix+"-plain/{{SessionName}}")
	tryPrincipal(ctx, api, odd, "arn:aws:sts::012345678910:assumed-role/"+prefix+"+=,.@-_x/{{SessionName}}")
	user := "arn:aws:iam::012345678910:user/people/" + prefix + "@example.com"
	tryPrincipal(ctx, api, user, user)

	describe := &eks.DescribeAccessEntryInput{ClusterName: aws.String(cluster), PrincipalArn: aws.String(odd + "-not")}
	_, err := api.DescribeAccessEntry(ctx, describe)
	var notFound *types.ResourceNotFoundException
	check("is told of a missing entry", errors.As(err, &notFound), err)
	describe.PrincipalArn = aws.String(odd)
	_, err = client("a wrong secret").DescribeAccessEntry(ctx, describe)
	check("is refused with a wrong secret", code(err) == "InvalidSignatureException", err)
	tryCaller(ctx)
	if failures > 0 {
		os.Exit(1)
	}
}
