
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"
#include "tap_json.h"

#include "../../src/core/lu_signed.c"


#define A  "[{\"href\":\"a.exe\",\"platform\":\"windows\","


#define NOW  "2026-01-01T00:00:00.000Z"


static lu_authenticode_t  signatures[2];


static void
put_all(const char *expected, size_t n, const char *reason)
{
    char      *text;
    cJSON     *list;
    lu_put_t   put;
    lu_str_t   href;

    list = cJSON_CreateArray();
    href = tap_str("a.exe");

    lu_put_init(&put);
    lu_signed_put(&put, list, &href, 0, signatures, n, reason);

    text = cJSON_PrintUnformatted(list);

    ok(!put.failed && strcmp(text, expected) == 0, "%s", text);

    cJSON_free(text);
    cJSON_Delete(list);
}


static void
quote(lu_text_t *text, const lu_str_t *value)
{
    lu_text_puts(text, "<");
    lu_text_add(text, (const char *) value->data, value->len);
    lu_text_puts(text, ">");
}


static void
print(const char *json, const char *expected)
{
    cJSON      *file;
    lu_text_t   text;

    file = tap_json(json);

    lu_text_init(&text);
    lu_signed_print(&text, file, quote);

    ok(text.data && strcmp(text.data, expected) == 0, "%s", text.data);

    free(text.data);
    cJSON_Delete(file);
}


/* Each is "{publisher}", "-" without one, "/" for macOS, "!" if altered. */

static cJSON *
release(const char **programs, size_t n)
{
    char      href[] = "0.exe";
    cJSON    *json, *list, *file, *signer;
    size_t    i;
    lu_put_t  put;

    json = cJSON_CreateObject();

    lu_put_init(&put);
    lu_put_string(&put, json, "version", "1.0");
    list = lu_put_array(&put, json, "signatures");

    for (i = 0; i < n; i++) {
        file = lu_put_object(&put, list, NULL);
        href[0] = (char) ('0' + i % 10);

        lu_put_string(&put, file, "href", href);
        lu_put_string(&put, file, "platform",
                      *programs[i] == '/' ? "mac" : "windows");
        lu_put_bool(&put, file, "updater", 1);
        lu_put_string(&put, file, "state", strchr("-/", *programs[i])
                                           ? "unsigned"
                                           : *programs[i] == '!' ? "altered"
                                                                 : "signed");

        signer = lu_put_object(&put, lu_put_array(&put, file, "signers"),
                               NULL);
        lu_put_string(&put, signer, "publisher", programs[i]);

        /* "<" has expired, "@" has a timestamp as well */

        lu_put_bool(&put, signer, "timestamped", *programs[i] == '@');
        lu_put_string(&put, signer, "notAfter",
                      strchr("<@", *programs[i]) ? "2025-12-31T23:59:59.000Z"
                                                 : NOW);
    }

    return json;
}


static int
warnings(const char **now, size_t n, const char **before, size_t m)
{
    int        count;
    cJSON     *one, *two, *list;
    lu_put_t   put;

    one = release(now, n);
    two = release(before, m);
    list = cJSON_CreateArray();

    lu_put_init(&put);
    lu_signed_invalid(&put, list, one, NOW);
    lu_signed_differs(&put, list, one, two);

    count = put.failed ? -1 : cJSON_GetArraySize(list);

    cJSON_Delete(one);
    cJSON_Delete(two);
    cJSON_Delete(list);

    return count;
}


static void
mac_all(void)
{
    char      *text;
    cJSON     *list;
    lu_mac_t   mac;
    lu_put_t   put;
    lu_str_t   href;

    list = cJSON_CreateArray();
    href = tap_str("a.zip");

    memset(&mac, 0, sizeof(lu_mac_t));
    lu_put_init(&put);

    lu_signed_put_mac(&put, list, &href, 1, &mac, NULL);
    mac.is_signed = 1;
    lu_signed_put_mac(&put, list, &href, 0, &mac, NULL);
    mac.has_ticket = 1;
    lu_signed_put_mac(&put, list, &href, 0, &mac, NULL);
    lu_signed_put_mac(&put, list, &href, 0, &mac, "is odd");

    text = cJSON_PrintUnformatted(list);

    ok(strcmp(text, "[{\"href\":\"a.zip\",\"platform\":\"mac\","
       "\"updater\":true,\"state\":\"unsigned\"},{\"href\":\"a.zip\","
       "\"platform\":\"mac\",\"state\":\"signed\"},{\"href\":\"a.zip\","
       "\"platform\":\"mac\",\"state\":\"signed\",\"ticket\":true},"
       "{\"href\":\"a.zip\",\"platform\":\"mac\",\"state\":"
       "\"unreadable\",\"reason\":\"is odd\"}]") == 0, "%s", text);

    cJSON_free(text);
    cJSON_Delete(list);
}


