
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap_json.h"
#include "memory.h"
#include "../../src/core/lu_desktop.c"


static const lu_str_t  no_name = lu_string("");

#include <arpa/inet.h>


#define CLIENTS  20000

#define BUILDS                                                                \
    "[{\"id\":\"aaa1\",\"version\":\"1.0.0\",\"createdAt\":\"2024\","         \
    "\"isReleased\":true},"                                                   \
    "{\"id\":\"bbb2\",\"version\":\"1.1.0\",\"isReleased\":false},"           \
    "{\"id\":\"ccc3\",\"version\":\"1.1.0\",\"isReleased\":true},"            \
    "{\"id\":\"ddd4\",\"version\":\"1.1.0\",\"isReleased\":true},"            \
    "{\"id\":\"eee5\",\"version\":null},{\"id\":\"fff6\"}]"

#define IP(list)                                                              \
    "{\"rule\":\"buildByIp\",\"buildId\":\"ip\",\"ipList\":" list "}"
#define PLATFORM(list)                                                        \
    "{\"rule\":\"buildByPlatform\",\"buildId\":\"pf\",\"platforms\":" list "}"
#define ROLLOUT(rest)                                                         \
    "{\"rule\":\"buildByRollout\",\"buildId\":\"ro\",\"percentage\":" rest "}"
#define BUILD(id)                                                             \
    "{\"rule\":\"build\",\"buildId\":\"" id "\"}"
#define RULES(rules)  "{\"releaseRedirections\":[" rules "]}"
#define LATEST(rules)                                                         \
    "{\"latestReleaseBuildId\":\"latest\",\"releaseRedirections\":[" rules "]}"


typedef struct {
    const char  *releases;
    const char  *address;
    const char  *staging_id;
    unsigned     platform;
    const char  *build;              /* NULL: none */
    const char  *what;
} choose_case_t;


