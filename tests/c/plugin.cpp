// A plug-in by the C++ wrapper. Its objects are globals: unloading the plug-in ends them while their connections are open.
#include "websocket_addin.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace {

using namespace std::chrono_literals;

struct conversation {
    websocket::server server;
    websocket::client client;

    explicit conversation(const std::string &scheme) {
        server.set_handler([this](const websocket::message_view &event) {
            if (event.event() == WSADDIN_EVENT_MESSAGE) (void)server.send_text(event.connection(), event.data());
        });
        client.set_verify_certificate(false);
        client.set_connect_timeout(120s);
        url_ = scheme + "://127.0.0.1:";
    }

    int talk() {
        client.connect(url_ + std::to_string(server.get_port()) + "/");
        int echoes = 0;
        for (int i = 0; i < 10; i++) {
            if (!client.send_text("there and back")) break;
            const auto answer = client.receive(30s);
            if (answer && answer->data() == "there and back") echoes++;
        }
        return echoes;
    }

private:
    std::string url_;
};

std::optional<conversation> plain, secure;

} // namespace

/** How many echoes came; negative where something failed. */
extern "C" int plugin_use(const char *certificate, const char *key) {
    try {
        plain.emplace("ws");
        plain->server.run("127.0.0.1", 0);
        secure.emplace("wss");
        secure->server.run_tls("127.0.0.1", 0, certificate, key);
        return plain->talk() + secure->talk();
    } catch (const std::exception &failure) {
        std::fprintf(stderr, "%s\n", failure.what());
        return -1;
    }
}
