// SPDX-License-Identifier: Apache-2.0

// The AWS SDK for Go goes through the life of entries, policies, tags and clusters, pages, waits, retries, and is
// refused.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

const (
	cluster    = "my-cluster"
	viewPolicy = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
	editPolicy = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy"
)

var failures int

func check(what string, good bool, shown any) {
	if good {
		fmt.Printf("ok - %s\n", what)
		return
	}
	failures++
	fmt.Printf("not ok - %s: %.600s\n", what, fmt.Sprintf("%+v", shown))
}

// must ends the client where going on makes no sense.
func must[T any](value T, err error) T {
	if err != nil {
		check("is answered", false, err)
		os.Exit(1)
	}
	return value
}

// refusedAs tells whether the error is of the type that the service's model names.
func refusedAs[T error](what string, err error) {
	var wanted T
	check(what, errors.As(err, &wanted), err)
}

func credentials(secret string) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: secret}, nil
	})
}

func client(secret, endpoint string, attempts int) *eks.Client {
	return eks.New(eks.Options{
		BaseEndpoint: aws.String(os.Getenv(endpoint)), Region: "us-west-2", Credentials: credentials(secret),
		RetryMaxAttempts: attempts,
	})
}

func stsClient(secret string) *sts.Client {
	return sts.New(sts.Options{
		BaseEndpoint: aws.String(os.Getenv("ENDPOINT")), Region: "us-east-1", Credentials: credentials(secret),
		RetryMaxAttempts: 1,
	})
}

func code(err error) string {
	var failure smithy.APIError
	if errors.As(err, &failure) {
		return failure.ErrorCode()
	}
	return fmt.Sprint(err)
}

func tryPrincipal(ctx context.Context, api *eks.Client, arn, username string) *types.AccessEntry {
	entry := must(api.CreateAccessEntry(ctx, &eks.CreateAccessEntryInput{
		ClusterName: aws.String(cluster), PrincipalArn: aws.String(arn), Tags: map[string]string{"team": "blue"},
		KubernetesGroups: []string{"viewers"},
	})).AccessEntry
	check("creates "+arn, *entry.PrincipalArn == arn && *entry.Username == username && entry.CreatedAt != nil, entry)
	again, err := api.DescribeAccessEntry(ctx, &eks.DescribeAccessEntryInput{
		ClusterName: aws.String(cluster), PrincipalArn: aws.String(arn),
	})
	check("reads it back", err == nil && reflect.DeepEqual(again.AccessEntry, entry), err)
	_, err = api.CreateAccessEntry(ctx, &eks.CreateAccessEntryInput{
		ClusterName: aws.String(cluster), PrincipalArn: aws.String(arn),
	})
	refusedAs[*types.ResourceInUseException]("is refused a second one", err)
	return entry
}

func tryTags(ctx context.Context, api *eks.Client, entry *types.AccessEntry) {
	arn := entry.AccessEntryArn
	must(api.TagResource(ctx, &eks.TagResourceInput{ResourceArn: arn, Tags: map[string]string{"odd key +/=@": "ü"}}))
	must(api.UntagResource(ctx, &eks.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"team", "odd key"}}))
	listed := must(api.ListTagsForResource(ctx, &eks.ListTagsForResourceInput{ResourceArn: arn}))
	check("tags and untags", reflect.DeepEqual(listed.Tags, map[string]string{"odd key +/=@": "ü"}), listed.Tags)
	_, err := api.ListTagsForResource(ctx, &eks.ListTagsForResourceInput{ResourceArn: aws.String(*arn + "0")})
	refusedAs[*types.NotFoundException]("is told of a tagged thing that isn't there", err)
}

func tryPolicies(ctx context.Context, api *eks.Client, arn string) {
	where := aws.String(arn)
	for _, policy := range []string{viewPolicy, editPolicy} {
		made := must(api.AssociateAccessPolicy(ctx, &eks.AssociateAccessPolicyInput{
			ClusterName: aws.String(cluster), PrincipalArn: where, PolicyArn: aws.String(policy),
			AccessScope: &types.AccessScope{Type: types.AccessScopeTypeNamespace, Namespaces: []string{"dev-*"}},
		})).AssociatedAccessPolicy
		check("associates "+policy, *made.PolicyArn == policy && reflect.DeepEqual(made.AccessScope.Namespaces,
			[]string{"dev-*"}) && made.AssociatedAt.Equal(*made.ModifiedAt), made)
	}
	var found []string
	pages := eks.NewListAssociatedAccessPoliciesPaginator(api, &eks.ListAssociatedAccessPoliciesInput{
		ClusterName: aws.String(cluster), PrincipalArn: where, MaxResults: aws.Int32(1),
	})
	for pages.HasMorePages() {
		for _, policy := range must(pages.NextPage(ctx)).AssociatedAccessPolicies {
			found = append(found, *policy.PolicyArn)
		}
	}
	check("pages through associated policies", reflect.DeepEqual(found, []string{editPolicy, viewPolicy}), found)
	must(api.DisassociateAccessPolicy(ctx, &eks.DisassociateAccessPolicyInput{
		ClusterName: aws.String(cluster), PrincipalArn: where, PolicyArn: aws.String(editPolicy),
	}))
	_, err := api.AssociateAccessPolicy(ctx, &eks.AssociateAccessPolicyInput{
		ClusterName: aws.String(cluster), PrincipalArn: where,
		PolicyArn:   aws.String("arn:aws:iam::aws:policy/AdministratorAccess"),
		AccessScope: &types.AccessScope{Type: types.AccessScopeTypeCluster},
	})
	refusedAs[*types.InvalidParameterException]("is told of a policy that is none of EKS's", err)
}

