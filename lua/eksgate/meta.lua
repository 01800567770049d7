---@meta
-- SPDX-License-Identifier: Apache-2.0
-- The policy interface for editors that know LuaLS (lua-language-server): what policies return, what their hooks are given,
-- the library, and what of Lua they don't have. Nothing loads this file. tests/lua/interface.lua compares it with the program.

---@alias eksgate.Operation
---| "ActivateCertificateAuthority"
---| "AssociateAccessPolicy"
---| "AssociateEncryptionConfig"
---| "AssociateIdentityProviderConfig"
---| "CancelUpdate"
---| "CreateAccessEntry"
---| "CreateAddon"
---| "CreateCapability"
---| "CreateCertificateAuthority"
---| "CreateCluster"
---| "CreateEksAnywhereSubscription"
---| "CreateFargateProfile"
---| "CreateNodegroup"
---| "CreatePodIdentityAssociation"
---| "DeleteAccessEntry"
---| "DeleteAddon"
---| "DeleteCapability"
---| "DeleteCertificateAuthority"
---| "DeleteCluster"
---| "DeleteEksAnywhereSubscription"
---| "DeleteFargateProfile"
---| "DeleteNodegroup"
---| "DeletePodIdentityAssociation"
---| "DeregisterCluster"
---| "DescribeAccessEntry"
---| "DescribeAddon"
---| "DescribeAddonConfiguration"
---| "DescribeAddonVersions"
---| "DescribeCapability"
---| "DescribeCertificateAuthority"
---| "DescribeCluster"
---| "DescribeClusterVersions"
---| "DescribeEksAnywhereSubscription"
---| "DescribeFargateProfile"
---| "DescribeIdentityProviderConfig"
---| "DescribeInsight"
---| "DescribeInsightsRefresh"
---| "DescribeNodegroup"
---| "DescribePodIdentityAssociation"
---| "DescribeUpdate"
---| "DisassociateAccessPolicy"
---| "DisassociateIdentityProviderConfig"
---| "ListAccessEntries"
---| "ListAccessPolicies"
---| "ListAddons"
---| "ListAssociatedAccessPolicies"
---| "ListCapabilities"
---| "ListCertificateAuthorities"
---| "ListClusters"
---| "ListEksAnywhereSubscriptions"
---| "ListFargateProfiles"
---| "ListIdentityProviderConfigs"
---| "ListInsights"
---| "ListNodegroups"
---| "ListPodIdentityAssociations"
---| "ListTagsForResource"
---| "ListUpdates"
---| "RegisterCluster"
---| "StartInsightsRefresh"
---| "TagResource"
---| "UntagResource"
---| "UpdateAccessEntry"
---| "UpdateAddon"
---| "UpdateCapability"
---| "UpdateClusterConfig"
---| "UpdateClusterVersion"
---| "UpdateEksAnywhereSubscription"
---| "UpdateNodegroupConfig"
---| "UpdateNodegroupVersion"
---| "UpdatePodIdentityAssociation"
---| "GetCallerIdentity"

---@alias eksgate.Fact "entry" | "associations" | "cluster" | "admins"

---What a policy's file returns. Any other key is an error.
---@class eksgate.Policy
---@field name string 1 to 64 letters, digits, '.', '_' and '-'; unique
---@field on? eksgate.Operation[] which operations it is asked about; nil: all
---@field needs? eksgate.Fact[] which facts it reads
---@field authorize? fun(req: eksgate.Request): eksgate.Verdict? may the request go on?
---@field username? fun(req: eksgate.Request): string? the Kubernetes username of a new STANDARD entry
---@field tags? fun(req: eksgate.Request): table<string, string>? default tags of a new entry
---@field conflict? fun(req: eksgate.Request): boolean? may the entry that is there be the answer to the create?
---@field fault? fun(req: eksgate.Request): eksgate.Fault? for eksgate mock only
---@field audit? fun(record: eksgate.Record): table? further fields of the audit record
---@field outcome? fun(record: eksgate.Record) told what happened

