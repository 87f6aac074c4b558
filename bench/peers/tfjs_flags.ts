/** Settings of TensorFlow.js that were measured to serve it best. */

/**
 * Settings for `always`, and on a `software` driver. It submits every 15 dispatches unless told
 * otherwise; 1000 saves up to 5 %. Its matmul for small results is slower on a CPU than its tiled
 * one: a step of the LSTM takes 870 ms with it, 600 ms without.
 */
export const FLAGS: Readonly<Record<"always" | "software", Readonly<Record<string, number>>>> = {
  always: { WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE: 1000 },
  software: { WEBGPU_THRESHOLD_TO_INCREASE_WORKGROUPS_FOR_MATMUL: 1 },
};
