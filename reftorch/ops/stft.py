"""The short-time Fourier transform and its inverse."""
import warnings

from ..core import DTYPES, T, composite


def _facts(name, self, n_fft, hop_length, win_length, window, **rest):
    """The call as torch's errors print it."""
    kind = f"CPU{self.dtype.type_name}Type" if name == "istft" else f"torch.{self.dtype.type_name}Tensor"
    window = "None" if window is None else f"torch.{window.dtype.type_name}Tensor{{{list(window.shape)}}}"
    values = dict(n_fft=n_fft, hop_length=hop_length, win_length=win_length, window=window, **rest)
    return f"{name}({kind}{list(self.shape)}, " + ", ".join(f"{k}={int(v) if isinstance(v, bool) else v}" for k, v in values.items()) + ")"


def _centered(window, win_length, n_fft):
    """The window in the middle of `n_fft` zeros."""
    if window is None or win_length == n_fft:
        return window
    left = (n_fft - win_length) // 2
    return T.constant_pad_nd(window, (left, n_fft - win_length - left), 0)


def _one_sided(onesided, self, window):
    """Half of a spectrum is enough for real signals."""
    complex_ = self.dtype.is_complex or (window is not None and window.dtype.is_complex)
    if onesided and complex_:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    return not complex_ if onesided is None else onesided


@composite("stft.center(Tensor self, int n_fft, int? hop_length=None, int? win_length=None, Tensor? window=None, bool center=True, "
           "str pad_mode=\"reflect\", bool normalized=False, bool? onesided=None, bool? return_complex=None, bool? align_to_window=None) -> Tensor",
           make="method")
def stft(self, n_fft, hop_length, win_length, window, center, pad_mode, normalized, onesided, return_complex, align_to_window):
    """Spectra of windowed frames `hop_length` apart: [*, n] -> [*, n_fft // 2 + 1 or n_fft, frames]."""
    if align_to_window is not None and center:
        raise RuntimeError("stft align_to_window should only be set when center = false")
    if center:
        side = n_fft // 2
        flat = self.reshape((1,) * (3 - self.dim()) + tuple(self.shape))
        padded = T.pad(flat, (side, side), pad_mode)
        self = padded.reshape(padded.shape[3 - self.dim():] if self.dim() < 3 else padded.shape)
    hop_length = n_fft // 4 if hop_length is None else hop_length
    win_length = n_fft if win_length is None else win_length
    one_sided = _one_sided(onesided, self, window)
    if return_complex is None and not (self.dtype.is_complex or (window is not None and window.dtype.is_complex)):
        raise RuntimeError("stft requires the return_complex parameter be given for real inputs, and will further require that return_complex=True in "
                           "a future PyTorch release.")
    _check_stft(self, n_fft, hop_length, win_length, window,
                _facts("stft", self, n_fft, hop_length, win_length, window, normalized=normalized, onesided=onesided, return_complex=return_complex,
                       align_to_window=align_to_window))
    frames = self if self.dim() == 2 else self.unsqueeze(0)
    if align_to_window and win_length < n_fft:
        side = (n_fft - win_length) // 2
        frames = T.pad(frames, (side, side))
    count = 1 + (frames.shape[1] - n_fft) // hop_length
    frames = frames.as_strided((frames.shape[0], count, n_fft), (frames.stride(0), hop_length * frames.stride(1), frames.stride(1)))
    if window is not None or win_length < n_fft:
        ones = window if window is not None else T.ones((win_length,), dtype=self.dtype)
        frames = frames * _centered(ones, win_length, n_fft)
    transform = T.fft_rfft if one_sided else T.fft_fft
    spectra = transform(frames, norm="ortho" if normalized else None)
    spectra = spectra.transpose_(1, 2)
    if self.dim() == 1:
        spectra = spectra.squeeze_(0)
    return T.view_as_real(spectra) if return_complex is False else spectra


def _check_stft(self, n_fft, hop_length, win_length, window, call):
    if not (self.dtype.is_floating_point or self.dtype.is_complex):
        raise RuntimeError(f"{call} : expected a tensor of floating point or complex values")
    if self.dim() not in (1, 2):
        raise RuntimeError(f"{call} : expected a 1D or 2D tensor")
    if not 0 < n_fft <= self.shape[-1]:
        # torch: the number at the end is that of win_length
        raise RuntimeError(f"{call} : expected 0 < n_fft < {self.shape[-1]}, but got n_fft={win_length}")
    if hop_length <= 0:
        raise RuntimeError(f"{call} : expected hop_length > 0, but got hop_length={hop_length}")
    if not 0 < win_length <= n_fft:
        raise RuntimeError(f"{call} : expected 0 < win_length <= n_fft, but got win_length={win_length}")
    if window is not None and tuple(window.shape) != (win_length,):
        raise RuntimeError(f"{call} : expected a 1D window tensor of size equal to win_length={win_length}, but got window with size {list(window.shape)}")


