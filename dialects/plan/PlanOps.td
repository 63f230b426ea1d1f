// The plan dialect: kernels, buffers and the order of calls. The last IR before code and file.
#ifndef LATHE_DIALECTS_PLAN_PLANOPS_TD
#define LATHE_DIALECTS_PLAN_PLANOPS_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Plan_Dialect : Dialect {
  let name = "plan";
  let cppNamespace = "::lathe::plan";
  let summary = "kernels, buffers, calls and the arena";
  let description = [{
    A plan.program holds the kernels of one target and, in its body, buffers and calls in execution order. Buffers
    are SSA values: their uses are their lifetime. Sizes and offsets are symbols-only affine maps over the program's
    `nn.symbols` (dialects/support/Symbols.h), in bytes.
  }];
  let useDefaultTypePrinterParser = 1;
  let dependentDialects = ["::lathe::nn::NNDialect"];
}

def Plan_Buffer : TypeDef<Plan_Dialect, "Buffer"> {
  let mnemonic = "buffer";
  let summary = "a range of bytes, 64-byte aligned unless it is a view";
}

class Plan_Op<string mnemonic, list<Trait> traits = []> : Op<Plan_Dialect, mnemonic, traits>;

def Plan_ProgramOp : Plan_Op<"program", [IsolatedFromAbove, Symbol, SymbolTable, NoTerminator, SingleBlock]> {
  let summary = "one compiled function for one target";
  let description = [{
    `function_type` has the tensor types of the graph's inputs and outputs, `input_names` / `output_names` their ONNX names.
    `target` describes the machine (see backends/Target.h). `arena_bytes`, `lower_bound_bytes`, `no_reuse_bytes` are set by
    memory planning; `arena_slots` lists, for symbolic sizes, one map per slot whose largest result is the slot's size. With
    symbolic sizes the three figures hold for the sizes that planning guessed (see passes/memory/PlanArena.cpp).
    `nn.symbols`, `nn.constraints` and `lathe.decisions` are carried over from the function.
    C1: one name per input and output. C2: one plan.input per input, one plan.output per output, of known index.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttr:$function_type, StrArrayAttr:$input_names,
                       StrArrayAttr:$output_names, DictionaryAttr:$target, OptionalAttr<ArrayAttr>:$arena_slots,
                       OptionalAttr<I64Attr>:$arena_bytes, OptionalAttr<I64Attr>:$lower_bound_bytes,
                       OptionalAttr<I64Attr>:$no_reuse_bytes);
  let regions = (region SizedRegion<1>:$body);
  let hasVerifier = 1;
  let assemblyFormat = "$sym_name attr-dict-with-keyword $body";
}

def Plan_KernelOp : Plan_Op<"kernel", [IsolatedFromAbove, Symbol, HasParent<"ProgramOp">, SingleBlock]> {
  let summary = "what one kernel computes, and how";
  let description = [{
    The region is the computation in nn operations, ended by nn.yield; its arguments are the kernel's inputs. `symbols` are the
    numbers of the program's symbols that the kernel needs, in the order in which calls pass their values. `tasks` (one
    result) is the number of independent pieces of work, `scratch_bytes` (one result) what each thread needs. With `rounds`
    (one result) a call has so many rounds of `tasks` tasks each; a round begins when the one before it is done.
    `kind` selects the emitter, `config` holds its parameters (tile sizes, layouts), `packing` one attribute per input
    (unit attribute: as is). `in_place` lists pairs (input, output) that share one buffer in every call.
    C1: the region ends in nn.yield. C2: tasks, scratch_bytes and rounds have one result. C3: in_place has pairs inside the ranges.
    C4: one packing per input. C5: symbols are sorted and unique.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$kind, DictionaryAttr:$config, ArrayAttr:$packing,
                       DenseI64ArrayAttr:$symbols, AffineMapAttr:$tasks, AffineMapAttr:$scratch_bytes,
                       DenseI64ArrayAttr:$in_place, OptionalAttr<AffineMapAttr>:$rounds);
  let regions = (region SizedRegion<1>:$body);
  let hasVerifier = 1;
  let assemblyFormat = "$sym_name attr-dict-with-keyword $body";
}

def Plan_InputOp : Plan_Op<"input"> {
  let summary = "the caller's memory of a graph input";
  let arguments = (ins I64Attr:$index);
  let results = (outs Plan_Buffer:$buffer);
  let assemblyFormat = "$index attr-dict";
}
def Plan_OutputOp : Plan_Op<"output"> {
  let summary = "the caller's memory of a graph output";
  let arguments = (ins I64Attr:$index);
  let results = (outs Plan_Buffer:$buffer);
  let assemblyFormat = "$index attr-dict";
}
def Plan_WeightsOp : Plan_Op<"weights"> {
  let summary = "constant bytes of the artifact";
  let description = [{
    `value` is the tensor, `packing` how it is stored (unit attribute: row-major as is), `size_bytes` its stored size.
    Offsets are given by the writer, which stores equal bytes once.
  }];
  let arguments = (ins ElementsAttr:$value, AnyAttr:$packing, I64Attr:$size_bytes);
  let results = (outs Plan_Buffer:$buffer);
  let assemblyFormat = "attr-dict";
}
def Plan_AllocOp : Plan_Op<"alloc"> {
  let summary = "memory of the arena";
  let description = [{
    Memory planning sets `offset` (static programs) or `slot` (symbolic sizes), with `slot_offset` bytes into the slot. Where the size depends on a computed value
    (symbols of kind tensor_value) neither is set: the memory is taken when the size is known.
    C1: size_bytes has one result. C2: offset and slot are not both set. C3: offset is a multiple of 64.
    C4: slot_offset has one result, and there is a slot.
  }];
  let arguments = (ins AffineMapAttr:$size_bytes, OptionalAttr<I64Attr>:$offset, OptionalAttr<I64Attr>:$slot,
                       OptionalAttr<AffineMapAttr>:$slot_offset);
  let results = (outs Plan_Buffer:$buffer);
  let hasVerifier = 1;
  let assemblyFormat = "attr-dict";
}
def Plan_ViewOp : Plan_Op<"view"> {
  let summary = "part of a buffer";
  let description = "C1: offset_bytes and size_bytes have one result.";
  let arguments = (ins Plan_Buffer:$source, AffineMapAttr:$offset_bytes, AffineMapAttr:$size_bytes);
  let results = (outs Plan_Buffer:$buffer);
  let hasVerifier = 1;
  let assemblyFormat = "$source attr-dict";
}
def Plan_LateSymbolOp : Plan_Op<"late_symbol"> {
  let summary = "the value of a symbol, read from computed memory";
  let description = [{
    Symbol number `symbol` of the program (of kind tensor_value) is element `element` of the i64 tensor in `source`, read as
    soon as the call before this operation is done.
    C1: the symbol exists and is of kind tensor_value. C2: a call comes before.
  }];
  let arguments = (ins Plan_Buffer:$source, I64Attr:$symbol, I64Attr:$element);
  let hasVerifier = 1;
  let assemblyFormat = "$source attr-dict";
}
def Plan_CallOp : Plan_Op<"call", [AttrSizedOperandSegments]> {
  let summary = "run a kernel";
  let description = [{
    Arguments are inputs then outputs, as the kernel's region takes and yields them. `flops` and `moved_bytes` (one
    result each) are what the call costs. The location names the ONNX nodes. An input and an output may be one buffer only
    where the kernel is `in_place` for them. With `joins` the call runs together with the one before it, and with all that
    that one joins: a group, whose calls may run in any order or at once.
    C1: the kernel exists in this program and takes this many inputs and outputs. C2: flops and moved_bytes have one result.
    C3: an input that is an output too is listed in the kernel's in_place. C4: what joins comes right behind a call (buffers
    aside), and touches nothing that another call of its group writes, nor writes what another one reads; no call of a group
    has rounds.
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, Variadic<Plan_Buffer>:$inputs, Variadic<Plan_Buffer>:$outputs,
                       AffineMapAttr:$flops, AffineMapAttr:$moved_bytes, UnitAttr:$joins);
  let hasVerifier = 1;
  let assemblyFormat = "$kernel `ins` `(` $inputs `)` `outs` `(` $outputs `)` attr-dict";
}

#endif
