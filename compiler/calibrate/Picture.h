// Pictures in memory, read with stb_image.
#pragma once

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <vector>

namespace lathe::samples {

/// Rows from the top, pixels from the left, channels innermost; values 0..255.
struct Picture {
  int64_t height = 0, width = 0, channels = 0;
  std::vector<float> values;
};

/// Sides of pictures and of what they are resized to.
inline constexpr int64_t kMaxSide = 16384;

/// Decodes PNG, JPEG and BMP to 1 (gray), 3 (RGB) or 4 (RGBA) channels. Error, without the path: unreadable, not a picture,
/// damaged, too large.
llvm::Expected<Picture> readPicture(llvm::StringRef path, int64_t channels);

/// Resized by a bilinear filter whose support grows with the reduction (but at the edges as Pillow's and torchvision's
/// antialiased one), edges repeated, values taken as they are (no gamma). 1 <= height, width <= kMaxSide.
Picture resize(Picture picture, int64_t height, int64_t width);

} // namespace lathe::samples
