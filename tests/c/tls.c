/* TLS as a C program uses it: certificates as text, trust, renewal, and the errors. */
#include "check.h"

/* Self-signed, for localhost and 127.0.0.1; made for these tests alone. */
static const char certificate[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBnDCCAUGgAwIBAgIUZ8518bMS9C1H94LnOPYBlC9POMswCgYIKoZIzj0EAwIw\n"
    "FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTA4Mzg1M1oYDzIxMDkwMTEw\n"
    "MDgzODUzWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO\n"
    "PQMBBwNCAASmEeuJiYFHWHFfAySVS85jjQa66cPqRli2HSsYhjuAgRXsfLLQMIW9\n"
    "7qL0ZsgA5n82xJLig6tl6F/ARSMmlRB4o28wbTAdBgNVHQ4EFgQUaFPsuDZNqfYO\n"
    "ILDS3S2RxIauhFEwHwYDVR0jBBgwFoAUaFPsuDZNqfYOILDS3S2RxIauhFEwDwYD\n"
    "VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI\n"
    "zj0EAwIDSQAwRgIhAJq0VzsHMsPr6CMh6G65I60/0u+TunuNlyBNDb6pEGq9AiEA\n"
    "qDAoyxPFDsRKCw8Re3368oEtHMJqKdk2aDa61rIhA10=\n"
    "-----END CERTIFICATE-----\n";
static const char key[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg7WQ6zuUKIMsvYrNX\n"
    "BdHJScEo7lk8k3KU3lbtm6u0hpOhRANCAASmEeuJiYFHWHFfAySVS85jjQa66cPq\n"
    "Rli2HSsYhjuAgRXsfLLQMIW97qL0ZsgA5n82xJLig6tl6F/ARSMmlRB4\n"
    "-----END PRIVATE KEY-----\n";

static void echo(wsaddin_server server, wsaddin_client client) {
    char url[64];
    wsaddin_message *message;
    wsaddin_message *open;
    int size = snprintf(url, sizeof url, "wss://localhost:%d/", (int)server_number(wsaddin_server_get_port, server));
    /* Under valgrind on a busy machine the system's certificates alone take seconds. */
    GOOD(wsaddin_client_set_connect_timeout(client, 120000));
    GOOD(wsaddin_client_connect(client, url, (size_t)size));
    GOOD(wsaddin_server_receive_event(server, LONG, &open));
    GOOD(wsaddin_client_send_text(client, WSADDIN_TEXT("secret")));
    GOOD(wsaddin_server_receive(server, LONG, &message));
    GOOD(wsaddin_server_send_text(server, wsaddin_message_connection(open), wsaddin_message_data(message),
                                  wsaddin_message_size(message)));
    wsaddin_message_free(open);
    wsaddin_message_free(message);
    GOOD(wsaddin_client_receive(client, LONG, &message));
    take_text(message, "secret", 6);
}

static wsaddin_result run(wsaddin_server server, const char *chain, const char *own_key, const char *password) {
    return wsaddin_server_run_tls(server, WSADDIN_TEXT("127.0.0.1"), 0, chain, strlen(chain), own_key, strlen(own_key),
                                  password, strlen(password));
}

void secure_conversation(void) {
    wsaddin_server server;
    wsaddin_client client;
    char text[sizeof certificate];
    int32_t clean;
    GOOD(wsaddin_server_new(&server));
    GOOD(wsaddin_client_new(&client));
    /* Under valgrind the system's roots alone take seconds. */
    GOOD(wsaddin_client_set_connect_timeout(client, LONG));

    EXPECT(run(server, "", key, ""), WSADDIN_BAD_ARGUMENT);
    EXPECT(run(server, "/nowhere/chain.pem", key, ""), WSADDIN_FILE);
    CHECK(said("/nowhere/chain.pem"));
    EXPECT(run(server, certificate, "", ""), WSADDIN_FILE);
    CHECK(said("no private key"));
    EXPECT(wsaddin_server_reload_certificate(server, NULL, 0, NULL, 0, NULL, 0), WSADDIN_NOT_RUNNING);
    GOOD(run(server, certificate, key, ""));
    EXPECT(run(server, certificate, key, ""), WSADDIN_ALREADY_RUNNING);

    GOOD(wsaddin_client_set_ca_file(client, certificate, strlen(certificate)));
    TEXT_OF(wsaddin_client_get_ca_file, client, text);
    CHECK(strcmp(text, certificate) == 0);
    echo(server, client);

    EXPECT(wsaddin_server_reload_certificate(server, WSADDIN_TEXT("nonsense"), NULL, 0, NULL, 0), WSADDIN_FILE);
    GOOD(wsaddin_server_reload_certificate(server, NULL, 0, NULL, 0, NULL, 0));
    GOOD(wsaddin_server_reload_certificate(server, certificate, strlen(certificate), key, strlen(key), NULL, 0));
    GOOD(wsaddin_client_disconnect(client, 1000, NULL, 0, &clean));
    CHECK(clean == 1);

    GOOD(wsaddin_client_set_ca_file(client, NULL, 0));
    CHECK(number(wsaddin_client_get_verify_certificate, client) == 1);
    GOOD(wsaddin_client_set_verify_certificate(client, 0));
    EXPECT(wsaddin_client_set_verify_certificate(client, 2), WSADDIN_BAD_ARGUMENT);
    CHECK(number(wsaddin_client_get_verify_certificate, client) == 0);
    GOOD(wsaddin_client_set_client_certificate(client, certificate, strlen(certificate), key, strlen(key), NULL, 0));
    EXPECT(wsaddin_client_set_client_certificate(client, key, strlen(key), NULL, 0, NULL, 0), WSADDIN_FILE);
    GOOD(wsaddin_client_set_client_certificate(client, NULL, 0, NULL, 0, NULL, 0));
    GOOD(wsaddin_server_stop(server));
    GOOD(wsaddin_server_run(server, WSADDIN_TEXT("127.0.0.1"), 0));
    EXPECT(wsaddin_server_reload_certificate(server, NULL, 0, NULL, 0, NULL, 0), WSADDIN_UNSUPPORTED);
    GOOD(wsaddin_server_stop(server));
    GOOD(run(server, certificate, key, ""));
    echo(server, client);
    free_pair(server, client);
}
