#include "dialects/support/Decisions.h"
#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace lathe {

namespace {
constexpr llvm::StringLiteral kDecisions = "lathe.decisions";

void collectNames(Location location, std::vector<std::string> &names) {
  if (auto fused = dyn_cast<FusedLoc>(location)) {
    for (Location part : fused.getLocations())
      collectNames(part, names);
  } else if (auto name = dyn_cast<NameLoc>(location)) {
    if (!llvm::is_contained(names, name.getName().getValue()))
      names.push_back(name.getName().str());
  } else if (auto call = dyn_cast<CallSiteLoc>(location)) {
    collectNames(call.getCallee(), names);
  }
}

DictionaryAttr toAttribute(const Decision &decision, Builder &b) {
  return b.getDictionaryAttr({b.getNamedAttr("node", b.getStringAttr(decision.node)),
                              b.getNamedAttr("what", b.getStringAttr(decision.what)),
                              b.getNamedAttr("taken", b.getBoolAttr(decision.taken)),
                              b.getNamedAttr("reason", b.getStringAttr(decision.reason))});
}

std::string textOf(DictionaryAttr entry, StringRef name) {
  auto text = entry.getAs<StringAttr>(name);
  return text ? text.str() : std::string();
}

Operation *holderOf(Operation *op) {
  Operation *holder = op;
  for (; holder->getParentOp(); holder = holder->getParentOp())
    if (isa<FunctionOpInterface>(holder))
      return holder;
  return holder;
}
} // namespace

std::vector<std::string> nodeNames(Location location) {
  std::vector<std::string> names;
  collectNames(location, names);
  return names;
}

std::string nodeName(Location location) {
  std::vector<std::string> names = nodeNames(location);
  return names.empty() ? "?" : llvm::join(names, " + ");
}

void addDecisions(Operation *holder, ArrayRef<Decision> decisions) {
  Builder b(holder->getContext());
  SmallVector<Attribute> entries;
  if (auto known = holder->getAttrOfType<ArrayAttr>(kDecisions))
    entries.assign(known.begin(), known.end());
  for (const Decision &decision : decisions)
    if (Attribute entry = toAttribute(decision, b); !llvm::is_contained(entries, entry))
      entries.push_back(entry);
  if (!entries.empty())
    holder->setAttr(kDecisions, b.getArrayAttr(entries));
}

void recordDecision(Operation *op, StringRef what, bool taken, const Twine &reason) {
  addDecisions(holderOf(op), Decision{nodeName(op->getLoc()), what.str(), taken, reason.str()});
}

std::vector<Decision> decisionsOf(Operation *holder) {
  std::vector<Decision> decisions;
  if (auto entries = holder->getAttrOfType<ArrayAttr>(kDecisions))
    for (auto entry : entries.getAsRange<DictionaryAttr>()) {
      auto taken = entry.getAs<BoolAttr>("taken");
      decisions.push_back(
          {textOf(entry, "node"), textOf(entry, "what"), taken && taken.getValue(), textOf(entry, "reason")});
    }
  return decisions;
}

} // namespace lathe