func tryUpdate(ctx context.Context, api *eks.Client, entry *types.AccessEntry) {
	changed := must(api.UpdateAccessEntry(ctx, &eks.UpdateAccessEntryInput{
		ClusterName: aws.String(cluster), PrincipalArn: entry.PrincipalArn, Username: aws.String("go:{{SessionName}}"),
	})).AccessEntry
	check("updates, and what it leaves out is the default again", *changed.Username == "go:{{SessionName}}" &&
		len(changed.KubernetesGroups) == 0 && *changed.AccessEntryArn == *entry.AccessEntryArn, changed)
	must(api.DeleteAccessEntry(ctx, &eks.DeleteAccessEntryInput{
		ClusterName: aws.String(cluster), PrincipalArn: entry.PrincipalArn,
	}))
	_, err := api.DescribeAccessEntry(ctx, &eks.DescribeAccessEntryInput{
		ClusterName: aws.String(cluster), PrincipalArn: entry.PrincipalArn,
	})
	refusedAs[*types.ResourceNotFoundException]("deletes", err)
}

func tryPages(ctx context.Context, api *eks.Client) {
	var found []string
	wanted := must(strconv.Atoi(os.Getenv("LARGE_ENTRIES")))
	pages := eks.NewListAccessEntriesPaginator(api, &eks.ListAccessEntriesInput{ClusterName: aws.String("large")})
	for pages.HasMorePages() {
		found = append(found, must(pages.NextPage(ctx)).AccessEntries...)
	}
	distinct := map[string]bool{}
	for _, arn := range found {
		distinct[arn] = true
	}
	check(fmt.Sprintf("pages through %d entries, in order", wanted), len(found) == wanted && len(distinct) == wanted &&
		sort.StringsAreSorted(found), len(found))
	_, err := api.ListAccessEntries(ctx, &eks.ListAccessEntriesInput{
		ClusterName: aws.String("large"), MaxResults: aws.Int32(101),
	})
	refusedAs[*types.InvalidParameterException]("is refused pages of 101", err)
	_, err = api.ListAccessEntries(ctx, &eks.ListAccessEntriesInput{ClusterName: aws.String("config-map")})
	refusedAs[*types.InvalidRequestException]("is told of the authentication mode", err)
}

func tryCluster(ctx context.Context, api *eks.Client, name string) {
	must(api.CreateCluster(ctx, &eks.CreateClusterInput{
		Name: aws.String(name), RoleArn: aws.String("arn:aws:iam::012345678910:role/cluster"),
		ResourcesVpcConfig: &types.VpcConfigRequest{SubnetIds: []string{"subnet-1", "subnet-2"}},
		AccessConfig:       &types.CreateAccessConfigRequest{AuthenticationMode: types.AuthenticationModeApiAndConfigMap},
	}))
	describe := &eks.DescribeClusterInput{Name: aws.String(name)}
	active, err := eks.NewClusterActiveWaiter(api).WaitForOutput(ctx, describe, time.Minute)
	check("creates a cluster and waits until it is active", err == nil &&
		active.Cluster.Status == types.ClusterStatusActive && active.Cluster.CreatedAt != nil, err)
	update := must(api.UpdateClusterConfig(ctx, &eks.UpdateClusterConfigInput{
		Name:         aws.String(name),
		AccessConfig: &types.UpdateAccessConfigRequest{AuthenticationMode: types.AuthenticationModeApi},
	})).Update
	shown := must(api.DescribeCluster(ctx, describe)).Cluster.AccessConfig
	check("changes the authentication mode", update.Type == types.UpdateTypeAccessConfigUpdate &&
		shown.AuthenticationMode == types.AuthenticationModeApi && shown.BootstrapClusterCreatorAdminPermissions == nil, shown)
	must(api.DeleteCluster(ctx, &eks.DeleteClusterInput{Name: aws.String(name)}))
	err = eks.NewClusterDeletedWaiter(api).Wait(ctx, describe, time.Minute)
	check("deletes it and waits until it is gone", err == nil, err)
	_, err = api.DescribeCluster(ctx, describe)
	refusedAs[*types.ResourceNotFoundException]("is told that it is gone", err)
}

