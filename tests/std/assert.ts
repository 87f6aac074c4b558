/** @std/assert from npm, which ships no declarations: they stand in assert.d.ts. */
// @ts-types="./assert.d.ts"
export * from "./assert.js";
