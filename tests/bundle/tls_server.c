/*
 * The library as a TLS server under Wine, which Linux tests of the same code cannot speak for: keys in every form, a
 * renewal with open connections, what stays behind. tests/bundle/tls_server.py makes the files in the current folder and
 * is the other side. Usage: tls_server <library> <subject of the intermediate authority in chain.pem>
 */
#include "load.h"
#include "websocket_addin.h"

#define LIMIT 20000
/* Several records of TLS, more than one write of the socket. */
#define BIG ((size_t)300 << 10)

#define FUNCTIONS(each)                                                                                              \
    each(error_description) each(client_new) each(client_free) each(client_connect) each(client_disconnect)          \
    each(client_send_text) each(client_send_binary) each(client_receive) each(client_set_ca_file)                    \
    each(client_set_client_certificate) each(server_new) each(server_free) each(server_run_tls) each(server_stop)    \
    each(server_get_port) each(server_reload_certificate) each(server_set_handler) each(server_send_text)            \
    each(server_send_binary) each(message_event) each(message_kind) each(message_connection) each(message_data)      \
    each(message_size) each(message_free)

#define FIELD(name) __typeof__(wsaddin_##name) *name;
static struct { FUNCTIONS(FIELD) } ws;

#define GOOD(call) EXPECT(call, WSADDIN_OK)
#define EXPECT(call, expected) expect(__LINE__, #call, (call), (expected))

/* What is being tried, for the case that it fails. */
static const char *trying = "";

static void expect(int line, const char *call, wsaddin_result result, wsaddin_result expected) {
    if (result == expected) return;
    fprintf(stderr, "tls_server.c:%d: %s: %s is %d instead of %d: %s\n", line, trying, call, (int)result, (int)expected,
            ws.error_description());
    exit(1);
}

/* --- Wine's own faults -------------------------------------------------------------------------------------------- */

#define SECURITY_WIN32
#include <security.h>

static SECURITY_STATUS(SEC_ENTRY *real_decrypt)(PCtxtHandle, PSecBufferDesc, unsigned long, unsigned long *);

/*
 * Wine 10 calls a whole record missing where only its end is, so that who waits for just what is missing waits for ever.
 * Saying that something is missing, and not how much, is allowed.
 */
static SECURITY_STATUS SEC_ENTRY decrypt(PCtxtHandle context, PSecBufferDesc message, unsigned long number,
                                         unsigned long *quality) {
    SECURITY_STATUS status = real_decrypt(context, message, number, quality);
    if (status == SEC_E_INCOMPLETE_MESSAGE)
        for (unsigned long i = 0; i < message->cBuffers; i++)
            if (message->pBuffers[i].BufferType == SECBUFFER_MISSING)
                message->pBuffers[i].BufferType = SECBUFFER_EMPTY;
    return status;
}

/* Puts the function above into the library's import table. */
static void mend(void *library) {
    char *base = library;
    const IMAGE_NT_HEADERS *headers = (const IMAGE_NT_HEADERS *)(base + ((const IMAGE_DOS_HEADER *)base)->e_lfanew);
    const IMAGE_DATA_DIRECTORY *imports = &headers->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_IMPORT];
    const IMAGE_IMPORT_DESCRIPTOR *each = (const IMAGE_IMPORT_DESCRIPTOR *)(base + imports->VirtualAddress);
    int mended = 0;
    for (; each->Name != 0; each++) {
        const IMAGE_THUNK_DATA *name = (const IMAGE_THUNK_DATA *)(base + each->OriginalFirstThunk);
        IMAGE_THUNK_DATA *place = (IMAGE_THUNK_DATA *)(base + each->FirstThunk);
        for (; name->u1.AddressOfData != 0; name++, place++) {
            DWORD before;
            void *ours = (void *)decrypt;
            if (IMAGE_SNAP_BY_ORDINAL(name->u1.Ordinal)) continue;
            if (strcmp((const char *)((const IMAGE_IMPORT_BY_NAME *)(base + name->u1.AddressOfData))->Name,
                       "DecryptMessage") != 0)
                continue;
            memcpy(&real_decrypt, &place->u1.Function, sizeof real_decrypt);
            CHECK(VirtualProtect(place, sizeof *place, PAGE_READWRITE, &before));
            memcpy(&place->u1.Function, &ours, sizeof ours);
            CHECK(VirtualProtect(place, sizeof *place, before, &before));
            mended++;
        }
    }
    CHECK(mended == 1);
}

