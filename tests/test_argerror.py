"""The argument errors, word for word: a transcript of wrong calls as PyTorch 2.13 answered them."""
from collections import OrderedDict

import numpy as np
import pytest

from reftorch.core import argerror
from reftorch.core.schema import parse

# The overloads of the ops below, in any order; "out" marks those that take `out=`.
SCHEMAS = """\
out add.deprecated(Tensor self, Scalar alpha, Tensor other) -> Tensor
out add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor
out addmm.deprecated(Scalar beta, Tensor self, Scalar alpha, Tensor mat1, Tensor mat2) -> Tensor
out addmm.deprecated(Scalar beta, Tensor self, Tensor mat1, Tensor mat2) -> Tensor
out addmm(Tensor self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> Tensor
out addmm.dtype(Tensor self, Tensor mat1, Tensor mat2, ScalarType out_dtype, *, Scalar beta=1, Scalar alpha=1) -> Tensor
out amax(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor
out arange(Scalar end, *, <options>) -> Tensor
arange.start(Scalar start, Scalar end, *, <options>) -> Tensor
out arange.start_step(Scalar start, Scalar end, Scalar step=1, *, <options>) -> Tensor
out atan2(Tensor self, Tensor other) -> Tensor
avg_pool1d(Tensor self, int[1] kernel_size, int[1] stride=[], int[1] padding=0, bool ceil_mode=False, bool \
count_include_pad=True) -> Tensor
out cat(Tensor[] tensors, int dim=0) -> Tensor
out clamp.Tensor(Tensor self, Tensor? min=None, Tensor? max=None) -> Tensor
out clamp(Tensor self, Scalar? min=None, Scalar? max=None) -> Tensor
conv2d(Tensor input, Tensor weight, Tensor? bias=None, SymInt[2] stride=1, SymInt[2] padding=0, SymInt[2] dilation=1, SymInt \
groups=1) -> Tensor
conv2d.padding(Tensor input, Tensor weight, Tensor? bias=None, SymInt[2] stride=1, str padding="valid", SymInt[2] \
dilation=1, SymInt groups=1) -> Tensor
count_nonzero(Tensor self, int? dim=None) -> Tensor
count_nonzero.dim_IntList(Tensor self, int[] dim) -> Tensor
out cumsum(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor
dropout(Tensor input, float p, bool train) -> Tensor
empty_like(Tensor self, *, <options>, MemoryFormat? memory_format=None) -> Tensor
out full(SymInt[] size, Scalar fill_value, *, <options>) -> Tensor
out gelu(Tensor self, *, str approximate='none') -> Tensor
out index_select(Tensor self, int dim, Tensor index) -> Tensor
out linalg_norm(Tensor self, Scalar? ord=None, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor
out linalg_norm.ord_str(Tensor self, str ord, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor
masked_fill.Tensor(Tensor self, Tensor mask, Tensor value) -> Tensor
masked_fill.Scalar(Tensor self, Tensor mask, Scalar value) -> Tensor
out max(Tensor self) -> Tensor
out max.other(Tensor self, Tensor other) -> Tensor
out max.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)
out mul.Tensor(Tensor self, Tensor other) -> Tensor
new_zeros(Tensor self, SymInt[] size, *, <options>) -> Tensor
permute(Tensor self, int[] dims) -> Tensor
out pow.Tensor_Tensor(Tensor self, Tensor exponent) -> Tensor
out pow.Tensor_Scalar(Tensor self, Scalar exponent) -> Tensor
out pow.Scalar(Scalar self, Tensor exponent) -> Tensor
out randint.generator(SymInt high, SymInt[] size, *, Generator? generator, ScalarType? dtype=long, Layout? layout=None, \
Device? device=None, bool? pin_memory=None) -> Tensor
out randint(SymInt high, SymInt[] size, *, ScalarType? dtype=long, Layout? layout=None, Device? device=None, bool? \
pin_memory=None) -> Tensor
out randint.low_generator(SymInt low, SymInt high, SymInt[] size, *, Generator? generator, ScalarType? dtype=long, Layout? \
layout=None, Device? device=None, bool? pin_memory=None) -> Tensor
out randint.low(SymInt low, SymInt high, SymInt[] size, *, ScalarType? dtype=long, Layout? layout=None, Device? device=None, \
bool? pin_memory=None) -> Tensor
reshape(Tensor self, SymInt[] shape) -> Tensor
out scatter.src(Tensor self, int dim, Tensor index, Tensor src) -> Tensor
out scatter.reduce(Tensor self, int dim, Tensor index, Tensor src, *, str reduce) -> Tensor
out scatter.value(Tensor self, int dim, Tensor index, Scalar value) -> Tensor
out scatter.value_reduce(Tensor self, int dim, Tensor index, Scalar value, *, str reduce) -> Tensor
out sigmoid(Tensor self) -> Tensor
squeeze(Tensor self) -> Tensor
squeeze.dim(Tensor self, int dim) -> Tensor
squeeze.dims(Tensor self, int[] dim) -> Tensor
out std.dim(Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False) -> Tensor
out std.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False) -> Tensor
std(Tensor self, bool unbiased=True) -> Tensor
sum(Tensor self, *, ScalarType? dtype=None) -> Tensor
out sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor
transpose.int(Tensor self, int dim0, int dim1) -> Tensor
upsample_nearest1d.vec(Tensor input, SymInt[]? output_size, float[]? scale_factors) -> Tensor
out upsample_nearest1d(Tensor self, SymInt[1] output_size, float? scales=None) -> Tensor
view.dtype(Tensor self, ScalarType dtype) -> Tensor
view(Tensor self, SymInt[] size) -> Tensor
out where.self(Tensor condition, Tensor self, Tensor other) -> Tensor
where.ScalarOther(Tensor condition, Tensor self, Scalar other) -> Tensor
where(Tensor condition) -> Tensor[]
where.ScalarSelf(Tensor condition, Scalar self, Tensor other) -> Tensor
where.Scalar(Tensor condition, Scalar self, Scalar other) -> Tensor
out zeros(SymInt[] size, *, <options>) -> Tensor
zeros_like(Tensor self, *, <options>, MemoryFormat? memory_format=None) -> Tensor
"""
OPTIONS = "ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None"
FACTORY = ("torch.dtype dtype = None, torch.layout layout = None, torch.device device = None, bool pin_memory = False, "
           "bool requires_grad = False")

