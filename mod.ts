/**
 * Shoal trains decoder transformers on WebGPU, data-parallel over worker processes, and gives the
 * same weights to the last bit whatever the number of workers.
 *
 * @example Train, then generate
 * ```ts ignore
 * import { openModel, train } from "./mod.ts";
 *
 * const { out, stateHash } = await train(
 *   { steps: 500, workers: 2, data: { path: "my.txt" } },
 *   { onEvent: (event) => event.type === "eval" && console.log(event.step, event.valLoss) },
 * );
 * using model = await openModel(out);
 * console.log(stateHash, (await model.generate("Once", { tokens: 100 })).text);
 * ```
 *
 * @example Train one step of a line on the reference device
 * ```ts
 * import { apply, compile, matmulOp, newTrace, openReference } from "./mod.ts";
 *
 * const trace = newTrace();
 * const x = trace.source({ shape: [2, 3], dtype: "f32" }, "batch", "x");
 * const w = trace.source({ shape: [3, 1], dtype: "f32" }, "param", "w");
 * const y = apply(matmulOp, [x, w]);
 * const plan = compile({ calls: trace.calls, constants: trace.constants, results: { y } });
 * const device = openReference();
 * const memory = device.memory();
 * const program = await device.load(plan, memory);
 * memory.write("x", Float32Array.of(1, 2, 3, 4, 5, 6));
 * memory.write("w", Float32Array.of(1, 0, -1));
 * program.run();
 * console.log(await memory.read([{ slot: "y", offset: 0, length: 2 }])); // [-2, -2]
 * ```
 *
 * @example Give an op by others: its shape, kernels and gradient follow
 * ```ts
 * import { apply, defineOp, formulas, newTrace, pointwise, rowMean } from "./mod.ts";
 *
 * const minus = formulas.formula(2, (x, y) => formulas.sub(x!, y!));
 * const centreOp = defineOp({
 *   name: "centre",
 *   inputs: ["x"],
 *   compose: ({ x }) => pointwise(minus, [x, rowMean(x)]),
 *   cases: [{ kind: "ragged", inputs: [{ shape: [3, 5], dtype: "f32" }], attrs: {} }],
 * });
 * const x = newTrace().source({ shape: [2, 4], dtype: "f32" }, "batch", "x");
 * console.log(apply(centreOp, [x]).shape); // [2, 4]
 * ```
 *
 * @module
 */

// Training, stored models, checkpoints.
export { trainModel as train } from "./src/library/train.ts";
export type { TrainOptions, TrainResult } from "./src/library/train.ts";
export { openTrainedModel as openModel, TrainedModel } from "./src/library/trained_model.ts";
export type {
  EvaluatedLoss,
  EvaluateOptions,
  EvaluationResult,
  Generated,
  GenerateOptions,
  ModelTokenizer,
  OpenModelOptions,
} from "./src/library/model_options.ts";
export { loadCheckpoint } from "./src/library/checkpoint.ts";
export type { LoadCheckpointOptions, LoadedCheckpoint } from "./src/library/checkpoint.ts";
export type { ConfigSection, TrainConfig } from "./src/library/config.ts";
export type { NamedTensor } from "./src/checkpoint/tensors/tensor.ts";
export type { RowEnd } from "./src/generate/row.ts";
export type * from "./src/report/events.ts";
export type { HeaderRow } from "./src/report/header_lines.ts";
export type { Summary } from "./src/report/summary.ts";

// Graphs: tensors, formulas, reverse mode.
export * from "./src/graph/types.ts";
export * from "./src/graph/trace.ts";
export { defineOp } from "./src/graph/compose.ts";
export type { Composition, HandWritten } from "./src/graph/compose.ts";
/** Builders of elementwise formulas. */
export * as formulas from "./src/graph/formula.ts";
export type { Binary, Expr, Formula, Unary } from "./src/graph/formula.ts";
export * from "./src/graph/reverse.ts";
export type { HiddenMatrix, MatrixAxes, Shape } from "./src/base/shape.ts";

// Plans and the devices that run them.
export * from "./src/plan/types.ts";
export { compile } from "./src/plan/compile.ts";
export type { Placement } from "./src/plan/compile.ts";
export { showPlan } from "./src/plan/show.ts";
export type {
  CompileOptions,
  Device,
  KernelCount,
  Memory,
  PassTime,
  Program,
  SlotSlice,
  StagedRead,
  TimedDevice,
} from "./src/device/types.ts";
export type { DeviceKind } from "./src/base/device_kinds.ts";
export { type CpuOptions, openCpu } from "./src/device/cpu.ts";
export { openReference } from "./src/device/reference.ts";
export { openWebGpu } from "./src/device/webgpu.ts";
export type { Backend } from "./src/device/backend.ts";
export type { WebGpuOptions } from "./src/device/webgpu.ts";