@composite("istft(Tensor self, int n_fft, int? hop_length=None, int? win_length=None, Tensor? window=None, bool center=True, bool normalized=False, "
           "bool? onesided=None, int? length=None, bool return_complex=False) -> Tensor", make="method")
def istft(self, n_fft, hop_length, win_length, window, center, normalized, onesided, length, return_complex):
    """The signal of which these are the spectra, by weighted overlap-add: [*, fft, frames] -> [*, n]."""
    if not self.dtype.is_complex:
        raise RuntimeError("istft requires a complex-valued input tensor matching the output from stft with return_complex=True.")
    hop_length = n_fft // 4 if hop_length is None else hop_length
    win_length = n_fft if win_length is None else win_length
    call = _facts("istft", self, n_fft, hop_length, win_length, window, center=center, normalized=normalized, onesided=onesided, length=length,
                  return_complex=return_complex)
    if self.numel() == 0:
        raise RuntimeError(f"{call} : istft input tensor cannot be empty.")
    if self.dim() not in (2, 3):
        raise RuntimeError(f"{call} : expected a tensor with 3 or 4 dimensions, but got {self.dim() + 1}")
    if onesided is None:
        onesided = self.shape[-2] != n_fft
    if onesided and self.shape[-2] != n_fft // 2 + 1:
        raise RuntimeError(f"{call} : expected the frequency dimension (3rd to the last) of the input tensor to match n_fft / 2 + 1 when onesided=True, "
                           f"but got {self.shape[-2]}")
    if not onesided and self.shape[-2] != n_fft:
        raise RuntimeError(f"{call} : expected the frequency dimension (3rd to the last) of the input tensor to match n_fft when onesided=False, "
                           f"but got {self.shape[-2]}")
    if not 0 < hop_length <= win_length:
        raise RuntimeError(f"{call} : expected 0 < hop_length <= win_length")
    if not 0 < win_length <= n_fft:
        raise RuntimeError(f"{call} : expected 0 < win_length <= n_fft")
    if window is not None and tuple(window.shape) != (win_length,):
        raise RuntimeError(f"{call} : Invalid window shape. window has to be 1D and length of `win_length`")
    if return_complex and onesided:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    weights = window if window is not None else T.ones((win_length,), dtype=DTYPES["float64" if self.dtype.itemsize == 16 else "float32"])
    weights = _centered(weights, win_length, n_fft)
    spectra = (self if self.dim() == 3 else self.unsqueeze(0)).transpose(1, 2)
    norm = "ortho" if normalized else None
    if return_complex:
        frames = T.fft_ifft(spectra, norm=norm)
    elif onesided:
        frames = T.fft_irfft(spectra, n=n_fft, norm=norm)
    else:
        frames = T.fft_irfft(spectra.narrow(-1, 0, n_fft // 2 + 1), n=n_fft, norm=norm)
    frames = frames * weights
    total = n_fft + hop_length * (frames.shape[1] - 1)
    envelope = (weights * weights).expand((1, frames.shape[1], n_fft))
    signal = T.unfold_backward(frames, (frames.shape[0], total), 1, n_fft, hop_length)
    envelope = T.unfold_backward(envelope, (1, total), 1, n_fft, hop_length)
    start = n_fft // 2 if center else 0
    end = start + length if length is not None else total - n_fft // 2 if center else total
    signal, envelope = signal[:, start:end], envelope[:, start:end]
    if not (envelope.abs().min() > 1e-11):
        raise RuntimeError(f"{call} window overlap add min: 1\n[ CPUBoolType{{}} ]")
    signal = signal / envelope
    if self.dim() == 2:
        signal = signal.squeeze(0)
    if end > total:
        warnings.warn("The length of signal is shorter than the length parameter. Result is being padded with zeros in the tail. Please check your "
                      "center and hop_length settings.", UserWarning, stacklevel=2)
        signal = T.constant_pad_nd(signal, (0, end - total), 0)
    return signal