func tryLossy(ctx context.Context, secret, arn string) {
	api := client(secret, "LOSSY_ENDPOINT", 3)
	made := must(api.CreateAccessEntry(ctx, &eks.CreateAccessEntryInput{
		ClusterName: aws.String(cluster), PrincipalArn: aws.String(arn),
	}))
	there := must(api.DescribeAccessEntry(ctx, &eks.DescribeAccessEntryInput{
		ClusterName: aws.String(cluster), PrincipalArn: aws.String(arn),
	}))
	attempts, _ := retry.GetAttemptResults(made.ResultMetadata)
	// A gateway that forwards may ask again by itself when an idle connection ends under a request that has a token.
	check("creates once though the reply is lost", (len(attempts.Results) == 2 || os.Getenv("BEHIND") == "eksgate") &&
		reflect.DeepEqual(there.AccessEntry, made.AccessEntry), attempts)
}

func tryBusy(ctx context.Context, secret, prefix string) {
	for _, word := range []string{"throttled", "unavailable"} {
		arn := aws.String("arn:aws:iam::012345678910:role/" + prefix + "-" + word)
		must(client(secret, "ENDPOINT", 1).CreateAccessEntry(ctx, &eks.CreateAccessEntryInput{
			ClusterName: aws.String(cluster), PrincipalArn: arn,
		}))
		shown := must(client(secret, "LOSSY_ENDPOINT", 3).DescribeAccessEntry(ctx, &eks.DescribeAccessEntryInput{
			ClusterName: aws.String(cluster), PrincipalArn: arn,
		}))
		attempts, _ := retry.GetAttemptResults(shown.ResultMetadata)
		check("comes back when "+word, len(attempts.Results) == 2 && *shown.AccessEntry.PrincipalArn == *arn, attempts)
	}
}

func tryRefusals(ctx context.Context, api *eks.Client, arn string) {
	describe := &eks.DescribeAccessEntryInput{ClusterName: aws.String(cluster), PrincipalArn: aws.String(arn + "-not")}
	_, err := api.DescribeAccessEntry(ctx, describe)
	refusedAs[*types.ResourceNotFoundException]("is told of a missing entry", err)
	describe.PrincipalArn = aws.String(arn)
	_, err = client("a wrong secret", "ENDPOINT", 1).DescribeAccessEntry(ctx, describe)
	check("is refused with a wrong secret", code(err) == "InvalidSignatureException", err)
	identity, err := stsClient(os.Getenv("AWS_SECRET_ACCESS_KEY")).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	check("is told who it is", err == nil && *identity.Arn == "arn:aws:iam::012345678910:user/clients" &&
		*identity.Account == "012345678910" && *identity.UserId == "AIDAZTYAQXAKB2ULZAJA3", err)
	_, err = stsClient("a wrong secret").GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	check("is refused as STS refuses", code(err) == "SignatureDoesNotMatch", err)
}

func main() {
	ctx := context.Background()
	prefix, secret := os.Getenv("CLIENT_PREFIX"), os.Getenv("AWS_SECRET_ACCESS_KEY")
	api := client(secret, "ENDPOINT", 1)
	odd := "arn:aws:iam::012345678910:role/team/a+b=c,d.e@f-g/" + prefix + "+=,.@-_x"
	plain := tryPrincipal(ctx, api, "arn:aws:iam::012345678910:role/"+prefix+"-plain",
		"arn:aws:sts::012345678910:assumed-role/"+prefix+"-plain/{{SessionName}}")
	entry := tryPrincipal(ctx, api, odd, "arn:aws:sts::012345678910:assumed-role/"+prefix+"+=,.@-_x/{{SessionName}}")
	user := "arn:aws:iam::012345678910:user/people/" + prefix + "@example.com"
	tryPrincipal(ctx, api, user, user)
	tryTags(ctx, api, entry)
	tryPolicies(ctx, api, odd)
	tryUpdate(ctx, api, plain)
	tryPages(ctx, api)
	tryCluster(ctx, api, prefix+"-made")
	tryLossy(ctx, secret, "arn:aws:iam::012345678910:role/"+prefix+"-lossy")
	tryBusy(ctx, secret, prefix)
	tryRefusals(ctx, api, odd)
	if failures > 0 {
		os.Exit(1)
	}
}
