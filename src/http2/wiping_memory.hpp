// Memory for libnghttp2, which holds fields and bodies: wiped when it is freed. Thread rule: any.
#pragma once

#include <nghttp2/nghttp2.h>

namespace claviger::http2 {

nghttp2_mem* wiping_memory();  // lives as long as the program

}  // namespace claviger::http2