static const choose_case_t  choose_cases[] = {
    { "{}", "", "", 0, NULL, "no rules, no latest release" },
    { "null", "", "", 0, NULL, "null" },
    { LATEST(""), "", "", 0, "latest", "the latest release" },
    { "{\"latestReleaseBuildId\":\"\"}", "", "", 0, NULL, "is empty" },
    { "{\"latestReleaseBuildId\":null,\"releaseRedirections\":null}",
      "", "", 0, NULL, "is null" },
    { LATEST(BUILD("one") "," BUILD("two")), "", "", 0, "one",
      "the first \"build\" counts" },

    { LATEST(IP("[\"192.0.2.1\"]")), "192.0.2.1", "", 0, "ip",
      "the address is listed" },
    { LATEST(IP("[\"192.0.2.1\"]")), "192.0.2.2", "", 0, "latest",
      "another address is not" },
    { LATEST(IP("[\"192.0.2.1\"]")), "", "", 0, "latest",
      "an unknown address is not" },
    { LATEST(IP("[]")), "192.0.2.1", "", 0, "latest", "an empty list" },
    { RULES(BUILD("b") "," IP("[\"192.0.2.1\"]")), "192.0.2.1", "", 0, "ip",
      "the address overrides what was chosen" },
    { RULES(IP("[\"192.0.2.1\"]") "," BUILD("b")), "192.0.2.1", "", 0, "ip",
      "\"build\" overrides nothing" },
    { LATEST(IP("[\"198.51.100.7\",\"192.0.2.0/25\"]")), "192.0.2.127", "", 0,
      "ip", "the last address of a network" },
    { LATEST(IP("[\"198.51.100.7\",\"192.0.2.0/25\"]")), "192.0.2.128", "", 0,
      "latest", "the first one behind it" },
    { LATEST(IP("[\"0.0.0.0/0\"]")), "203.0.113.9", "", 0, "ip",
      "all of IPv4" },
    { LATEST(IP("[\"0.0.0.0/0\"]")), "2001:db8::1", "", 0, "latest",
      "has nothing of IPv6" },
    { LATEST(IP("[\"2001:db8::/33\"]")), "2001:db8:7fff::1", "", 0, "ip",
      "a network of IPv6" },
    { LATEST(IP("[\"2001:db8::/33\"]")), "2001:db8:8000::1", "", 0, "latest",
      "the first one behind it" },
    { LATEST(IP("[\"2001:DB8:0:0::0001\"]")), "2001:db8::1", "", 0, "ip",
      "another spelling" },
    { LATEST(IP("[\"192.0.2.0/24\"]")), "::ffff:192.0.2.9", "", 0, "ip",
      "IPv4 from a socket for both" },
    { LATEST(IP("[\"::ffff:192.0.2.0/120\"]")), "192.0.2.9", "", 0, "ip",
      "and a network that is written so" },

    { LATEST(PLATFORM("[\"mac\"]")), "", "", LU_MAC, "pf",
      "the platform is listed" },
    { LATEST(PLATFORM("[\"mac\"]")), "", "", LU_LINUX, "latest",
      "another platform is not" },
    { LATEST(PLATFORM("[\"windows\",\"linux\"]")), "", "", LU_LINUX,
      "pf", "two platforms" },
    { LATEST(PLATFORM("[\"windows\",\"mac\",\"linux\"]")), "", "", 0,
      "latest", "no platform matches none" },
    { LATEST(PLATFORM("[]")), "", "", LU_MAC, "latest",
      "an empty list is not all platforms" },
    { LATEST(PLATFORM("[\"mac\"]") "," IP("[\"192.0.2.1\"]")), "192.0.2.1",
      "", LU_MAC, "ip", "of those that override, the last counts" },
    { LATEST(IP("[\"192.0.2.1\"]") "," PLATFORM("[\"mac\"]")), "192.0.2.1",
      "", LU_MAC, "pf", "in the other order, too" },

    { LATEST(ROLLOUT("100")), "", "", 0, "ro", "100 % without an id" },
    { LATEST(ROLLOUT("99.99")), "", "", 0, "latest", "less without an id" },
    { LATEST(ROLLOUT("0")), "", "in", 0, "latest", "0 %" },
    { LATEST(ROLLOUT("50")), "", "c", 0, "ro", "who is in" },
    { LATEST(ROLLOUT("50")), "", "b", 0, "latest", "who is not" },
    { LATEST(ROLLOUT("100,\"platforms\":null")), "", "", 0, "ro",
      "without platforms it is for all" },
    { LATEST(ROLLOUT("100,\"platforms\":[]")), "", "", LU_MAC,
      "latest", "an empty list is not" },
    { LATEST(ROLLOUT("100,\"platforms\":[\"mac\"]")), "", "", LU_MAC,
      "ro", "on its platform" },
    { LATEST(ROLLOUT("100,\"platforms\":[\"mac\"]")), "", "",
      LU_LINUX, "latest", "on another" },
    { LATEST(PLATFORM("[\"mac\"]") "," ROLLOUT("50")), "", "b",
      LU_MAC, "pf", "who is outside keeps what was chosen" },
    { RULES(ROLLOUT("50")), "", "b", 0, NULL, "or nothing" },

    { LATEST("{\"rule\":\"appByIp\",\"feedUrl\":\"x\",\"ipList\":[\"!\"]},"
             "{\"rule\":\"new\",\"buildId\":7}," BUILD("b")), "", "", 0, "b",
      "other rules are passed over" }
};


