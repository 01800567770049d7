/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GetCallerIdentity: the form, the reply for each kind of caller, and errors of
 * the Query protocol.
 */
#include "fixture.h"

#define FORM       "Action=GetCallerIdentity&Version=2011-06-15"
#define REQUEST_ID "01234567-89ab-4cde-8123-456789abcdef"

/* IAM's ids of these names, worked out apart from the code under test. */
#define ALICE   "AIDA7ZUWEIKNIBLC4M3LB"
#define ROLE_ID "AROAFUWVBCO2PFQWADVOH"

static enum gw_status ask_as(struct fixture *f, const char *arn, struct gw_str query, struct gw_str form)
{
    static struct gw_principal caller;
    struct gw_eks_call *call = begin(f, GW_EKS_GetCallerIdentity);

    assert_int_equal(gw_arn_parse_principal(gw_str_from(arn), &caller), GW_OK);
    call->partition = caller.partition;
    call->account = caller.account;
    call->caller = &caller;
    call->request_id = GW_STR(REQUEST_ID);
    call->label_count = 0;
    call->query = query;
    call->body = form;
    return run(f);
}

static enum gw_status ask(struct fixture *f, const char *form)
{
    return ask_as(f, USER, GW_STR_NONE, gw_str_from(form));
}

static void expect_caller(struct fixture *f, const char *arn, const char *id, const char *account)
{
    struct gw_str wanted =
        gw_arena_printf(&f->arena,
                        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n"
                        "  <GetCallerIdentityResult>\n"
                        "    <Arn>%s</Arn>\n"
                        "    <UserId>%s</UserId>\n"
                        "    <Account>%s</Account>\n"
                        "  </GetCallerIdentityResult>\n"
                        "  <ResponseMetadata>\n"
                        "    <RequestId>" REQUEST_ID "</RequestId>\n"
                        "  </ResponseMetadata>\n"
                        "</GetCallerIdentityResponse>\n",
                        arn, id, account);

    assert_int_equal(f->result.status, 200);
    assert_false(f->result.is_change);
    assert_string_equal(f->text, wanted.at);
}

static void get_caller_identity__user__is_answered_as_sts_does(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ask(f, FORM), GW_OK);
    expect_caller(f, USER, ALICE, "012345678910");
}

static void get_caller_identity__every_kind__has_its_form_of_id(void **state)
{
    static const struct {
        const char *arn;
        const char *id;
    } callers[] = {
        {ROLE, ROLE_ID},
        {"arn:aws:sts::012345678910:assumed-role/my-role/session@1", ROLE_ID ":session@1"},
        {"arn:aws:sts::012345678910:federated-user/bob", "012345678910:bob"},
        {"arn:aws:iam::012345678910:root", "012345678910"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < GW_COUNT(callers); i++) {
        assert_int_equal(ask_as(f, callers[i].arn, GW_STR_NONE, GW_STR(FORM)), GW_OK);
        expect_caller(f, callers[i].arn, callers[i].id, "012345678910");
    }
}

/* As IAM's ids: moving a user or role to another path keeps it, another account or partition has others. */
static void get_caller_identity__id__is_of_account_and_name_alone(void **state)
{
    static const char *const others[] = {
        "arn:aws:iam::012345678911:user/alice", "arn:aws-cn:iam::012345678910:user/alice",
        "arn:aws:iam::012345678910:user/Alice", "arn:aws:iam::012345678910:role/alice"};
    struct fixture *f = *state;

    assert_int_equal(ask_as(f, "arn:aws:iam::012345678910:user/team/dev/alice", GW_STR_NONE, GW_STR(FORM)), GW_OK);
    expect_caller(f, "arn:aws:iam::012345678910:user/team/dev/alice", ALICE, "012345678910");
    for (size_t i = 0; i < GW_COUNT(others); i++) {
        assert_int_equal(ask_as(f, others[i], GW_STR_NONE, GW_STR(FORM)), GW_OK);
        assert_null(strstr(f->text, &ALICE[4]));
    }
}

static void get_caller_identity__arn_with_markup__is_escaped(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ask_as(f, "arn:aws:iam::012345678910:user/<a>&'b'/alice", GW_STR_NONE, GW_STR(FORM)), GW_OK);
    expect_caller(f, "arn:aws:iam::012345678910:user/&lt;a&gt;&amp;&apos;b&apos;/alice", ALICE, "012345678910");
}