TRANSCRIPT = """
>>> torch.add()
add() received an invalid combination of arguments - got (), but expected (Tensor input, Tensor other, *, Number alpha = 1, \
Tensor out = None)
>>> torch.add(T, 'x')
add(): argument 'other' (position 2) must be Tensor, not str
>>> torch.add(T, 'x', alpha=2)
add(): argument 'other' (position 2) must be Tensor, not str
>>> torch.add(T, T, 1, 2)
add() takes 2 positional arguments but 4 were given
>>> torch.add(T, T, alpha='x')
add(): argument 'alpha' must be Number, not str
>>> torch.add(T, T, beta=2)
add() got an unexpected keyword argument 'beta'
>>> torch.add(T, T, T, T, other=1)
add() received an invalid combination of arguments - got unrecognized keyword arguments: other
>>> torch.add(P, None, [1, T], (1,), device=cpu, dtype=f32)
add() received an invalid combination of arguments - got unrecognized keyword arguments: dtype, device
>>> torch.add(array, 2)
add(): argument 'input' (position 1) must be Tensor, not numpy.ndarray
>>> torch.add(x=T, x2='y')
add(): argument 'other' must be Tensor, not str
>>> T.add('x')
add(): argument 'other' (position 1) must be Tensor, not str
>>> T.add(T, foo=1, bar=2)
add() received an invalid combination of arguments - got unrecognized keyword arguments: bar, foo
>>> T.add(1, 2, 3, 4, 5)
add() received an invalid combination of arguments - got (int, int, int, int, int), but expected (Tensor other, *, Number \
alpha = 1)
>>> T.add_()
add_() received an invalid combination of arguments - got (), but expected (Tensor other, *, Number alpha = 1)
>>> T.mul(None)
mul(): argument 'other' (position 1) must be Tensor, not NoneType
>>> T.mul_('x')
mul_(): argument 'other' (position 1) must be Tensor, not str
>>> T.mul([1])
mul(): argument 'other' (position 1) must be Tensor, not list
>>> torch.mul(T, array)
mul(): argument 'other' (position 2) must be Tensor, not numpy.ndarray
>>> torch.sigmoid()
sigmoid() missing 1 required positional arguments: "input"
>>> torch.sigmoid(2)
sigmoid(): argument 'input' (position 1) must be Tensor, not int
>>> torch.sigmoid(T, T)
sigmoid() takes 1 positional argument but 2 were given
>>> torch.sigmoid(T, foo=1)
sigmoid() got an unexpected keyword argument 'foo'
>>> torch.sigmoid(T, input=T)
sigmoid() got multiple values for argument 'input'
>>> T.sigmoid(3)
TensorBase.sigmoid() takes no arguments (1 given)
>>> T.sigmoid(3, 4)
TensorBase.sigmoid() takes no arguments (2 given)
>>> T.sigmoid(a=3)
TensorBase.sigmoid() takes no keyword arguments
>>> T.sigmoid_(3)
TensorBase.sigmoid_() takes no arguments (1 given)
>>> torch.atan2(2, T)
atan2(): argument 'input' (position 1) must be Tensor, not int
>>> torch.atan2(T, 2)
atan2(): argument 'other' (position 2) must be Tensor, not int
>>> torch.pow(2, 2)
pow() received an invalid combination of arguments - got (int, int), but expected one of:
 * (Tensor input, Tensor exponent, *, Tensor out = None)
 * (Number self, Tensor exponent, *, Tensor out = None)
 * (Tensor input, Number exponent, *, Tensor out = None)
>>> torch.pow('x', 2)
pow() received an invalid combination of arguments - got (str, int), but expected one of:
 * (Tensor input, Tensor exponent, *, Tensor out = None)
 * (Number self, Tensor exponent, *, Tensor out = None)
 * (Tensor input, Number exponent, *, Tensor out = None)
>>> torch.cumsum()
cumsum() missing 2 required positional argument: "input", "dim"
>>> torch.cumsum(T)
cumsum() missing 1 required positional arguments: "dim"
>>> torch.cumsum(T, 'x')
cumsum(): argument 'dim' (position 2) must be int, not str
>>> torch.cumsum(T, True)
cumsum(): argument 'dim' (position 2) must be int, not bool
>>> torch.cumsum(T, 1.0)
cumsum(): argument 'dim' (position 2) must be int, not float
>>> torch.cumsum(T, float_scalar)
cumsum(): argument 'dim' (position 2) must be int, not Tensor
>>> torch.cumsum(T, np.float32(1))
cumsum(): argument 'dim' (position 2) must be int, not numpy.float32
>>> torch.cumsum(T, 1, 2)
cumsum() takes 2 positional arguments but 3 were given
>>> torch.cumsum(T, 1, dim=2)
cumsum() got multiple values for argument 'dim'
>>> torch.cumsum(T, 1, axis=2)
cumsum() got an unexpected keyword argument 'axis'
>>> torch.cumsum(T, axis='x')
cumsum(): argument 'dim' must be int, not str
>>> torch.cumsum(input=T, x=T, dim=1)
cumsum() got an unexpected keyword argument 'x'
>>> torch.cumsum(T, dim=0, axis=0)
cumsum() got an unexpected keyword argument 'axis'
>>> torch.cumsum(T, 1, dtype='x')
cumsum(): argument 'dtype' must be torch.dtype, not str
>>> torch.cumsum(T, 1, dtype=str)
cumsum(): argument 'dtype' must be torch.dtype, not type
>>> torch.cumsum(T, None)
cumsum(): argument 'dim' (position 2) must be int, not NoneType
>>> torch.sum(T, (1, 'x'))
sum(): argument 'dim' failed to unpack the object at pos 2 with error "type must be tuple of ints,but got str"
>>> torch.sum(T, (1, 'x'), foo=2)
sum() got an unexpected keyword argument 'foo'
>>> torch.sum(T, axis=1, foo=2)
sum() got an unexpected keyword argument 'axis'
>>> torch.sum(input=T, x=T)
sum() received an invalid combination of arguments - got (x=Tensor, input=Tensor, ), but expected one of:
 * (Tensor input, *, torch.dtype dtype = None)
 * (Tensor input, tuple of ints dim, bool keepdim = False, *, torch.dtype dtype = None, Tensor out = None)
>>> T.sum(1, 'x')
sum(): argument 'keepdim' (position 2) must be bool, not str
>>> T.sum(dims=0)
sum() received an invalid combination of arguments - got (dims=int, ), but expected one of:
 * (*, torch.dtype dtype = None)
 * (tuple of ints dim, bool keepdim = False, *, torch.dtype dtype = None)
>>> torch.amax(T, axis=(1, 'x'))
amax(): argument 'dim' failed to unpack the object at pos 2 with error "type must be tuple of ints,but got str"
>>> torch.amax(T, 1.5)
amax(): argument 'dim' (position 2) must be tuple of ints, not float
>>> torch.amax(T, [1.5])
amax(): argument 'dim' (position 2) must be tuple of ints, but found element of type float at pos 0
>>> torch.max(T, 'x')
max() received an invalid combination of arguments - got (Tensor, str), but expected one of:
 * (Tensor input, *, Tensor out = None)
 * (Tensor input, Tensor other, *, Tensor out = None)
 * (Tensor input, int dim, bool keepdim = False, *, tuple of Tensors out = None)
>>> torch.max(T, 'a', True)
max() received an invalid combination of arguments - got (Tensor, str, bool), but expected one of:
 * (Tensor input, *, Tensor out = None)
      didn't match because some of the arguments have invalid types: (Tensor, !str!, !bool!)
 * (Tensor input, Tensor other, *, Tensor out = None)
 * (Tensor input, int dim, bool keepdim = False, *, tuple of Tensors out = None)
>>> torch.max(T, 1, True, True)
max() takes from 2 to 3 positional arguments but 4 were given
>>> torch.max(T, 'a', True, out=3)
max(): argument 'dim' (position 2) must be int, not str
>>> torch.max(T, 1, True, out=3)
max(): argument 'out' must be tuple of Tensors, not int
>>> torch.max(T, 1, True, out=(3, 4))
expected Tensor as element 0 in argument 3, but got int
>>> T.max(1, True, out=3)
max() received an invalid combination of arguments - got (int, bool, out=int), but expected one of:
 * ()
 * (Tensor other)
 * (int dim, bool keepdim = False)
>>> torch.std(T, 'a')
std() received an invalid combination of arguments - got (Tensor, str), but expected one of:
 * (Tensor input, tuple of ints dim, bool unbiased = True, bool keepdim = False, *, Tensor out = None)
 * (Tensor input, tuple of ints dim = None, *, Number correction = None, bool keepdim = False, Tensor out = None)
 * (Tensor input, bool unbiased = True)
      didn't match because some of the arguments have invalid types: (Tensor, !str!)
>>> torch.zeros()
zeros() missing 1 required positional arguments: "size"
>>> torch.zeros('x')
zeros(): argument 'size' (position 1) must be tuple of ints, not str
>>> torch.zeros(1.5)
zeros(): argument 'size' (position 1) must be tuple of ints, not float
>>> torch.zeros(True)
zeros(): argument 'size' (position 1) must be tuple of ints, not bool
>>> torch.zeros((1.5, 2))
zeros(): argument 'size' (position 1) must be tuple of ints, but found element of type float at pos 0
>>> torch.zeros((2, 1.5))
zeros(): argument 'size' failed to unpack the object at pos 2 with error "type must be tuple of ints,but got float"
>>> torch.zeros([T, 1])
zeros(): argument 'size' (position 1) must be tuple of ints, but found element of type Tensor at pos 0
>>> torch.zeros([1, T])
zeros(): argument 'size' failed to unpack the object at pos 2 with error "type must be tuple of ints,but got Tensor"
>>> torch.zeros(2, 'x')
zeros(): argument 'size' failed to unpack the object at pos 2 with error "type must be tuple of ints,but got str"
>>> torch.zeros(2.5, 3)
zeros() takes 1 positional argument but 2 were given
>>> torch.zeros(2, 3, foo=1)
zeros() got an unexpected keyword argument 'foo'
>>> torch.zeros(2, 3, size=1)
zeros() got multiple values for argument 'size'
>>> torch.zeros(2, layout=3)
zeros(): argument 'layout' must be torch.layout, not int
>>> torch.zeros(2, device=1.5)
zeros(): argument 'device' must be torch.device, not float
>>> torch.zeros_like(2)
zeros_like(): argument 'input' (position 1) must be Tensor, not int
>>> torch.empty_like(T, memory_format=3)
empty_like(): argument 'memory_format' must be torch.memory_format, not int
>>> torch.arange()
arange() received an invalid combination of arguments - got (), but expected one of:
 * (Number end, *, Tensor out = None, <factory>)
 * (Number start, Number end, *, <factory>)
 * (Number start, Number end, Number step = 1, *, Tensor out = None, <factory>)
>>> torch.arange('x')
arange(): argument 'end' (position 1) must be Number, not str
>>> torch.full(3)
full(): argument 'size' (position 1) must be tuple of ints, not int
>>> torch.full(3, 'x')
full(): argument 'size' (position 1) must be tuple of ints, not int
>>> torch.randint('x')
randint() received an invalid combination of arguments - got (str), but expected one of:
 * (int high, tuple of ints size, *, torch.Generator generator, Tensor out = None, <factory>)
 * (int high, tuple of ints size, *, Tensor out = None, <factory>)
 * (int low, int high, tuple of ints size, *, torch.Generator generator, Tensor out = None, <factory>)
 * (int low, int high, tuple of ints size, *, Tensor out = None, <factory>)
>>> T.new_zeros('x')
new_zeros(): argument 'size' (position 1) must be tuple of ints, not str
>>> T.view()
view() received an invalid combination of arguments - got (), but expected one of:
 * (torch.dtype dtype)
 * (tuple of ints size)
>>> T.view('x')
view() received an invalid combination of arguments - got (str), but expected one of:
 * (torch.dtype dtype)
      didn't match because some of the arguments have invalid types: (!str!)
 * (tuple of ints size)
      didn't match because some of the arguments have invalid types: (!str!)
>>> T.view(1.5, 2)
view() received an invalid combination of arguments - got (float, int), but expected one of:
 * (torch.dtype dtype)
 * (tuple of ints size)
>>> T.view(1, 1.5)
view(): argument 'size' failed to unpack the object at pos 2 with error "type must be tuple of ints,but got float"
>>> T.permute()
permute() missing 1 required positional arguments: "dims"
>>> T.permute(1.5, 2)
permute() takes 1 positional argument but 2 were given
>>> T.permute(1, foo=3)
permute() got an unexpected keyword argument 'foo'
>>> T.reshape([1.5], 2)
reshape() takes 1 positional argument but 2 were given
>>> T.squeeze('x')
squeeze() received an invalid combination of arguments - got (str), but expected one of:
 * ()
      didn't match because some of the arguments have invalid types: (!str!)
 * (int dim)
      didn't match because some of the arguments have invalid types: (!str!)
 * (tuple of ints dim)
      didn't match because some of the arguments have invalid types: (!str!)
>>> T.transpose(1)
transpose() missing 1 required positional arguments: "dim1"
>>> T.index_select('x', 3)
index_select(): argument 'dim' (position 1) must be int, not str
>>> T.scatter(1, T, 't')
scatter() received an invalid combination of arguments - got (int, Tensor, str), but expected one of:
 * (int dim, Tensor index, Tensor src)
      didn't match because some of the arguments have invalid types: (int, Tensor, !str!)
 * (int dim, Tensor index, Tensor src, *, str reduce)
 * (int dim, Tensor index, Number value)
      didn't match because some of the arguments have invalid types: (int, Tensor, !str!)
 * (int dim, Tensor index, Number value, *, str reduce)
>>> T.scatter(1, T, T, reduce=3)
scatter() received an invalid combination of arguments - got (int, Tensor, Tensor, reduce=int), but expected one of:
 * (int dim, Tensor index, Tensor src)
 * (int dim, Tensor index, Tensor src, *, str reduce)
 * (int dim, Tensor index, Number value)
 * (int dim, Tensor index, Number value, *, str reduce)
>>> T.masked_fill(1, 3)
masked_fill() received an invalid combination of arguments - got (int, int), but expected one of:
 * (Tensor mask, Tensor value)
      didn't match because some of the arguments have invalid types: (!int!, !int!)
 * (Tensor mask, Number value)
      didn't match because some of the arguments have invalid types: (!int!, !int!)
>>> T.where(T)
where() received an invalid combination of arguments - got (Tensor), but expected one of:
 * (Tensor condition, Tensor other)
 * (Tensor condition, Number other)
>>> torch.where(T, 1)
where() received an invalid combination of arguments - got (Tensor, int), but expected one of:
 * (Tensor condition)
 * (Tensor condition, Tensor input, Tensor other, *, Tensor out = None)
 * (Tensor condition, Number self, Tensor other)
 * (Tensor condition, Tensor input, Number other)
 * (Tensor condition, Number self, Number other)
>>> torch.cat(T)
cat(): argument 'tensors' (position 1) must be tuple of Tensors, not Tensor
>>> torch.cat([T, 3])
expected Tensor as element 1 in argument 0, but got int
>>> torch.cat((T, None), 0)
expected Tensor as element 1 in argument 0, but got NoneType
>>> torch.conv2d(T, 3)
conv2d() received an invalid combination of arguments - got (Tensor, int), but expected one of:
 * (Tensor input, Tensor weight, Tensor bias = None, tuple of ints stride = 1, tuple of ints padding = 0, tuple of ints \
dilation = 1, int groups = 1)
 * (Tensor input, Tensor weight, Tensor bias = None, tuple of ints stride = 1, str padding = "valid", tuple of ints dilation \
= 1, int groups = 1)
>>> torch.conv2d(T, T, None, [1, 2], (0,), 'x', 1)
conv2d() received an invalid combination of arguments - got (Tensor, Tensor, NoneType, list, tuple, str, int), but expected \
one of:
 * (Tensor input, Tensor weight, Tensor bias = None, tuple of ints stride = 1, tuple of ints padding = 0, tuple of ints \
dilation = 1, int groups = 1)
      didn't match because some of the arguments have invalid types: (Tensor, Tensor, !NoneType!, !list of [int, int]!, \
!tuple of (int,)!, !str!, !int!)
 * (Tensor input, Tensor weight, Tensor bias = None, tuple of ints stride = 1, str padding = "valid", tuple of ints dilation \
= 1, int groups = 1)
      didn't match because some of the arguments have invalid types: (Tensor, Tensor, !NoneType!, !list of [int, int]!, \
!tuple of (int,)!, !str!, !int!)
>>> torch.avg_pool1d(T, 1.5)
avg_pool1d(): argument 'kernel_size' (position 2) must be tuple of ints, not float
>>> torch.avg_pool1d(T, [1, None])
avg_pool1d(): argument 'kernel_size' failed to unpack the object at pos 2 with error "type must be tuple of ints,but got \
NoneType"
>>> torch.dropout(T, 'x', True)
dropout(): argument 'p' (position 2) must be float, not str
>>> torch.dropout(T, 1j, True)
dropout(): argument 'p' (position 2) must be float, not complex
>>> torch.dropout(T, .5, 1)
dropout(): argument 'train' (position 3) must be bool, not int
>>> torch.dropout(T, .5, np.bool_(1))
dropout(): argument 'train' (position 3) must be bool, not numpy.bool
>>> torch.clamp(T, zz=1)
clamp() received an invalid combination of arguments - got (Tensor, zz=int), but expected one of:
 * (Tensor input, Tensor min = None, Tensor max = None, *, Tensor out = None)
 * (Tensor input, Number min = None, Number max = None, *, Tensor out = None)
>>> torch.clamp(zz=1)
clamp() received an invalid combination of arguments - got (zz=int, ), but expected one of:
 * (Tensor input, Tensor min = None, Tensor max = None, *, Tensor out = None)
 * (Tensor input, Number min = None, Number max = None, *, Tensor out = None)
>>> torch.clamp(T, a=1, b=2, c=3, d=4, e=5)
clamp() received an invalid combination of arguments - got (Tensor, e=int, c=int, b=int, d=int, a=int), but expected one of:
 * (Tensor input, Tensor min = None, Tensor max = None, *, Tensor out = None)
 * (Tensor input, Number min = None, Number max = None, *, Tensor out = None)
>>> torch.clamp(T, len, array, np.float32(2), OrderedDict(), size, cpu, f32, ..., None, (None,), [1], int, 1j, b'a')
clamp() received an invalid combination of arguments - got (Tensor, builtin_function_or_method, numpy.ndarray, \
numpy.float32, collections.OrderedDict, torch.Size, torch.device, torch.dtype, ellipsis, NoneType, tuple, list, type, \
complex, bytes), but expected one of:
 * (Tensor input, Tensor min = None, Tensor max = None, *, Tensor out = None)
 * (Tensor input, Number min = None, Number max = None, *, Tensor out = None)
>>> torch.clamp(T, *[(1, 'x'), [1, 'x'], [], ()])
clamp() received an invalid combination of arguments - got (Tensor, tuple, list, list, tuple), but expected one of:
 * (Tensor input, Tensor min = None, Tensor max = None, *, Tensor out = None)
      didn't match because some of the arguments have invalid types: (Tensor, !tuple of (int, str)!, !list of [int, str]!, \
!list of []!, !tuple of ()!)
 * (Tensor input, Number min = None, Number max = None, *, Tensor out = None)
      didn't match because some of the arguments have invalid types: (Tensor, !tuple of (int, str)!, !list of [int, str]!, \
!list of []!, !tuple of ()!)
>>> torch.addmm(T, T)
addmm() received an invalid combination of arguments - got (Tensor, Tensor), but expected one of:
 * (Tensor input, Tensor mat1, Tensor mat2, *, Number beta = 1, Number alpha = 1, Tensor out = None)
 * (Tensor input, Tensor mat1, Tensor mat2, torch.dtype out_dtype, *, Number beta = 1, Number alpha = 1, Tensor out = None)
>>> torch.addmm(T, T, 'x')
addmm(): argument 'mat2' (position 3) must be Tensor, not str
>>> T.count_nonzero(dim=1.5)
count_nonzero() received an invalid combination of arguments - got (dim=float, ), but expected one of:
 * (int dim = None)
      didn't match because some of the keywords were incorrect: dim
 * (tuple of ints dim)
      didn't match because some of the arguments have invalid types: (!dim=float!, )
>>> torch.linalg_norm(3)
linalg_norm(): argument 'input' (position 1) must be Tensor, not int
>>> torch.gelu(T, approximate=3)
gelu(): argument 'approximate' must be str, not int
>>> torch.sum(T, [1, 2.5])
sum(): argument 'dim' failed to unpack the object at pos 2 with error "type must be tuple of ints,but got float"
>>> torch.upsample_nearest1d(T, None, [1., 'a'])
upsample_nearest1d(): argument 'scale_factors' must be tuple of floats, but found element of type str at pos 2
>>> torch.upsample_nearest1d(T, ['a'], None)
upsample_nearest1d() received an invalid combination of arguments - got (Tensor, list, NoneType), but expected one of:
 * (Tensor input, tuple of ints output_size, tuple of floats scale_factors)
      didn't match because some of the arguments have invalid types: (Tensor, !list of [str]!, !NoneType!)
 * (Tensor input, tuple of ints output_size, float scales = None, *, Tensor out = None)
"""


