#include "backends/Target.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/X86TargetParser.h"
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

namespace lathe {

namespace {
/// Features that generated code may profit from; all others of a CPU are left out, so that the loader asks for no more
/// than needed.
constexpr llvm::StringLiteral kUseful[] = {
    "sse3",       "ssse3",      "sse4.1",     "sse4.2",  "popcnt",   "avx",      "avx2",     "fma",      "f16c",
    "bmi",        "bmi2",       "lzcnt",      "movbe",   "avx512f",  "avx512bw", "avx512cd", "avx512dq", "avx512vl",
    "avx512vnni", "avx512bf16", "avx512vbmi", "avxvnni", "amx-tile", "amx-int8", "amx-bf16"};

int64_t cacheBytes(int name, int64_t otherwise) {
  long value = sysconf(name);
  return value > 0 ? int64_t(value) : otherwise;
}

void measureCaches(Target &target) {
  target.l1Bytes = cacheBytes(_SC_LEVEL1_DCACHE_SIZE, target.l1Bytes);
  target.l2Bytes = cacheBytes(_SC_LEVEL2_CACHE_SIZE, target.l2Bytes);
  int64_t cores = std::max(1u, std::thread::hardware_concurrency());
  int64_t share = cacheBytes(_SC_LEVEL3_CACHE_SIZE, target.l3Bytes * cores) / cores;
  target.l3Bytes = std::clamp<int64_t>(share, 1 << 20, 4 << 20); // virtual machines report the whole socket's
}

/// Asks Linux for the registers of AMX, which it keeps from processes that don't.
bool mayUseTiles() {
  constexpr long requestPermission = 0x1023, tileData = 18; // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, requestPermission, tileData) == 0;
}

/// Features of this machine that its operating system lets us use.
void setHostFeatures(Target &target) {
  llvm::StringMap<bool> host = llvm::sys::getHostCPUFeatures();
  bool hasTiles = host.lookup("amx-tile") && mayUseTiles();
  for (llvm::StringRef feature : kUseful)
    if (host.lookup(feature) && (hasTiles || !feature.starts_with("amx-")))
      target.features.push_back(feature.str());
}

/// The levels of the x86-64 psABI, which LLVM's table doesn't spell out.
llvm::SmallVector<llvm::StringRef> levelFeatures(llvm::StringRef cpu) {
  llvm::SmallVector<llvm::StringRef> features;
  if (cpu == "x86-64-v2" || cpu == "x86-64-v3" || cpu == "x86-64-v4")
    features.append({"sse3", "ssse3", "sse4.1", "sse4.2", "popcnt"});
  if (cpu == "x86-64-v3" || cpu == "x86-64-v4")
    features.append({"avx", "avx2", "fma", "f16c", "bmi", "bmi2", "lzcnt", "movbe"});
  if (cpu == "x86-64-v4")
    features.append({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"});
  return features;
}

void setCpuFeatures(Target &target) {
  llvm::SmallVector<llvm::StringRef> known = levelFeatures(target.llvmCpu);
  if (known.empty())
    llvm::X86::getFeaturesForCPU(target.llvmCpu, known);
  llvm::StringMap<bool> all; // LLVM's table leaves out what others imply
  for (llvm::StringRef feature : known) {
    all[feature] = true;
    llvm::X86::updateImpliedFeatures(feature, true, all);
  }
  for (llvm::StringRef feature : kUseful)
    if (all.lookup(feature))
      target.features.push_back(feature.str());
}

std::string listOfCpus() {
  llvm::SmallVector<llvm::StringRef> names;
  llvm::X86::fillValidCPUArchList(names, /*Only64Bit=*/true);
  llvm::sort(names);
  return "native, " + llvm::join(names, ", ");
}
} // namespace

bool Target::has(llvm::StringRef feature) const { return llvm::is_contained(features, feature); }

int Target::vectorBits() const {
  if (has("avx512f") && has("avx512bw") && has("avx512dq") && has("avx512vl"))
    return 512;
  return has("avx2") && has("fma") ? 256 : 128;
}

std::string Target::isa() const {
  if (vectorBits() == 512 && has("avx512vnni"))
    return has("amx-int8") && has("amx-tile") ? "amx" : "avx512vnni";
  if (vectorBits() == 512)
    return "avx512";
  if (vectorBits() == 256)
    return has("avxvnni") ? "avxvnni" : "avx2";
  return "sse";
}

namespace {
llvm::Expected<Target> parseOne(llvm::StringRef cpu) {
  Target target;
  target.cpu = cpu.str();
  target.llvmCpu = cpu.str();
  if (cpu == "native") {
    target.cpu = target.llvmCpu = llvm::sys::getHostCPUName().str();
    setHostFeatures(target);
    measureCaches(target);
  } else {
    if (llvm::X86::parseArchX86(cpu, /*Only64Bit=*/true) == llvm::X86::CK_None)
      return llvm::createStringError(std::errc::invalid_argument, "unknown CPU '%s', expects one of %s",
                                     target.cpu.c_str(), listOfCpus().c_str());
    setCpuFeatures(target);
  }
  llvm::sort(target.features);
  if (!target.has("sse4.1"))
    return llvm::createStringError(std::errc::invalid_argument, "expects a CPU with SSE4.1 (x86-64-v2), got '%s'",
                                   target.cpu.c_str());
  return target;
}
} // namespace

llvm::Expected<Target> Target::parse(llvm::StringRef cpu) {
  auto [name, carrierName] = cpu.split('/');
  llvm::Expected<Target> target = parseOne(name);
  if (!target || name.size() == cpu.size())
    return target;
  llvm::Expected<Target> carrier = parseOne(carrierName);
  if (!carrier)
    return carrier.takeError();
  auto isLacking = [&](const std::string &feature) { return !carrier->has(feature); };
  if (llvm::any_of(target->features, isLacking)) {
    target->cpu = cpu.str();
    target->carrier = carrier->features;
  }
  return target;
}

mlir::DictionaryAttr Target::toAttribute(mlir::MLIRContext *context) const {
  mlir::Builder b(context);
  llvm::SmallVector<llvm::StringRef> names(features.begin(), features.end()), others(carrier.begin(), carrier.end());
  return b.getDictionaryAttr(
      {b.getNamedAttr("carrier", b.getStrArrayAttr(others)), b.getNamedAttr("cpu", b.getStringAttr(cpu)),
       b.getNamedAttr("llvm_cpu", b.getStringAttr(llvmCpu)), b.getNamedAttr("features", b.getStrArrayAttr(names)),
       b.getNamedAttr("l1_bytes", b.getI64IntegerAttr(l1Bytes)),
       b.getNamedAttr("l2_bytes", b.getI64IntegerAttr(l2Bytes)),
       b.getNamedAttr("l3_bytes", b.getI64IntegerAttr(l3Bytes))});
}

Target Target::of(mlir::DictionaryAttr attribute) {
  Target target;
  auto text = [&](llvm::StringRef name, std::string &to) {
    if (auto value = attribute.getAs<mlir::StringAttr>(name))
      to = value.getValue().str();
  };
  auto number = [&](llvm::StringRef name, int64_t &to) {
    if (auto value = attribute.getAs<mlir::IntegerAttr>(name))
      to = value.getInt();
  };
  text("cpu", target.cpu);
  text("llvm_cpu", target.llvmCpu);
  auto list = [&](llvm::StringRef name, std::vector<std::string> &to) {
    if (auto names = attribute.getAs<mlir::ArrayAttr>(name))
      for (auto entry : names.getAsRange<mlir::StringAttr>())
        to.push_back(entry.getValue().str());
  };
  list("features", target.features);
  list("carrier", target.carrier);
  number("l1_bytes", target.l1Bytes);
  number("l2_bytes", target.l2Bytes);
  number("l3_bytes", target.l3Bytes);
  return target;
}

} // namespace lathe
