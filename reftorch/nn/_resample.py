"""interpolate, upsample, grid_sample and affine_grid: argument handling; the arithmetic is in ops/upsample.py and ops/grid.py."""
import math
import warnings

from ..core import T

#: For each mode its op by the number of spatial dims.
_OPS = {
    "nearest": {1: "upsample_nearest1d", 2: "upsample_nearest2d", 3: "upsample_nearest3d"},
    "nearest-exact": {1: "_upsample_nearest_exact1d", 2: "_upsample_nearest_exact2d", 3: "_upsample_nearest_exact3d"},
    "linear": {1: "upsample_linear1d"},
    "bilinear": {2: "upsample_bilinear2d"},
    "trilinear": {3: "upsample_trilinear3d"},
    "bicubic": {2: "upsample_bicubic2d"},
    "lanczos": {2: "_upsample_lanczos2d_aa"},
}
_NO_CORNERS = ("nearest", "area", "nearest-exact")
_ANTIALIAS = ("bilinear", "bicubic", "lanczos")


def _sizes(input, size, scale_factor, recompute):
    """The output size or the scale factors that an op is given; exactly one is not None."""
    n = input.dim() - 2
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is None and scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    given, name = (size, "output size") if size is not None else (scale_factor, "scale_factor")
    if isinstance(given, (list, tuple)):
        if len(given) != n:
            of = f"output size of {given}" if size is not None else f"scale_factor of shape {given}"
            form = "output size in (o1, o2, ...,oK)" if size is not None else "scale_factor in (s1, s2, ...,sK)"
            head = f"Input and {'output' if size is not None else name} must have the same number of spatial dimensions"
            raise ValueError(f"{head}, but got input with spatial dimensions of {list(input.shape[2:])} and {of}. Please provide input tensor in "
                             f"(N, C, d1, d2, ...,dK) format and {form} format.")
        given = list(given)
    else:
        given = [given] * n
    if size is not None:
        if recompute:
            raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
        return given, None
    if recompute:
        return [math.floor(float(s) * f) for s, f in zip(input.shape[2:], given, strict=True)], None
    return None, [float(f) for f in given]


def interpolate(input, size=None, scale_factor=None, mode="nearest", align_corners=None, recompute_scale_factor=None, antialias=False):
    """[N, C, *size] resampled to another size; the sample points are by `mode`, `align_corners` puts the outermost ones on the corners."""
    if mode in _NO_CORNERS:
        if align_corners is not None:
            raise ValueError("align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear")
    elif align_corners is None:
        align_corners = False
    size, scales = _sizes(input, size, scale_factor, recompute_scale_factor)
    n = input.dim() - 2
    if antialias and not (mode in _ANTIALIAS and input.dim() == 4):
        raise ValueError("Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D tensor as input")
    if mode == "area" and n in (1, 2, 3):
        if size is None:
            size = [math.floor(float(s) * f) for s, f in zip(input.shape[2:], scales, strict=True)]
        return (T.adaptive_avg_pool1d, T.adaptive_avg_pool2d, T.adaptive_avg_pool3d)[n - 1](input, size)
    if mode not in _OPS or n not in (1, 2, 3):
        raise NotImplementedError("Input Error: Only 3D, 4D and 5D input Tensors supported "
                                  f"(got {input.dim()}D) for the modes: nearest | linear | bilinear | bicubic | trilinear | lanczos | area | "
                                  f"nearest-exact (got {mode})")
    if n not in _OPS[mode]:
        need = next(iter(_OPS[mode])) + 2
        raise NotImplementedError(f"Got {input.dim()}D input, but {mode} mode needs {need}D input")
    name = _OPS[mode][n]
    if antialias and mode != "lanczos":
        name = f"_{name}_aa"
    op = getattr(T, name)
    return op(input, size, scales) if mode in _NO_CORNERS else op(input, size, align_corners, scales)


def upsample(input, size=None, scale_factor=None, mode="nearest", align_corners=None):
    """interpolate, under its old name."""
    warnings.warn("`nn.functional.upsample` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=3)
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input, size=None, scale_factor=None):
    """interpolate with mode="nearest"."""
    warnings.warn("`nn.functional.upsample_nearest` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=3)
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(input, size=None, scale_factor=None):
    """interpolate with mode="bilinear" and align_corners=True."""
    warnings.warn("`nn.functional.upsample_bilinear` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=3)
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)


_GRID_MODES = {"bilinear": 0, "nearest": 1, "bicubic": 2}
_GRID_PADDING = {"zeros": 0, "border": 1, "reflection": 2}
_CORNERS_WARNING = ("Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. Please specify align_corners=True if the "
                    "old behavior is desired. See the documentation of grid_sample for details.")


def grid_sample(input, grid, mode="bilinear", padding_mode="zeros", align_corners=None):
    """Values of [N, C, H, W] at the points of `grid` [N, h, w, 2], whose coordinates (x, y) run from -1 to 1; source: Jaderberg et al. 2015."""
    if mode not in _GRID_MODES:
        raise ValueError(f"nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '{mode}'")
    if padding_mode not in _GRID_PADDING:
        raise ValueError(f"nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', but got: '{padding_mode}'")
    if align_corners is None:
        warnings.warn(_CORNERS_WARNING, stacklevel=3)
        align_corners = False
    return T.grid_sampler(input, grid, _GRID_MODES[mode], _GRID_PADDING[padding_mode], align_corners)


def affine_grid(theta, size, align_corners=None):
    """The grid [N, H, W, 2] of points theta [N, 2, 3] @ (x, y, 1), or its like in three dims."""
    if align_corners is None:
        warnings.warn(_CORNERS_WARNING, stacklevel=3)
        align_corners = False
    if not theta.is_floating_point():
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    n = len(size) - 2
    if n not in (2, 3):
        raise NotImplementedError(f"affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. Got size {size}.")
    if theta.dim() != 3 or tuple(theta.shape[-2:]) != (n, n + 1):
        raise ValueError(f"Expected a batch of {n}D affine matrices of shape Nx{n}x{n + 1} for size {size}. Got {theta.shape}.")
    if align_corners and min(size[-n:]) == 1:
        warnings.warn("Since version 1.3.0, affine_grid behavior has changed for unit-size grids when align_corners=True. This is not an intended use case "
                      "of affine_grid. See the documentation of affine_grid for details.", stacklevel=3)
    elif min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {size}")
    return T.affine_grid_generator(theta, size, align_corners)
