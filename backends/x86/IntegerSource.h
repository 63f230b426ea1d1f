// Activations of an 8-bit contraction in the form in which its tiles read them: a task's part of the picture or matrix in scratch
// memory, as i16 minus the zero point (pairs), or as unsigned bytes (quads).
//
// Around a picture stand its pads, zeros (pairs) or the zero point (quads). So each tap of a window is at the same distance from
// an output position's first element, and a row of the window is contiguous: no table of addresses is needed.
#pragma once

#include "backends/x86/IntegerTile.h"
#include "backends/x86/Window.h"

namespace lathe::x86 {

/// The output lines of a task and what they read.
struct IntegerWindow {
  WindowShape window;
  int64_t channels = 0; // of a group
  int64_t lines = 0;    // output lines per task
  bool areRowTaps() const { return window.dilation[1] == 1; }

  /// Steps along the window's rows that are taps of their own, and elements of each tap.
  int64_t columnTaps() const { return areRowTaps() ? 1 : window.kernel[1]; }
  int64_t tapDepth() const { return areRowTaps() ? window.kernel[1] * channels : channels; }
  int64_t inputLines() const {
    return (lines - 1) * window.stride[0] + (window.kernel[0] - 1) * window.dilation[0] + 1;
  }
  /// Pixels of a padded line, from the width of the result.
  mlir::AffineExpr lineWidth(mlir::AffineExpr outWidth) const {
    return (outWidth - 1) * window.stride[1] + (window.kernel[1] - 1) * window.dilation[1] + 1;
  }
};

/// Copies of activations.
class IntegerSource {
public:
  /// `zero` (i8, may be null) is the zero point, `target` the scratch memory.
  IntegerSource(EmitContext &context, bool areQuads, bool areUnsigned, mlir::Value zero, mlir::Value target);

  int64_t elementBytes() const { return areQuads ? 1 : 2; }
  /// Address of an element of the copy.
  mlir::Value address(mlir::Value element);
  /// The zero point (i32) that quads are to be corrected by: of unsigned activations.
  mlir::Value unsignedZero();

  /// `count` elements from `from` on to element `to`.
  void copy(mlir::Value from, mlir::Value count, mlir::Value to);
  /// Pads.
  void pad(mlir::Value count, mlir::Value to);
  /// The input lines of output lines from `firstLine` on, of the group whose first channel is `picture`'s first element.
  void copyLines(const IntegerWindow &shape, mlir::Value picture, PictureSize in, mlir::Value lineWidth,
                 mlir::Value firstLine, mlir::Value inputLines);

private:
  mlir::Value converted(mlir::Value bytes);
  void copyLine(const IntegerWindow &shape, mlir::Value line, PictureSize in, mlir::Value lineWidth, mlir::Value to);

  EmitContext &s;
  bool areQuads, areUnsigned;
  mlir::Value zero, target;
};

} // namespace lathe::x86
