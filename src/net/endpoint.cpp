#include "net/endpoint.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include "net/ip_address.hpp"
#include "net/socket_stream.hpp"

namespace claviger::net {
namespace {

template <class Ask>
std::optional<Endpoint> endpoint(const Stream& stream, Ask ask) {
    const auto* plain = dynamic_cast<const SocketStream*>(&stream);
    if (plain == nullptr || plain->fd() < 0) return std::nullopt;
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    const auto* generic = reinterpret_cast<const sockaddr*>(&storage);
    if (ask(plain->fd(), reinterpret_cast<sockaddr*>(&storage), &size) != 0) return std::nullopt;
    auto address = IpAddress::from(generic);
    if (!address) return std::nullopt;
    // The port lies at the same place in both families.
    const std::uint16_t port = ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
    const auto mapped = IpAddress::parse("::ffff:0:0");
    if (!address->is_v4() && address->within(*mapped, 96)) address = address->embedded(12, 13, 14, 15);
    return Endpoint{address->text(), port};
}

}  // namespace

std::optional<Endpoint> peer_endpoint(const Stream& stream) { return endpoint(stream, ::getpeername); }
std::optional<Endpoint> local_endpoint(const Stream& stream) { return endpoint(stream, ::getsockname); }

}  // namespace claviger::net