// Ops.
export { OPS } from "./kernels/mod.ts";
export {
  alibiSlopes,
  attention,
  attentionOp,
  cachedAttention,
  cachedAttentionOp,
  headsOf,
  packedHeads,
} from "./kernels/attention/mod.ts";
export type {
  AttentionAttrs,
  AttentionDropout,
  AttentionMask,
  AttentionOptions,
  CachedAttentionOptions,
  HeadColumns,
  Heads,
  HeadTriple,
} from "./kernels/attention/mod.ts";
export {
  applyMaxPool,
  foldOp,
  maxPoolBackwardOp,
  maxPoolOp,
  unfold,
  unfoldOp,
} from "./kernels/convolution/mod.ts";
export type {
  FoldAttrs,
  MaxPoolBackwardAttrs,
  SizePair,
  SlidingWindow,
} from "./kernels/convolution/mod.ts";
export { embedding, embeddingOp } from "./kernels/embedding/mod.ts";
export { batchedMatmul, batchedMatmulOp, matmul, matmulOp } from "./kernels/matmul/mod.ts";
export type { BatchedMatmulAttrs, MatmulAttrs } from "./kernels/matmul/mod.ts";
export { permuteAxes, permuteOp, transposeLast } from "./kernels/permute/mod.ts";
export type { PermuteAttrs } from "./kernels/permute/mod.ts";
export {
  concat,
  concatAxis,
  concatOp,
  indexCopy,
  indexCopyOp,
  meanAxis,
  reshape,
  reshapeOp,
  sliceAxis,
  sliceLast,
  sliceLastOp,
} from "./kernels/shape/mod.ts";
export type { IndexCopyAttrs, ReshapeAttrs, SliceLastAttrs } from "./kernels/shape/mod.ts";
export { pointwise, pointwiseOp, swiglu, swigluOp } from "./kernels/pointwise/mod.ts";
export type { PointwiseAttrs } from "./kernels/pointwise/mod.ts";
export {
  rowMax,
  rowMaxOp,
  rowMean,
  rowMeanOp,
  rowSum,
  rowSumOp,
  rowVariance,
  rowVarianceOp,
  sum,
  sumOp,
} from "./kernels/reduce/mod.ts";
export type { SumAttrs } from "./kernels/reduce/mod.ts";
export { rotary, rotaryFrequencies, rotaryOp, rotaryTables } from "./kernels/rotary/mod.ts";
export type {
  RotaryAttrs,
  RotaryFrequencies,
  RotaryOptions,
  RotaryPairing,
  RotaryScaling,
  RotaryTables,
} from "./kernels/rotary/mod.ts";
export { applyRmsNorm, rmsNormOp } from "./kernels/rms_norm/mod.ts";
export type { RmsNormAttrs } from "./kernels/rms_norm/mod.ts";
export { logSoftmax, logSoftmaxOp, softmax, softmaxOp } from "./kernels/softmax/mod.ts";

// Layers, models and optimizers.
/** Layers as functions of a scope and tensors. */
export * as layers from "./src/nn/mod.ts";
export { newScope } from "./src/nn/scope.ts";
export type { Carry, Declared, Decode, Init, Param, ParamOptions, Scope } from "./src/nn/scope.ts";
export { defineModel, denseFlops } from "./src/models/definition.ts";
export type * from "./src/models/definition.ts";
export { headModel } from "./src/models/head_model.ts";
export type { HeadModel } from "./src/models/head_model.ts";
export { outputHead, tiedHead } from "./src/nn/head.ts";
export type { Table } from "./src/nn/layers.ts";
export type { Head } from "./src/nn/head.ts";
export type { ForeignFile } from "./src/checkpoint/tensors/foreign.ts";
export type { Metadata } from "./src/checkpoint/tensors/header.ts";
export type { ExportLayout, Portable, Sizes } from "./src/exchange/types.ts";
export { IGNORE } from "./src/base/ignore.ts";
export { classification, preference, squaredError } from "./src/nn/terms.ts";
export type { LossTerms, Per, RowSum, Term } from "./src/nn/terms.ts";
export { elementwise, elementwiseRule } from "./src/optim/elementwise.ts";
export type {
  ElementwiseOptimizer,
  ElementwiseRule,
  FormulaOptions,
  UpdateConfig,
} from "./src/optim/elementwise.ts";
export { clipFormula, GRAD_NORM } from "./src/optim/clip.ts";
export type * from "./src/optim/types.ts";
export { defineOptimizer, scheduledRate } from "./src/optim/define.ts";
export type { OptimizerDefinition, OptimizerKeys, UserOptimConfig } from "./src/optim/define.ts";

// Sources of batches.
export { defineSource } from "./src/data/sources/definition.ts";
export type {
  OptionsSchema,
  SourceDefinition,
  UserDataConfig,
} from "./src/data/sources/definition.ts";
export type * from "./src/data/source.ts";
export type { Key } from "./src/base/random.ts";
export type { Text } from "./src/data/text.ts";
export type { Tokens } from "./src/data/tokens.ts";
export type { Documents } from "./src/data/documents.ts";
export type { Tokenizer, TokenStream } from "./src/data/tokenizers/types.ts";
export type { PlainTokenizerSpec, SideSpec, TokenizerSpec } from "./src/data/schema.ts";
export { tokenTensors } from "./src/data/token_tensors.ts";

// Tokenizers.
export { defineTokenizer } from "./src/data/tokenizers/user/user.ts";
export type { TokenizerDefinition, UserTokenizer } from "./src/data/tokenizers/user/user.ts";

// Faults that a user can mend.
export { EXIT, UserError } from "./src/base/user_error.ts";
export type { ExitName } from "./src/base/user_error.ts";