---What authorize returns; eksgate.verdict makes them.
---@class eksgate.Verdict
---@field verdict "allow" | "deny" | "throttle"
---@field reason? string for the caller, at most 512 bytes
---@field seconds? number of a throttle: more than 0, at most 86400

---@class eksgate.Fault
---@field error? string the name of one of EKS's exceptions
---@field message? string
---@field delay? number seconds, at most 60
---@field drop? boolean

---What a hook is asked about. Read-only; gone with the request.
---@class eksgate.Request
---@field operation eksgate.Operation
---@field account? string of the cluster asked for
---@field region? string
---@field cluster? string nil where the operation is about none
---@field principal? eksgate.Principal nil where the operation has none
---@field caller eksgate.Caller
---@field input eksgate.Input the operation's members under their SDK names
---@field time integer seconds since 1970
---@field source_ip? string
---@field user_agent? string
---@field request_id string
---@field client_certificate? eksgate.ClientCertificate nil where the client showed none
---@field entry? eksgate.Entry needs = { "entry" }; nil: there is none
---@field associations? eksgate.Association[] needs = { "associations" }
---@field cluster_info? eksgate.ClusterInfo needs = { "cluster" }
---@field admins? string[] needs = { "admins" }: ARNs of who administers the cluster

---@class eksgate.Principal
---@field arn string
---@field partition string
---@field account string
---@field kind "role" | "user" | "root"
---@field path string "/" or "/team-a/"
---@field name string

---@class eksgate.Caller
---@field access_key? string
---@field arn? string
---@field account? string
---@field name? string
---@field tags table<string, string>
---@field verified boolean this gateway has verified the signature

---@class eksgate.ClientCertificate
---@field subject string as RFC 4514 writes it

---@class eksgate.AccessScope
---@field type "cluster" | "namespace"
---@field namespaces? string[]

---@class eksgate.Association
---@field policyArn string
---@field accessScope eksgate.AccessScope
---@field associatedAt number
---@field modifiedAt number

---@class eksgate.Input
---@field accessConfig? table
---@field accessScope? eksgate.AccessScope
---@field addonName? any
---@field addonVersion? any
---@field amiType? any
---@field associatedPolicyArn? string
---@field associationId? any
---@field autoRenew? any
---@field bootstrapSelfManagedAddons? any
---@field capabilityName? any
---@field capacityType? any
---@field certificateAuthorityId? any
---@field clientRequestToken? string
---@field clusterName? string
---@field clusterType? any
---@field clusterVersions? any
---@field computeConfig? any
---@field configuration? any
---@field configurationValues? any
---@field connectorConfig? any
---@field controlPlaneScalingConfig? any
---@field defaultOnly? any
---@field deletePropagationPolicy? any
---@field deletionProtection? any
---@field disableSessionTags? any
---@field diskSize? any
---@field encryptionConfig? any
---@field fargateProfileName? any
---@field filter? any
---@field force? any
---@field id? any
---@field identityProviderConfig? any
---@field include? any
---@field includeAll? any
---@field includeStatus? any
---@field instanceTypes? any
---@field kubeApiServerConfig? any
---@field kubeControllerManagerConfig? any
---@field kubeSchedulerConfig? any
---@field kubernetesGroups? string[]
---@field kubernetesNetworkConfig? any
---@field kubernetesVersion? any
---@field labels? any
---@field launchTemplate? any
---@field licenseQuantity? any
---@field licenseType? any
---@field logging? any
---@field maxResults? integer
---@field name? string
---@field namespace? any
---@field namespaceConfig? any
---@field nextToken? string
---@field nodeRepairConfig? any
---@field nodeRole? any
---@field nodegroupName? any
---@field oidc? any
---@field outpostConfig? any
---@field owners? any
---@field podExecutionRoleArn? any
---@field podIdentityAssociations? any
---@field policy? any
---@field policyArn? string
---@field preserve? any
---@field principalArn? string
---@field publishers? any
---@field releaseVersion? any
---@field remoteAccess? any
---@field remoteNetworkConfig? any
---@field resolveConflicts? any
---@field resourceArn? string
---@field resourcesVpcConfig? any
---@field roleArn? string
---@field rollbackConfig? any
---@field scalingConfig? any
---@field selectors? any
---@field serviceAccount? any
---@field serviceAccountRoleArn? any
---@field status? any
---@field storageConfig? any
---@field subnets? any
---@field tagKeys? string[]
---@field tags? table<string, string>
---@field taints? any
---@field targetRoleArn? any
---@field term? any
---@field type? string
---@field types? any
---@field updateConfig? any
---@field updateId? string
---@field upgradePolicy? any
---@field username? string
---@field version? string
---@field versionStatus? any
---@field warmPoolConfig? any
---@field zonalShiftConfig? any