static void get_caller_identity__form__may_be_spelt_otherwise(void **state)
{
    static const char *const forms[] = {
        "Version=2011-06-15&Action=GetCallerIdentity",
        "&&Action=GetCallerIdentity&&Version=2011-06-15&",
        "%41ction=Get%43allerIdentity&Version=2011%2d06%2D15",
        "Action=GetCallerIdentity&Version=2011-06-15&Unknown=1&Unknown=2&x&=y",
        "Action=GetCallerIdentity",
        "Action=GetCallerIdentity&Version=",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < GW_COUNT(forms); i++) {
        if (ask(f, forms[i]) != GW_OK)
            fail_msg("%s: %s", forms[i], f->text);
        expect_caller(f, USER, ALICE, "012345678910");
    }
}

static void get_caller_identity__query__counts_as_the_form_does(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ask_as(f, USER, GW_STR(FORM), GW_STR("")), GW_OK);
    assert_int_equal(ask_as(f, USER, GW_STR("Version=2011-06-15"), GW_STR("Action=GetCallerIdentity")), GW_OK);
    assert_int_equal(ask_as(f, USER, GW_STR("Action=GetCallerIdentity"), GW_STR(FORM)), GW_E_DENIED);
    expect_error(f, "MalformedQueryString", "The parameter Action is there twice.");
}

static void get_caller_identity__other_action_or_version__is_invalid_action(void **state)
{
    static const char *const cases[][2] = {
        {"Action=AssumeRole&Version=2011-06-15", "Could not find operation AssumeRole for version 2011-06-15"},
        {"Action=AssumeRole", "Could not find operation AssumeRole for version NO_VERSION_SPECIFIED"},
        {"Action=GetCallerIdentity&Version=2011-06-16",
         "Could not find operation GetCallerIdentity for version 2011-06-16"},
        {"Action=getcalleridentity&Version=2011-06-15",
         "Could not find operation getcalleridentity for version 2011-06-15"},
        {"Action=GetCallerIdentity+&Version=2011-06-15",
         "Could not find operation GetCallerIdentity  for version 2011-06-15"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        assert_int_equal(ask(f, cases[i][0]), GW_E_DENIED);
        expect_error(f, "InvalidAction", cases[i][1]);
    }
}

static void get_caller_identity__nul_in_the_action__does_not_end_it(void **state)
{
    static const struct gw_str wanted = GW_STR_INIT("Could not find operation GetCallerIdentity\0x for version 1");
    struct fixture *f = *state;

    assert_int_equal(ask(f, "Action=GetCallerIdentity%00x&Version=1"), GW_E_DENIED);
    assert_true(gw_str_equal(f->error.message, wanted));
    assert_int_equal(ask(f, "Action=GetCallerIdentity%00&Version=2011-06-15"), GW_E_DENIED);
    assert_string_equal(gw_eks_error_name(f->error.code), "InvalidAction");
}

static void get_caller_identity__endless_action__is_cut_in_the_refusal(void **state)
{
    struct fixture *f = *state;
    char form[7 + 100000 + 1] = "Action=";

    memset(form + 7, 'a', 100000);
    assert_int_equal(ask(f, form), GW_E_DENIED);
    assert_string_equal(gw_eks_error_name(f->error.code), "InvalidAction");
    assert_true(f->error.message.length < 256);
}

static void get_caller_identity__no_action__is_missing(void **state)
{
    static const char *const forms[] = {"", "Version=2011-06-15", "Action=&Version=2011-06-15",
                                        "action=GetCallerIdentity", "{\"Action\":\"GetCallerIdentity\"}"};
    struct fixture *f = *state;

    for (size_t i = 0; i < GW_COUNT(forms); i++) {
        assert_int_equal(ask(f, forms[i]), GW_E_DENIED);
        expect_error(f, "MissingAction", "The request must contain the parameter Action.");
    }
}

static void get_caller_identity__broken_or_repeated_parameters__are_malformed(void **state)
{
    static const char escape[] = "The form has an escape % that is not followed by two hexadecimal digits.";
    static const char *const cases[][2] = {
        {FORM "&Action=GetCallerIdentity", "The parameter Action is there twice."},
        {FORM "&%41ction=AssumeRole", "The parameter Action is there twice."},
        {FORM "&Version=2011-06-15", "The parameter Version is there twice."},
        {"Action=&Action=GetCallerIdentity", "The parameter Action is there twice."},
        {FORM "&x=%", escape},
        {FORM "&%zz=1", escape},
        {"Action=GetCallerIdentity%4", escape},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        assert_int_equal(ask(f, cases[i][0]), GW_E_DENIED);
        expect_error(f, "MalformedQueryString", cases[i][1]);
    }
}

static void get_caller_identity__view__has_no_members_and_no_parameters(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ask(f, FORM), GW_OK);
    gw_eks_view_input(&f->call);
    expect_json(&f->call.input, "{}");
    expect_json(&f->call.request_parameters, "null");
}