static const struct {
    const char  *builds;
    const char  *releases;
    const char  *reason;
} refused[] = {
    { "{}", "{}", "builds must be an array" },
    { "[1]", "{}", "a valid \"id\"" },
    { "[{}]", "{}", "a valid \"id\"" },
    { "[{\"id\":\"\"}]", "{}", "a valid \"id\"" },
    { "[{\"id\":\"../a\"}]", "{}", "a valid \"id\"" },
    { "[{\"id\":7}]", "{}", "a valid \"id\"" },
    { "[{\"id\":\"a\",\"version\":1}]", "{}", "\"version\" that is no" },
    { "[{\"id\":\"a\",\"isReleased\":1}]", "{}", "\"isReleased\" that is" },
    { "[]", "[]", "releases must be an object" },
    { "[]", "{\"latestReleaseBuildId\":7}", "\"latestReleaseBuildId\"" },
    { "[]", "{\"latestReleaseBuildId\":\"a/b\"}",
      "\"latestReleaseBuildId\"" },
    { "[]", "{\"releaseRedirections\":{}}", "must be an array" },
    { "[]", RULES("7"), "must be an object with a \"rule\"" },
    { "[]", RULES("{}"), "must be an object with a \"rule\"" },
    { "[]", RULES("{\"rule\":7}"), "must be an object with a \"rule\"" },
    { "[]", RULES("{\"rule\":\"build\"}"), "\"buildId\" must be" },
    { "[]", RULES(BUILD("")), "\"buildId\" must be" },
    { "[]", RULES(BUILD("a b")), "\"buildId\" must be" },
    { "[]", RULES(IP("null")), "\"ipList\" of" },
    { "[]", RULES(IP("\"192.0.2.1\"")), "\"ipList\" of" },
    { "[]", RULES(IP("[7]")), "array of strings" },
    { "[]", RULES(IP("[\"localhost\"]")), "neither an address nor" },
    { "[]", RULES(PLATFORM("null")), "\"platforms\" must be an array" },
    { "[]", RULES(PLATFORM("\"mac\"")), "\"platforms\" must be an array" },
    { "[]", RULES(PLATFORM("[\"Mac\"]")), "\"platforms\" can be" },
    { "[]", RULES(PLATFORM("[7]")), "\"platforms\" can be" },
    { "[]", RULES(ROLLOUT("null")), "from 0 to 100" },
    { "[]", RULES(ROLLOUT("\"5\"")), "from 0 to 100" },
    { "[]", RULES(ROLLOUT("-1")), "from 0 to 100" },
    { "[]", RULES(ROLLOUT("100.1")), "from 0 to 100" },
    { "[]", RULES(ROLLOUT("5,\"platforms\":\"mac\"")), "must be an array" }
};


/* The trees are gone when the lists are used. */

static lu_rc_e
parse(const char *builds, const char *releases, lu_desktop_t *desktop,
    lu_error_t *err)
{
    cJSON   *one, *two;
    lu_rc_e  rc;

    one = tap_json(builds);
    two = tap_json(releases);

    err->text = NULL;

    rc = lu_desktop_parse(&tap_arena, one, two, desktop, err);

    cJSON_Delete(one);
    cJSON_Delete(two);

    return rc;
}


static const char *
of_version(const lu_desktop_t *desktop, const char *version)
{
    lu_str_t           str;
    const lu_build_t  *build;

    str = tap_str(version);
    build = lu_desktop_build_of_version(desktop, &str);

    return build ? (const char *) build->id.data : "none";
}


static void
test_builds(void)
{
    lu_str_t           id;
    lu_error_t         err;
    lu_desktop_t       desktop;
    const lu_build_t  *build;

    ok(parse(BUILDS, "{}", &desktop, &err) == LU_OK
       && desktop.nbuilds == 6
       && desktop.nrules == 0
       && lu_str_is(&desktop.builds[0].id, "aaa1")
       && lu_str_is(&desktop.builds[0].version, "1.0.0")
       && desktop.builds[0].is_released
       && !desktop.builds[1].is_released
       && desktop.builds[4].version.len == 0
       && !desktop.builds[5].is_released, "the builds, as listed");

    ok(strcmp(of_version(&desktop, "1.0.0"), "aaa1") == 0, "by version");
    ok(strcmp(of_version(&desktop, "1.1.0"), "ccc3") == 0,
       "the first that is released");
    ok(strcmp(of_version(&desktop, "1.1"), "none") == 0, "not by a part");
    ok(strcmp(of_version(&desktop, ""), "none") == 0, "nor by none");

    id = tap_str("bbb2");
    build = lu_desktop_build_of_id(&desktop, &id);
    ok(build == &desktop.builds[1], "by id, released or not");

    id = tap_str("bbb");
    ok(lu_desktop_build_of_id(&desktop, &id) == NULL, "no such id");

    ok(lu_desktop_parse(&tap_arena, NULL, NULL, &desktop, &err) == LU_OK
       && desktop.nbuilds == 0 && desktop.nrules == 0, "no lists");

    tap_free();
}