---@class eksgate.Entry
---@field clusterName? string
---@field principalArn? string
---@field kubernetesGroups? string[]
---@field accessEntryArn? string
---@field createdAt? number
---@field modifiedAt? number
---@field tags? table<string, string>
---@field username? string
---@field type? string

---@class eksgate.ClusterInfo
---@field name? string
---@field arn? string
---@field createdAt? number
---@field version? string
---@field endpoint? string
---@field roleArn? string
---@field resourcesVpcConfig? any
---@field kubernetesNetworkConfig? any
---@field logging? any
---@field identity? any
---@field status? string
---@field certificateAuthority? any
---@field clientRequestToken? string
---@field platformVersion? string
---@field tags? table<string, string>
---@field encryptionConfig? any
---@field connectorConfig? any
---@field id? string
---@field health? any
---@field outpostConfig? any
---@field accessConfig? any
---@field upgradePolicy? any
---@field zonalShiftConfig? any
---@field remoteNetworkConfig? any
---@field computeConfig? any
---@field storageConfig? any
---@field deletionProtection? boolean
---@field controlPlaneScalingConfig? any

---What audit and outcome are given.
---@class eksgate.Record
---@field operation eksgate.Operation
---@field cluster? string
---@field principal? string its ARN
---@field caller table access_key, arn, account, name, verified
---@field input eksgate.Input
---@field verdicts eksgate.Opinion[]
---@field changes eksgate.Change[]
---@field request_id string
---@field time integer
---@field status integer of the reply
---@field reply? string its JSON text
---@field error? string of a refusal: its type
---@field outcome? "applied" | "answered" | "refused" | "failed" of outcome hooks

---@class eksgate.Opinion
---@field policy string
---@field verdict string
---@field reason? string

---@class eksgate.Change
---@field policy string
---@field hook string
---@field before any
---@field after any

---@class eksgate.verdict
---@field allow fun(): eksgate.Verdict
---@field deny fun(reason: string): eksgate.Verdict
---@field throttle fun(seconds: number, reason: string): eksgate.Verdict

---@class eksgate.ParsedArn: eksgate.Principal
---@field session? string of an assumed role

---@class eksgate.arn
---@field parse fun(text: any): eksgate.ParsedArn? nil: no principal's ARN
---@field partition fun(text: any): string?
---@field match fun(pattern: string, text: string?): boolean
---@field compile fun(pattern: string): fun(text: string): boolean
---@field any fun(patterns: string[]): fun(text: string?): boolean

---@class eksgate.glob
---@field match fun(pattern: string, text: string): boolean
---@field compile fun(pattern: string): fun(text: string): boolean
---@field any fun(patterns: string[]): fun(text: string?): boolean

---@class eksgate.Range
---@field address string the first one
---@field prefix integer
---@field version 4 | 6

---@class eksgate.cidr
---@field parse fun(text: any): eksgate.Range?, string? nil and why
---@field contains fun(ranges: string | string[], ip: string): boolean
---@field compile fun(ranges: string | string[]): fun(ip: string): boolean

---@class eksgate.tags
---@field get fun(tags: table<string, string>?, key: string): string?
---@field missing fun(tags: table<string, string>?, keys: string[]): string[]