static void query_error__code__is_the_query_protocols(void **state)
{
    static const char *const codes[][2] = {
        {"InvalidSignatureException", "SignatureDoesNotMatch"},
        {"UnrecognizedClientException", "InvalidClientTokenId"},
        {"IncompleteSignatureException", "IncompleteSignature"},
        {"ExpiredTokenException", "ExpiredToken"},
        {"AccessDeniedException", "AccessDenied"},
        {"ThrottlingException", "Throttling"},
        {"TooManyRequestsException", "Throttling"},
        {"ServiceUnavailableException", "ServiceUnavailable"},
        {"ServerException", "InternalFailure"},
        {"InvalidAction", "InvalidAction"},
        {"MalformedQueryString", "MalformedQueryString"},
        {"Exception", "Exception"},
    };
    struct fixture *f = *state;
    struct gw_eks_query_error error;

    for (size_t i = 0; i < GW_COUNT(codes); i++) {
        gw_eks_query_translate(codes[i][0], GW_STR("words"), &f->arena, &error);
        assert_string_equal(error.code, codes[i][1]);
        assert_true(gw_str_is(error.message, "words"));
    }
    gw_eks_query_translate("MissingAuthenticationTokenException", GW_STR("Missing Authentication Token"), &f->arena,
                           &error);
    assert_string_equal(error.code, "MissingAuthenticationToken");
    assert_true(gw_str_is(error.message, "Request is missing Authentication Token"));
}

static void query_error__body__is_sts_xml(void **state)
{
    struct gw_eks_query_error error = {403, "AccessDenied", GW_STR_INIT("a <b> & c"), GW_STR_INIT(REQUEST_ID)};
    struct fixture *f = *state;
    struct gw_buf body;

    gw_buf_init(&body, 4096);
    gw_eks_query_error_encode(&error, &body);
    keep_text(f, gw_buf_str(&body));
    assert_string_equal(f->text, "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n"
                                 "  <Error>\n"
                                 "    <Type>Sender</Type>\n"
                                 "    <Code>AccessDenied</Code>\n"
                                 "    <Message>a &lt;b&gt; &amp; c</Message>\n"
                                 "  </Error>\n"
                                 "  <RequestId>" REQUEST_ID "</RequestId>\n"
                                 "</ErrorResponse>\n");
    gw_buf_clear(&body);
    error.status = 503;
    gw_eks_query_error_encode(&error, &body);
    keep_text(f, gw_buf_str(&body));
    assert_non_null(strstr(f->text, "<Type>Receiver</Type>"));
    gw_buf_fini(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EKS_TEST(get_caller_identity__user__is_answered_as_sts_does),
        EKS_TEST(get_caller_identity__every_kind__has_its_form_of_id),
        EKS_TEST(get_caller_identity__id__is_of_account_and_name_alone),
        EKS_TEST(get_caller_identity__arn_with_markup__is_escaped),
        EKS_TEST(get_caller_identity__form__may_be_spelt_otherwise),
        EKS_TEST(get_caller_identity__query__counts_as_the_form_does),
        EKS_TEST(get_caller_identity__other_action_or_version__is_invalid_action),
        EKS_TEST(get_caller_identity__nul_in_the_action__does_not_end_it),
        EKS_TEST(get_caller_identity__endless_action__is_cut_in_the_refusal),
        EKS_TEST(get_caller_identity__no_action__is_missing),
        EKS_TEST(get_caller_identity__broken_or_repeated_parameters__are_malformed),
        EKS_TEST(get_caller_identity__view__has_no_members_and_no_parameters),
        EKS_TEST(query_error__code__is_the_query_protocols),
        EKS_TEST(query_error__body__is_sts_xml),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
