#include "compiler/driver/Messages.h"
#include "dialects/support/Decisions.h"
#include "mlir/IR/Location.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace lathe {

namespace {
StringRef severityText(DiagnosticSeverity severity) {
  switch (severity) {
  case DiagnosticSeverity::Error:
    return "error";
  case DiagnosticSeverity::Warning:
    return "warning";
  default:
    return "note";
  }
}

/// "model.mlir:3:5" for text; else the model's path.
std::string placeText(Location location, StringRef modelPath) {
  if (auto file = dyn_cast<FileLineColLoc>(location); file && file.getFilename().getValue() != "-")
    return (file.getFilename().getValue() + ":" + Twine(file.getLine()) + ":" + Twine(file.getColumn())).str();
  return modelPath.str();
}

/// The importer locates what belongs to no node at the file.
std::string nodeText(Location location, StringRef modelPath) {
  std::vector<std::string> names = nodeNames(location);
  llvm::erase(names, modelPath);
  if (names.empty())
    return "";
  return (names.size() == 1 ? "node '" : "nodes '") + llvm::join(names, "', '") + "': ";
}
} // namespace

Messages::Messages(MLIRContext *context, StringRef modelPath)
    : modelPath(modelPath), handler(context, [this](Diagnostic &diagnostic) { return handle(diagnostic); }) {}

void Messages::add(Diagnostic &diagnostic, StringRef indent) {
  Location location = diagnostic.getLocation();
  std::string node = nodeText(location, modelPath), text = diagnostic.str();
  // Some messages name the node or the file themselves.
  if (!node.empty() && StringRef(text).contains("node '"))
    node.clear();
  if (StringRef(text).starts_with(modelPath + ": "))
    text.erase(0, modelPath.size() + 2);
  lines += (indent + placeText(location, modelPath) + ": " + severityText(diagnostic.getSeverity()) + ": " + node +
            text + "\n")
               .str();
}

LogicalResult Messages::handle(Diagnostic &diagnostic) {
  std::lock_guard lock(mutex);
  if (diagnostic.getSeverity() == DiagnosticSeverity::Remark)
    return success();
  errors += diagnostic.getSeverity() == DiagnosticSeverity::Error;
  add(diagnostic, "");
  for (Diagnostic &note : diagnostic.getNotes())
    // "see current operation" prints a whole operation, which says nothing to the model's author.
    if (!StringRef(note.str()).starts_with("see current operation"))
      add(note, "  ");
  return success();
}

void Messages::error(const Twine &text) {
  std::lock_guard lock(mutex);
  ++errors;
  lines += ("error: " + text + "\n").str();
}

void Messages::warning(const Twine &text) {
  std::lock_guard lock(mutex);
  lines += ("warning: " + text + "\n").str();
}

std::string Messages::take() {
  std::lock_guard lock(mutex);
  return std::move(lines);
}

} // namespace lathe
