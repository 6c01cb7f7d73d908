#include "sys/qr_code.hpp"

#include <cerrno>

#include <dlfcn.h>
#include <qrencode.h>

namespace claviger::sys {
namespace {

struct Library {
    decltype(&QRcode_encodeString) encode = nullptr;
    decltype(&QRcode_free) release = nullptr;
};

// Loaded, not linked: of all commands a login by device code alone needs it, and then it is no loss to do without.
Library load_library() {
    Library library;
    void* handle = ::dlopen("libqrencode.so.4", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (handle == nullptr) return library;
    library.encode = reinterpret_cast<decltype(library.encode)>(::dlsym(handle, "QRcode_encodeString"));
    library.release = reinterpret_cast<decltype(library.release)>(::dlsym(handle, "QRcode_free"));
    return library;
}

}  // namespace

base::Result<QrCode> QrCode::of(const std::string& text) {
    static const Library library = load_library();
    if (library.encode == nullptr || library.release == nullptr) {
        return base::fail(base::ErrorCode::unsupported, "a QR code needs libqrencode, which is not installed",
                          "install the package libqrencode4");
    }
    errno = 0;
    // The smallest version that holds it; a screen has no stains that a higher level of correction would be for.
    QRcode* made = library.encode(text.c_str(), 0, QR_ECLEVEL_L, QR_MODE_8, 1);
    if (made == nullptr) {
        const bool too_long = errno == ERANGE;
        return base::fail(too_long ? base::ErrorCode::limit : base::ErrorCode::internal,
                          too_long ? "the text is too long for a QR code" : "the QR code could not be made");
    }
    QrCode code;
    code.width_ = made->width;
    const auto count = static_cast<std::size_t>(made->width) * static_cast<std::size_t>(made->width);
    for (std::size_t i = 0; i < count; ++i) code.modules_ += (made->data[i] & 1) != 0 ? '1' : '0';
    library.release(made);
    return code;
}

}  // namespace claviger::sys
