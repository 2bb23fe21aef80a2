// An echo server on uWebSockets, one thread.
#include "App.h"

#include <cstdio>

int main() {
    struct Data {};
    uWS::TemplatedApp<false>::WebSocketBehavior<Data> behavior;
    behavior.compression = uWS::DISABLED;
    behavior.maxPayloadLength = 64 * 1024 * 1024;
    behavior.maxBackpressure = 256 * 1024 * 1024;
    behavior.idleTimeout = 0;
    behavior.message = [](auto* socket, std::string_view message, uWS::OpCode code) { socket->send(message, code); };
    uWS::App()
        .ws<Data>("/*", std::move(behavior))
        .listen("127.0.0.1", 0, [](auto* socket) {
            if (!socket) return;
            std::printf("%d\n", us_socket_local_port(0, reinterpret_cast<us_socket_t*>(socket)));
            std::fflush(stdout);
        })
        .run();
}
