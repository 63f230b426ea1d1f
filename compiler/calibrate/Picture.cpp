#include "compiler/calibrate/Picture.h"
#include "compiler/calibrate/Bytes.h"
#include <climits>
#include <cstdlib>

// The libraries of single headers: their functions are made here, static, for the formats that are used.
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STBI_MAX_DIMENSIONS 16384
// Of damaged files it uses tables that were never filled: zeros make the same of them each time.
#define STBI_MALLOC(size) calloc(1, size)
#define STBI_REALLOC(memory, size) realloc(memory, size)
#define STBI_FREE(memory) free(memory)
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#include <stb/stb_image.h>
#define STB_IMAGE_RESIZE_STATIC
#define STB_IMAGE_RESIZE_IMPLEMENTATION
#include <stb/stb_image_resize.h>

using namespace llvm;

namespace lathe::samples {

static_assert(kMaxSide == STBI_MAX_DIMENSIONS);

/// 12 bytes each while a picture is resized.
static constexpr int64_t kMaxPixels = int64_t(64) << 20;

static Error unreadable() {
  const char *reason = stbi_failure_reason();
  return createStringError("not a PNG, JPEG or BMP picture, or a damaged one: " + Twine(reason ? reason : "unknown"));
}

Expected<Picture> readPicture(StringRef path, int64_t channels) {
  auto file = openFile(path);
  if (!file)
    return file.takeError();
  if ((*file)->size() > uint64_t(INT_MAX))
    return createStringError("expects a picture of less than 2 GiB, got " + Twine((*file)->size()) + " bytes");
  std::vector<stbi_uc> bytes((*file)->size());
  if (Error error = (*file)->read(0, {reinterpret_cast<char *>(bytes.data()), bytes.size()}))
    return error;
  int width = 0, height = 0, stored = 0;
  if (!stbi_info_from_memory(bytes.data(), int(bytes.size()), &width, &height, &stored))
    return unreadable();
  if (int64_t(width) * height > kMaxPixels)
    return createStringError("expects at most %lld pixels, got %d x %d", (long long)kMaxPixels, width, height);
  stbi_uc *pixels = stbi_load_from_memory(bytes.data(), int(bytes.size()), &width, &height, &stored, int(channels));
  if (!pixels)
    return unreadable();
  Picture picture{height, width, channels, {}};
  picture.values.assign(pixels, pixels + int64_t(height) * width * channels);
  stbi_image_free(pixels);
  return picture;
}

Picture resize(Picture picture, int64_t height, int64_t width) {
  if (picture.height == height && picture.width == width)
    return picture;
  Picture result{height, width, picture.channels, {}};
  result.values.resize(size_t(height * width * picture.channels));
  bool isDone = stbir_resize_float_generic(picture.values.data(), int(picture.width), int(picture.height), 0,
                                           result.values.data(), int(width), int(height), 0, int(picture.channels),
                                           STBIR_ALPHA_CHANNEL_NONE, 0, STBIR_EDGE_CLAMP, STBIR_FILTER_TRIANGLE,
                                           STBIR_COLORSPACE_LINEAR, nullptr);
  if (!isDone) // it fails for want of memory only
    report_bad_alloc_error("resizing a picture");
  return result;
}

} // namespace lathe::samples