static void
test_choose(void)
{
    size_t                i;
    lu_rc_e               rc;
    lu_str_t              address;
    lu_error_t            err;
    lu_client_t           client;
    const choose_case_t  *one;
    lu_desktop_t          desktop;
    const lu_str_t       *build;

    for (i = 0; i < sizeof(choose_cases) / sizeof(choose_cases[0]); i++) {
        one = &choose_cases[i];

        rc = parse(BUILDS, one->releases, &desktop, &err);

        memset(&client, 0, sizeof(lu_client_t));
        client.staging_id = tap_str(one->staging_id);

        address = tap_str(one->address);

        if (address.len && strncmp(one->address, "::ffff", 6) == 0) {
            client.address.len = 16;
            client.address.bits = 128;
            inet_pton(AF_INET6, one->address, client.address.bytes);

        } else if (address.len) {
            lu_network_parse(&address, &client.address);
        }

        build = lu_desktop_choose(&desktop, &client, &no_name, one->platform,
                                  0);

        ok(rc == LU_OK
           && (one->build ? build && lu_str_is(build, one->build)
                          : build == NULL), "%s", one->what);
    }

    tap_free();
}


/* In the rollout of a build, or in its control group. */

static void
test_trial(void)
{
    size_t         i;
    lu_rc_e        rc;
    lu_str_t       name, address;
    lu_error_t     err;
    lu_trial_t     trial;
    lu_client_t    client;
    lu_desktop_t   desktop;

    static const char  *builds =
        "[{\"id\":\"latest\",\"createdAt\":\"2026-01-01T00:00:00.000Z\"},"
         "{\"id\":\"ip\",\"createdAt\":\"2026-01-01T00:00:00.000Z\"},"
         "{\"id\":\"ro\",\"createdAt\":\"2026-01-02T00:00:00.000Z\"}]";

    static const struct {
        const char  *releases;
        const char  *client;
        size_t       build;         /* that it gets; 3: none */
        int          is_in;         /* -1: it is not counted */
        const char  *what;
    } cases[] = {
        { LATEST(ROLLOUT("50")), "c", 2, 1, "in" },
        { LATEST(ROLLOUT("50")), "b", 0, 0, "outside" },
        { LATEST(ROLLOUT("50")), "", 0, -1, "who says not who it is" },
        { LATEST(ROLLOUT("50")), "b", 3, -1, "who gets nothing" },
        { LATEST(ROLLOUT("50")), "b", 2, -1, "who gets it for another reason" },
        { LATEST(ROLLOUT("50")), "c", 0, -1, "who should, and does not" },
        { LATEST(""), "c", 0, -1, "no rollout" },
        { LATEST(ROLLOUT("0")), "c", 0, -1, "one for nobody" },
        { LATEST(ROLLOUT("50,\"halted\":{\"at\":"
                         "\"2026-01-03T00:00:00.000Z\"}")), "c", 0, -1,
          "one that is halted" },
        { LATEST(ROLLOUT("50") "," IP("[\"192.0.2.1\"]")), "c", 1, -1,
          "a rule after it is for the client" },
        { LATEST(ROLLOUT("50") "," IP("[\"192.0.2.2\"]")), "c", 2, 1,
          "or not" },
        { LATEST(IP("[\"192.0.2.1\"]") "," ROLLOUT("50")), "b", 1, 0,
          "a rule before it" },
        { LATEST(ROLLOUT("100,\"platforms\":[\"mac\"]")), "c", 0, -1,
          "one for another platform" },
    };

    name = tap_str("latest.yml");
    address = tap_str("192.0.2.1");

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void) parse(builds, cases[i].releases, &desktop, &err);

        memset(&client, 0, sizeof(lu_client_t));
        client.staging_id = tap_str(cases[i].client);
        lu_network_parse(&address, &client.address);

        rc = lu_desktop_trial(&desktop, &client, &name, LU_WINDOWS,
                              cases[i].build < 3
                                  ? &desktop.builds[cases[i].build] : NULL,
                              &trial);

        ok(cases[i].is_in == -1
           ? rc == LU_NOT_FOUND
           : rc == LU_OK && trial.is_in == (unsigned) cases[i].is_in
             && trial.build == &desktop.builds[2]
             && trial.build->created == 1767312000 && trial.platform == 0,
           "%s", cases[i].what);
    }

    client.passes = 1;

    ok(lu_desktop_trial(&desktop, &client, &name, LU_WINDOWS, desktop.builds,
                        &trial)
       == LU_NOT_FOUND, "who passes rollouts");

    tap_free();
}