#include <wincrypt.h>

/* Whether a certificate of that subject is in the user's store of intermediate authorities. */
static int is_stored(const char *subject) {
    HCERTSTORE store = CertOpenSystemStoreA(0, "CA");
    const CERT_CONTEXT *found;
    CHECK(store != NULL);
    found = CertFindCertificateInStore(store, X509_ASN_ENCODING, 0, CERT_FIND_SUBJECT_STR_A, subject, NULL);
    if (found != NULL) CertFreeCertificateContext(found);
    CertCloseStore(store, 0);
    return found != NULL;
}

/* How many keys lie where Wine keeps them. */
static int keys(void) {
    HKEY key;
    DWORD count = 0;
    LSTATUS status = RegOpenKeyExA(HKEY_CURRENT_USER, "Software\\Wine\\Crypto\\RSA", 0, KEY_READ, &key);
    if (status == ERROR_FILE_NOT_FOUND) return 0;
    CHECK(status == ERROR_SUCCESS);
    CHECK(RegQueryInfoKeyA(key, NULL, NULL, NULL, &count, NULL, NULL, NULL, NULL, NULL, NULL, NULL) == ERROR_SUCCESS);
    RegCloseKey(key);
    return (int)count;
}
/* A process that was killed leaves its key behind. */
static void forget_keys(void) { RegDeleteTreeA(HKEY_CURRENT_USER, "Software\\Wine\\Crypto\\RSA"); }

/* --- the server --------------------------------------------------------------------------------------------------- */

/* On the I/O thread. */
static void echo(const wsaddin_message *message, void *user_data) {
    wsaddin_server server = *(wsaddin_server *)user_data;
    if (ws.message_event(message) != WSADDIN_EVENT_MESSAGE) return;
    if (ws.message_kind(message) == WSADDIN_KIND_TEXT)
        GOOD(ws.server_send_text(server, ws.message_connection(message), ws.message_data(message),
                                 ws.message_size(message)));
    else
        GOOD(ws.server_send_binary(server, ws.message_connection(message), ws.message_data(message),
                                   ws.message_size(message)));
}

#define TEXT_OF(text) text, strlen(text)

static int run(wsaddin_server server, const char *certificate, const char *key, const char *password) {
    int64_t port;
    GOOD(ws.server_run_tls(server, WSADDIN_TEXT("127.0.0.1"), 0, TEXT_OF(certificate), TEXT_OF(key), TEXT_OF(password)));
    GOOD(ws.server_get_port(server, &port));
    return (int)port;
}

static void talk(int port) {
    wsaddin_client client;
    wsaddin_message *message;
    char url[64];
    int32_t clean;
    unsigned char *big = malloc(BIG);
    CHECK(big != NULL);
    for (size_t i = 0; i < BIG; i++) big[i] = (unsigned char)(i * 31 + i / 251);
    GOOD(ws.client_new(&client));
    GOOD(ws.client_set_ca_file(client, WSADDIN_TEXT("ca.pem")));
    GOOD(ws.client_connect(client, url, (size_t)sprintf(url, "wss://localhost:%d/", port)));
    GOOD(ws.client_send_text(client, WSADDIN_TEXT("over TLS")));
    GOOD(ws.client_receive(client, LIMIT, &message));
    CHECK(ws.message_size(message) == 8 && memcmp(ws.message_data(message), "over TLS", 8) == 0);
    ws.message_free(message);
    GOOD(ws.client_send_binary(client, big, BIG));
    GOOD(ws.client_receive(client, LIMIT, &message));
    CHECK(ws.message_size(message) == BIG && memcmp(ws.message_data(message), big, BIG) == 0);
    ws.message_free(message);
    GOOD(ws.client_disconnect(client, 1000, NULL, 0, &clean));
    GOOD(ws.client_free(client));
    free(big);
}

static const char *const FORMS[][3] = {
    {"server.pem", "server.key", ""},        {"server.pem", "pkcs1.key", ""},   {"server.pem", "aes256.key", "тайна"},
    {"server.pem", "locked.key", "пароль"},  {"both.pem", "", ""},              {"new.p12", "", "пароль"},
    {"3des.p12", "", "пароль"},              {"rc2.p12", "", "пароль"},         {"ключи/сертификат.pem", "ключи/ключ.pem", ""},
};

