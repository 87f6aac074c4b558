/**
 * Matrix product with transposes, an elementwise epilogue and accumulation in place. A table keyed
 * by problem size and device class selects the tiling of each call.
 */
export { batchedMatmul, batchedMatmulOp, batchedTilingOf } from "./batched_matmul.ts";
export type { BatchedMatmulAttrs } from "./batched_matmul.ts";
export { addProduct, launchMatmul, matmul, matmulOp, productOf } from "./matmul.ts";
export type { MatmulAttrs } from "./matmul.ts";
export { chooseMatmul, variantName, variantsOf } from "./matmul_choice.ts";
export type { Product, Variant } from "./matmul_choice.ts";