/* Rules for channels and architectures. */

static const struct {
    const char  *name;
    unsigned     platform;
    const char  *build;
} word_cases[] = {
    { "latest.yml", LU_WINDOWS, "aaa1" },
    { "beta.yml", LU_WINDOWS, "bbb2" },
    { "beta-arm64.yml", LU_WINDOWS, "ccc3" },
    { "beta-mac.yml", LU_MAC, "bbb2" },
    { "latest-linux.yml", LU_LINUX, "ddd4" },
    { "latest-linux-arm64.yml", LU_LINUX, "ccc3" },
    { "latest-mac.yml", LU_MAC, "aaa1" },
    { "td-beta-mac.json", LU_MAC, "bbb2" },
    { "td-latest-linux.json", LU_LINUX, "aaa1" },
    { "td--mac.json", LU_MAC, "aaa1" },
    { "td.json", LU_WINDOWS, "aaa1" },
    { "x.json", LU_WINDOWS, "aaa1" },
    { "", LU_LINUX, "aaa1" }
};


static void
test_words(void)
{
    size_t           i;
    lu_str_t         name;
    lu_error_t       err;
    lu_client_t      client;
    lu_desktop_t     desktop;
    const lu_str_t  *build;

    ok(parse(BUILDS, "{\"latestReleaseBuildId\":\"aaa1\","
             "\"releaseRedirections\":["
             "{\"rule\":\"build\",\"buildId\":\"bbb2\","
              "\"channels\":[\"alpha\",\"beta\"]},"
             "{\"rule\":\"buildByRollout\",\"buildId\":\"ddd4\","
              "\"percentage\":100,\"archs\":[\"x64\"]},"
             "{\"rule\":\"buildByRollout\",\"buildId\":\"ccc3\","
              "\"percentage\":100,\"archs\":[\"arm64\"]},"
             "{\"rule\":\"buildByRollout\",\"buildId\":\"eee5\","
              "\"percentage\":100,\"channels\":[]}]}", &desktop, &err)
       == LU_OK && desktop.nrules == 4, "rules for channels");

    memset(&client, 0, sizeof(lu_client_t));

    for (i = 0; i < sizeof(word_cases) / sizeof(word_cases[0]); i++) {
        name = tap_str(word_cases[i].name);

        build = lu_desktop_choose(&desktop, &client, &name,
                                  word_cases[i].platform, 0);

        ok(build && lu_str_is(build, word_cases[i].build), "words: \"%s\"",
           word_cases[i].name);
    }

    ok(parse("[]", RULES("{\"rule\":\"build\",\"buildId\":\"a\","
                         "\"channels\":\"beta\"}"), &desktop, &err)
       == LU_INVALID && lu_str_is(&err.subject, "channels"),
       "a channel that is no array");
    ok(parse("[]", RULES("{\"rule\":\"build\",\"buildId\":\"a\","
                         "\"archs\":[1]}"), &desktop, &err)
       == LU_INVALID && lu_str_is(&err.subject, "archs"),
       "an architecture that is no string");
    ok(parse("[]", RULES("{\"rule\":\"build\",\"buildId\":\"a\","
                         "\"archs\":[\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\","
                         "\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\","
                         "\"\",\"\",\"\"]}"), &desktop, &err)
       == LU_INVALID && strstr(err.text, "up to 20"), "too many");

    tap_free();
}