/* Each form: run, reload, and a client after each. */
static void forms(void) {
    for (size_t i = 0; i < sizeof FORMS / sizeof FORMS[0]; i++) {
        const char *const *form = FORMS[i];
        wsaddin_server server;
        int port;
        trying = form[1][0] != '\0' ? form[1] : form[0];
        GOOD(ws.server_new(&server));
        GOOD(ws.server_set_handler(server, echo, &server));
        port = run(server, form[0], form[1], form[2]);
        talk(port);
        /* In its own container on Windows, in the one of all here. */
        CHECK(keys() == 1);
        GOOD(ws.server_reload_certificate(server, NULL, 0, NULL, 0, NULL, 0));
        talk(port);
        GOOD(ws.server_free(server));
        CHECK(keys() == 0);
    }
    trying = "";
}

/* What is refused leaves nothing behind either. */
static void refusals(void) {
    wsaddin_server server;
    GOOD(ws.server_new(&server));
#define REFUSED(certificate, key, password)                                                                          \
    EXPECT(ws.server_run_tls(server, WSADDIN_TEXT("127.0.0.1"), 0, WSADDIN_TEXT(certificate), WSADDIN_TEXT(key),     \
                             WSADDIN_TEXT(password)),                                                                \
           WSADDIN_FILE)
    REFUSED("server.pem", "other.key", "");
    REFUSED("server.pem", "locked.key", "не тот");
    REFUSED("absent.pem", "server.key", "");
    /* Wine cannot import it; Windows could not use it. */
    REFUSED("ed25519.pem", "ed25519.key", "");
    CHECK(strstr(ws.error_description(), "ed25519") != NULL);
    GOOD(ws.server_free(server));
    CHECK(keys() == 0);
}

/* SChannel sends the intermediates that it finds in a store. Whether Wine can use a chain at all does not matter. */
static void intermediates(const char *subject) {
    wsaddin_server server;
    CHECK(!is_stored(subject));
    GOOD(ws.server_new(&server));
    ws.server_run_tls(server, WSADDIN_TEXT("127.0.0.1"), 0, WSADDIN_TEXT("chain.pem"), WSADDIN_TEXT("chain.key"), NULL, 0);
    GOOD(ws.server_free(server));
    CHECK(is_stored(subject));
    CHECK(keys() == 0);
}

static void client_certificates(void) {
    wsaddin_client client;
    GOOD(ws.client_new(&client));
    for (int i = 0; i < 3; i++)
        GOOD(ws.client_set_client_certificate(client, WSADDIN_TEXT("new.p12"), NULL, 0, WSADDIN_TEXT("пароль")));
    GOOD(ws.client_set_client_certificate(client, NULL, 0, NULL, 0, NULL, 0));
    GOOD(ws.client_free(client));
    CHECK(keys() == 0);
}

/* Waits for a line of the other side. */
static void await(const char *word) {
    char line[64];
    CHECK(fgets(line, sizeof line, stdin) != NULL);
    line[strcspn(line, "\r\n")] = '\0';
    CHECK(strcmp(line, word) == 0);
}

static void serve(void) {
    wsaddin_server server;
    GOOD(ws.server_new(&server));
    GOOD(ws.server_set_handler(server, echo, &server));
    printf("port %d\n", run(server, "server.pem", "server.key", ""));
    fflush(stdout);
    await("connected");
    GOOD(ws.server_reload_certificate(server, WSADDIN_TEXT("both.pem"), NULL, 0, NULL, 0));
    puts("reloaded");
    fflush(stdout);
    await("done");
    GOOD(ws.server_free(server));
    CHECK(keys() == 0);
}

int main(int argc, char **argv) {
    CHECK(argc == 3);
    forget_keys();
    CHECK(keys() == 0);
    for (int round = 0; round < 2; round++) {
        void *library = load(argv[1]);
#define BIND(name) FIND(library, ws.name, "wsaddin_" #name);
        FUNCTIONS(BIND)
        mend(library);
        if (round == 0) {
            forms();
            refusals();
            intermediates(argv[2]);
            client_certificates();
        } else {
            serve();
        }
        unload(library, argv[1]);
        CHECK(keys() == 0);
    }
    puts("tls_server: everything as expected");
    return 0;
}
