// The C++ wrapper from end to end: every member is called once.
#include "websocket_addin.hpp"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <vector>

using namespace std::chrono_literals;

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                       \
            std::exit(1);                                                                                              \
        }                                                                                                              \
    } while (0)

template <typename Call> wsaddin_result result_of(Call call) {
    try {
        call();
        return WSADDIN_OK;
    } catch (const websocket::error &error) {
        CHECK(error.what()[0] != '\0');
        return error.result();
    }
}

static void properties(websocket::client &client, websocket::server &server) {
    client.set_connect_timeout(9s);
    CHECK(client.get_connect_timeout() == 9s);
    client.set_close_timeout(2s);
    CHECK(client.get_close_timeout() == 2s);
    client.set_send_timeout(4s);
    CHECK(client.get_send_timeout() == 4s);
    client.set_ping_interval(3s);
    CHECK(client.get_ping_interval() == 3s);
    client.set_pong_timeout(3s);
    CHECK(client.get_pong_timeout() == 3s);
    client.set_max_message_size(1 << 20);
    CHECK(client.get_max_message_size() == 1 << 20);
    client.set_compression(false);
    CHECK(!client.get_compression());
    client.set_compression(true);
    client.set_compression_context(true);
    CHECK(client.get_compression_context());
    client.set_compression_window_bits(12);
    CHECK(client.get_compression_window_bits() == 12);
    client.set_receive_queue_messages(10);
    CHECK(client.get_receive_queue_messages() == 10);
    client.set_receive_queue_bytes(1 << 20);
    CHECK(client.get_receive_queue_bytes() == 1 << 20);
    client.set_send_queue_bytes(1 << 20);
    CHECK(client.get_send_queue_bytes() == 1 << 20);
    client.set_reconnect_interval(1s);
    CHECK(client.get_reconnect_interval() == 1000ms);
    client.set_reconnect_interval(0s);
    client.set_reconnect_max_interval(30s);
    CHECK(client.get_reconnect_max_interval() == 30s);
    client.set_max_reconnect_attempts(7);
    CHECK(client.get_max_reconnect_attempts() == 7);
    client.set_max_reconnect_attempts(0);
    client.set_pinned_certificates("sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    CHECK(client.get_pinned_certificates().size() == 51);
    client.set_pinned_certificates("");
    client.set_max_redirects(5);
    CHECK(client.get_max_redirects() == 5);
    client.set_max_redirects(0);
    client.set_hello_message("id:1234");
    CHECK(client.get_hello_message() == "id:1234");
    client.set_hello_message("");
    client.set_protocols("chat");
    CHECK(client.get_protocols() == "chat");
    server.set_close_timeout(2s);
    CHECK(server.get_close_timeout() == 2s);
    server.set_send_timeout(websocket::no_wait);
    CHECK(server.get_send_timeout() == -1ms && server.get_send_timeout() == websocket::no_wait);
    server.set_send_timeout(websocket::forever);
    CHECK(server.get_send_timeout().is_forever() && server.get_send_timeout() != 0ms);
    server.set_send_timeout(0ms);
    CHECK(server.get_send_timeout() == websocket::no_wait);
    CHECK(websocket::timeout(1us).c() == 1 && websocket::timeout(-1h).c() == -1 && websocket::timeout(24h).c() == 86'400'000);
    server.set_ping_interval(3s);
    CHECK(server.get_ping_interval() == 3s);
    server.set_pong_timeout(3s);
    CHECK(server.get_pong_timeout() == 3s);
    server.set_max_message_size(1 << 20);
    CHECK(server.get_max_message_size() == 1 << 20);
    server.set_compression(false);
    CHECK(!server.get_compression());
    server.set_compression(true);
    server.set_compression_context(true);
    CHECK(server.get_compression_context());
    server.set_compression_window_bits(12);
    CHECK(server.get_compression_window_bits() == 12);
    server.set_receive_queue_messages(10);
    CHECK(server.get_receive_queue_messages() == 10);
    server.set_receive_queue_bytes(1 << 20);
    CHECK(server.get_receive_queue_bytes() == 1 << 20);
    server.set_send_queue_bytes(1 << 20);
    CHECK(server.get_send_queue_bytes() == 1 << 20);
    server.set_max_connections(5);
    CHECK(server.get_max_connections() == 5);
    server.set_max_connections_per_address(3);
    CHECK(server.get_max_connections_per_address() == 3);
    server.set_max_connections_per_address(0);
    server.set_allowed_origins("null");
    CHECK(server.get_allowed_origins() == "null");
    server.set_access_token("secret");
    CHECK(server.get_access_token() == "***");
    server.set_access_token("");
    server.set_name_parameter("id");
    CHECK(server.get_name_parameter() == "id");
    server.set_resume_timeout(0s);
    CHECK(server.get_resume_timeout() == 0s);
    server.set_manual_accept(true);
    CHECK(server.get_manual_accept());
    server.set_manual_accept(false);
    server.set_paths("/path, /chat/" "*");
    CHECK(server.get_paths() == "/path, /chat/" "*");
    server.set_paths("");
    server.set_trusted_proxies("127.0.0.1");
    CHECK(server.get_trusted_proxies() == "127.0.0.1");
    server.set_trusted_proxies("");
    server.set_client_certificates("request");
    CHECK(server.get_client_certificates() == "request");
    server.set_client_certificates("");
    server.set_client_ca_file("ca.pem");
    CHECK(server.get_client_ca_file() == "ca.pem");
    server.set_client_ca_file("");
    server.set_idle_timeout(1h);
    CHECK(server.get_idle_timeout() == 1h);
    server.set_messages_per_second(1'000'000);
    CHECK(server.get_messages_per_second() == 1'000'000);
    server.set_connection_queue_messages(100);
    CHECK(server.get_connection_queue_messages() == 100);
    server.set_connection_queue_bytes(1 << 20);
    CHECK(server.get_connection_queue_bytes() == 1 << 20);
    server.set_response_header("X-Answer", "yes");
    server.set_draining(true);
    CHECK(server.get_draining());
    server.set_draining(false);
    server.set_accept_timeout(4s);
    CHECK(server.get_accept_timeout() == 4s);
    server.set_handshake_timeout(5s);
    CHECK(server.get_handshake_timeout() == 5s);
    server.set_assembly_bytes(1 << 20);
    CHECK(server.get_assembly_bytes() == 1 << 20);
    server.set_io_threads(1);
    CHECK(server.get_io_threads() == 1);
    server.set_protocols("chat, v2.chat");
    CHECK(server.get_protocols() == "chat, v2.chat");
    CHECK(client.get_ca_file().empty() && client.get_verify_certificate());
    client.set_ca_file("/nowhere/ca.pem");
    CHECK(client.get_ca_file() == "/nowhere/ca.pem");
    client.set_ca_file("");
    client.set_verify_certificate(false);
    CHECK(!client.get_verify_certificate());
    client.set_verify_certificate(true);
    client.set_client_certificate("");
    CHECK(result_of([&] { client.set_client_certificate("/nowhere/me.pem", "me.key", "secret"); }) == WSADDIN_FILE);
    CHECK(result_of([&] { server.run_tls("127.0.0.1", 0, "/nowhere/server.pem"); }) == WSADDIN_FILE);
    CHECK(result_of([&] { server.reload_certificate(); }) == WSADDIN_NOT_RUNNING);
    CHECK(result_of([&] { client.set_close_timeout(-1ms); }) == WSADDIN_BAD_ARGUMENT);
}

/* There in one call, back in one call. */
static void batches(websocket::client &client, websocket::server &server, std::uint64_t id) {
    const std::vector<std::string> texts{"first", "second", std::string(1000, 'x')};
    std::vector<websocket::outgoing> outgoing;
    for (const auto &text : texts) outgoing.push_back(websocket::outgoing_text(text));
    const auto sent = client.send_batch(outgoing);
    CHECK(sent && sent.queued() == 3);
    std::size_t seen = 0;
    while (seen < texts.size()) {
        const auto batch = server.receive_batch(10s);
        CHECK(batch && batch->size() > 0);
        std::vector<websocket::outgoing> back;
        for (const auto message : *batch) {
            CHECK(message.data() == texts[seen++] && message.connection() == id);
            back.push_back(websocket::outgoing_binary(message.data(), id));
        }
        CHECK(server.send_batch(back).queued() == back.size());
    }
    for (seen = 0; seen < texts.size();) {
        const auto batch = client.receive_event_batch(10s);
        CHECK(batch);
        for (std::size_t at = 0; at < batch->size(); ++at) {
            if ((*batch)[at].event() == WSADDIN_EVENT_OPEN) continue;
            CHECK(!(*batch)[at].is_text() && (*batch)[at].data() == texts[seen++]);
        }
    }
    CHECK(server.receive_batch(0ms).timed_out() && server.receive_event_batch(websocket::no_wait).timed_out());
    CHECK(client.receive_batch(-1s).timed_out());
    CHECK(result_of([&] { (void)server.send_batch(outgoing); }) == WSADDIN_BAD_ARGUMENT);
}

static void conversation(websocket::client &client, websocket::server &server) {
    server.run("127.0.0.1", 0);
    CHECK(server.get_server() == "127.0.0.1" && server.get_port() > 0);
    const std::string url = "ws://127.0.0.1:" + std::to_string(server.get_port()) + "/path?a=b";
    client.set_header("X-Test", "yes");
    client.connect(url);
    CHECK(client.get_status() == 1 && client.get_ready_state() == 1 && client.get_protocol() == "chat");
    CHECK(client.get_server() == url.substr(0, url.find('?')) && client.get_extensions().rfind("permessage-deflate", 0) == 0);
    CHECK(result_of([&] { client.connect(url); }) == WSADDIN_ALREADY_CONNECTED);

    auto open = server.receive_event(10s);
    CHECK(open && open->event() == WSADDIN_EVENT_OPEN && open->connection() == 1);
    const auto id = open->connection();
    CHECK(server.connection_info(id)->find("x-test") != std::string::npos);
    CHECK(server.connection_list().front() == '[' && server.get_connections().rfind("1: 127.0.0.1:", 0) == 0);
    CHECK(server.get_connection_count() == 1);

    const std::uint64_t idle = server.id();
    const std::string_view text("embedded \0 NUL, \xF0\x9F\x98\x80", 20);
    CHECK(client.send_text(text));
    CHECK(client.send_binary(std::string(100'000, '\xFF')));
    auto first = server.receive(10s);
    CHECK(first && first->is_text() && first->data() == text);
    auto second = server.receive(10s);
    CHECK(second && !second->is_text() && second->data().size() == 100'000);
    CHECK(server.receive(0ms).timed_out() && server.receive(websocket::no_wait).timed_out() && server.receive_event(-1s).timed_out());
    CHECK(!websocket::wait_any(&idle, 1, 0ms));
    CHECK(server.send_text(id, "one") && server.send_binary(id, "two"));
    CHECK(server.broadcast_text("three") == 1 && server.broadcast_binary("four") == 1);
    const std::uint64_t ids[] = {server.id(), client.id()};
    CHECK(websocket::wait_any(ids, 2, 10s) == 1u);
    CHECK(server.broadcast(WSADDIN_KIND_TEXT, "not for it", {}, id) == 0);
    CHECK(server.broadcast(WSADDIN_KIND_BINARY, "five", {}, 0, WSADDIN_SKIP_FULL) == 1);
    CHECK(server.set_name(id, "me") && server.name_info("me")->find("\"state\":\"open\"") != std::string::npos);
    CHECK(!server.name_info("nobody") && server.name_list("nobody") == "[]" && server.name_list().find("\"me\"") != std::string::npos);
    CHECK(!server.disconnect_name("nobody") && server.set_name(id, ""));
    for (const auto *expected : {"one", "two", "three", "four", "five"}) {
        auto got = client.receive(10s);
        CHECK(got && got->data() == expected);
    }
    batches(client, server, id);
    CHECK(*client.ping() >= 0ms && *server.ping(id) >= 0ms);
    CHECK(client.get_queued() == 0 && server.get_queued() == 0 && client.get_buffered_amount() == 0);
    CHECK(client.statistics().front() == '{' && server.statistics().front() == '{');

    CHECK(server.pause(id) && server.pause(id, false));
    CHECK(result_of([&] { server.abort(4711); }) == WSADDIN_BAD_ARGUMENT);
    CHECK(server.disconnect(id, 4000, "enough"));
    CHECK(!server.abort(id) && !server.pause(id));
    CHECK(!server.disconnect(id) && server.send_text(id, "late").ended() && !server.connection_info(id));
    CHECK(client.receive(10s).ended());
    CHECK(client.get_handshake_status() == 101 && client.get_response_headers().find("\"upgrade\"") != std::string::npos);
    CHECK(client.get_response_body().empty() && client.get_error_code() <= 0 && server.get_error_code() <= 0);
    CHECK(client.get_close_code() == 4000 && client.get_close_reason() == "enough" && !client.disconnect());
    client.abort();
    CHECK(client.receive_batch(1s).ended() && client.send_batch({websocket::outgoing_text("late")}).ended());
    CHECK(client.send_text("late").ended() && client.ping().ended() && client.request("{}").ended());
    CHECK(server.send_to_name_text("nobody", "x").not_found());
    CHECK(result_of([&] { (void)server.send_text(4711, "x"); }) == WSADDIN_BAD_ARGUMENT);
}

static void handlers(websocket::client &client, websocket::server &server) {
    std::promise<websocket::message> kept;
    bool once = false;
    server.set_handler([&](const websocket::message_view &event) {
        if (event.event() != WSADDIN_EVENT_MESSAGE || once) return;
        once = true;
        CHECK(result_of([&] { server.stop(); }) == WSADDIN_WOULD_DEADLOCK);
        kept.set_value(event.keep());
        CHECK(server.send_text(event.connection(), event.data()));
        server.set_handler({});
    });
    client.begin_connect("ws://127.0.0.1:" + std::to_string(server.get_port()));
    auto open = client.receive_event(10s);
    CHECK(open && open->event() == WSADDIN_EVENT_OPEN);
    CHECK(client.send_text("to the handler"));
    CHECK(kept.get_future().get().data() == "to the handler");
    CHECK(client.receive(10s)->data() == "to the handler");
    CHECK(client.disconnect(1000, "bye"));
    server.stop();
    CHECK(server.receive(1s).ended() && server.get_port() == 0);
}

static void requests(websocket::client &client, websocket::server &server) {
    server.run("localhost", 0);
    server.set_handler([&](const websocket::message_view &event) {
        if (event.event() == WSADDIN_EVENT_MESSAGE) CHECK(server.send_text(event.connection(), event.data()));
    });
    client.connect("ws://localhost:" + std::to_string(server.get_port()));
    CHECK(client.request("{\"id\":7}", 10s)->data() == "{\"id\":7}");
    server.set_handler({});
    CHECK(client.request("{}", 50ms).timed_out());
    // The other side reads nothing more: the send queue fills, for longer than its pongs may take when all is slow.
    client.set_ping_interval(0s);
    server.set_ping_interval(0s);
    server.set_receive_queue_messages(1);
    client.set_send_queue_bytes(1 << 20);
    client.set_send_timeout(0s);
    std::string large(1 << 18, 'x');
    std::uint32_t noise = 4711; // what cannot be compressed
    for (char &byte : large) byte = static_cast<char>((noise = noise * 1664525 + 1013904223) >> 24);
    websocket::sent last(WSADDIN_OK);
    for (int at = 0; at < 1000 && last; ++at) last = client.send_binary(large);
    CHECK(last.full());
    while (server.receive(1s)) {}
}

int main() {
    CHECK(!websocket::version().empty());
    websocket::client client;
    websocket::server server;
    properties(client, server);
    conversation(client, server);
    handlers(client, server);
    requests(client, server);
    websocket::client moved = std::move(client);
    CHECK(moved.get_ready_state() == 1);
    websocket::set_log("", WSADDIN_LOG_FRAMES);
    CHECK(result_of([&] { websocket::set_log("/nowhere/at/all.log"); }) == WSADDIN_FILE);
    websocket::set_language(WSADDIN_LANGUAGE_RUSSIAN);
    CHECK(result_of([&] { client.connect("ws://127.0.0.1"); }) == WSADDIN_BAD_HANDLE);
    CHECK(result_of([&] { websocket::set_language(7); }) == WSADDIN_BAD_ARGUMENT);
    std::puts("wrapper: everything as expected");
}
