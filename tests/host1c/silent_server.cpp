// A port that accepts and then says nothing.
#include "host.hpp"

#ifdef _WIN32
#include <winsock2.h>

using socklen_t = int;
static void close(SOCKET socket) { closesocket(socket); }
#else
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

using SOCKET = int;
#endif

SilentServer::SilentServer() : socket(static_cast<long long>(::socket(AF_INET, SOCK_STREAM, 0))) {
    const auto handle = static_cast<SOCKET>(socket);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    CHECK(bind(handle, reinterpret_cast<sockaddr*>(&address), size) == 0 && listen(handle, 16) == 0);
    CHECK(getsockname(handle, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port = ntohs(address.sin_port);
}

SilentServer::~SilentServer() { close(static_cast<SOCKET>(socket)); }