def _overloads():
    table = {}
    for line in SCHEMAS.replace("<options>", OPTIONS).splitlines():
        schema = parse(line.removeprefix("out "))
        table.setdefault(schema.name, []).append((schema, line.startswith("out ")))
    return table


OVERLOADS = _overloads()


class Call:
    """What `torch.name` or `T.name` is here: calling it raises the error for the call."""

    def __init__(self, name, method):
        self.name, self.method = name, method

    def __call__(self, *args, **kwargs):
        overloads = argerror.order(OVERLOADS[self.name.removesuffix("_")], self.method)
        raise argerror.argument_error(self.name, overloads, args, kwargs, self.method)


class Torch:
    def __getattr__(self, name):
        return Call(name, method=False)


class dtype:
    __module__ = "torch"
    is_floating_point, is_complex = True, False


class device:
    __module__ = "torch"


class Size(tuple):
    __module__ = "torch"


class Tensor:
    """As much of a float tensor as the errors look at."""
    dtype = dtype()

    def __init__(self, ndim, requires_grad=False):
        self.ndim, self.requires_grad = ndim, requires_grad

    def numel(self):
        return 6 if self.ndim else 1

    def __getattr__(self, name):
        return Call(name, method=True)


class Parameter(Tensor):
    pass


NAMES = {"torch": Torch(), "np": np, "OrderedDict": OrderedDict, "T": Tensor(2), "P": Parameter(2, requires_grad=True),
         "float_scalar": Tensor(0), "array": np.ones(2), "cpu": device(), "f32": dtype(), "size": Size((1, 2))}
