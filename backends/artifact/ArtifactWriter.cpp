// Equal constants are found by digest, so the places of all weights are known before one is packed. Weights are streamed to the
// file; then their digests are known, which the manifest behind them has; the header is put in front last.
#include "backends/artifact/ArtifactWriter.h"
#include "backends/artifact/ProgramManifest.h"
#include "backends/artifact/WeightsStore.h"
#include "lathe/artifact.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <cstring>
#include <xxhash.h>
#include <zstd.h>

using namespace mlir;

namespace lathe {

namespace {

/// One Zstandard frame (RFC 8878), unless the bytes themselves are not more. Decoding is as quick for all levels: a high one.
std::vector<char> pack(ArrayRef<char> bytes) {
  constexpr int level = 19;
  std::vector<char> frame(ZSTD_compressBound(bytes.size()));
  size_t size = ZSTD_compress(frame.data(), frame.size(), bytes.data(), bytes.size(), level);
  if (ZSTD_isError(size) || size >= bytes.size())
    return bytes.vec();
  frame.resize(size);
  return frame;
}

class ArtifactWriter {
public:
  ArtifactWriter(ArrayRef<CompiledProgram> programs, const ArtifactText &text, Backend &backend, bool keepsConstants)
      : programs(programs), weights(backend, keepsConstants) {
    describeText(text);
  }

  LogicalResult prepare();
  ArtifactSizes write(llvm::raw_fd_ostream &out);

private:
  void describeText(const ArtifactText &text);
  std::vector<char> manifestBytes() const;
  lathe_artifact_header header(ArrayRef<char> packedManifest, uint64_t unpackedBytes) const;

