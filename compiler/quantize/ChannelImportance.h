// How much the channels of a value count for the products that read it.
#pragma once

#include "compiler/calibrate/Calibration.h"

namespace lathe {

/// The values whose ranges are to be calibrated (passes/quantize/ValueRange.h), each with its channels' weights: an error of x[k]
/// is multiplied by w[k, n] for all n, so its square counts by the sum of their squares; the mean weight is 1.
std::vector<CalibrationPoint> weightedPoints(mlir::func::FuncOp function);

} // namespace lathe