int
main(void)
{
    size_t       i;
    const char  *many[20];

    mac_all();

    put_all(A "\"state\":\"unsigned\"}]", 0, NULL);
    put_all(A "\"state\":\"unreadable\",\"reason\":"
            "\"is odd\"}]", 1, "is odd");

    signatures[0].algorithm = "SHA-256";
    signatures[0].since = 1;
    signatures[0].until = (time_t) LU_TIME_MAX + 1;
    signatures[0].publisher = tap_str("Acme");
    signatures[0].is_same = 1;
    signatures[1].algorithm = "SHA-1";
    signatures[1].is_stamped = 1;

    put_all(A "\"state\":\"signed\",\"signers\":["
            "{\"publisher\":\"Acme\",\"notBefore\":"
            "\"1970-01-01T00:00:01.000Z\",\"timestamped\":false,"
            "\"algorithm\":\"SHA-256\"}]}]", 1, NULL);
    put_all(A "\"state\":\"altered\",\"signers\":["
            "{\"publisher\":\"Acme\",\"notBefore\":"
            "\"1970-01-01T00:00:01.000Z\",\"timestamped\":false,"
            "\"algorithm\":\"SHA-256\"},{\"timestamped\":true,"
            "\"algorithm\":\"SHA-1\"}]}]", 2, NULL);

    print("{\"state\":\"unsigned\"}", "not signed");
    print("{\"state\":\"unreadable\",\"reason\":\"is odd\"}", "<is odd>");
    print("{\"state\":\"altered\",\"signers\":[{\"organization\":\"Acme\","
          "\"issuer\":\"CA\",\"notBefore\":\"2025-01-02T03:04:05.000Z\","
          "\"notAfter\":\"2026-01-02T03:04:05.000Z\",\"timestamped\":true},{}"
          "]}",
          "changed after it was signed; signed by <Acme>, certificate of <CA>,"
          " valid from 2025-01-02 to 2026-01-02, with a timestamp; signed by "
          "somebody without a name, without a timestamp");

    print("{\"platform\":\"mac\",\"state\":\"signed\",\"ticket\":true}",
          "a code signature, with a ticket of notarisation");
    print("{\"platform\":\"mac\",\"state\":\"unsigned\"}", "not signed");

    ok(warnings((const char *[]) { "A" }, 1, (const char *[]) { "A" }, 1) == 0,
       "the same publisher");
    ok(warnings((const char *[]) { "A" }, 1, (const char *[]) { "B" }, 1) == 1,
       "another one");
    ok(warnings((const char *[]) { "A", "B" }, 2,
                (const char *[]) { "B", "A" }, 2) == 0, "one of several");
    ok(warnings((const char *[]) { "-" }, 1, (const char *[]) { "A" }, 1) == 1,
       "none");
    ok(warnings((const char *[]) { "A" }, 1, (const char *[]) { "-" }, 1) == 0,
       "none before");
    ok(warnings((const char *[]) { "!A" }, 1, (const char *[]) { "A" }, 1)
       == 1, "one that was changed is told once");

    ok(warnings((const char *[]) { "<" }, 1, (const char *[]) { "<" }, 1) == 1,
       "an expired certificate");
    ok(warnings((const char *[]) { "@" }, 1, (const char *[]) { "@" }, 1) == 0,
       "with a timestamp");
    ok(warnings((const char *[]) { "/", "A" }, 2, (const char *[]) { "A" }, 1)
       == 1, "none on macOS");

    for (i = 0; i < 20; i++) {
        many[i] = "B";
    }

    ok(warnings(many, 20, (const char *[]) { "A" }, 1) == LU_SIGNED_WARNINGS,
       "not too many");

    return tap_done();
}