  static constexpr uint64_t kWeightsOffset = llvm::alignTo(sizeof(lathe_artifact_header), LATHE_BUFFER_ALIGNMENT);
  ArrayRef<CompiledProgram> programs;
  WeightsStore weights;
  artifact::ManifestT manifest;
  std::vector<char> code; // packed, of all programs
};

void ArtifactWriter::describeText(const ArtifactText &text) {
  manifest.producer = text.producer;
  manifest.model = text.model;
  manifest.flags = text.flags;
  for (const Decision &decision : text.decisions) {
    auto entry = std::make_unique<artifact::DecisionT>();
    entry->node = decision.node;
    entry->what = decision.what;
    entry->taken = decision.taken;
    entry->reason = decision.reason;
    manifest.decisions.push_back(std::move(entry));
  }
  for (const GraphNode &node : text.graph) {
    auto entry = std::make_unique<artifact::GraphNodeT>();
    entry->name = node.name;
    entry->op = node.op;
    entry->producers = node.producers;
    manifest.graph.push_back(std::move(entry));
  }
}

std::vector<char> ArtifactWriter::manifestBytes() const {
  flatbuffers::FlatBufferBuilder builder(1 << 20);
  builder.Finish(artifact::Manifest::Pack(builder, &manifest), artifact::ManifestIdentifier());
  auto *begin = reinterpret_cast<const char *>(builder.GetBufferPointer());
  return {begin, begin + builder.GetSize()};
}

LogicalResult ArtifactWriter::prepare() {
  for (auto [index, program] : llvm::enumerate(programs))
    if (failed(weights.add(program.program, index)))
      return failure();
  weights.layout();
  for (const CompiledProgram &program : programs) {
    auto entry = describeProgram(program.program, program.code, weights);
    if (failed(entry))
      return failure();
    std::vector<char> packed = pack(program.code.bytes);
    (*entry)->code_offset = kWeightsOffset + weights.sizeBytes() + code.size();
    (*entry)->code_packed_bytes = packed.size();
    llvm::append_range(code, packed);
    manifest.programs.push_back(std::move(*entry));
  }
  return success();
}

lathe_artifact_header ArtifactWriter::header(ArrayRef<char> packedManifest, uint64_t unpackedBytes) const {
  lathe_artifact_header header = {};
  std::memcpy(header.magic, LATHE_ARTIFACT_MAGIC, LATHE_ARTIFACT_MAGIC_BYTES);
  header.version = LATHE_ARTIFACT_VERSION;
  header.header_bytes = sizeof(header);
  header.alignment = LATHE_BUFFER_ALIGNMENT;
  header.kernel_abi = LATHE_KERNEL_ABI_VERSION;
  header.weights_offset = kWeightsOffset;
  header.weights_bytes = weights.sizeBytes();
  header.code_offset = header.weights_offset + header.weights_bytes;
  header.code_bytes = code.size();
  header.manifest_offset = header.code_offset + header.code_bytes;
  header.manifest_bytes = packedManifest.size();
  header.manifest_unpacked_bytes = unpackedBytes;
  header.file_bytes = header.manifest_offset + header.manifest_bytes;
  XXH3_state_t state;
  XXH3_128bits_reset(&state);
  XXH3_128bits_update(&state, &header, sizeof(header));
  XXH3_128bits_update(&state, packedManifest.data(), packedManifest.size());
  XXH3_128bits_update(&state, code.data(), code.size());
  XXH128_canonical_t digest;
  XXH128_canonicalFromHash(&digest, XXH3_128bits_digest(&state));
  std::memcpy(header.digest, digest.digest, sizeof(header.digest));
  return header;
}

/// Written in whole huge pages, so that the page cache keeps the file in such (ext4 since Linux 6.16, XFS, tmpfs): 600 MB are then
/// mapped in half a millisecond instead of 40, and read faster.
ArtifactSizes ArtifactWriter::write(llvm::raw_fd_ostream &out) {
  constexpr size_t hugePageBytes = 2 << 20;
  out.SetBufferSize(hugePageBytes);
  out.write_zeros(kWeightsOffset);
  weights.write(out);
  manifest.weights = weights.segments(kWeightsOffset);
  std::vector<char> unpacked = manifestBytes(), packed = pack(unpacked);
  out.write(code.data(), code.size());
  out.write(packed.data(), packed.size());
  lathe_artifact_header head = header(packed, unpacked.size());
  out.seek(0);
  out.write(reinterpret_cast<const char *>(&head), sizeof(head));
  return {head.file_bytes, packed.size(), code.size(), weights.sizeBytes()};
}

llvm::Error writeError(StringRef path, std::error_code error) {
  return llvm::createStringError(error, "can't write '" + path.str() + "': " + error.message());
}

/// Renaming over a device or a folder would take its place.
llvm::Error checkReplaceable(StringRef path) {
  llvm::sys::fs::file_status status;
  if (llvm::sys::fs::status(path, status) || llvm::sys::fs::is_regular_file(status))
    return llvm::Error::success();
  return llvm::createStringError("can't write '" + path.str() + "': not a regular file");
}
} // namespace

llvm::Expected<ArtifactSizes> writeArtifact(StringRef path, ArrayRef<CompiledProgram> programs,
                                            const ArtifactText &text, Backend &backend, bool keepsConstants) {
  if (llvm::Error error = checkReplaceable(path))
    return error;
  ArtifactWriter writer(programs, text, backend, keepsConstants);
  if (failed(writer.prepare()))
    return llvm::createStringError("a program can't be put into an artifact");
  auto file =
      llvm::sys::fs::TempFile::create(path + ".%%%%%%.tmp", llvm::sys::fs::all_read | llvm::sys::fs::owner_write);
  if (!file)
    return writeError(path, llvm::errorToErrorCode(file.takeError()));
  ArtifactSizes sizes;
  std::error_code error;
  {
    llvm::raw_fd_ostream out(file->FD, /*shouldClose=*/false);
    sizes = writer.write(out);
    out.flush();
    error = out.error();
    out.clear_error();
  }
  if (error) {
    llvm::consumeError(file->discard());
    return writeError(path, error);
  }
  if (llvm::Error failure = file->keep(path))
    return writeError(path, llvm::errorToErrorCode(std::move(failure)));
  return sizes;
}

} // namespace lathe
