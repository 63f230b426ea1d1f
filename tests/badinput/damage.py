"""Random damage to the bytes of a file, the same for the same seed."""

import random


def damage(data, seed):
    """One to four flipped bits, or a cut, or a piece that is moved."""
    random_ = random.Random(seed)
    data = bytearray(data)
    kind = random_.randrange(8)
    if kind == 0:
        return bytes(data[:random_.randrange(len(data))])
    if kind == 1:
        start, length = random_.randrange(len(data)), random_.randrange(1, 64)
        piece = data[start:start + length]
        del data[start:start + length]
        at = random_.randrange(len(data))
        return bytes(data[:at] + piece + data[at:])
    for _ in range(random_.randint(1, 4)):
        data[random_.randrange(len(data))] ^= 1 << random_.randrange(8)
    return bytes(data)