CASES = [entry.rstrip("\n").split("\n", 1) for entry in TRANSCRIPT.replace("<factory>", FACTORY).split("\n>>> ")[1:]]


@pytest.fixture(autouse=True)
def stand_in(monkeypatch):
    monkeypatch.setattr(argerror, "_tensor_type", Tensor)
    monkeypatch.setattr("os.isatty", lambda fd: False)


@pytest.mark.parametrize(("call", "message"), CASES, ids=[call for call, _ in CASES])
def test_message(call, message):
    with pytest.raises(TypeError) as error:
        eval(call, dict(NAMES))
    assert str(error.value).rstrip("\n") == message


def test_a_listing_ends_with_a_newline():
    with pytest.raises(TypeError, match=r"out = None\)\n\Z"):
        NAMES["torch"].clamp()


@pytest.mark.parametrize("name", sorted(OVERLOADS))
def test_order_does_not_depend_on_the_order_given(name):
    for method in (False, True):
        overloads = [o for o in OVERLOADS[name] if not method or argerror.is_method(o[0])]
        assert argerror.order(overloads, method) == argerror.order(overloads[::-1], method)


@pytest.mark.parametrize(("schemas", "expected"), [
    (["sub.Tensor(Tensor self, Tensor other) -> Tensor", "sub.Scalar(Tensor self, Scalar other) -> Tensor"], "Tensor Scalar"),
    (["split.Tensor(Tensor self, SymInt split_size, int dim=0) -> Tensor[]",
      "split.sizes(Tensor self, SymInt[] split_size, int dim=0) -> Tensor[]"], "Tensor sizes"),
    (["view.size(Tensor self, SymInt[] size) -> Tensor", "view.dtype(Tensor self, ScalarType dtype) -> Tensor"], "dtype size"),
    (["add.deprecated(Tensor self, Scalar alpha, Tensor other) -> Tensor",
      "add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor"], "Tensor deprecated"),
    (["where.ScalarSelf(Tensor condition, Scalar self, Tensor other) -> Tensor", "where(Tensor condition) -> Tensor[]",
      "where.Scalar(Tensor condition, Scalar self, Scalar other) -> Tensor",
      "where.ScalarOther(Tensor condition, Tensor self, Scalar other) -> Tensor",
      "where.self(Tensor condition, Tensor self, Tensor other) -> Tensor"], " self ScalarSelf ScalarOther Scalar"),
])
def test_order(schemas, expected):
    assert [s.overload for s, _ in argerror.order([(parse(t), False) for t in schemas])] == expected.split(" ")


