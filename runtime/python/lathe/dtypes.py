"""lathe_dtype_t and NumPy's dtypes."""

import numpy as np

try:
    import ml_dtypes
    _BF16 = np.dtype(ml_dtypes.bfloat16)
except ImportError:  # bf16 tensors then pass as uint16
    _BF16 = np.dtype(np.uint16)

_CODES = {
    1: np.dtype(np.float32), 2: np.dtype(np.float64), 3: np.dtype(np.float16), 4: _BF16, 5: np.dtype(np.int8),
    6: np.dtype(np.int16), 7: np.dtype(np.int32), 8: np.dtype(np.int64), 9: np.dtype(np.uint8), 10: np.dtype(np.uint16),
    11: np.dtype(np.uint32), 12: np.dtype(np.uint64), 13: np.dtype(np.bool_),
}
_BF16_CODE = 4
_BY_DTYPE = {dtype: code for code, dtype in reversed(_CODES.items())}
_BY_DTYPE[np.dtype(np.uint16)] = 10


def numpy_dtype(code: int) -> np.dtype:
    return _CODES[code]


def dtype_code(dtype: np.dtype) -> int | None:
    """None for dtypes that Lathe has no tensors of."""
    return _BY_DTYPE.get(np.dtype(dtype).newbyteorder("="))


def raw(array: np.ndarray, code: int) -> np.ndarray:
    """The same memory under a dtype that the extension module can pass on."""
    return array.view(np.uint16) if code == _BF16_CODE else array
