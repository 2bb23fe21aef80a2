//! Sockets, TLS, name lookup and readiness: everything that talks to the operating system's network.