def test_signature_text():
    topk = parse("topk(Tensor self, SymInt k, int dim=-1, bool largest=True, bool sorted=True)"
                 " -> (Tensor values, Tensor indices)")
    assert argerror.signature_text(topk, has_out=True) == (
        "(Tensor input, int k, int dim = -1, bool largest = True, bool sorted = True, *, tuple of Tensors out = None)")
    assert argerror.signature_text(topk, has_out=True, method=True) == (
        "(int k, int dim = -1, bool largest = True, bool sorted = True)")
    loss = parse("l(Tensor self, float delta=1.0, int reduction=Mean, int[2] dim=[0,1], Tensor?[] x=[]) -> Tensor")
    assert argerror.signature_text(loss) == ("(Tensor input, float delta = 1.0, int reduction = at::Reduction::Mean, "
                                             "tuple of ints dim = {0,1}, tuple of Tensors x = None)")


def test_values_at_fault_are_red_on_a_terminal(monkeypatch):
    monkeypatch.setattr("os.isatty", lambda fd: True)
    with pytest.raises(TypeError) as error:
        NAMES["T"].scatter(1, NAMES["T"], "t")
    assert "types: (\33[32;1mint\33[0m, \33[32;1mTensor\33[0m, \33[31;1mstr\33[0m)\n" in str(error.value)


def test_error_is_a_type_error_that_operators_can_tell():
    error = argerror.argument_error("sigmoid", OVERLOADS["sigmoid"], (), {}, False)
    assert type(error) is argerror.ArgumentError
    assert (type(error).__name__, type(error).__module__) == ("TypeError", "builtins")


def test_deprecated_warning():
    overloads = argerror.order(OVERLOADS["add"])
    schema, has_out = overloads[-1]
    assert argerror.deprecated_warning("add", schema, has_out, overloads, method=False) == (
        "This overload of add is deprecated:\n\tadd(Tensor input, Number alpha, Tensor other, *, Tensor out = None)\n"
        "Consider using one of the following signatures instead:\n"
        "\tadd(Tensor input, Tensor other, *, Number alpha = 1, Tensor out = None)")


def test_too_many_positional():
    schema = parse("requires_grad_(Tensor self, bool requires_grad=True) -> Tensor")
    assert str(argerror.too_many_positional("requires_grad_", schema, False, True, 8)) == (
        "requires_grad_() takes from 0 to 1 positional arguments but 8 were given")