static void
test_refused(void)
{
    size_t        i;
    lu_error_t    err;
    lu_desktop_t  desktop;

    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        ok(parse(refused[i].builds, refused[i].releases, &desktop, &err)
           == LU_INVALID
           && strstr(err.text, refused[i].reason), "refused: %s %s",
           refused[i].builds, refused[i].releases);
    }

    ok(parse("[]", RULES(IP("[\"192.0.2.0/33\"]")), &desktop, &err)
       == LU_INVALID
       && lu_str_is(&err.subject, "192.0.2.0/33"), "the address is named");

    tap_free();
}


/*
 * The share is the percentage, within five standard deviations; who is in
 * stays in when it is raised, whatever the platform; another build draws anew.
 */

static void
test_rollout(void)
{
    char             id[64], text[256];
    long             i, n, left, both;
    size_t           k;
    double           share, deviation;
    unsigned char   *in;
    lu_error_t       err;
    lu_client_t      client;
    lu_desktop_t     desktop, other;
    const lu_str_t  *build;

    static const double      percentages[] = { 0, 0.01, 1, 10, 25, 50, 75, 99,
                                               99.99, 100 };

    in = calloc(CLIENTS, 1);
    memset(&client, 0, sizeof(lu_client_t));

    for (k = 0; k < sizeof(percentages) / sizeof(percentages[0]); k++) {

        sprintf(text, LATEST(ROLLOUT("%.17g")), percentages[k]);

        (void) parse("[]", text, &desktop, &err);

        n = 0;
        left = 0;

        for (i = 0; i < CLIENTS; i++) {
            sprintf(id, "%08lx-0000-4000-8000-%012lx",
                    i * 2654435761 & 0xffffffff, i);
            client.staging_id = tap_str(id);

            build = lu_desktop_choose(&desktop, &client, &no_name,
                                      (unsigned) i & 0x07, 0);

            if (lu_str_is(build, "ro")) {
                in[i] = 1;
                n++;

            } else {
                left += in[i];
            }
        }

        share = (double) n / CLIENTS - percentages[k] / 100;
        deviation = share * share * CLIENTS;

        ok(deviation <= 25 * percentages[k] / 100 * (1 - percentages[k] / 100)
                        + 1e-9
           && left == 0,
           "%g %%: %ld of %d clients, none of before left", percentages[k], n,
           CLIENTS);
    }

    (void) parse("[]", LATEST(ROLLOUT("50")), &desktop, &err);
    (void) parse("[]", LATEST("{\"rule\":\"buildByRollout\",\"buildId\":\"x\""
                              ",\"percentage\":50}"), &other, &err);

    both = 0;

    for (i = 0; i < CLIENTS; i++) {
        sprintf(id, "%08lx", i);
        client.staging_id = tap_str(id);

        both += lu_str_is(lu_desktop_choose(&desktop, &client,
                                            &no_name, 0, 0), "ro")
                && lu_str_is(lu_desktop_choose(&other,
                                               &client, &no_name, 0, 0),
                             "x");
    }

    ok(labs(both - CLIENTS / 4) < 5 * 62, "two builds are independent: %ld",
       both);

    free(in);
    tap_free();
}


/* What a text begins with. */