---@class eksgate.team
---@field from_path fun(path: string?, pattern: string): string?
---@field from_tag fun(tags: table<string, string>?, key: string): string?
---@field from_permission_set fun(principal: eksgate.Principal?, pattern: string): string?
---@field permission_set fun(principal: eksgate.Principal?): string?

---@class eksgate.SessionFacts
---@field account? string
---@field private_dns_name? string

---@class eksgate.username
---@field check fun(text: string): true?, string? nil and why
---@field render fun(template: string, session_name?: string, facts?: eksgate.SessionFacts): string
---@field sanitize fun(text: string): string
---@field join fun(...: string): string

---@class eksgate.Window
---@field days? ("mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun")[] on which it begins; nil: all
---@field from? string "HH:MM"; nil: the day's begin
---@field to? string "HH:MM"; nil: the day's end
---@field offset? string "+02:00"; nil: UTC

---@class eksgate.time
---@field now fun(): integer when the request came
---@field parse fun(text: any): integer? RFC 3339; nil: it isn't
---@field format fun(instant?: integer, offset?: string): string
---@field date fun(instant?: integer, offset?: string): string
---@field weekday fun(instant?: integer, offset?: string): string
---@field hour fun(instant?: integer, offset?: string): integer
---@field minute fun(instant?: integer, offset?: string): integer
---@field window fun(spec: eksgate.Window): fun(instant?: integer): boolean
---@field within fun(spec: eksgate.Window, instant?: integer): boolean

---@class eksgate.CounterWindow
---@field per integer seconds
---@field amount? integer

---@class eksgate.CounterBucket
---@field rate integer
---@field per integer seconds
---@field burst? integer
---@field amount? integer

---@class eksgate.counter
---@field add fun(key: string, options: eksgate.CounterWindow): integer, integer the total, and the seconds left
---@field take fun(key: string, options: eksgate.CounterBucket): boolean, integer whether, and after how many seconds

---@class eksgate.CsvOptions
---@field key? string a column

---@class eksgate.data
---@field json fun(name: string): table
---@field csv fun(name: string, options?: eksgate.CsvOptions): table
---@field count fun(value: table): integer
---@field copy fun(value: table): table

---@class eksgate.log
---@field info fun(...: any)
---@field warn fun(...: any)
---@field error fun(...: any)

---@class eksgate.HttpOptions
---@field path? string
---@field body? any of a post
---@field content_type? string of a post

---@class eksgate.HttpReply
---@field status integer
---@field content_type? string
---@field body string
---@field json? any

---@class eksgate.http
---@field get fun(endpoint: string, options?: eksgate.HttpOptions): eksgate.HttpReply
---@field post fun(endpoint: string, options?: eksgate.HttpOptions): eksgate.HttpReply
---@field encode fun(text: string): string

---For specs only.
---@class eksgate.spec
---@field policy fun(name: string): eksgate.Policy
---@field request fun(fields?: table): eksgate.Request
---@field ask fun(policies: (string | eksgate.Policy)[], request: eksgate.Request, options?: table): table
---@field reply fun(endpoint: string, answer: fun(request: table): table)

-- What policies don't have; io, os, debug, package and coroutine neither.

---@deprecated policies don't have it
function collectgarbage(...) end

---@deprecated policies don't have it
function dofile(...) end

---@deprecated policies don't have it
function load(...) end

---@deprecated policies don't have it
function loadfile(...) end

---@deprecated policies don't have it
function warn(...) end

---@deprecated policies don't have it
function xpcall(...) end

---@deprecated policies don't have it
function math.random(...) end

---@deprecated policies don't have it
function math.randomseed(...) end

---@deprecated policies don't have it
function string.dump(...) end

---@deprecated policies don't have it
function string.pack(...) end

---@deprecated policies don't have it
function string.packsize(...) end

---@deprecated policies don't have it
function string.unpack(...) end

---@deprecated policies don't have it
function utf8.offset(...) end

return {}
