// A QR code (ISO/IEC 18004) as a square of modules, by libqrencode, which is loaded when the first one is made.
// Thread rule: values; making one is safe on any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace claviger::sys {

class QrCode {
public:
    static constexpr int kQuietZone = 4;  // light modules that must surround it

    // ErrorCode::limit when the text is too long for one, unsupported without the library.
    static base::Result<QrCode> of(const std::string& text);

    [[nodiscard]] int width() const { return width_; }  // modules of a side, without the quiet zone
    // Outside of the square everything is light.
    [[nodiscard]] bool dark(int x, int y) const {
        const bool inside = x >= 0 && y >= 0 && x < width_ && y < width_;
        return inside && modules_[static_cast<std::size_t>(y * width_ + x)] == '1';
    }

private:
    int width_ = 0;
    std::string modules_;  // row by row, '1' = dark
};

}  // namespace claviger::sys
