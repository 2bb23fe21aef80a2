// A client over TLS, in C++17. Beside the system's authorities it trusts one of its own, as inside a company:
// secure wss://host:port/ [ca.pem]
#include "websocket_addin.hpp"

#include <chrono>
#include <cstdio>
#include <string>

int main(int argc, char **argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: %s wss://host:port/ [ca.pem]\n", argv[0]);
        return 2;
    }
    try {
        websocket::client client;
        if (argc > 2) client.set_ca_file(argv[2]);
        client.connect(argv[1]);
        if (!client.send_text("hello over TLS")) {
            std::fprintf(stderr, "the other side has closed\n");
            return 1;
        }
        const auto answer = client.receive(std::chrono::seconds(5));
        if (!answer) {
            std::fprintf(stderr, answer.ended() ? "the other side has closed\n" : "no answer\n");
            return 1;
        }
        std::printf("%s\n", std::string(answer->data()).c_str());
        client.disconnect();
    } catch (const websocket::error &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return error.result() == WSADDIN_CERTIFICATE ? 3 : 1;
    }
    return 0;
}