static void
test_at(void)
{
    size_t             i;
    cJSON             *builds;
    lu_str_t           text;
    lu_error_t         err;
    lu_desktop_t       desktop;
    const lu_build_t  *id, *version;

    static const struct {
        const char  *text;
        int          id;
        int          version;
    } cases[] = {
        { "a", 0, -1 },
        { "a-1", 1, -1 },
        { "a-1-x64.exe", 1, -1 },
        { "a-12", 0, -1 },
        { "a-", 0, -1 },
        { "a_1", 2, -1 },
        { "a_", -1, -1 },
        { "ab", -1, -1 },
        { "a.exe", 0, -1 },
        { "a.1", -1, -1 },
        { "a.", 0, -1 },
        { "A", -1, -1 },
        { "1.0.0", -1, 0 },
        { "1.0.0.exe", -1, 0 },
        { "1.0.0.1", -1, -1 },
        { "1.0.0_amd64", -1, 0 },
        { "1.0.01", -1, -1 },
        { "1.0.0-beta", -1, 0 },
        { "1.0.0-beta.1", -1, 1 },
        { "1.0.0-beta.1.zip", -1, 1 },
        { "1.0.0-beta.12", -1, 0 },
        { "1.0.0+5", -1, 0 },
        { "2", -1, -1 },
        { "", -1, -1 }
    };

    builds = tap_json("[{\"id\":\"a\",\"version\":\"1.0.0\"},"
                      "{\"id\":\"a-1\",\"version\":\"1.0.0-beta.1\"},"
                      "{\"id\":\"a_1\",\"version\":\"1.0.0\","
                      "\"isReleased\":true},"
                      "{\"id\":\"z\"},"
                      "{\"id\":\"a\",\"version\":\"9\"}]");

    ok(lu_desktop_parse(&tap_arena, builds, NULL, &desktop, &err) == LU_OK
       && desktop.nversions == 4, "builds");

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        text = tap_str(cases[i].text);

        id = lu_desktop_id_at(&desktop, &text);
        version = lu_desktop_version_at(&desktop, &text);

        ok(id == (cases[i].id < 0 ? NULL : &desktop.builds[cases[i].id])
           && version == (cases[i].version < 0
                          ? NULL : &desktop.builds[cases[i].version]),
           "begins with: \"%s\"", cases[i].text);
    }

    text = tap_str("1.0.0");
    ok(lu_desktop_build_of_version(&desktop, &text) == &desktop.builds[2],
       "the first released build of a version");

    text = tap_str("a");
    ok(lu_desktop_build_of_id(&desktop, &text) == &desktop.builds[0],
       "the first build of an id");

    text = tap_str("");
    ok(lu_desktop_build_of_version(&desktop, &text) == NULL,
       "none of no version");

    cJSON_Delete(builds);
    tap_free();
}


static void
test_memory(void)
{
    long          i;
    cJSON        *builds, *releases;
    lu_rc_e       rc;
    lu_error_t    err;
    lu_desktop_t  desktop;

    builds = tap_json(BUILDS);
    releases = tap_json(LATEST(IP("[\"192.0.2.1\"]") "," ROLLOUT("5")));

    for (i = 0; i < 100; i++) {
        tap_left = i;

        rc = lu_desktop_parse(&tap_arena, builds, releases, &desktop, &err);
        tap_left = -1;

        if (rc != LU_NOMEM) {
            break;
        }
    }

    ok(rc == LU_OK && i == 19, "each allocation may fail: %ld", i);

    cJSON_Delete(builds);
    cJSON_Delete(releases);

    builds = tap_json("[]");
    releases = tap_json(RULES(IP("[\"x\"]")));

    tap_left = 4;

    ok(lu_desktop_parse(&tap_arena, builds, releases, &desktop, &err)
       == LU_INVALID && err.text, "also when an address is refused");

    tap_left = -1;

    cJSON_Delete(builds);
    cJSON_Delete(releases);
    tap_free();

    ok(memory_used == 0, "cJSON's memory is freed");
}


int
main(void)
{
    memory_init();

    test_builds();
    test_choose();
    test_trial();
    test_words();
    test_refused();
    test_rollout();
    test_at();
    test_memory();

    return tap_done();
}
